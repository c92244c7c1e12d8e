//! Manifests as facts: what each document declares, read side by side, and put together in the order of the input.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Resource;
use kube::core::ObjectMeta;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::progress::Progress;
use super::{source, whole};
use crate::api::{AccessServer, Filing, FilingPolicy, keys};
use crate::domain::{FieldPath, Place};
use crate::manifest::{Object, ReadError, Strictness, TypeMeta, discover};
use crate::registry::{
    self, Change, FilingKey, IngressClassFact, Policy, Registry, Server, Snapshot, Subject, Unreadable,
};
use crate::report::{InputError, Source};
use crate::route::{RouteKey, RouteKind, from_ingress};
use crate::rules;

/// What the input declares.
pub(super) struct Facts {
    pub(super) registry: Registry,
    /// In the order of the input, like the others.
    pub(super) routes: Vec<(RouteKey, Object)>,
    pub(super) filings: Vec<(FilingKey, Object)>,
    pub(super) servers: Vec<(Arc<str>, Object)>,
    pub(super) policies: Vec<(Arc<str>, Object)>,
    /// Documents of kinds that say nothing here.
    pub(super) skipped: usize,
    pub(super) troubles: Vec<Trouble>,
}

/// Something that can't be read or used, for programs and for people.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Trouble {
    pub(in crate::cli) told: InputError,
    pub(in crate::cli) rendered: String,
}

impl Trouble {
    pub(in crate::cli) fn new(message: String, source: Source) -> Self {
        const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
        const ARROW: Style = AnsiColor::BrightBlue.on_default().bold();
        Self {
            rendered: format!("{ERROR}error{ERROR:#}: {message}\n {ARROW}-->{ARROW:#} {source}"),
            told: InputError { message, source },
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        let rendered = error.render(true);
        let source = error.location().map_or_else(|| whole(&error.file), source);
        let message = match error.remedy {
            Some(remedy) => format!("{}; {remedy}", error.message),
            None => error.message,
        };
        Self {
            told: InputError { message, source },
            rendered,
        }
    }
}

/// Reads everything that was typed.
///
/// `namespace` is that of objects that name none, `home` that of filings that count where a policy does not say whose.
pub(super) fn read(paths: &[PathBuf], namespace: &str, home: &str, progress: &Progress) -> Facts {
    let (objects, troubles) = objects(paths);
    progress.expect(objects.len());
    let read: Vec<(Object, Read)> = objects
        .into_par_iter()
        .enumerate()
        .map(|(nth, object)| {
            let read = read_object(&object, nth, namespace);
            progress.advance();
            (object, read)
        })
        .collect();
    gather(read, home, troubles)
}

/// Every object of what was typed, in its order, and what can't be told apart into objects.
pub(in crate::cli) fn objects(paths: &[PathBuf]) -> (Vec<Object>, Vec<Trouble>) {
    let (inputs, errors) = discover(paths);
    let mut troubles: Vec<Trouble> = errors.into_iter().map(Trouble::from).collect();
    let documents: Vec<_> = inputs
        .par_iter()
        .flat_map_iter(|input| match input.load() {
            Ok(source) => source.documents(),
            Err(error) => vec![Err(error)],
        })
        .collect();
    let objects: Vec<Result<Object, ReadError>> = documents
        .into_par_iter()
        .flat_map_iter(|document| match document {
            Ok(document) => document.objects(),
            Err(error) => vec![Err(error)],
        })
        .collect();
    let objects = objects
        .into_iter()
        .filter_map(|object| object.map_err(|error| troubles.push(error.into())).ok())
        .collect();
    (objects, troubles)
}

/// What one object declares.
#[derive(Default)]
struct Read {
    change: Option<Change>,
    is_skipped: bool,
    troubles: Vec<Trouble>,
}

impl Read {
    fn failed(errors: Vec<ReadError>) -> Self {
        Self {
            troubles: errors.into_iter().map(Trouble::from).collect(),
            ..Self::default()
        }
    }
}

pub(in crate::cli) fn is_ours(meta: &TypeMeta) -> bool {
    meta.group() == keys::GROUP
}

/// What is wrong with the kind or the version of an object that is read as one of version `known`. Passed over, it would
/// look as if nothing was wrong with it.
pub(in crate::cli) fn misnamed(object: &Object, known: &str) -> Option<Trouble> {
    let meta = object.meta();
    if is_ours(meta) && !matches!(meta.kind.as_str(), "Filing" | "AccessServer" | "FilingPolicy") {
        let message = format!(
            "there is no kind {} in {}; write Filing, AccessServer or FilingPolicy",
            meta.kind,
            keys::GROUP
        );
        return Some(at_field(object, &FieldPath::fixed("kind"), message));
    }
    (known != meta.api_version).then(|| {
        let message = format!(
            "{} {} is not read; write apiVersion: {known}",
            meta.api_version, meta.kind
        );
        at_field(object, &FieldPath::fixed("apiVersion"), message)
    })
}

/// Reads the `nth` object of the input.
fn read_object(object: &Object, nth: usize, default_namespace: &str) -> Read {
    let meta = object.meta();
    let known = match (meta.group(), meta.kind.as_str()) {
        (keys::GROUP, _) => keys::API_VERSION,
        ("networking.k8s.io", "Ingress" | "IngressClass") | ("extensions", "Ingress") => "networking.k8s.io/v1",
        ("", "Namespace" | "Node") => "v1",
        _ => return skip(object),
    };
    if let Some(trouble) = misnamed(object, known) {
        return Read {
            troubles: vec![trouble],
            ..Read::default()
        };
    }
    match meta.kind.as_str() {
        "Filing" => declaration::<Filing>(object, nth, |meta, name, read| {
            let key = FilingKey::new(meta.namespace.as_deref().unwrap_or(default_namespace), &*name);
            let filing = read.map(|read| registry::Filing::new(key.clone(), meta, &read.spec));
            Change::Filing(key, filing)
        }),
        "AccessServer" => declaration::<AccessServer>(object, nth, |meta, name, read| {
            let server = read.map(|read| Server::new(Arc::clone(&name), meta, &read.spec));
            Change::Server(name, server)
        }),
        "FilingPolicy" => {
            let mut read = declaration::<FilingPolicy>(object, nth, |meta, name, read| {
                let policy = read.map(|read| Policy::new(Arc::clone(&name), meta, &read.spec));
                Change::Policy(name, policy)
            });
            if let Some(Change::Policy(_, Ok(policy))) = &read.change {
                read.troubles.extend(problems(object, policy, false));
            }
            read
        }
        "Ingress" => declaration::<Ingress>(object, nth, |meta, name, read| {
            let key = RouteKey {
                kind: RouteKind::Ingress,
                namespace: meta.namespace.as_deref().unwrap_or(default_namespace).into(),
                name,
            };
            let route = read.map(|read| from_ingress(read, default_namespace));
            Change::Route(key, route)
        }),
        "IngressClass" => fact(object, nth, |class, name| {
            let controller = class.spec.as_ref().and_then(|spec| spec.controller.as_deref());
            let fact = IngressClassFact::of(&class.metadata, controller);
            Change::Class(name, fact)
        }),
        "Namespace" => fact(object, nth, |namespace, name| {
            Change::Namespace(name, namespace.metadata.labels.clone().unwrap_or_default())
        }),
        _ => fact(object, nth, |node, name| {
            let labels = node.metadata.labels.clone().unwrap_or_default();
            let provider_id = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref());
            Change::Node(name, Place::from_node(provider_id, &labels))
        }),
    }
}

