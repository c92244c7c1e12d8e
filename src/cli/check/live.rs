//! `--live`: a cluster beside the files. One look at it is what is known before the files are read; what they say stands in
//! place of what it has, and of its own routes those are told whose verdict that changes.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use kube::Client;
use rayon::prelude::*;

use super::input::Facts;
use super::progress::Progress;
use super::{Args, answer, declaration};
use crate::api::SitePlace;
use crate::cli::cluster::refused;
use crate::cli::connection::block_on;
use crate::cli::output::Output;
use crate::controller::{Look, look};
use crate::domain::{Location, Place, Province};
use crate::judge::{Declaration, Outcome, judge_filing, judge_server};
use crate::manifest::Object;
use crate::registry::{Change, FilingKey, Kept, Registry, Snapshot, SubjectKind};
use crate::report::{Answer, Before, Declared, Judged, Places, Report};
use crate::route::{Route, RouteKey};
use crate::rules::Finding;

/// How long the API server may say nothing. Nobody watches here, and a pipeline should not wait long for what is away.
const SILENCE: Duration = Duration::from_secs(30);

/// What a cluster has.
pub(super) struct Cluster {
    pub(super) registry: Registry,
    /// The namespace of the context.
    pub(super) namespace: String,
}

/// What is told of a cluster.
pub(super) enum Shown<'a> {
    /// Everything, or everything in a namespace.
    All(Option<&'a str>),
    /// What stands otherwise than by these facts.
    Changed(&'a Snapshot),
}

impl Cluster {
    /// Looks at a cluster, and says what could not be read.
    pub(super) fn look(args: &Args, output: &Output) -> Result<Self> {
        let progress = Progress::new(args.quiet);
        let looked = block_on(async {
            let connection = &args.connection;
            let config = connection.config(SILENCE).await.context("--live needs a cluster")?;
            let (name, namespace) = (connection.named(&config), config.default_namespace.clone());
            let client = Client::try_from(config).context("connecting to the API server")?;
            let look = look(&client, &args.home_namespace, || progress.advance_one_more()).await;
            let look =
                look.with_context(|| format!("nothing is judged, for the cluster of {name} can't be looked at"))?;
            Ok((look, namespace))
        });
        progress.finish();
        let (mut look, namespace) = looked?;
        tell_refused(&mut look, args.paths.is_empty(), output)?;
        Ok(Self {
            registry: look.registry,
            namespace,
        })
    }
}

/// Says what could not be listed. What routes are judged by has to be there, for without it every answer would be wrong.
fn tell_refused(look: &mut Look, are_routes_asked_for: bool, output: &Output) -> Result<()> {
    let mut errors = Vec::new();
    for (kind, status) in std::mem::take(&mut look.refused) {
        let (what, without) = match kind {
            SubjectKind::Filing => ("filings", None),
            SubjectKind::Server => ("accessservers", None),
            SubjectKind::Policy => ("filingpolicies", None),
            SubjectKind::Route if are_routes_asked_for => ("ingresses", None),
            SubjectKind::Route => (
                "ingresses",
                Some("what the files change of the cluster's routes is not told"),
            ),
            SubjectKind::Namespace => (
                "namespaces",
                Some("policies and filings that select by labels know of each only its name"),
            ),
            SubjectKind::Class => (
                "ingressclasses",
                Some("which one is the default is not known: a route that names none may be under any policy"),
            ),
            SubjectKind::Node if take_site_of_status(look) => (
                "nodes",
                Some("where a policy has no site, it is the one that the operator has told in its status"),
            ),
            SubjectKind::Node => (
                "nodes",
                Some("where a policy has no site, it is not known where the cluster is"),
            ),
        };
        match without {
            Some(without) => output.note(&format!("{what} could not be listed, so {without}: {}", status.message)),
            None => errors.push(refused(what, &status)),
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    for error in errors {
        output.error(&error);
    }
    bail!("nothing is judged: without these any answer could be wrong")
}

/// Without nodes the site is what the operator, which can list them, has found and told of a policy without one.
fn take_site_of_status(look: &mut Look) -> bool {
    let policies = look.registry.snapshot().policies();
    let found = policies.filter(|policy| policy.site.is_none());
    let status = found.filter_map(|policy| look.policies.get(&policy.name));
    let places: BTreeSet<Place> = status.flat_map(|status| &status.site).map(place).collect();
    let is_told = !places.is_empty();
    for (nth, place) in places.into_iter().enumerate() {
        // As if a node stood there.
        let node = format!("{nth} of a status").into();
        look.registry.apply(Change::Node(node, Some(place)));
    }
    is_told
}

fn place(told: &SitePlace) -> Place {
    let location = match told.mainland {
        Some(true) => Location::Mainland(told.province.as_deref().and_then(Province::find)),
        Some(false) => Location::Outside,
        None => Location::Unknown,
    };
    Place::named(&told.provider, told.region.as_deref(), location)
}

/// Adds to the report what is told of a cluster, and says how much of it is not.
pub(super) fn add_to(report: &mut Report, facts: &Facts, shown: &Shown<'_>, now: Timestamp) -> Vec<String> {
    let (routes, untold) = routes(facts, shown, now);
    report.routes.extend(routes);
    report.filings.extend(filings(facts, shown, now));
    report.servers.extend(servers(facts, shown, now));
    match shown {
        Shown::Changed(_) if untold > 0 => {
            let told = match untold {
                1 => "1 route of the cluster violates with or without these files, and is not shown".to_owned(),
                _ => format!("{untold} routes of the cluster violate with or without these files, and are not shown"),
            };
            vec![told + ": filing-operator status"]
        }
        Shown::All(None) if report.routes.is_empty() => vec!["there is no route in the cluster".to_owned()],
        Shown::All(Some(namespace)) if report.routes.is_empty() => {
            vec![format!("there is no route in namespace {namespace} of the cluster")]
        }
        Shown::All(_) | Shown::Changed(_) => Vec::new(),
    }
}

/// The cluster's routes that are told, in order; and of the others how many violate.
fn routes(facts: &Facts, shown: &Shown<'_>, now: Timestamp) -> (Vec<Judged>, usize) {
    let snapshot = facts.registry.snapshot();
    let violating = AtomicUsize::new(0);
    let routes: Vec<(&RouteKey, &Kept<Route>)> = facts.registry.routes().collect();
    let told = routes.into_par_iter().filter_map(|(key, kept)| {
        let after = answer(kept, snapshot, now);
        let before = match shown {
            Shown::All(namespace) if namespace.is_none_or(|only| *key.namespace == *only) => None,
            Shown::All(_) => return None,
            Shown::Changed(facts_before) => {
                let is_affected = facts.affected.routes.contains(key);
                let before = is_affected.then(|| compared(&answer(kept, facts_before, now), &after));
                let Some(before) = before.flatten() else {
                    let violates = after.outcome() == Some(Outcome::Violating);
                    violating.fetch_add(usize::from(violates), Ordering::Relaxed);
                    return None;
                };
                Some(before)
            }
        };
        Some(Judged {
            key: key.clone(),
            places: Places::default(),
            answer: after,
            before,
        })
    });
    let told = told.collect();
    (told, violating.into_inner())
}

/// How a route stood, if it stands otherwise now.
fn compared(before: &Answer, after: &Answer) -> Option<Before> {
    let (outcome, now) = (before.outcome(), after.outcome());
    let is_worse_now = now > outcome || violates_anew(before, after);
    (is_worse_now || now != outcome).then_some(Before { outcome, is_worse_now })
}

/// Whether a host violates that did not. It is one route, and so both answers are of the same hosts.
fn violates_anew(before: &Answer, after: &Answer) -> bool {
    let (Answer::Verdict(before), Answer::Verdict(after)) = (before, after) else {
        return false;
    };
    let mut hosts = before.hosts.iter().zip(&after.hosts);
    hosts.any(|(before, after)| after.outcome == Outcome::Violating && before.outcome != Outcome::Violating)
}

fn filings(facts: &Facts, shown: &Shown<'_>, now: Timestamp) -> Vec<Declared<FilingKey>> {
    let snapshot = facts.registry.snapshot();
    let judged = |snapshot: &Snapshot, key: &FilingKey| {
        let kept = snapshot.filing(key)?;
        Some(declaration(kept, judge_filing, snapshot, now))
    };
    match shown {
        Shown::All(namespace) => {
            let keys = snapshot.filings().map(|(key, _)| key);
            let keys = keys.filter(|key| namespace.is_none_or(|only| *key.namespace == *only));
            keys.filter_map(|key| Some(told(key, judged(snapshot, key)?))).collect()
        }
        Shown::Changed(before) => {
            let keys = not_in(&facts.filings, &facts.affected.filings);
            changed(keys, |key| judged(before, key), |key| judged(snapshot, key)).collect()
        }
    }
}

fn servers(facts: &Facts, shown: &Shown<'_>, now: Timestamp) -> Vec<Declared<Arc<str>>> {
    let snapshot = facts.registry.snapshot();
    let judged = |snapshot: &Snapshot, name: &Arc<str>| {
        let kept = snapshot.server(name)?;
        Some(declaration(kept, judge_server, snapshot, now))
    };
    match shown {
        // It is in no namespace.
        Shown::All(Some(_)) => Vec::new(),
        Shown::All(None) => {
            let names = snapshot.servers().map(|(name, _)| name);
            names
                .filter_map(|name| Some(told(name, judged(snapshot, name)?)))
                .collect()
        }
        Shown::Changed(before) => {
            let names = not_in(&facts.servers, &facts.affected.servers);
            changed(names, |name| judged(before, name), |name| judged(snapshot, name)).collect()
        }
    }
}

/// Those that the files do not declare themselves.
fn not_in<'a, K: Eq + Hash>(files: &'a [(K, Object)], affected: &'a BTreeSet<K>) -> impl Iterator<Item = &'a K> {
    let in_files: HashSet<&K> = files.iter().map(|(key, _)| key).collect();
    affected.iter().filter(move |key| !in_files.contains(key))
}

/// What is declared in the cluster of which more is found now, and worse than what was.
fn changed<'a, K: Clone + 'a>(
    keys: impl Iterator<Item = &'a K>,
    before: impl Fn(&K) -> Option<Declaration>,
    after: impl Fn(&K) -> Option<Declaration>,
) -> impl Iterator<Item = Declared<K>> {
    keys.filter_map(move |key| {
        let after = after(key)?;
        is_worse(before(key).as_ref(), &after).then(|| told(key, after))
    })
}

fn told<K: Clone>(key: &K, answer: Declaration) -> Declared<K> {
    Declared {
        key: key.clone(),
        places: Places::default(),
        answer,
    }
}

/// Whether the worst of what is found was not found before.
fn is_worse(before: Option<&Declaration>, after: &Declaration) -> bool {
    let is_new = |finding: &&Finding| before.is_none_or(|before| !before.findings.contains(finding));
    let severity = |finding: &Finding| finding.severity;
    let new = after.findings.iter().filter(is_new).map(severity).max();
    new.is_some() && new == after.findings.iter().map(severity).max()
}
