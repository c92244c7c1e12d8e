//! Which routes are to be moved into quarantine or out of it, and which of them may be now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::effects::{Batch, Blocking, Brake, Enforcement, Hindrance, brake, leaves_window};
use crate::registry::Policy;
use crate::route::RouteKey;

/// How long what is due must have settled before the brake is asked: what ends together is one batch.
const SETTLE: SignedDuration = SignedDuration::from_secs(1);
/// The longest time that what is due may go on growing before the brake is asked all the same.
const LAST_SETTLE: SignedDuration = SignedDuration::from_secs(5);
/// The wait before a route that someone else took out of quarantine is put there again; each one is twice the last.
const FIRST_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// The longest such wait.
const LAST_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// Where every route stands of which something is enforced.
#[derive(Default)]
pub(super) struct Enforcing {
    placed: HashMap<RouteKey, Placed>,
    policies: HashMap<Arc<str>, OfPolicy>,
    to_let_go: BTreeSet<RouteKey>,
    /// The routes that were seen in quarantine.
    seen: HashMap<RouteKey, Contention>,
    /// When those that were taken out of it are put there again.
    again: BTreeSet<(Timestamp, RouteKey)>,
    /// Those of which that time has come.
    to_put_back: BTreeSet<RouteKey>,
}

/// Where a route stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    /// The policy that governs it.
    pub(super) policy: Option<Arc<str>>,
    /// What is enforced on it.
    pub(super) enforcement: Enforcement,
    /// Since when it is in quarantine.
    pub(super) since: Option<Timestamp>,
    /// Whether the route itself says that someone else took it out: what is remembered of that ends with a restart.
    pub(super) was_put_back: bool,
}

/// A move of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Block,
    LetGo,
}

/// What is enforced under a policy.
#[derive(Default)]
struct OfPolicy {
    due: BTreeSet<RouteKey>,
    blocked: BTreeMap<RouteKey, Timestamp>,
    put_back: BTreeSet<RouteKey>,
    hindered: BTreeMap<Hindrance, BTreeSet<RouteKey>>,
    /// What the brake said when it was last asked.
    brake: Option<Brake>,
    /// Whether it is to be asked again.
    must_ask: bool,
    /// When what is due began to grow, and when it will have settled.
    growing: Option<(Timestamp, Timestamp)>,
    /// When less counts against the limit.
    reopens: Option<Timestamp>,
}

/// How often someone else took a route out of quarantine.
#[derive(Clone, Copy, Debug, Default)]
struct Contention {
    times: u32,
    /// When it was last put there, by what was seen.
    put_there: Option<Timestamp>,
    /// When it is put there again.
    again: Option<Timestamp>,
}

impl Enforcing {
    /// Takes note of where a route stands now. Says which policies that touches.
    pub(super) fn place(&mut self, key: &RouteKey, mut placed: Placed, now: Timestamp) -> Vec<Arc<str>> {
        // Also where the record went with the class, as when a whole object was put in its place.
        if placed.enforcement == Enforcement::Due && self.seen.contains_key(key) {
            placed.enforcement = Enforcement::PutBack;
        }
        if self.placed.get(key) == Some(&placed)
            || (placed.enforcement == Enforcement::Nothing && !self.placed.contains_key(key))
        {
            return Vec::new();
        }
        let mut touched = self.take(key);
        self.contend(key, placed.enforcement, now);
        if placed.enforcement == Enforcement::LettingGo {
            self.to_let_go.insert(key.clone());
        }
        if let Some(name) = &placed.policy {
            let is_contended = self.seen.get(key).is_some_and(|contention| contention.times > 0)
                || (placed.was_put_back && placed.enforcement == Enforcement::Blocked);
            let policy = self.policies.entry(Arc::clone(name)).or_default();
            policy.must_ask = true;
            match placed.enforcement {
                Enforcement::Due => policy.grow(key, now),
                // One that was taken out counts as what it was, and is, but for a while: there.
                Enforcement::Blocked | Enforcement::PutBack => {
                    // What was there before anyone can say does not count within any window.
                    policy
                        .blocked
                        .insert(key.clone(), placed.since.unwrap_or(Timestamp::MIN));
                }
                Enforcement::Hindered(why) => {
                    policy.hindered.entry(why).or_default().insert(key.clone());
                }
                Enforcement::Nothing | Enforcement::LettingGo => {}
            }
            if is_contended {
                policy.put_back.insert(key.clone());
            }
            touched.push(Arc::clone(name));
        }
        if placed.enforcement != Enforcement::Nothing {
            self.placed.insert(key.clone(), placed);
        }
        touched
    }

