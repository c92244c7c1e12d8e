//! What each route adds to the standing of all.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::controller::shared::Standing;
use crate::effects::Tally;
use crate::judge::{Outcome, Verdict};
use crate::registry::FilingKey;
use crate::rules::Severity;

/// What a route adds to the standing of all.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RouteStanding {
    pub(super) policy: Arc<str>,
    pub(super) outcome: Outcome,
    /// Each once.
    pub(super) filings: Box<[FilingKey]>,
    pub(super) findings: Box<[(&'static str, Severity)]>,
}

impl RouteStanding {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let filings = verdict.hosts.iter().filter_map(|host| Some(&host.filing.as_ref()?.key));
        let filings: BTreeSet<&FilingKey> = filings.collect();
        Self {
            policy: Arc::clone(&verdict.policy.name),
            outcome: verdict.outcome,
            filings: filings.into_iter().cloned().collect(),
            findings: verdict
                .findings()
                .filter(|(host, _)| host.outcome != Outcome::Exempt)
                .map(|(_, finding)| (finding.rule.id, finding.severity))
                .collect(),
        }
    }

    /// Adds it to the standing of all, or takes it away.
    pub(super) fn count(&self, is_there: bool, standing: &mut Standing) {
        let tally = standing.policies.entry(Arc::clone(&self.policy)).or_default();
        if is_there {
            tally.add(self.outcome);
        } else {
            tally.remove(self.outcome);
        }
        if *tally == Tally::default() {
            standing.policies.remove(&self.policy);
        }
        for finding in &self.findings {
            let count = standing.findings.entry(*finding).or_default();
            change(count, is_there);
            if *count == 0 {
                standing.findings.remove(finding);
            }
        }
    }
}

/// One more, or one less.
pub(super) fn change(count: &mut u32, is_there: bool) {
    *count = if is_there {
        count.saturating_add(1)
    } else {
        count.saturating_sub(1)
    };
}
