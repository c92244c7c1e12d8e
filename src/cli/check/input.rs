//! Manifests as facts: what each document declares, read side by side, and put together in the order of the input, over
//! what is known already: nothing, or a cluster.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Resource;
use kube::core::ObjectMeta;
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::load::{Loaded, objects};
use super::progress::Progress;
use super::source;
use super::trouble::{Trouble, Troubles};
use crate::api::{AccessServer, Filing, FilingPolicy, keys};
use crate::domain::{FieldPath, Place};
use crate::effects::changed_since_approval;
use crate::manifest::{Object, ReadError, Strictness, TypeMeta};
use crate::mend;
use crate::registry::{
    self, Affected, Change, FilingKey, IngressClassFact, Kept, Policy, Registry, Server, Subject, Unreadable,
};
use crate::report::{Judged, Source};
use crate::route::{Route, RouteKey, RouteKind, from_ingress};
use crate::rules;

/// What the input declares.
pub(super) struct Facts {
    /// What routes are judged by, and the routes of a cluster that are not in the input.
    pub(super) registry: Registry,
    /// What the input may change of a cluster.
    pub(super) affected: Affected,
    /// In the order of the input, like the others. They are read when they are judged, one by one: nothing hangs on them, and
    /// there may be very many.
    pub(super) routes: Vec<Unread>,
    pub(super) filings: Vec<(FilingKey, Object)>,
    pub(super) servers: Vec<(Arc<str>, Object)>,
    pub(super) policies: Vec<(Arc<str>, Object)>,
    /// Documents of kinds that say nothing here.
    pub(super) skipped: usize,
    /// Whether something in it that is told of as wrong has one right form.
    pub(super) is_mendable: bool,
    pub(super) troubles: Vec<Trouble>,
    /// Those of the input that are to be told.
    found: Troubles,
    /// Those with one object, by its place in the input.
    of_objects: Vec<(usize, Trouble)>,
    /// The namespace of objects that name none.
    namespace: String,
}

/// A route of the input.
pub(super) struct Unread {
    /// The how many-th object of the input it is.
    nth: usize,
    pub(super) object: Object,
}

/// What was made of one.
pub(super) struct Made<T> {
    nth: usize,
    result: Option<T>,
    troubles: Vec<Trouble>,
}

/// The most bytes of one object: more than this no API server takes.
const MAX_OBJECT: usize = 3 << 20;

/// The most domains and access entries of one Filing that are compared with each other. The API server takes fewer by far.
const MAX_ENTRIES: usize = 1000;

/// The longest name that an object may have, in bytes.
const MAX_NAME: usize = 253;

/// Reads everything that was loaded. `namespace` is that of objects that name none, `known` what is known already.
pub(super) fn read(loaded: &Loaded, namespace: &str, known: Registry, progress: &Progress) -> Facts {
    let (objects, found) = objects(loaded);
    progress.expect(objects.len());
    let objects = objects.into_iter().enumerate();
    let (routes, facts): (Vec<Unread>, Vec<Unread>) = objects
        .map(|(nth, object)| Unread { nth, object })
        .partition(|unread| is_route(unread.object.meta()));
    let read: Vec<(Unread, Read)> = facts
        .into_par_iter()
        .map(|unread| {
            let read = read_object(&unread.object, unread.nth, namespace);
            progress.advance();
            (unread, read)
        })
        .collect();
    let facts = Facts {
        registry: known,
        affected: Affected::default(),
        routes,
        filings: Vec::new(),
        servers: Vec::new(),
        policies: Vec::new(),
        skipped: 0,
        is_mendable: false,
        troubles: Vec::new(),
        found,
        of_objects: Vec::new(),
        namespace: namespace.to_owned(),
    };
    gather(read, facts)
}

