//! What is to be judged and written, and when: the queues and timers of the owner, without any I/O.

mod declared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};

use declared::{JudgedDeclaration, next_of_declaration};

use super::shared::Standing;
use super::watch::Beside;
use crate::api::keys;
use crate::api::{DeclarationStatus, FilingPolicyStatus, Running};
use crate::effects::{self, Audience, Effect, Governing, Observed, Reference, Tally, is_reminder_due, next_of_policy};
use crate::judge::{self, Outcome, Verdict};
use crate::registry::{Affected, FilingKey, Kept, Registry, Subject};
use crate::route::{Route, RouteKey};
use crate::rules::{self, Severity};

/// How many subjects are judged before the watches are looked at again.
const SLICE: usize = 4096;

/// The wait before a failed write is tried again the first time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest such wait; writes are tried again for ever.
const LAST_RETRY: Duration = Duration::from_mins(5);

/// By how much a clock goes back that was set; less is its being kept right, and ends as little as it began.
const SET_BACK: SignedDuration = SignedDuration::from_secs(60);

/// What is to be done.
#[derive(Default)]
pub(super) struct Work {
    to_judge: BTreeSet<Subject>,
    to_write: BTreeSet<Subject>,
    writing: HashSet<Subject>,
    timers: BTreeSet<(Timestamp, Subject)>,
    timer_of: HashMap<Subject, Timestamp>,
    backoffs: HashMap<Subject, ExponentialBackoff>,
    beside: HashMap<Subject, Beside>,
    routes: HashMap<Subject, RouteStanding>,
    served: HashMap<FilingKey, BTreeSet<RouteKey>>,
    standing: Standing,
    leads: bool,
    keeping: Keeping,
    keeping_backoff: Option<ExponentialBackoff>,
    default_policy_owners: Option<String>,
    /// The annotations of each route that were last written, with their Event.
    told: HashMap<Subject, BTreeMap<&'static str, String>>,
    /// When it was last asked what changes by itself.
    woken_at: Timestamp,
}

/// How far the default policy is kept. Apart from the queues: what is written to its status is another matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeping {
    /// Nothing is to be done.
    #[default]
    Kept,
    /// It is to be applied.
    Due,
    /// It is being applied, and once more after that if something has changed meanwhile.
    UnderWay { again: bool },
    /// It could not be applied, and is tried again then.
    Later(Timestamp),
}

/// What a route adds to the standing of all.
#[derive(Clone, Debug, PartialEq)]
struct RouteStanding {
    policy: Arc<str>,
    outcome: Outcome,
    filings: BTreeSet<FilingKey>,
    findings: Vec<(&'static str, Severity)>,
}

impl RouteStanding {
    fn of(verdict: &Verdict) -> Self {
        Self {
            policy: Arc::clone(&verdict.policy.name),
            outcome: verdict.outcome,
            filings: verdict
                .hosts
                .iter()
                .filter_map(|host| Some(host.filing.as_ref()?.key.clone()))
                .collect(),
            findings: verdict
                .findings()
                .filter(|(host, _)| host.outcome != Outcome::Exempt)
                .map(|(_, finding)| (finding.rule.id, finding.severity))
                .collect(),
        }
    }
}

impl Work {
    /// How the routes stand.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Takes note of what only the writer needs to know of an object. A status that is not as it was written is mended.
    pub(super) fn observe(&mut self, subject: Subject, beside: Beside) {
        match (&beside, self.beside.get(&subject)) {
            (Beside::Nothing, _) => return,
            (Beside::Declaration(new), Some(Beside::Declaration(old))) if new != old => {
                self.to_judge.insert(subject.clone());
            }
            (Beside::Policy(new), Some(Beside::Policy(old))) if new != old => {
                self.to_judge.insert(subject.clone());
            }
            _ => {}
        }
        self.beside.insert(subject, beside);
    }

    /// Takes note of what a change affects.
    pub(super) fn touch(&mut self, affected: Affected) {
        if affected.policies.iter().any(|name| **name == *keys::DEFAULT_POLICY) {
            self.keep_default_policy();
        }
        self.to_judge.extend(affected.routes.into_iter().map(Subject::Route));
        self.to_judge.extend(affected.filings.into_iter().map(Subject::Filing));
        self.to_judge.extend(affected.servers.into_iter().map(Subject::Server));
        self.to_judge.extend(affected.policies.into_iter().map(Subject::Policy));
    }