    /// Takes a route from where it stood.
    fn take(&mut self, key: &RouteKey) -> Vec<Arc<str>> {
        self.to_let_go.remove(key);
        let Some(old) = self.placed.remove(key) else {
            return Vec::new();
        };
        let Some(name) = old.policy else { return Vec::new() };
        if let Some(policy) = self.policies.get_mut(&name) {
            policy.must_ask = true;
            policy.due.remove(key);
            policy.blocked.remove(key);
            policy.put_back.remove(key);
            if let Enforcement::Hindered(why) = old.enforcement
                && let Some(routes) = policy.hindered.get_mut(&why)
            {
                routes.remove(key);
            }
            if policy.due.is_empty() {
                policy.growing = None;
            }
        }
        vec![name]
    }

    /// Keeps count of who else takes the route out of quarantine.
    fn contend(&mut self, key: &RouteKey, enforcement: Enforcement, now: Timestamp) {
        match enforcement {
            Enforcement::Blocked => {
                let known = self.seen.entry(key.clone()).or_default();
                known.put_there = Some(now);
                let again = known.again.take();
                self.forget_again(key, again);
            }
            Enforcement::PutBack => {
                let known = self.seen.entry(key.clone()).or_default();
                if known.again.is_none() {
                    let has_rested = known
                        .put_there
                        .is_some_and(|put_there| now.duration_since(put_there) >= LAST_AGAIN);
                    let again = now
                        .saturating_add(wait(if has_rested { 0 } else { known.times }))
                        .unwrap_or(now);
                    known.times = if has_rested { 1 } else { known.times.saturating_add(1) };
                    known.again = Some(again);
                    self.again.insert((again, key.clone()));
                }
            }
            Enforcement::Nothing | Enforcement::Due | Enforcement::LettingGo | Enforcement::Hindered(_) => {
                let again = self.seen.remove(key).and_then(|known| known.again);
                self.forget_again(key, again);
            }
        }
    }

    fn forget_again(&mut self, key: &RouteKey, again: Option<Timestamp>) {
        self.to_put_back.remove(key);
        if let Some(again) = again {
            self.again.remove(&(again, key.clone()));
        }
    }

    /// A route was moved; what the watch says of it comes later.
    pub(super) fn moved(&mut self, key: &RouteKey, moved: Move, now: Timestamp) -> Vec<Arc<str>> {
        let placed = self.placed.get(key);
        let was_put_back = placed.is_some_and(|placed| placed.was_put_back);
        let policy = placed.and_then(|placed| placed.policy.clone());
        let (enforcement, since) = match moved {
            Move::Block => (Enforcement::Blocked, Some(now)),
            Move::LetGo => (Enforcement::Nothing, None),
        };
        let placed = Placed {
            policy,
            enforcement,
            since,
            was_put_back,
        };
        self.place(key, placed, now)
    }

    /// What is enforced on a route.
    pub(super) fn of(&self, key: &RouteKey) -> Enforcement {
        self.placed
            .get(key)
            .map_or(Enforcement::Nothing, |placed| placed.enforcement)
    }

    /// Whether a route is about to be moved, so that what is to be said of it can wait until it is.
    pub(super) fn is_about_to_move(&self, key: &RouteKey) -> bool {
        let Some(placed) = self.placed.get(key) else {
            return false;
        };
        match placed.enforcement {
            Enforcement::LettingGo => true,
            Enforcement::Due => {
                let policy = placed.policy.as_ref().and_then(|name| self.policies.get(name));
                policy.is_some_and(|policy| !matches!(policy.brake, Some(Brake::Held(_))))
            }
            Enforcement::Nothing | Enforcement::Blocked | Enforcement::PutBack | Enforcement::Hindered(_) => false,
        }
    }

    /// The next route that may be moved, of those that `may_move`. Who is let go goes first.
    pub(super) fn next(&self, may_move: impl Fn(&RouteKey) -> bool) -> Option<(&RouteKey, Move)> {
        let to_let_go = self.to_let_go.iter().map(|key| (key, Move::LetGo));
        let to_put_back = self.to_put_back.iter().map(|key| (key, Move::Block));
        let may_go =
            |policy: &&OfPolicy| !policy.must_ask && matches!(policy.brake, Some(Brake::Open | Brake::Released));
        let due = self.policies.values().filter(may_go).flat_map(|policy| &policy.due);
        let mut all = to_let_go.chain(to_put_back).chain(due.map(|key| (key, Move::Block)));
        all.find(|(key, _)| may_move(key))
    }

    /// Asks a policy's brake again whatever else has changed: its spec, its status, how many routes it governs.
    pub(super) fn ask_again(&mut self, name: &str) {
        if let Some(policy) = self.policies.get_mut(name) {
            policy.must_ask = true;
        }
    }