/// What one object declares.
#[derive(Default)]
struct Read {
    change: Option<Change>,
    is_skipped: bool,
    is_mendable: bool,
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

/// Whether an object is meant as one of ours: by its group, or by a kind of ours under a group that is all but it.
pub(in crate::cli) fn seems_ours(meta: &TypeMeta) -> bool {
    let is_kind = matches!(meta.kind.as_str(), "Filing" | "AccessServer" | "FilingPolicy");
    is_ours(meta) || (is_kind && (meta.group().is_empty() || meta.group().contains("filing")))
}

fn is_route(meta: &TypeMeta) -> bool {
    matches!(
        (meta.group(), meta.kind.as_str()),
        ("networking.k8s.io" | "extensions", "Ingress")
    )
}

/// Reads the `nth` object of the input.
fn read_object(object: &Object, nth: usize, default_namespace: &str) -> Read {
    let meta = object.meta();
    let known = match (meta.group(), meta.kind.as_str()) {
        _ if seems_ours(meta) => keys::API_VERSION,
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
    if let Some(size) = object.size().filter(|size| *size > MAX_OBJECT) {
        let message = format!(
            "the {} is {} MiB large; write a smaller one, for no API server takes more than 3 MiB",
            meta.kind,
            size >> 20
        );
        return Read {
            troubles: vec![Trouble::new(message, source(object.location()))],
            ..Read::default()
        };
    }
    match meta.kind.as_str() {
        "Filing" => {
            let (mut is_mendable, mut is_too_long) = (false, false);
            let read = declaration::<Filing>(object, nth, |meta, name, read| {
                let key = FilingKey::new(meta.namespace.as_deref().unwrap_or(default_namespace), &*name);
                is_mendable = read
                    .as_ref()
                    .is_ok_and(|read| mend::of_filing(&read.spec).iter().any(|mend| mend.is_irregular));
                is_too_long = read
                    .as_ref()
                    .is_ok_and(|read| read.spec.domains.len().max(read.spec.access.len()) > MAX_ENTRIES);
                let filing = read.map(|read| {
                    let filing = registry::Filing::new(key.clone(), meta, &read.spec);
                    // As a cluster's manifests have it.
                    let changed = read
                        .status
                        .as_ref()
                        .and_then(|status| changed_since_approval(&filing, status));
                    registry::Filing { changed, ..filing }
                });
                Change::Filing(key, filing)
            });
            if is_too_long {
                let message = format!("the Filing has more than {MAX_ENTRIES} domains or access entries; divide it");
                return Read {
                    troubles: vec![at_field(object, &FieldPath::fixed("spec"), message)],
                    ..Read::default()
                };
            }
            Read { is_mendable, ..read }
        }
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
        Some(name) if name.len() > MAX_NAME => Read {
            troubles: vec![at_field(
                object,
                &FieldPath::fixed("metadata.name"),
                format!("the name has more than {MAX_NAME} bytes; write a shorter one"),
            )],
            ..Read::default()
        },
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
fn gather(read: Vec<(Unread, Read)>, mut facts: Facts) -> Facts {
    facts.is_mendable = read.iter().any(|(_, read)| read.is_mendable);
    let mut seen: HashMap<Subject, usize> = HashMap::with_capacity(read.len());
    let mut kept: Vec<(Object, Change)> = Vec::with_capacity(read.len());
    for (Unread { nth, object }, read) in read {
        facts.skipped += usize::from(read.is_skipped);
        facts.note(nth, read.troubles);
        let Some(change) = read.change else { continue };
        let first = *seen.entry(change.subject()).or_insert(kept.len());
        match kept.get(first) {
            None => kept.push((object, change)),
            Some((_, same)) if says_the_same(same, &change) => {}
            Some((other, _)) => {
                let first = source(other.location());
                let trouble = twice(
                    &object.meta().kind,
                    &name(&change.subject()),
                    &first,
                    source(object.location()),
                );
                facts.note(nth, [trouble]);
            }
        }
    }
    // What others are seen by goes first, so that nothing is affected by it yet.
    kept.sort_by_key(|(_, change)| rank(change));
    for (object, change) in kept {
        match &change {
            Change::Filing(key, _) => facts.filings.push((key.clone(), object)),
            Change::Server(name, _) => facts.servers.push((Arc::clone(name), object)),
            Change::Policy(name, _) => facts.policies.push((Arc::clone(name), object)),
            Change::Namespace(..) | Change::Class(..) | Change::Node(..) | Change::Route(..) => {}
        }
        facts.apply(change);
    }
    facts
}

/// That an object stands a second time.
pub(in crate::cli) fn twice(kind: &str, name: &str, first: &Source, this: Source) -> Trouble {
    let message = format!("{kind} {name} stands twice, first at {first}; this one is not used, keep one of them");
    Trouble::new(message, this)
}

impl Facts {
    fn note(&mut self, nth: usize, troubles: impl IntoIterator<Item = Trouble>) {
        self.of_objects
            .extend(troubles.into_iter().map(|trouble| (nth, trouble)));
    }

    /// Reads a route, and makes something of it while it is there.
    pub(super) fn read_route<T>(&self, unread: &Unread, make: impl FnOnce(RouteKey, &Kept<Route>) -> T) -> Made<T> {
        let Unread { nth, object } = unread;
        let Read { change, troubles, .. } = read_object(object, *nth, &self.namespace);
        let result = match change {
            Some(Change::Route(key, Ok(route))) => Some(make(key, &Kept::Read(Arc::new(route)))),
            Some(Change::Route(key, Err(unreadable))) => Some(make(key, &Kept::Unreadable(Arc::new(unreadable)))),
            _ => None,
        };
        Made {
            nth: *nth,
            result,
            troubles,
        }
    }

    /// Takes what was made of the routes, the first of each where one stands twice; the cluster's are not theirs any more.
    /// Then all that is wrong with objects is told in the order of the input.
    pub(super) fn settle(&mut self, made: Vec<Made<Judged>>) -> Vec<Judged> {
        let mut seen: HashMap<RouteKey, Option<Source>> = HashMap::with_capacity(made.len());
        // As many as there are, they are moved within the room that they have.
        let judged = made.into_iter().filter_map(|Made { nth, result, troubles }| {
            self.note(nth, troubles);
            let judged = result?;
            let this = judged.places.object.as_ref();
            match seen.entry(judged.key.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(this.cloned());
                    self.registry.delete(&Subject::Route(judged.key.clone()));
                    Some(judged)
                }
                Entry::Occupied(entry) => {
                    let (first, this) = entry.get().as_ref().zip(this)?;
                    let subject = Subject::Route(judged.key.clone());
                    self.note(
                        nth,
                        [twice(judged.key.kind.kind(), &name(&subject), first, this.clone())],
                    );
                    None
                }
            }
        });
        let judged = judged.collect();
        self.of_objects.sort_by_key(|(nth, _)| *nth);
        for (_, trouble) in self.of_objects.drain(..) {
            let file = Arc::clone(&trouble.told.source.file);
            self.found.add(&file, || trouble);
        }
        self.troubles.extend(std::mem::take(&mut self.found).all());
        judged
    }

    /// Takes a fact in the place of what is known of the same object, and leaves of that what an apply would leave: its
    /// identity and age, and the labels that others have put on a namespace.
    pub(super) fn apply(&mut self, mut change: Change) {
        let known = self.registry.snapshot();
        match &mut change {
            Change::Filing(key, Ok(filing)) => {
                if let Some(Kept::Read(known)) = known.filing(key) {
                    (filing.uid, filing.created) = (known.uid.clone(), known.created);
                    filing.generation = known.generation;
                }
            }
            Change::Server(name, Ok(server)) => {
                if let Some(Kept::Read(known)) = known.server(name) {
                    (server.uid, server.created) = (Arc::clone(&known.uid), known.created);
                    server.generation = known.generation;
                }
            }
            Change::Class(name, class) => {
                let created = |name: &str| known.class(name).and_then(|known| known.created);
                // The newest is the default one, where several are marked, and one that is made now is newer than all.
                let is_new =
                    known.class(name).is_none() && known.default_class().is_some_and(|name| created(name).is_some());
                class.created = is_new.then_some(Timestamp::MAX).or_else(|| created(name));
            }
            Change::Namespace(name, labels) => {
                for (key, value) in known.labels(name).into_iter().flatten() {
                    labels.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
        let Affected {
            routes,
            filings,
            servers,
            policies,
        } = self.registry.apply(change);
        self.affected.routes.extend(routes);
        self.affected.filings.extend(filings);
        self.affected.servers.extend(servers);
        self.affected.policies.extend(policies);
    }
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