    /// Forgets what is gone. It is still judged once, as nothing, so that what it stood for ends.
    pub(super) fn forget(&mut self, subject: &Subject) {
        self.beside.remove(subject);
        self.backoffs.remove(subject);
        self.told.remove(subject);
        self.set_timer(subject, None);
    }

    /// Judges anew whatever changes by itself now; and all, where the clock was set back: what its timers waited for may
    /// lie ahead again.
    pub(super) fn wake(&mut self, now: Timestamp) {
        if now.saturating_add(SET_BACK).unwrap_or(now) < self.woken_at {
            self.to_judge.extend(self.beside.keys().cloned());
        }
        self.woken_at = now;
        while let Some((at, _)) = self.timers.first()
            && *at <= now
            && let Some((_, subject)) = self.timers.pop_first()
        {
            self.timer_of.remove(&subject);
            self.to_judge.insert(subject);
        }
        if let Keeping::Later(at) = self.keeping
            && at <= now
        {
            self.keeping = Keeping::Due;
        }
    }

    /// The next moment at which something changes by itself.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let keeping = match self.keeping {
            Keeping::Later(at) => Some(at),
            Keeping::Kept | Keeping::Due | Keeping::UnderWay { .. } => None,
        };
        self.timers.first().map(|(at, _)| *at).into_iter().chain(keeping).min()
    }

    /// Whether some of what is to be judged was left for later.
    pub(super) fn has_more_to_judge(&self) -> bool {
        !self.to_judge.is_empty()
    }

    /// Judges a slice of what is to be judged. Says whether the standing of the routes has changed.
    pub(super) fn judge(&mut self, registry: &Registry, now: Timestamp) -> bool {
        let mut has_changed = false;
        for _ in 0..SLICE {
            // Routes come last in the order of subjects, and are judged first: the others count them.
            let Some(subject) = self.to_judge.pop_last() else { break };
            let next = match &subject {
                Subject::Route(key) => {
                    let (verdict, next) = match registry.route(key) {
                        Some(Kept::Read(route)) => judge::judge_until(route, registry.snapshot(), now).unzip(),
                        Some(Kept::Unreadable(_)) | None => (None, None),
                    };
                    has_changed |= self.stand(&subject, verdict.as_ref());
                    next.flatten()
                }
                Subject::Filing(_) | Subject::Server(_) => next_of_declaration(registry, &subject, now),
                Subject::Policy(name) => {
                    let mut policies = registry.snapshot().policies();
                    policies
                        .find(|policy| policy.name == *name)
                        .and_then(|policy| next_of_policy(policy, now))
                }
                _ => None,
            };
            self.set_timer(&subject, next);
            if self.leads {
                self.to_write.insert(subject);
            }
        }
        has_changed
    }

    /// The next object that something is to be written about, with what. None while there is more to judge: what a
    /// status counts would be written half counted.
    pub(super) fn next_write(
        &mut self,
        registry: &Registry,
        now: Timestamp,
    ) -> Option<(Subject, Reference, Vec<Effect>)> {
        if self.has_more_to_judge() {
            return None;
        }
        while let Some(subject) = self
            .to_write
            .iter()
            .find(|subject| !self.writing.contains(*subject))
            .cloned()
        {
            self.to_write.remove(&subject);
            if let Some((target, effects)) = self.effects_on(registry, &subject, now)
                && !effects.is_empty()
            {
                self.writing.insert(subject.clone());
                return Some((subject, target, effects));
            }
            // Whatever could not be written before need not be written any more.
            self.backoffs.remove(&subject);
        }
        None
    }

    /// A write has succeeded. What was written is what is observed from now on, also before the watch says so.
    pub(super) fn succeeded(&mut self, subject: &Subject, effects: Vec<Effect>) {
        self.backoffs.remove(subject);
        self.writing.remove(subject);
        for effect in effects {
            match effect {
                Effect::Event(_) => {}
                Effect::Annotate(annotations) => drop(self.told.insert(subject.clone(), annotations)),
                Effect::DeclarationStatus(status) => self.note(subject, Beside::Declaration(status)),
                Effect::PolicyStatus(status) => self.note(subject, Beside::Policy(status)),
            }
        }
    }

    /// What is gone by now stays forgotten.
    fn note(&mut self, subject: &Subject, beside: Beside) {
        if let Some(known) = self.beside.get_mut(subject) {
            *known = beside;
        }
    }

    /// A write has failed; it is tried again after a while, which is returned.
    pub(super) fn failed(&mut self, subject: &Subject, now: Timestamp) -> Duration {
        self.writing.remove(subject);
        let backoff = self.backoffs.entry(subject.clone()).or_insert_with(backoff);
        let again = backoff.next().unwrap_or(LAST_RETRY);
        let at = now.saturating_add(again).unwrap_or(now);
        let sooner = self.timer_of.get(subject).is_none_or(|known| at < *known);
        if sooner {
            self.set_timer(subject, Some(at));
        }
        again
    }

    /// Begins or ceases to lead.
    pub(super) fn turn(&mut self, leads: bool) {
        self.leads = leads;
        self.to_write.clear();
        if leads {
            self.keep_default_policy();
            self.to_write.extend(self.beside.keys().cloned());
        }
    }

    /// The default policy is to be applied.
    fn keep_default_policy(&mut self) {
        self.keeping = match self.keeping {
            Keeping::UnderWay { .. } => Keeping::UnderWay { again: true },
            Keeping::Kept | Keeping::Due | Keeping::Later(_) => Keeping::Due,
        };
    }

    /// Whether the default policy is to be applied now; asked once, it is under way.
    pub(super) fn must_keep_default_policy(&mut self) -> bool {
        let is_due = self.keeping == Keeping::Due;
        if is_due {
            self.keeping = Keeping::UnderWay { again: false };
        }
        is_due
    }

    /// The default policy was applied, or someone else's is there.
    pub(super) fn default_policy_is(&mut self, owners: Option<String>) {
        self.keeping = match self.keeping {
            Keeping::UnderWay { again: true } => Keeping::Due,
            _ => Keeping::Kept,
        };
        self.keeping_backoff = None;
        if owners != self.default_policy_owners {
            self.default_policy_owners = owners;
            self.to_judge.insert(Subject::Policy(keys::DEFAULT_POLICY.into()));
        }
    }

    /// The default policy could not be applied; it is tried again after a while, which is returned.
    pub(super) fn default_policy_failed(&mut self, now: Timestamp) -> Duration {
        let backoff = self.keeping_backoff.get_or_insert_with(backoff);
        let again = backoff.next().unwrap_or(LAST_RETRY);
        self.keeping = Keeping::Later(now.saturating_add(again).unwrap_or(now));
        again
    }

    fn set_timer(&mut self, subject: &Subject, at: Option<Timestamp>) {
        if let Some(known) = self.timer_of.remove(subject) {
            self.timers.remove(&(known, subject.clone()));
        }
        if let Some(at) = at {
            self.timer_of.insert(subject.clone(), at);
            self.timers.insert((at, subject.clone()));
        }
    }

    /// Takes a route's verdict into the standing of all. Says whether that has changed.
    fn stand(&mut self, subject: &Subject, verdict: Option<&Verdict>) -> bool {
        let new = verdict.map(RouteStanding::of);
        let old = self.routes.remove(subject);
        let has_changed = old != new;
        if has_changed {
            if let Some(old) = &old {
                self.count(subject, old, false);
            }
            if let Some(new) = &new {
                self.count(subject, new, true);
            }
        }
        if let Some(new) = new {
            self.routes.insert(subject.clone(), new);
        }
        has_changed
    }

    fn count(&mut self, subject: &Subject, route: &RouteStanding, is_there: bool) {
        let tally = self.standing.policies.entry(Arc::clone(&route.policy)).or_default();
        if is_there {
            tally.add(route.outcome);
        } else {
            tally.remove(route.outcome);
        }
        self.to_judge.insert(Subject::Policy(Arc::clone(&route.policy)));
        for finding in &route.findings {
            change(self.standing.findings.entry(*finding).or_default(), is_there);
        }
        self.standing.findings.retain(|_, count| *count > 0);
        for filing in &route.filings {
            let served = self.served.entry(filing.clone()).or_default();
            if let Subject::Route(key) = subject {
                if is_there {
                    served.insert(key.clone());
                } else {
                    served.remove(key);
                }
            }
            if served.is_empty() {
                self.served.remove(filing);
            }
            self.to_judge.insert(Subject::Filing(filing.clone()));
        }
        self.standing.policies.retain(|_, tally| *tally != Tally::default());
    }

    /// What is to be written about an object, if it is there.
    fn effects_on(&self, registry: &Registry, subject: &Subject, now: Timestamp) -> Option<(Reference, Vec<Effect>)> {
        match subject {
            Subject::Route(key) => {
                let Kept::Read(route) = registry.route(key)? else {
                    return None;
                };
                let version = match self.beside.get(subject) {
                    Some(Beside::Version(version)) => version.as_str(),
                    _ => "",
                };
                let verdict = verdict_of(registry, subject, now);
                Some((
                    Reference::to_route(route),
                    effects::route(route, version, self.told.get(subject), verdict.as_ref()),
                ))
            }
            Subject::Filing(_) | Subject::Server(_) => self.effects_on_declaration(registry, subject, now),
            Subject::Policy(name) => self.effects_on_policy(registry, name, now),
            Subject::Namespace(_) | Subject::Class(_) | Subject::Node(_) => None,
        }
    }

    fn effects_on_declaration(
        &self,
        registry: &Registry,
        subject: &Subject,
        now: Timestamp,
    ) -> Option<(Reference, Vec<Effect>)> {
        let declaration = JudgedDeclaration::of(registry, subject, now)?;
        let nothing = DeclarationStatus::default();
        let status = match self.beside.get(subject) {
            Some(Beside::Declaration(status)) => status,
            _ => &nothing,
        };
        let routes = match subject {
            Subject::Filing(key) => {
                let count = self.served.get(key).map_or(0, BTreeSet::len);
                Some(u32::try_from(count).unwrap_or(u32::MAX))
            }
            _ => None,
        };
        let policy = registry.snapshot().default_policy();
        let audience = if is_reminder_due(declaration.declared(), status, policy, now) {
            self.audience(registry, subject)
        } else {
            Audience::default()
        };
        let observed = Observed {
            reference: &declaration.reference,
            generation: declaration.generation,
            status,
            routes,
            audience: &audience,
        };
        let effects = effects::declaration(observed, declaration.declared(), policy, now);
        Some((declaration.reference, effects))
    }

    /// The routes that are told when a filing or server is reminded of: those that it serves, but for those that are exempt
    /// or left alone.
    fn audience(&self, registry: &Registry, subject: &Subject) -> Audience {
        let filings: Vec<&FilingKey> = match subject {
            Subject::Filing(key) => vec![key],
            Subject::Server(name) => registry.filings_on(name).collect(),
            _ => Vec::new(),
        };
        let keys: BTreeSet<&RouteKey> = filings
            .into_iter()
            .filter_map(|filing| self.served.get(filing))
            .flatten()
            .collect();
        let is_told = |route: &&Arc<Route>| {
            let policy = registry.snapshot().policy_of(route);
            let standing = self.routes.get(&Subject::Route(route.key.clone()));
            policy.is_some_and(|policy| policy.running != Running::Disabled)
                && standing.is_some_and(|standing| standing.outcome != Outcome::Exempt)
        };
        let routes = keys.into_iter().filter_map(|key| match registry.route(key)? {
            Kept::Read(route) => Some(route),
            Kept::Unreadable(_) => None,
        });
        Audience::of(routes.filter(is_told).map(|route| &**route))
    }

    fn effects_on_policy(
        &self,
        registry: &Registry,
        name: &Arc<str>,
        now: Timestamp,
    ) -> Option<(Reference, Vec<Effect>)> {
        let facts = registry.snapshot();
        let nothing = FilingPolicyStatus::default();
        let before = match self.beside.get(&Subject::Policy(Arc::clone(name))) {
            Some(Beside::Policy(status)) => status,
            _ => &nothing,
        };
        if let Some((_, unreadable)) = facts.unreadable_policies().find(|(known, _)| *known == name) {
            let effects = effects::unreadable_policy(unreadable, before, now);
            return Some((Reference::to_policy(name, &unreadable.uid), effects));
        }
        let policy = facts.policies().find(|policy| policy.name == *name)?;
        let mut problems = policy.problems.clone();
        problems.extend(rules::unknown_in(policy));
        let is_default = **name == *keys::DEFAULT_POLICY;
        let governing = Governing {
            site: facts.site_of(policy).places(),
            tally: self.standing.policies.get(name).copied().unwrap_or_default(),
            owned_by: self.default_policy_owners.as_deref().filter(|_| is_default),
            problems: &problems,
        };
        let effects = effects::policy(policy, before, governing, now);
        Some((Reference::to_policy(name, &policy.uid), effects))
    }
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_RETRY)
        .with_max_delay(LAST_RETRY)
        .without_max_times()
        .with_jitter()
        .build()
}

fn change(count: &mut u32, is_there: bool) {
    *count = if is_there {
        count.saturating_add(1)
    } else {
        count.saturating_sub(1)
    };
}

fn verdict_of(registry: &Registry, subject: &Subject, now: Timestamp) -> Option<Verdict> {
    let Subject::Route(key) = subject else { return None };
    match registry.route(key)? {
        Kept::Read(route) => judge::judge(route, registry.snapshot(), now),
        Kept::Unreadable(_) => None,
    }
}
