//! A cluster of documents, an owner's loop over it, and a clock that a test sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::super::watch::Beside;
use super::super::work::Work;
use crate::api::{DeclarationStatus, FilingPolicyStatus, StatusSeverity, keys};
use crate::effects::{Effect, Notice, Reference, Remembered, blocking, handing_back, restoring};
use crate::registry::{Change, Kept, Policy, Registry, Snapshot, Subject};
use crate::route::RouteKey;
use crate::support::{HOME, change, merge};

/// More writes than any change in a test may cause: whoever passes this writes in a circle.
const TOO_MANY: usize = 5000;

/// What is stored, what the operator makes of it, and a record of what it wrote.
pub(in crate::controller) struct World {
    pub(in crate::controller) registry: Registry,
    pub(in crate::controller) work: Work,
    pub(in crate::controller) now: Timestamp,
    /// A second operator, which sees all and writes nothing until it leads.
    standby: Work,
    stored: BTreeMap<Subject, Value>,
    versions: u64,
    /// The names of the Events that there are: what is there already is not created again, and not told.
    events: BTreeSet<String>,
    told: String,
    writes: usize,
    /// The routes that the operator put into quarantine, and did not let go.
    quarantined: BTreeSet<Subject>,
    /// The digests that each policy asked about, the last one last.
    asked: BTreeMap<Arc<str>, Vec<String>>,
}

impl World {
    /// An empty cluster with an operator that leads.
    pub(in crate::controller) fn new(now: Timestamp) -> Self {
        let mut work = Work::default();
        work.turn(true);
        Self {
            registry: Registry::new(Snapshot::new(HOME, true)),
            work,
            now,
            standby: Work::default(),
            stored: BTreeMap::new(),
            versions: 0,
            events: BTreeSet::new(),
            told: String::new(),
            writes: 0,
            quarantined: BTreeSet::new(),
            asked: BTreeMap::new(),
        }
    }

    /// An operator that has never been here, over the objects as people made them: without a status and without what the
    /// operator says on a route. What tells the class that a route had before its quarantine stays: it is the owner's.
    pub(in crate::controller) fn fresh(&self) -> Self {
        let mut fresh = Self::new(self.now);
        fresh.versions = self.versions;
        for (subject, document) in &self.stored {
            let mut document = document.clone();
            document.as_object_mut().unwrap().remove("status");
            if let Some(annotations) = document["metadata"]["annotations"].as_object_mut() {
                annotations.retain(|key, _| !keys::ROUTE_ANNOTATIONS.contains(&key.as_str()));
            }
            fresh.stored.insert(subject.clone(), document);
            fresh.see(subject);
        }
        fresh.settle();
        fresh
    }

    /// Every object.
    pub(in crate::controller) fn objects(&self) -> &BTreeMap<Subject, Value> {
        &self.stored
    }

    /// How much was written so far.
    pub(in crate::controller) fn writes(&self) -> usize {
        self.writes
    }

    /// The digest that a policy last asked about.
    pub(in crate::controller) fn asked(&self, policy: &str) -> Option<&str> {
        self.asked.get(policy)?.last().map(String::as_str)
    }

    /// An object as it is stored.
    pub(in crate::controller) fn stored(&self, subject: &Subject) -> &Value {
        &self.stored[subject]
    }

