//! What `running: Block` makes of a route: whether it is to be in quarantine, and whether it can be.

use crate::api::{Running, keys};
use crate::judge::{Outcome, Verdict};
use crate::registry::Snapshot;
use crate::route::Route;

/// What is enforced on a running route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Enforcement {
    /// Nothing.
    Nothing,
    /// It is in quarantine, and stays there.
    Blocked,
    /// It is to be put into quarantine.
    Due,
    /// It was in quarantine, someone else took it out, and it is to be put there again.
    PutBack,
    /// It is in quarantine, or has been put back but for the last step, and is to be let go.
    LettingGo,
    /// It violates, or is in quarantine for nothing, and is left as it is.
    Hindered(Hindrance),
}

/// Why a route is not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hindrance {
    /// The quarantine class is missing, or another controller serves it.
    NoQuarantine,
    /// The policy's `blockExcept` names the controller of its class.
    Excepted,
    /// What its record says of its class can't be read.
    NoRecord,
}

/// What is to be enforced on a route under its verdict; without one no policy governs it.
pub fn enforcement(route: &Route, verdict: Option<&Verdict>, facts: &Snapshot) -> Enforcement {
    let class = &route.class;
    let blocking = verdict.filter(|verdict| {
        verdict.outcome == Outcome::Violating && verdict.policy.running == Running::Block && !verdict.policy.is_released
    });
    match (blocking, class.record(), class.is_quarantined()) {
        (Some(_), Some(_), true) => Enforcement::Blocked,
        (None, Some(_), _) => Enforcement::LettingGo,
        // A record that says nothing is no ground to move a route, one way or the other. Whoever made a route in that
        // class without one wants it to be unserved.
        (Some(_), None, _) | (None, None, true) if class.recorded.is_some() => {
            Enforcement::Hindered(Hindrance::NoRecord)
        }
        (Some(verdict), record, false) => match hindrance(route, verdict, facts) {
            Some(hindrance) => Enforcement::Hindered(hindrance),
            None if record.is_some() => Enforcement::PutBack,
            None => Enforcement::Due,
        },
        (Some(_), None, true) | (None, None, _) => Enforcement::Nothing,
    }
}

fn hindrance(route: &Route, verdict: &Verdict, facts: &Snapshot) -> Option<Hindrance> {
    let quarantine = facts.class(keys::QUARANTINE_CLASS);
    if quarantine.and_then(|class| class.controller.as_deref()) != Some(keys::QUARANTINE_CONTROLLER) {
        return Some(Hindrance::NoQuarantine);
    }
    let controller = route
        .class
        .name()
        .or_else(|| facts.default_class())
        .and_then(|class| facts.class(class)?.controller.as_deref());
    let is_excepted = |controller| {
        verdict
            .policy
            .block_except
            .iter()
            .any(|excepted| excepted == controller)
    };
    controller.is_some_and(is_excepted).then_some(Hindrance::Excepted)
}
