//! What each route adds to the standing of all.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::Colour;
use crate::controller::shared::Standing;
use crate::effects::Tally;
use crate::judge::{Outcome, Verdict};
use crate::registry::{FilingKey, Subject};
use crate::route::RouteKey;
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

    /// Adds it to the standing of all, as that of this route, or takes it away.
    pub(super) fn count(&self, key: &RouteKey, is_there: bool, standing: &mut Standing) {
        let tally = standing.policies.entry(Arc::clone(&self.policy)).or_default();
        if is_there {
            tally.add(self.outcome);
        } else {
            tally.remove(self.outcome);
        }
        if *tally == Tally::default() {
            standing.policies.remove(&self.policy);
        }
        for finding @ (rule, severity) in &self.findings {
            change_of(&mut standing.findings, *finding, is_there);
            if *severity == Severity::Violation {
                let violations = Arc::make_mut(&mut standing.violations);
                change_of(violations, (Arc::clone(&key.namespace), *rule), is_there);
            }
        }
    }
}

/// One more of these, or one less; of what there is none there is no entry.
fn change_of<K: Ord>(counts: &mut BTreeMap<K, u32>, key: K, is_there: bool) {
    match counts.entry(key) {
        Entry::Vacant(vacant) if is_there => drop(vacant.insert(1)),
        Entry::Vacant(_) => {}
        Entry::Occupied(mut occupied) => {
            let count = occupied.get_mut();
            *count = if is_there {
                count.saturating_add(1)
            } else {
                count.saturating_sub(1)
            };
            if *count == 0 {
                occupied.remove();
            }
        }
    }
}

impl Standing {
    /// Counts the new light of a filing or server in place of the one that it had. Says whether that has changed anything.
    pub(super) fn recolour(&mut self, subject: &Subject, before: Option<Colour>, now: Option<Colour>) -> bool {
        let colours = match subject {
            Subject::Filing(_) => &mut self.filings,
            Subject::Server(_) => &mut self.servers,
            _ => return false,
        };
        if let Some(colour) = before {
            change_of(colours, colour, false);
        }
        if let Some(colour) = now {
            change_of(colours, colour, true);
        }
        before != now
    }
}