/// What says nothing here must be well-formed all the same: behind a broken line something else may stand.
fn skip(object: &Object) -> Read {
    match object.read::<IgnoredAny>(Strictness::Lenient) {
        Ok(_) => Read {
            is_skipped: true,
            ..Read::default()
        },
        Err(errors) => Read::failed(errors),
    }
}

/// The part of an object that can be read where the rest can't.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    metadata: ObjectMeta,
}

/// What matters of a namespace, a class or a node.
#[derive(Deserialize)]
struct Bare {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Option<BareSpec>,
}

/// Of a class its controller, of a node what its provider calls it.
#[derive(Deserialize)]
struct BareSpec {
    #[serde(default)]
    controller: Option<String>,
    #[serde(default, rename = "providerID")]
    provider_id: Option<String>,
}

/// Reads what is judged, or is judged by. Where it can't be read, that it is there is a fact, too.
fn declaration<K>(
    object: &Object,
    nth: usize,
    change: impl FnOnce(&ObjectMeta, Arc<str>, Result<&K, Unreadable>) -> Change,
) -> Read
where
    K: DeserializeOwned + Resource,
{
    match object.read::<K>(Strictness::Strict) {
        Ok(mut read) => {
            generate(read.meta_mut(), nth);
            named(object, read.meta(), |name| change(read.meta(), name, Ok(&read)))
        }
        Err(errors) => {
            let unreadable = errors.first().map(|error| Unreadable {
                error: error.message.clone(),
                uid: "".into(),
                generation: 0,
            });
            let bare: Option<Named> = object.read(Strictness::Lenient).ok();
            let told = bare.zip(unreadable).map(|(Named { mut metadata }, unreadable)| {
                generate(&mut metadata, nth);
                named(object, &metadata, |name| change(&metadata, name, Err(unreadable)))
            });
            Read {
                change: told.and_then(|told| told.change),
                ..Read::failed(errors)
            }
        }
    }
}

/// Reads what routes and declarations are seen by. Fields that are not known here don't matter.
fn fact(object: &Object, nth: usize, change: impl FnOnce(&Bare, Arc<str>) -> Change) -> Read {
    match object.read::<Bare>(Strictness::Lenient) {
        Ok(mut read) => {
            generate(&mut read.metadata, nth);
            named(object, &read.metadata, |name| change(&read, name))
        }
        Err(errors) => Read::failed(errors),
    }
}

