//! What is to be judged and written, and when: the queues and timers of the owner, without any I/O.

mod declared;
mod enforcing;
mod keeping;
mod known;
mod standing;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};

use declared::JudgedDeclaration;
use enforcing::{Enforcing, Move, Placed};
use keeping::Keeping;
use known::Known;
use standing::RouteStanding;

use super::reports::Board;
use super::shared::Standing;
use super::watch::Beside;
use crate::api::keys;
use crate::effects::{self, Effect, Enforcement, Reference, Remembered, Told, next_of_policy};
use crate::judge::{self, Verdict};
use crate::registry::{Affected, FilingKey, Kept, Registry, Snapshot, Subject};
use crate::route::{Route, RouteKey};

/// How many subjects are judged before the watches are looked at again.
const SLICE: usize = 4096;
/// How many subjects are looked at for something to write before the watches are looked at again: a new leader looks at
/// all there are.
const LOOKED_AT: usize = 1024;

/// The wait before a failed write is tried again the first time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest such wait; writes are tried again for ever.
const LAST_RETRY: Duration = Duration::from_mins(5);

/// The longest time that a count of routes waits to be written while routes are.
const COUNTED: SignedDuration = SignedDuration::from_secs(5);

/// By how much a clock goes back that was set; less is its being kept right, and ends as little as it began.
const SET_BACK: SignedDuration = SignedDuration::from_secs(60);

/// What is to be done.
#[derive(Default)]
pub(super) struct Work {
    to_judge: BTreeSet<Subject>,
    to_write: BTreeSet<Subject>,
    writing: HashSet<Subject>,
    /// Those of whose status a count alone has changed, each with the moment to which that may wait: while many routes come
    /// in or are blocked, each of them changes it.
    counted: BTreeMap<Subject, Timestamp>,
    backoffs: HashMap<Subject, ExponentialBackoff>,
    known: Known,
    routes: HashMap<RouteKey, RouteStanding>,
    /// The routes that are served under each filing.
    served: HashMap<FilingKey, BTreeSet<RouteKey>>,
    standing: Standing,
    /// Whether something that is gone has left the standing, and that was not told yet.
    has_lost_colour: bool,
    enforcing: Enforcing,
    /// The routes that were moved, each with the version that it had before: until the watch shows a later one, what is
    /// known of it is of the past.
    moved: HashMap<RouteKey, String>,
    /// What could not be written, and is not tried again before it is judged again.
    resting: HashSet<Subject>,
    leads: bool,
    /// Whether the last look for something to write ended before all were looked at.
    has_more_to_look_at: bool,
    keeping: Keeping,
    /// The annotations of each route that were last written, with their Event.
    told: HashMap<RouteKey, Told>,
    /// Told of every verdict, where reports are written.
    pub(super) reports: Option<Arc<Board>>,
    /// When it was last asked what changes by itself.
    woken_at: Timestamp,
}

impl Work {
    /// How the routes stand.
    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Takes note of what only the writer needs to know of an object. A status that is not as it was written is mended.
    pub(super) fn observe(&mut self, subject: Subject, beside: Beside) {
        match (&beside, self.known.get(&subject)) {
            (Beside::Nothing, _) => return,
            (Beside::Declaration(new), Some(Beside::Declaration(old))) if new != old => {
                self.to_judge.insert(subject.clone());
            }
            (Beside::Policy(new), Some(Beside::Policy(old))) if new != old => {
                self.to_judge.insert(subject.clone());
            }
            _ => {}
        }
        self.known.set(subject, beside);
    }

    /// Takes note of what a change affects.
    pub(super) fn touch(&mut self, affected: Affected) {
        if affected.policies.iter().any(|name| **name == *keys::DEFAULT_POLICY) {
            self.keeping.demand();
        }
        self.to_judge.extend(affected.routes.into_iter().map(Subject::Route));
        self.to_judge.extend(affected.filings.into_iter().map(Subject::Filing));
        self.to_judge.extend(affected.servers.into_iter().map(Subject::Server));
        self.to_judge.extend(affected.policies.into_iter().map(Subject::Policy));
    }

    /// Forgets what is gone. It is still judged once, as nothing, so that what it stood for ends.
    pub(super) fn forget(&mut self, subject: &Subject) {
        let colour = self.known.forget(subject);
        self.has_lost_colour |= self.standing.recolour(subject, colour, None);
        self.backoffs.remove(subject);
        self.resting.remove(subject);
        self.counted.remove(subject);
        if let Subject::Route(key) = subject {
            self.moved.remove(key);
            self.told.remove(key);
        }
    }

