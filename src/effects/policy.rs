//! What to do about a policy: its status.

use jiff::Timestamp;

use super::Effect;
use super::declaration::condition;
use crate::api::keys::conditions::READY;
use crate::api::keys::reasons;
use crate::api::{FilingPolicyStatus, RouteCounts, SitePlace};
use crate::domain::{Location, Place};
use crate::judge::Outcome;
use crate::registry::{Policy, Problem, Unreadable};

/// How many governed routes stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u32; Outcome::ALL.len()]);

impl Tally {
    /// One route more.
    pub fn add(&mut self, outcome: Outcome) {
        if let Some(count) = self.0.get_mut(outcome as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// One route less.
    pub fn remove(&mut self, outcome: Outcome) {
        if let Some(count) = self.0.get_mut(outcome as usize) {
            *count = count.saturating_sub(1);
        }
    }

    /// The routes of one outcome.
    pub fn of(&self, outcome: Outcome) -> u32 {
        self.0.get(outcome as usize).copied().unwrap_or_default()
    }
}

/// What a policy governs, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub struct Governing<'a> {
    /// Where its routes are served.
    pub site: &'a [Place],
    /// How its routes stand.
    pub tally: Tally,
    /// Who else owns its spec, where the operator would keep it.
    pub owned_by: Option<&'a str>,
    /// What could not be understood of it.
    pub problems: &'a [Problem],
}

/// What to do about a policy that can be read.
pub fn policy(policy: &Policy, before: &FilingPolicyStatus, governing: Governing<'_>, now: Timestamp) -> Vec<Effect> {
    let Governing {
        site,
        tally,
        owned_by,
        problems,
    } = governing;
    let (is_ready, reason, message) = match (owned_by, problems) {
        (Some(owners), _) => (
            false,
            reasons::OWNED_BY_OTHERS,
            format!(
                "{owners}; theirs is in force, not the operator's own: leave that out, or have them give this one up"
            ),
        ),
        (None, []) => (true, reasons::IN_FORCE, "it is in force".to_owned()),
        (None, [first, others @ ..]) => {
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(" (and {} more)", others.len())
            };
            (
                false,
                reasons::MISUNDERSTOOD,
                format!("{}: {}{more}", first.path, first.message),
            )
        }
    };
    let ready = condition(
        &before.conditions,
        READY,
        is_ready,
        reason,
        &message,
        policy.generation,
        now,
    );
    let status = FilingPolicyStatus {
        observed_generation: Some(policy.generation),
        site: site.iter().map(place).collect(),
        routes: Some(RouteCounts {
            compliant: tally.of(Outcome::Compliant),
            warned: tally.of(Outcome::Warned),
            violating: tally.of(Outcome::Violating),
            exempt: tally.of(Outcome::Exempt),
        }),
        conditions: vec![ready],
        ..before.clone()
    };
    changed(before, status)
}

/// What to do about a policy that can't be read, and so governs nothing.
pub fn unreadable_policy(unreadable: &Unreadable, before: &FilingPolicyStatus, now: Timestamp) -> Vec<Effect> {
    let message = format!("it can't be read, and governs nothing: {}", unreadable.error);
    let ready = condition(
        &before.conditions,
        READY,
        false,
        reasons::UNREADABLE,
        &message,
        unreadable.generation,
        now,
    );
    let status = FilingPolicyStatus {
        observed_generation: Some(unreadable.generation),
        site: Vec::new(),
        routes: None,
        conditions: vec![ready],
        ..before.clone()
    };
    changed(before, status)
}

fn changed(before: &FilingPolicyStatus, status: FilingPolicyStatus) -> Vec<Effect> {
    if status == *before {
        Vec::new()
    } else {
        vec![Effect::PolicyStatus(Box::new(status))]
    }
}

fn place(place: &Place) -> SitePlace {
    let (province, mainland) = match place.location {
        Location::Mainland(province) => (province.map(|province| province.code.to_owned()), Some(true)),
        Location::Outside => (None, Some(false)),
        Location::Unknown => (None, None),
    };
    SitePlace {
        provider: place.provider.to_string(),
        region: place.region.as_deref().map(str::to_owned),
        province,
        mainland,
    }
}