/// Names what the API server would name: `web-` becomes `web-*3` as the third object of the input. Each object with
/// the same `generateName` is another one, and no name that is written can have a `*`.
pub(in crate::cli) fn generate(meta: &mut ObjectMeta, nth: usize) {
    if meta.name.as_deref().is_none_or(str::is_empty)
        && let Some(prefix) = meta.generate_name.as_deref().filter(|prefix| !prefix.is_empty())
    {
        meta.name = Some(format!("{prefix}*{}", nth.saturating_add(1)));
    }
}

fn named(object: &Object, meta: &ObjectMeta, change: impl FnOnce(Arc<str>) -> Change) -> Read {
    match meta.name.as_deref() {
        Some(name) if !name.is_empty() => Read {
            change: Some(change(name.into())),
            ..Read::default()
        },
        _ => Read {
            troubles: vec![nameless(object)],
            ..Read::default()
        },
    }
}

pub(in crate::cli) fn nameless(object: &Object) -> Trouble {
    let message = "the object has no name; add metadata.name";
    at_field(object, &FieldPath::fixed("metadata.name"), message.to_owned())
}

fn at_field(object: &Object, path: &FieldPath, message: String) -> Trouble {
    Trouble::new(message, source(object.locate(path)))
}

/// What could not be understood of a policy. In a `bare` one the spec is the whole.
pub(super) fn problems(object: &Object, policy: &Policy, bare: bool) -> Vec<Trouble> {
    let at = |path: &str, message: String| {
        let path = if bare {
            path.strip_prefix("spec.").unwrap_or(path)
        } else {
            path
        };
        at_field(object, &FieldPath::from(path.to_owned()), format!("{path}: {message}"))
    };
    let known = policy.problems.iter().cloned().chain(rules::unknown_in(policy));
    known
        .map(|problem| at(problem.path.as_str(), problem.message))
        .collect()
}

/// Puts together what was read, the first of each where an object stands twice.
fn gather(read: Vec<(Object, Read)>, home: &str, mut troubles: Vec<Trouble>) -> Facts {
    let mut skipped = 0;
    let mut seen: HashMap<Subject, usize> = HashMap::with_capacity(read.len());
    let mut kept: Vec<(Object, Change)> = Vec::with_capacity(read.len());
    for (object, read) in read {
        skipped += usize::from(read.is_skipped);
        troubles.extend(read.troubles);
        let Some(change) = read.change else { continue };
        let first = *seen.entry(change.subject()).or_insert(kept.len());
        match kept.get(first) {
            None => kept.push((object, change)),
            Some((_, same)) if says_the_same(same, &change) => {}
            Some((other, _)) => troubles.push(twice(&object, &name(&change.subject()), other)),
        }
    }
    let mut facts = Facts {
        registry: Registry::new(Snapshot::new(home, false)),
        routes: Vec::new(),
        filings: Vec::new(),
        servers: Vec::new(),
        policies: Vec::new(),
        skipped,
        troubles,
    };
    // What others are seen by goes first, so that nothing is affected by it yet.
    kept.sort_by_key(|(_, change)| rank(change));
    for (object, change) in kept {
        match &change {
            Change::Route(key, _) => facts.routes.push((key.clone(), object)),
            Change::Filing(key, _) => facts.filings.push((key.clone(), object)),
            Change::Server(name, _) => facts.servers.push((Arc::clone(name), object)),
            Change::Policy(name, _) => facts.policies.push((Arc::clone(name), object)),
            Change::Namespace(..) | Change::Class(..) | Change::Node(..) => {}
        }
        facts.registry.apply(change);
    }
    facts
}

/// That an object stands a second time.
pub(in crate::cli) fn twice(object: &Object, name: &str, first: &Object) -> Trouble {
    let message = format!(
        "{} {name} stands twice, first at {}; this one is not used, keep one of them",
        object.meta().kind,
        first.location()
    );
    Trouble::new(message, source(object.location()))
}

/// Charts repeat the namespace that they share.
fn says_the_same(one: &Change, other: &Change) -> bool {
    match (one, other) {
        (Change::Namespace(_, one), Change::Namespace(_, other)) => one == other,
        (Change::Class(_, one), Change::Class(_, other)) => one == other,
        (Change::Node(_, one), Change::Node(_, other)) => one == other,
        _ => false,
    }
}

fn rank(change: &Change) -> u8 {
    match change {
        Change::Namespace(..) | Change::Class(..) | Change::Node(..) => 0,
        Change::Policy(..) => 1,
        Change::Server(..) => 2,
        Change::Filing(..) => 3,
        Change::Route(..) => 4,
    }
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Filing(key) => key.to_string(),
        Subject::Route(key) => key.to_string(),
        Subject::Server(name)
        | Subject::Policy(name)
        | Subject::Namespace(name)
        | Subject::Class(name)
        | Subject::Node(name) => name.to_string(),
    }
}