    /// Every object of a kind.
    pub(in crate::controller) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.stored.values().filter(move |document| document["kind"] == *kind)
    }

    /// Takes an object away, which the operator does not see.
    pub(in crate::controller) fn forget(&mut self, subject: &Subject) {
        self.stored.remove(subject);
    }

    /// Everything that was told since it was last asked.
    pub(in crate::controller) fn told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    /// Puts back what was told, when what came after it is of no interest.
    pub(in crate::controller) fn tell(&mut self, told: &str) {
        self.told = told.to_owned();
    }

    /// A person does something: what it is, and the objects as they are from now on.
    pub(in crate::controller) fn step(&mut self, what: &str, documents: &[Value]) {
        self.headline(what);
        for document in documents {
            self.put(document);
        }
        self.settle();
    }

    /// A person changes an object as it is stored.
    pub(in crate::controller) fn change(&mut self, what: &str, subject: &Subject, edit: impl FnOnce(&mut Value)) {
        self.headline(what);
        self.edit(subject, edit);
        self.settle();
    }

    /// A person deletes an object.
    pub(in crate::controller) fn delete(&mut self, what: &str, subject: &Subject) {
        self.headline(what);
        self.remove(subject);
        self.settle();
    }

    /// Time passes: every moment at which something is due is stopped at.
    pub(in crate::controller) fn wait_until(&mut self, moment: Timestamp) {
        while self.work.next_timer().is_some_and(|at| at <= moment) {
            self.tick();
        }
        self.now = moment;
        self.follow();
    }

    /// The clock is set.
    pub(in crate::controller) fn set_clock(&mut self, what: &str, moment: Timestamp) {
        self.work.wake(self.now);
        self.standby.wake(self.now);
        self.now = moment;
        self.headline(what);
        self.settle();
    }

    /// The operator that leads gives way to the one that stands by.
    pub(in crate::controller) fn change_leader(&mut self, what: &str) {
        self.headline(what);
        self.follow();
        std::mem::swap(&mut self.work, &mut self.standby);
        self.standby.turn(false);
        self.work.turn(true);
        self.settle();
    }

    /// The one that stands by takes note of all that has come until now.
    fn follow(&mut self) {
        loop {
            while self.standby.has_more_to_judge() {
                self.standby.judge(&self.registry, self.now);
            }
            let Some(at) = self.standby.next_timer().filter(|at| *at <= self.now) else {
                return;
            };
            self.standby.wake(at);
            self.standby.judge(&self.registry, at);
        }
    }

    /// Time passes to the next moment at which something is due.
    pub(in crate::controller) fn tick(&mut self) {
        let at = self.work.next_timer().expect("nothing is due ever");
        self.now = at.max(self.now);
        self.headline("time passes");
        self.settle();
    }

    /// The operator starts anew: it knows what is stored, and nothing else.
    pub(in crate::controller) fn restart(&mut self, what: &str) {
        self.headline(what);
        self.registry = Registry::new(Snapshot::new(HOME, true));
        self.work = Work::default();
        self.work.turn(true);
        self.standby = Work::default();
        let subjects: Vec<Subject> = self.stored.keys().cloned().collect();
        for subject in subjects {
            self.see(&subject);
        }
        self.settle();
    }

    /// The operator begins to write about an object, and dies after so many of the writes.
    pub(in crate::controller) fn die_after(&mut self, what: &str, subject: &Subject, writes: usize) {
        self.headline(what);
        while self.work.has_more_to_judge() {
            self.work.judge(&self.registry, self.now);
        }
        while let Some((written, target, effects)) = self.work.next_write(&self.registry, self.now) {
            if written == *subject {
                for effect in effects.iter().take(writes) {
                    self.carry_out(&written, &target, effect);
                }
            }
        }
    }

    /// Stores an object as a client sends it: what the API server and the operator keep on it stays.
    pub(in crate::controller) fn put(&mut self, document: &Value) {
        let subject = change(document).subject();
        self.versions += 1;
        let version = self.versions.to_string();
        let mut new = self.stored.get(&subject).unwrap_or(document).clone();
        let metadata = &mut new["metadata"];
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{version}"));
            metadata["generation"] = json!(1);
            metadata["creationTimestamp"] = json!(self.now);
        }
        if new["spec"] != document["spec"] {
            new["metadata"]["generation"] = json!(new["metadata"]["generation"].as_i64().unwrap() + 1);
            new["spec"] = document["spec"].clone();
        }
        self.store(&subject, new);
    }

    /// Changes an object as it is stored.
    pub(in crate::controller) fn edit(&mut self, subject: &Subject, edit: impl FnOnce(&mut Value)) {
        let mut new = self.stored[subject].clone();
        edit(&mut new);
        self.versions += 1;
        self.store(subject, new);
    }

    fn store(&mut self, subject: &Subject, mut document: Value) {
        document["metadata"]["resourceVersion"] = json!(self.versions.to_string());
        self.stored.insert(subject.clone(), document);
        self.see(subject);
    }

    /// Takes an object away.
    pub(in crate::controller) fn remove(&mut self, subject: &Subject) {
        self.stored.remove(subject);
        self.quarantined.remove(subject);
        let affected = self.registry.delete(subject);
        self.work.forget(subject);
        self.standby.forget(subject);
        self.work.touch(affected.clone());
        self.standby.touch(affected);
    }

    /// The watch sees an object as it is stored.
    fn see(&mut self, subject: &Subject) {
        let document = &self.stored[subject];
        let status = |document: &Value| serde_json::from_value(document["status"].clone()).ok();
        let beside = || match subject {
            Subject::Filing(_) | Subject::Server(_) => {
                let filing = match change(document) {
                    Change::Filing(_, Ok(filing)) => Some(filing),
                    _ => None,
                };
                let status = status(document).unwrap_or_default();
                Beside::Declaration(Remembered::of_filing(status, filing.as_ref()))
            }
            Subject::Policy(_) => {
                let status = serde_json::from_value(document["status"].clone()).ok();
                Beside::Policy(Box::new(status.unwrap_or_default()))
            }
            Subject::Route(_) => Beside::Version(document["metadata"]["resourceVersion"].as_str().unwrap().into()),
            _ => Beside::Nothing,
        };
        self.work.observe(subject.clone(), beside());
        self.standby.observe(subject.clone(), beside());
        let affected = self.registry.apply(change(document));
        self.work.touch(affected.clone());
        self.standby.touch(affected);
    }

    /// Judges and writes until nothing is left to do.
    pub(in crate::controller) fn settle(&mut self) {
        // As its owner does whenever something happens.
        self.work.wake(self.now);
        self.standby.wake(self.now);
        for _ in 0..TOO_MANY {
            self.work.judge(&self.registry, self.now);
            if self.work.has_more_to_judge() {
                continue;
            }
            let Some((subject, target, effects)) = self.work.next_write(&self.registry, self.now) else {
                if self.work.has_more_to_look_at() {
                    continue;
                }
                self.follow();
                return;
            };
            for effect in &effects {
                self.carry_out(&subject, &target, effect);
            }
            self.work
                .succeeded(&subject, effects, self.registry.snapshot(), self.now);
        }
        panic!("it writes in a circle:\n{}", self.told);
    }

    fn carry_out(&mut self, subject: &Subject, target: &Reference, effect: &Effect) {
        let at = self.now;
        self.writes += 1;
        let name = match &target.namespace {
            Some(namespace) => format!("{} {namespace}/{}", target.kind, target.name),
            None => format!("{} {}", target.kind, target.name),
        };
        match effect {
            Effect::Event(notice) => {
                if self.events.insert(notice.name.clone()) {
                    self.told.push_str(&event(notice));
                }
            }
            Effect::Annotate(annotations) => {
                let _ = writeln!(self.told, "  {name} is annotated");
                for (key, value) in annotations {
                    let key = key.rsplit('/').next().unwrap();
                    for line in value.lines() {
                        let _ = writeln!(self.told, "      {key}: {line}");
                    }
                }
                self.edit(subject, |document| {
                    let kept = document["metadata"]["annotations"].take();
                    let mut kept: BTreeMap<String, String> = serde_json::from_value(kept).unwrap_or_default();
                    kept.retain(|key, _| !keys::ROUTE_ANNOTATIONS.contains(&key.as_str()));
                    kept.extend(
                        annotations
                            .iter()
                            .map(|(key, value)| ((*key).to_owned(), value.clone())),
                    );
                    document["metadata"]["annotations"] = json!(kept);
                });
            }
            Effect::Block { version, at } => {
                let _ = writeln!(self.told, "  {name} is moved into quarantine");
                self.assert_the_brake_allows(subject);
                self.quarantined.insert(subject.clone());
                self.edit(subject, |document| {
                    assert_eq!(document["metadata"]["resourceVersion"], **version);
                    merge(document, &blocking(&object(document), *at));
                });
            }
            Effect::LetGo { version } => {
                let _ = writeln!(self.told, "  {name} is let go");
                self.quarantined.remove(subject);
                self.edit(subject, |document| {
                    assert_eq!(document["metadata"]["resourceVersion"], **version);
                    if let Some(patch) = restoring(&object(document)) {
                        merge(document, &patch);
                    }
                    merge(document, &handing_back(&object(document), at));
                });
            }
            Effect::DeclarationStatus(status) => {
                self.told.push_str(&declared(&name, status));
                self.edit(subject, |document| document["status"] = json!(status));
            }
            Effect::PolicyStatus(status) => {
                self.told.push_str(&governed(&name, status));
                let messages = status.conditions.iter().map(|condition| condition.message.as_str());
                if let Some((_, digest)) = messages
                    .filter_map(|message| message.split_once("release-brake="))
                    .next_back()
                {
                    let digest = digest.split(' ').next().unwrap_or_default().to_owned();
                    self.asked.entry(target.name.as_str().into()).or_default().push(digest);
                }
                self.edit(subject, |document| document["status"] = json!(status));
            }
        }
    }

    /// The law of the brake, from what is stored alone: with this one, no more routes of its policy have come into
    /// quarantine within the window than the policy allows, unless a person has given a word that was asked for: it
    /// holds for a set of routes that comes again, too. Who was there before is no newcomer.
    fn assert_the_brake_allows(&self, subject: &Subject) {
        let Subject::Route(key) = subject else {
            panic!("{subject:?} is no route")
        };
        if self.quarantined.contains(subject) {
            return;
        }
        let policy = self.policy_of(key).expect("what is blocked is governed");
        let asked = self.asked.get(&policy.name).into_iter().flatten();
        if asked.map(Some).any(|digest| policy.released_brake.as_ref() == digest) {
            return;
        }
        let governed: Vec<&RouteKey> = self.registry.routes().map(|(key, _)| key).collect();
        let governed: Vec<&RouteKey> = governed
            .into_iter()
            .filter(|key| self.policy_of(key).is_some_and(|other| other.name == policy.name))
            .collect();
        let window = i64::from(policy.brake.minutes) * 60;
        let is_recent = |key: &&&RouteKey| match self.registry.route(key) {
            Some(Kept::Read(route)) if route.class.is_quarantined() => {
                let since = route.class.recorded.as_ref().and_then(|recorded| recorded.since);
                // What lies more than two days ahead is not believed: only a clock that was set back further than that lies so.
                let is_believed = |since: &Timestamp| since.duration_since(self.now).as_hours() < 48;
                let since = since.filter(is_believed);
                since.is_some_and(|since| self.now.duration_since(since).as_secs() < window)
            }
            _ => false,
        };
        let recent = governed.iter().filter(is_recent).count();
        let share = (governed.len() * policy.brake.percent as usize).div_ceil(100).max(1);
        let limit = share.min(policy.brake.routes as usize);
        assert!(
            recent < limit,
            "{key} would be one more than {limit} under {}:\n{}",
            policy.name,
            self.told
        );
    }

    fn policy_of(&self, key: &RouteKey) -> Option<&Arc<Policy>> {
        match self.registry.route(key)? {
            Kept::Read(route) => self.registry.snapshot().policy_of(route),
            Kept::Unreadable(_) => None,
        }
    }

    fn headline(&mut self, what: &str) {
        let _ = writeln!(self.told, "{}  {what}", in_china(self.now));
    }
}

