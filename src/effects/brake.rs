//! The brake: never more routes are put into quarantine at once than a policy allows without a person's word.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use sha2::{Digest as _, Sha256};

use super::declaration::whole_seconds;
use super::notice::beginning_of;
use crate::api::keys::conditions::BRAKE_HELD;
use crate::registry::Policy;
use crate::route::RouteKey;

/// How far ahead a time may lie that is believed: a clock that was set back by a day must not open the brake.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// How many routes a message names.
pub(super) const NAMES: usize = 5;

/// What a policy's brake is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The routes that are to be put into quarantine.
    pub due: &'a BTreeSet<RouteKey>,
    /// Those that are there, each since when.
    pub blocked: &'a BTreeMap<RouteKey, Timestamp>,
    /// How many routes the policy governs.
    pub governed: u32,
}

/// What the brake answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brake {
    /// All that are due go, for they are no more than the policy allows.
    Open,
    /// All that are due go, for a person has said so.
    Released,
    /// None goes.
    Held(Held),
}

/// Why none goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What names the set that is held, and this time that it is held.
    pub digest: String,
    /// Since when it is held, in whole seconds: what the digest counts on, and so what the condition must show.
    pub since: Timestamp,
    /// How many are due.
    pub due: usize,
    /// The first of them.
    pub first: Vec<RouteKey>,
    /// How many were put into quarantine within the window.
    pub recent: usize,
    /// How many may be in all.
    pub limit: usize,
    /// How many the policy governs, of which that may be a share.
    pub governed: u32,
}

/// Asks the brake of a policy. `conditions` are those of its status as it stands.
pub fn brake(policy: &Policy, conditions: &[Condition], batch: Batch<'_>, now: Timestamp) -> Brake {
    let limit = limit(policy, batch.governed);
    let within = window(policy);
    let is_recent = |since: &&Timestamp| is_believed(**since, now) && now.duration_since(**since) < within;
    let recent = batch.blocked.values().filter(is_recent).count();
    if batch.due.is_empty() || batch.due.len().saturating_add(recent) <= limit {
        return Brake::Open;
    }
    let since = held_since(conditions).unwrap_or(whole_seconds(now));
    let digest = digest(batch, since, now);
    // A word is only worth something for what is shown: one that came before the brake was held means another time.
    if held_since(conditions).is_some() && policy.released_brake.as_deref() == Some(digest.as_str()) {
        return Brake::Released;
    }
    Brake::Held(Held {
        digest,
        since,
        due: batch.due.len(),
        first: batch.due.iter().take(NAMES).cloned().collect(),
        recent,
        limit,
        governed: batch.governed,
    })
}

/// When what was put into quarantine then does not count any more.
pub fn leaves_window(policy: &Policy, since: Timestamp) -> Timestamp {
    since.saturating_add(window(policy)).unwrap_or(since)
}

