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
use crate::cli::cluster::{Missing, refused, select_by_labels, unlisted};
use crate::cli::connection::block_on;
use crate::cli::output::Output;
use crate::controller::look;
use crate::judge::{Declaration, Outcome, judge_filing, judge_server};
use crate::manifest::Object;
use crate::registry::{FilingKey, Kept, Registry, Snapshot};
use crate::report::{Answer, Before, Declared, Judged, Places, Report};
use crate::route::{Route, RouteKey};
use crate::rules::{Finding, Lang};

/// How long the API server may say nothing. Nobody watches here, and a pipeline should not wait long for what is away.
const PIPELINE_SILENCE: Duration = Duration::from_secs(30);

const NOTHING: &str = "nothing is judged: without these any answer could be wrong";

/// What a cluster has.
pub(super) struct Cluster {
    pub(super) registry: Registry,
    /// The namespace of the context.
    pub(super) namespace: String,
    /// What could not be listed, and is not told yet.
    pub(super) missing: Missing,
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
    pub(super) fn look(args: &Args, lang: Lang, output: &Output) -> Result<Self> {
        let progress = Progress::new(args.quiet);
        let looked = block_on(async {
            let connection = &args.connection;
            let config = connection
                .config(PIPELINE_SILENCE)
                .await
                .context("--live needs a cluster")?;
            let (name, namespace) = (connection.named(&config), config.default_namespace.clone());
            let client = Client::try_from(config).context("connecting to the API server")?;
            let look = look(&client, &args.home_namespace, || progress.advance_one_more()).await;
            let look =
                look.with_context(|| format!("nothing is judged, for the cluster of {name} can't be looked at"))?;
            Ok((look, namespace))
        });
        progress.finish();
        let (mut look, namespace) = looked?;
        let mut missing = Missing::of(&mut look, lang);
        tell_missing(&mut missing, args, lang, output)?;
        Ok(Self {
            registry: look.registry,
            namespace,
            missing,
        })
    }
}

/// Says what could not be listed. What routes are judged by has to be there, for without it every answer would be wrong.
fn tell_missing(missing: &mut Missing, args: &Args, lang: Lang, output: &Output) -> Result<()> {
    let mut errors = std::mem::take(&mut missing.errors);
    match missing.routes.take() {
        Some(status) if args.paths.is_empty() => errors.push(refused("ingresses", &status)),
        Some(status) => {
            let en = "what the files change of the cluster's routes is not told";
            let zh = "不会告知这些文件对集群路由的改变";
            missing.notes.push(unlisted("ingresses", en, zh, &status, lang));
        }
        None => {}
    }
    for note in std::mem::take(&mut missing.notes) {
        output.note(&note);
    }
    for error in &errors {
        output.error(error);
    }
    if errors.is_empty() {
        return Ok(());
    }
    bail!(NOTHING)
}

/// Says what it means that namespaces could not be listed, once it is known who selects by their labels, with the files or
/// without.
///
/// # Errors
/// Where somebody does.
pub(super) fn tell_labels(
    missing: &mut Missing,
    (before, facts): (&Snapshot, &Facts),
    lang: Lang,
    output: &Output,
) -> Result<()> {
    let are_asked = select_by_labels(before) || select_by_labels(facts.registry.snapshot());
    match missing.without_labels(are_asked, lang) {
        Ok(note) => {
            if let Some(note) = note {
                output.note(&note);
            }
            Ok(())
        }
        Err(error) => {
            output.error(&error);
            bail!(NOTHING)
        }
    }
}

/// Adds to the report what is told of a cluster, and says how much of it is not.
pub(super) fn add_to(
    report: &mut Report,
    facts: &Facts,
    shown: &Shown<'_>,
    (now, lang): (Timestamp, Lang),
) -> Vec<String> {
    let (routes, untold) = routes(facts, shown, now);
    report.routes.extend(routes);
    report.filings.extend(filings(facts, shown, now));
    report.servers.extend(servers(facts, shown, now));
    match shown {
        Shown::Changed(_) if untold > 0 => {
            let told = match (untold, lang) {
                (1, Lang::En) => {
                    "1 route of the cluster violates with or without these files, and is not shown: ".to_owned()
                }
                (_, Lang::En) => {
                    format!("{untold} routes of the cluster violate with or without these files, and are not shown: ")
                }
                (_, Lang::Zh) => format!("集群中有 {untold} 条路由有无这些文件都违规，未列出："),
            };
            vec![told + "filing-operator status"]
        }
        Shown::All(namespace) if report.routes.is_empty() => vec![match (namespace, lang) {
            (None, Lang::En) => "there is no route in the cluster".to_owned(),
            (None, Lang::Zh) => "集群中没有路由".to_owned(),
            (Some(namespace), Lang::En) => format!("there is no route in namespace {namespace} of the cluster"),
            (Some(namespace), Lang::Zh) => format!("集群的命名空间 {namespace} 中没有路由"),
        }],
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