    /// Judges anew whatever changes by itself now; and all, where the clock was set back: what its timers waited for may
    /// lie ahead again.
    pub(super) fn wake(&mut self, now: Timestamp) {
        if now.saturating_add(SET_BACK).unwrap_or(now) < self.woken_at {
            self.to_judge.extend(self.known.subjects());
            self.enforcing.set_back(now);
            self.keeping.set_back();
        }
        self.woken_at = now;
        while let Some(subject) = self.known.next_due(now) {
            self.to_judge.insert(subject);
        }
        let due = self.counted.iter().filter(|(_, at)| **at <= now);
        self.to_write.extend(due.map(|(subject, _)| subject.clone()));
        self.keeping.wake(now);
        self.enforcing.wake(now);
    }

    /// The next moment at which something changes by itself.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let first = self.known.next_timer();
        let others = self.keeping.next_timer().into_iter().chain(self.enforcing.next_timer());
        let counted = self.counted.values().copied().filter(|at| *at > self.woken_at);
        first.into_iter().chain(others).chain(counted).min()
    }

    /// Whether some of what is to be judged was left for later.
    pub(super) fn has_more_to_judge(&self) -> bool {
        !self.to_judge.is_empty()
    }

    /// How many subjects wait to be written about, or are being written about.
    pub(super) fn waiting_writes(&self) -> usize {
        self.to_write.len().saturating_add(self.writing.len())
    }

    /// Whether some of what may have to be written was left for later.
    pub(super) fn has_more_to_look_at(&self) -> bool {
        self.has_more_to_look_at
    }

    /// Judges a slice of what is to be judged. Says whether the standing of the routes has changed.
    pub(super) fn judge(&mut self, registry: &Registry, now: Timestamp) -> bool {
        let mut has_changed = mem::take(&mut self.has_lost_colour);
        for _ in 0..SLICE {
            // Routes come last in the order of subjects, and are judged first: the others count them.
            let Some(subject) = self.to_judge.pop_last() else { break };
            self.resting.remove(&subject);
            let next = match &subject {
                Subject::Route(key) => {
                    let route = match registry.route(key) {
                        Some(Kept::Read(route)) => Some(route),
                        Some(Kept::Unreadable(_)) | None => None,
                    };
                    let judged = route.and_then(|route| judge::judge_until(route, registry.snapshot(), now));
                    let (verdict, next) = judged.unzip();
                    has_changed |= self.stand(key, verdict.as_ref());
                    if let Some(reports) = &self.reports {
                        reports.stand(key, route, verdict.as_ref());
                    }
                    has_changed |= self.enforce(key, route.map(AsRef::as_ref), verdict.as_ref(), registry, now);
                    next.flatten()
                }
                Subject::Filing(_) | Subject::Server(_) => {
                    let judged = JudgedDeclaration::of(registry, &subject, now);
                    let colour = judged.as_ref().map(JudgedDeclaration::colour);
                    let before = self.known.set_colour(&subject, colour);
                    has_changed |= self.standing.recolour(&subject, before, colour);
                    judged.and_then(|judged| judged.next(registry.snapshot().default_policy(), now))
                }
                Subject::Policy(name) => {
                    self.enforcing.ask_again(name);
                    let mut policies = registry.snapshot().policies();
                    policies
                        .find(|policy| policy.name == *name)
                        .and_then(|policy| next_of_policy(policy, now))
                }
                _ => None,
            };
            self.known.set_timer(&subject, next);
            if self.leads {
                self.to_write.insert(subject);
            }
        }
        if !self.has_more_to_judge() {
            has_changed |= self.ask_brakes(registry, now);
        }
        if has_changed {
            self.standing.enforced = self.enforcing.tally();
        }
        has_changed
    }

    /// Takes note of what is to be enforced on a route. Says whether that has changed.
    fn enforce(
        &mut self,
        key: &RouteKey,
        route: Option<&Route>,
        verdict: Option<&Verdict>,
        registry: &Registry,
        now: Timestamp,
    ) -> bool {
        if self.is_being_moved(key) {
            return false;
        }
        self.moved.remove(key);
        let enforcement = route.map_or(Enforcement::Nothing, |route| {
            effects::enforcement(route, verdict, registry.snapshot())
        });
        let placed = Placed {
            policy: verdict.map(|verdict| Arc::clone(&verdict.policy.name)),
            enforcement,
            since: route.and_then(|route| route.class.recorded.as_ref()?.since),
            was_put_back: route.is_some_and(effects::was_put_back),
        };
        let touched = self.enforcing.place(key, placed, now);
        self.touch_policies(touched)
    }

    /// Whether a route was moved, and what is known of it is from before.
    fn is_being_moved(&self, key: &RouteKey) -> bool {
        let before = self.moved.get(key);
        before.is_some_and(|before| self.version_of(&Subject::Route(key.clone())) == Some(before.as_str()))
    }

    fn version_of(&self, subject: &Subject) -> Option<&str> {
        match self.known.get(subject)? {
            Beside::Version(version) => Some(version),
            _ => None,
        }
    }

    /// Lets the statuses of policies be looked at again. Says whether there are any.
    fn touch_policies(&mut self, names: Vec<Arc<str>>) -> bool {
        let is_any = !names.is_empty();
        self.to_judge.extend(names.into_iter().map(Subject::Policy));
        is_any
    }

    /// Asks the brakes of the policies under which something has changed, once that has settled. Says whether any
    /// answers another thing than before.
    fn ask_brakes(&mut self, registry: &Registry, now: Timestamp) -> bool {
        let mut has_changed = false;
        for name in self.enforcing.to_ask(now) {
            let mut policies = registry.snapshot().policies();
            let Some(policy) = policies.find(|policy| policy.name == name) else {
                self.enforcing.forget_policy(&name);
                continue;
            };
            let conditions = match self.known.get(&Subject::Policy(Arc::clone(&name))) {
                Some(Beside::Policy(status)) => status.conditions.as_slice(),
                _ => &[],
            };
            let governed = self.standing.policies.get(&name).map_or(0, effects::Tally::sum);
            if let Some(held) = self.enforcing.ask(policy, conditions, governed, now) {
                has_changed = true;
                if self.leads {
                    // What is held is told of each route, and why on the policy.
                    self.to_write.extend(held.into_iter().map(Subject::Route));
                    self.to_write.insert(Subject::Policy(name));
                }
            }
        }
        has_changed
    }

    /// The next object that something is to be written about, with what: routes that are to be moved before all else.
    /// None while there is more to judge: what a status counts would be written half counted. None also when none of a
    /// slice has one.
    pub(super) fn next_write(
        &mut self,
        registry: &Registry,
        now: Timestamp,
    ) -> Option<(Subject, Reference, Vec<Effect>)> {
        self.has_more_to_look_at = false;
        if self.has_more_to_judge() {
            return None;
        }
        if let Some((subject, target, effect)) = self.next_move(registry, now) {
            self.writing.insert(subject.clone());
            return Some((subject, target, vec![effect]));
        }
        for _ in 0..LOOKED_AT {
            let subject = self.next_to_write()?;
            self.to_write.remove(&subject);
            if let Some((target, effects)) = self.effects_on(registry, &subject, now)
                && !effects.is_empty()
            {
                if self.may_wait(&subject, &effects, now) {
                    continue;
                }
                self.counted.remove(&subject);
                self.writing.insert(subject.clone());
                return Some((subject, target, effects));
            }
            // Whatever could not be written before need not be written any more.
            self.backoffs.remove(&subject);
            self.counted.remove(&subject);
        }
        self.has_more_to_look_at = true;
        None
    }

    fn next_to_write(&mut self) -> Option<Subject> {
        if !self.is_writing_routes() {
            self.to_write.extend(mem::take(&mut self.counted).into_keys());
        }
        let mut waiting = self.to_write.iter();
        waiting.find(|subject| !self.writing.contains(*subject)).cloned()
    }

    /// Whether something is to be written about routes, or is being written.
    fn is_writing_routes(&self) -> bool {
        // Routes come last in the order of subjects.
        let mut all = self.to_write.last().into_iter().chain(&self.writing);
        all.any(|subject| matches!(subject, Subject::Route(_)))
    }

    /// Takes note of what need not be written yet, since a count alone has changed. Says whether it may wait.
    fn may_wait(&mut self, subject: &Subject, effects: &[Effect], now: Timestamp) -> bool {
        let is_a_count = match (effects, self.known.get(subject)) {
            ([Effect::DeclarationStatus(new)], Some(Beside::Declaration(old))) => old.differs_at_most_in_routes(new),
            _ => false,
        };
        if !is_a_count || !self.is_writing_routes() {
            return false;
        }
        let last = now.saturating_add(COUNTED).unwrap_or(now);
        *self.counted.entry(subject.clone()).or_insert(last) > now
    }

    fn next_move(&self, registry: &Registry, now: Timestamp) -> Option<(Subject, Reference, Effect)> {
        let may_move = |key: &RouteKey| {
            let subject = Subject::Route(key.clone());
            !self.writing.contains(&subject) && !self.resting.contains(&subject)
        };
        let (key, its_move) = self.enforcing.next(may_move)?;
        let Some(Kept::Read(route)) = registry.route(key) else {
            return None;
        };
        let subject = Subject::Route(key.clone());
        let version = self.version_of(&subject).unwrap_or_default().to_owned();
        let effect = match its_move {
            Move::Block => Effect::Block { version, at: now },
            Move::LetGo => Effect::LetGo { version },
        };
        Some((subject, Reference::to_route(route), effect))
    }

    /// A write has succeeded. What was written is what is observed from now on, also before the watch says so.
    pub(super) fn succeeded(&mut self, subject: &Subject, effects: Vec<Effect>, facts: &Snapshot, now: Timestamp) {
        self.backoffs.remove(subject);
        self.writing.remove(subject);
        for effect in effects {
            match effect {
                Effect::Event(_) => {}
                Effect::Annotate(annotations) => {
                    // What is gone by now stays forgotten.
                    if let Subject::Route(key) = subject
                        && self.known.has(subject)
                    {
                        self.told.insert(key.clone(), Told::of(&annotations));
                    }
                }
                Effect::Block { version, .. } => self.has_moved(subject, version, Move::Block, now),
                Effect::LetGo { version } => self.has_moved(subject, version, Move::LetGo, now),
                Effect::DeclarationStatus(status) => {
                    let declared = match subject {
                        Subject::Filing(key) => facts.filing(key),
                        _ => None,
                    };
                    let filing = match declared {
                        Some(Kept::Read(filing)) => Some(&**filing),
                        Some(Kept::Unreadable(_)) | None => None,
                    };
                    let remembered = Remembered::of_filing(*status, filing);
                    self.note(subject, Beside::Declaration(remembered));
                }
                Effect::PolicyStatus(status) => {
                    self.note(subject, Beside::Policy(status));
                    // A person's word counts from when the question is on the policy.
                    if let Subject::Policy(name) = subject {
                        self.enforcing.ask_again(name);
                    }
                }
            }
        }
    }

    fn has_moved(&mut self, subject: &Subject, before: String, its_move: Move, now: Timestamp) {
        let Subject::Route(key) = subject else { return };
        if self.version_of(subject) == Some(before.as_str()) {
            let touched = self.enforcing.moved(key, its_move, now);
            self.touch_policies(touched);
            self.moved.insert(key.clone(), before);
        }
    }

    /// What is gone by now stays forgotten.
    fn note(&mut self, subject: &Subject, beside: Beside) {
        if self.known.has(subject) {
            self.known.set(subject.clone(), beside);
        }
    }

    /// A write has failed; it is tried again after a while, which is returned.
    pub(super) fn failed(&mut self, subject: &Subject, now: Timestamp) -> Duration {
        self.writing.remove(subject);
        self.resting.insert(subject.clone());
        let backoff = self.backoffs.entry(subject.clone()).or_insert_with(backoff);
        let again = backoff.next().unwrap_or(LAST_RETRY);
        let at = now.saturating_add(again).unwrap_or(now);
        let sooner = self.known.timer(subject).is_none_or(|known| at < known);
        if sooner {
            self.known.set_timer(subject, Some(at));
        }
        again
    }

    /// Begins or ceases to lead.
    pub(super) fn turn(&mut self, leads: bool) {
        self.leads = leads;
        self.has_more_to_look_at = false;
        self.to_write.clear();
        self.counted.clear();
        // What another leader has written meanwhile is not known.
        self.told.clear();
        if leads {
            self.keeping.demand();
            self.to_write.extend(self.known.subjects());
        }
    }

    /// Whether the default policy is to be applied now; asked once, it is under way.
    pub(super) fn must_keep_default_policy(&mut self) -> bool {
        self.keeping.begin()
    }

    /// The default policy was applied, or someone else's is there.
    pub(super) fn default_policy_is(&mut self, owners: Option<String>) {
        if self.keeping.end(owners) {
            self.to_judge.insert(Subject::Policy(keys::DEFAULT_POLICY.into()));
        }
    }

    /// The default policy could not be applied; it is tried again after a while, which is returned.
    pub(super) fn default_policy_failed(&mut self, now: Timestamp) -> Duration {
        self.keeping.fail(now)
    }

    /// Takes a route's verdict into the standing of all. Says whether that has changed.
    fn stand(&mut self, key: &RouteKey, verdict: Option<&Verdict>) -> bool {
        let new = verdict.map(RouteStanding::of);
        let old = self.routes.remove(key);
        let has_changed = old != new;
        if has_changed {
            if let Some(old) = &old {
                self.count(key, old, false);
            }
            if let Some(new) = &new {
                self.count(key, new, true);
            }
        }
        if let Some(new) = new {
            self.routes.insert(key.clone(), new);
        }
        has_changed
    }

    fn count(&mut self, key: &RouteKey, route: &RouteStanding, is_there: bool) {
        route.count(key, is_there, &mut self.standing);
        self.to_judge.insert(Subject::Policy(Arc::clone(&route.policy)));
        for filing in &route.filings {
            let routes = self.served.entry(filing.clone()).or_default();
            if is_there {
                routes.insert(key.clone());
            } else {
                routes.remove(key);
            }
            if routes.is_empty() {
                self.served.remove(filing);
            }
            self.to_judge.insert(Subject::Filing(filing.clone()));
        }
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