/// The smaller of the policy's number and its share of the routes, which is at least one.
fn limit(policy: &Policy, governed: u32) -> usize {
    let share = u64::from(governed)
        .saturating_mul(u64::from(policy.brake.percent))
        .div_ceil(100)
        .max(1);
    let limit = share.min(u64::from(policy.brake.routes));
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn window(policy: &Policy) -> SignedDuration {
    SignedDuration::from_mins(i64::from(policy.brake.minutes))
}

/// Whether a time can have been written by the operator: one far ahead is forged.
fn is_believed(moment: Timestamp, now: Timestamp) -> bool {
    moment.duration_since(now) < AHEAD
}

fn held_since(conditions: &[Condition]) -> Option<Timestamp> {
    let held = conditions.iter().find(|condition| condition.type_ == BRAKE_HELD)?;
    (held.status == "True").then_some(held.last_transition_time.0)
}

/// Of what is due and what has been put into quarantine since it is held: so the digest stays while a set that was
/// released is carried out, whoever does it. The time makes it another when the same routes are held once more.
fn digest(batch: Batch<'_>, since: Timestamp, now: Timestamp) -> String {
    let is_done = |at: Timestamp| at >= since && is_believed(at, now);
    let done = batch.blocked.iter().filter(|(_, at)| is_done(**at));
    let set: BTreeSet<&RouteKey> = batch.due.iter().chain(done.map(|(key, _)| key)).collect();
    let mut digest = Sha256::new();
    digest.update(since.as_second().to_be_bytes());
    for key in set {
        // Neither a namespace nor a name has a slash.
        digest.update(format!("{}/{}/{}\n", key.kind.kind(), key.namespace, key.name));
    }
    beginning_of(digest, 6)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::effects::declaration::condition;
    use crate::registry::Change;
    use crate::support::{change, now, policy as document, route_key};

    fn policy(routes: u32, percent: u32, released: Option<&str>) -> Policy {
        let brake = json!({"routes": routes, "percent": percent, "minutes": 10});
        let Change::Policy(_, Ok(mut policy)) = change(&document("default", json!({"brake": brake}))) else {
            panic!("it is a policy");
        };
        policy.released_brake = released.map(str::to_owned);
        policy
    }

    fn key(number: usize) -> RouteKey {
        route_key(&format!("web-{number:04}"))
    }

    fn due(count: usize) -> BTreeSet<RouteKey> {
        (0..count).map(key).collect()
    }

    /// So many that were put into quarantine then, named after those that are due.
    fn blocked(after: usize, count: usize, since: Timestamp) -> BTreeMap<RouteKey, Timestamp> {
        (after..after + count).map(|number| (key(number), since)).collect()
    }

    fn held(since: Timestamp) -> Vec<Condition> {
        vec![Condition {
            last_transition_time: Time(since),
            ..condition(&[], BRAKE_HELD, true, "LimitExceeded", "", 1, since)
        }]
    }

    #[rstest]
    #[case::none_is_due(10, 20, 100, 0, 0, true)]
    #[case::as_many_as_allowed(10, 20, 100, 10, 0, true)]
    #[case::one_more(10, 20, 100, 11, 0, false)]
    #[case::with_those_of_the_window(10, 20, 100, 5, 5, true)]
    #[case::one_more_with_those_of_the_window(10, 20, 100, 6, 5, false)]
    #[case::a_share_of_few(10, 20, 6, 2, 0, true)]
    #[case::more_than_the_share_of_few(10, 20, 6, 3, 0, false)]
    #[case::a_single_route(10, 20, 1, 1, 0, true)]
    #[case::a_single_route_with_the_limit_of_one(1, 100, 1, 1, 0, true)]
    #[case::a_share_of_nothing_is_one(10, 0, 100, 1, 0, true)]
    #[case::none_without_a_word(0, 100, 100, 1, 0, false)]
    #[case::all_of_a_great_many(100_000, 100, 5000, 5000, 0, true)]
    fn no_more_than_the_limit_go(
        #[case] routes: u32,
        #[case] percent: u32,
        #[case] governed: u32,
        #[case] count: usize,
        #[case] recent: usize,
        #[case] is_open: bool,
    ) {
        let (due, blocked) = (due(count), blocked(count, recent, now()));
        let batch = Batch {
            due: &due,
            blocked: &blocked,
            governed,
        };
        let answer = brake(&policy(routes, percent, None), &[], batch, now());
        assert_eq!(answer == Brake::Open, is_open, "{answer:?}");
    }

    #[test]
    fn what_left_the_window_counts_no_more() {
        let (due, blocked) = (due(6), blocked(6, 6, now()));
        let batch = Batch {
            due: &due,
            blocked: &blocked,
            governed: 100,
        };
        let policy = policy(10, 20, None);
        let last = now() + 10.minutes() - 1.second();
        assert!(matches!(brake(&policy, &[], batch, last), Brake::Held(_)));
        assert_eq!(brake(&policy, &[], batch, leaves_window(&policy, now())), Brake::Open);
    }

    #[test]
    fn a_time_that_lies_far_ahead_counts_for_nothing() {
        let (due, blocked) = (due(6), blocked(6, 10, now() + 72.hours()));
        let batch = Batch {
            due: &due,
            blocked: &blocked,
            governed: 100,
        };
        assert_eq!(brake(&policy(10, 20, None), &[], batch, now()), Brake::Open);
    }

    /// The digest that is shown while the brake is held.
    fn shown(batch: Batch<'_>, since: Timestamp) -> String {
        match brake(&policy(10, 20, None), &held(since), batch, now()) {
            Brake::Held(held) => held.digest,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_set_that_was_released_goes_to_its_last_route_and_no_other_does() {
        let since = now() - 1.minute();
        let all = due(50);
        let nothing = BTreeMap::new();
        let batch = Batch {
            due: &all,
            blocked: &nothing,
            governed: 1000,
        };
        let digest = shown(batch, since);
        let policy = policy(10, 20, Some(&digest));
        for done in 0..49 {
            let rest = all.iter().skip(done).cloned().collect();
            let blocked = blocked(0, done, now());
            let batch = Batch {
                due: &rest,
                blocked: &blocked,
                governed: 1000,
            };
            let answer = brake(&policy, &held(since), batch, now());
            assert_eq!(answer, Brake::Released, "{done} are done");
        }
        let more = due(51);
        let batch = Batch { due: &more, ..batch };
        assert!(matches!(brake(&policy, &held(since), batch, now()), Brake::Held(_)));
    }

    #[test]
    fn a_word_counts_for_one_time_and_not_before_it_is_asked_for() {
        let since = now() - 1.minute();
        let due = due(50);
        let nothing = BTreeMap::new();
        let batch = Batch {
            due: &due,
            blocked: &nothing,
            governed: 1000,
        };
        let policy = policy(10, 20, Some(&shown(batch, since)));
        assert_eq!(brake(&policy, &held(since), batch, now()), Brake::Released);
        let again = held(since + 1.hour());
        assert!(matches!(brake(&policy, &again, batch, now()), Brake::Held(_)));
        assert!(matches!(brake(&policy, &[], batch, since), Brake::Held(_)));
    }
}