fn object(document: &Value) -> DynamicObject {
    let mut document = document.clone();
    document["apiVersion"] = json!("networking.k8s.io/v1");
    serde_json::from_value(document).unwrap()
}

fn event(notice: &Notice) -> String {
    let kind = if notice.is_warning { "Warning" } else { "Normal" };
    let related = notice
        .related
        .as_ref()
        .map(|related| format!(" (see {} {related})", related.kind))
        .unwrap_or_default();
    let Notice {
        regarding,
        reason,
        note,
        ..
    } = notice;
    format!(
        "  {} {regarding} event: {kind} {reason}: {note}{related}\n",
        regarding.kind
    )
}

fn declared(name: &str, status: &DeclarationStatus) -> String {
    let mut text = format!("  {name} is {:?}", status.colour.unwrap());
    for condition in &status.conditions {
        let _ = write!(
            text,
            ", {}={} since {}: {} ({})",
            condition.type_,
            condition.status,
            in_china(condition.last_transition_time.0),
            condition.reason,
            condition.message
        );
    }
    text.push('\n');
    let mut facts = Vec::new();
    facts.extend(
        status
            .respond_by
            .as_ref()
            .map(|at| format!("respond by {}", in_china(at.0))),
    );
    facts.extend(status.routes.map(|count| format!("routes {count}")));
    facts.extend(
        status
            .next_transition
            .as_ref()
            .map(|at| format!("next transition {}", in_china(at.0))),
    );
    facts.extend(
        status
            .next_reminder
            .as_ref()
            .map(|at| format!("next reminder {}", in_china(at.0))),
    );
    facts.extend(
        status
            .next_self_check
            .as_ref()
            .map(|at| format!("next self-check {}", in_china(at.0))),
    );
    facts.extend(status.expires_at.map(|day| format!("expires at {day}")));
    let reminded: Vec<String> = status.reminders.iter().map(|sent| sent.threshold.to_string()).collect();
    if !reminded.is_empty() {
        facts.push(format!("reminded at {}", reminded.join(", ")));
    }
    if !facts.is_empty() {
        let _ = writeln!(text, "      {}", facts.join("; "));
    }
    for change in &status.changes {
        let told = |stage: &Option<String>| stage.clone().unwrap_or_else(|| "nothing".to_owned());
        let _ = writeln!(
            text,
            "      {} {}: {} -> {}",
            in_china(change.at.0),
            change.field,
            told(&change.from),
            told(&change.to)
        );
    }
    for finding in &status.findings {
        let mark = match finding.severity {
            StatusSeverity::Violation => '✗',
            StatusSeverity::Warning => '!',
        };
        let _ = writeln!(text, "      {mark} {}: {}", finding.path, finding.message);
    }
    text
}