    /// The policies whose brake is to be asked, for what is due has settled.
    pub(super) fn to_ask(&self, now: Timestamp) -> Vec<Arc<str>> {
        let asks = |policy: &OfPolicy| policy.must_ask && policy.growing.is_none_or(|(_, settles)| settles <= now);
        let policies = self.policies.iter().filter(|(_, policy)| asks(policy));
        policies.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Asks the brake of a policy. Says which routes it holds from now on; none where its answer is what it was.
    pub(super) fn ask(
        &mut self,
        policy: &Policy,
        conditions: &[Condition],
        governed: u32,
        now: Timestamp,
    ) -> Option<BTreeSet<RouteKey>> {
        let known = self.policies.get_mut(&policy.name)?;
        let batch = Batch {
            due: &known.due,
            blocked: &known.blocked,
            governed,
        };
        let answer = brake(policy, conditions, batch, now);
        known.must_ask = false;
        known.growing = None;
        let leaving = known.blocked.values().map(|since| leaves_window(policy, *since));
        known.reopens = leaving.filter(|at| *at > now && matches!(answer, Brake::Held(_))).min();
        let answer = Some(answer);
        if known.brake == answer {
            return None;
        }
        known.brake = answer;
        Some(match known.brake {
            Some(Brake::Held(_)) => known.due.clone(),
            _ => BTreeSet::new(),
        })
    }

    /// Forgets a policy under which nothing is enforced any more.
    pub(super) fn forget_policy(&mut self, name: &str) {
        self.policies.remove(name);
    }

    /// What is blocked under a policy.
    pub(super) fn under(&self, name: &str) -> Blocking<'_> {
        static NOTHING: OfPolicy = OfPolicy {
            due: BTreeSet::new(),
            blocked: BTreeMap::new(),
            put_back: BTreeSet::new(),
            hindered: BTreeMap::new(),
            brake: None,
            must_ask: false,
            growing: None,
            reopens: None,
        };
        let policy = self.policies.get(name).unwrap_or(&NOTHING);
        Blocking {
            brake: policy.brake.as_ref(),
            due: policy.due.len(),
            blocked: policy.blocked.len(),
            put_back: &policy.put_back,
            hindered: &policy.hindered,
        }
    }

    /// How many routes of each policy stand how, in the words of the metric.
    pub(super) fn tally(&self) -> BTreeMap<(Arc<str>, &'static str), u32> {
        let mut tally = BTreeMap::new();
        for (name, policy) in &self.policies {
            let is_held = matches!(policy.brake, Some(Brake::Held(_)));
            let hindered = |why| policy.hindered.get(&why).map_or(0, BTreeSet::len);
            let counts = [
                ("blocked", policy.blocked.len()),
                ("put_back", policy.put_back.len()),
                (if is_held { "held" } else { "due" }, policy.due.len()),
                ("excepted", hindered(Hindrance::Excepted)),
                ("no_quarantine_class", hindered(Hindrance::NoQuarantine)),
                ("no_record", hindered(Hindrance::NoRecord)),
                ("break_glass", hindered(Hindrance::BreakGlass)),
            ];
            // That none is blocked is told too, for whoever watches that.
            let some = counts
                .into_iter()
                .filter(|(state, count)| *count > 0 || *state == "blocked");
            tally.extend(
                some.map(|(state, count)| ((Arc::clone(name), state), u32::try_from(count).unwrap_or(u32::MAX))),
            );
        }
        tally
    }

    /// Lets go on what had to wait until now.
    pub(super) fn wake(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.again.first()
            && *at <= now
            && let Some((_, key)) = self.again.pop_first()
        {
            self.to_put_back.insert(key);
        }
        for policy in self.policies.values_mut() {
            if policy.reopens.is_some_and(|at| at <= now) {
                policy.reopens = None;
                policy.must_ask = true;
            }
        }
    }

    /// The clock was set back: what waits for a moment waits no longer than it would from now.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        let latest = now.saturating_add(LAST_AGAIN).unwrap_or(now);
        for (at, key) in std::mem::take(&mut self.again) {
            let at = at.min(latest);
            if let Some(known) = self.seen.get_mut(&key) {
                known.again = Some(at);
            }
            self.again.insert((at, key));
        }
        for policy in self.policies.values_mut() {
            policy.must_ask = true;
            policy.growing = None;
            policy.reopens = None;
        }
    }

    /// The next moment at which more may be moved.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let again = self.again.first().map(|(at, _)| *at);
        let policies = self.policies.values().flat_map(|policy| {
            let settles = policy.growing.filter(|_| policy.must_ask).map(|(_, settles)| settles);
            settles.into_iter().chain(policy.reopens)
        });
        again.into_iter().chain(policies).min()
    }
}

impl OfPolicy {
    fn grow(&mut self, key: &RouteKey, now: Timestamp) {
        self.due.insert(key.clone());
        let (began, _) = self.growing.unwrap_or((now, now));
        let last = began.saturating_add(LAST_SETTLE).unwrap_or(now);
        let settles = now.saturating_add(SETTLE).unwrap_or(now).min(last);
        self.growing = Some((began, settles));
    }
}

/// How long a route stays where someone else has put it, after so many times before.
fn wait(times: u32) -> SignedDuration {
    let factor = 2_i32.saturating_pow(times.min(16));
    FIRST_AGAIN.saturating_mul(factor).min(LAST_AGAIN)
}