fn governed(name: &str, status: &FilingPolicyStatus) -> String {
    let mut text = format!("  {name} governs");
    if let Some(routes) = &status.routes {
        let counts = [
            (routes.compliant, "compliant"),
            (routes.warned, "warned"),
            (routes.violating, "violating"),
            (routes.exempt, "exempt"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let _ = write!(
            text,
            " {}",
            if counts.is_empty() {
                "nothing".to_owned()
            } else {
                counts.join(", ")
            }
        );
    }
    for condition in &status.conditions {
        let _ = write!(
            text,
            "; {}={}: {} ({})",
            condition.type_, condition.status, condition.reason, condition.message
        );
    }
    text.push('\n');
    if let Some(next) = &status.next_reminder {
        let _ = writeln!(text, "      next reminder {}", in_china(next.0));
    }
    text
}

/// A moment as a clock on a wall in China shows it.
fn in_china(moment: Timestamp) -> String {
    let moment = moment.to_zoned(TimeZone::fixed(Offset::constant(8)));
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The subject of a route.
pub(in crate::controller) fn route(key: &str) -> Subject {
    change(&crate::support::ingress(key, &[])).subject()
}

/// The subject of a filing.
pub(in crate::controller) fn filing(key: &str) -> Subject {
    change(&crate::support::filing(key, json!({}))).subject()
}

/// The subject of a policy.
pub(in crate::controller) fn policy(name: &str) -> Subject {
    Subject::Policy(Arc::from(name))
}
