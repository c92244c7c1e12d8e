//! Access filings (接入备案) under way, and migrations between providers: the new access before the move, the old one
//! cancelled after it.

use super::facts::{Duration, duration};
use super::{Object, Planner, Task, When};
use crate::api::{Access, AccessStage, Filing};
use crate::domain::Day;
use crate::domain::place::canonical_provider;

/// The stages of an access filing, in order.
fn stages() -> [&'static Duration; 3] {
    ["provider-review", "sms-check", "bureau-review"].map(duration)
}

/// The last day on which to hand an access in, so that it is approved by a day even if each stage takes its longest.
fn hand_in_by(day: Day) -> When {
    let mut years = Vec::new();
    let begin = stages().into_iter().rev().fold(day, |day, stage| {
        let counted = stage.before(day, stage.longest());
        years.extend(counted.unknown_years);
        counted.day
    });
    When::on(begin).through(years)
}

/// Between which days an access that was handed in on a day is decided on.
fn decided(handed_in: Day) -> When {
    let mut years = Vec::new();
    let (mut earliest, mut latest) = (handed_in, handed_in);
    for stage in stages() {
        earliest = stage.after(earliest, stage.min).day;
        let counted = stage.after(latest, stage.longest());
        years.extend(counted.unknown_years);
        latest = counted.day;
    }
    When::between(earliest, latest).through(years)
}

impl Planner<'_> {
    /// What the access entries of an approved filing ask for.
    pub(super) fn access(&mut self, object: &Object, filing: &Filing, grace: u32) {
        for entry in &filing.spec.access {
            match (&entry.migrating_from, entry.stage) {
                (_, AccessStage::Cancelled) | (None, AccessStage::Approved) => {}
                (Some(from), _) => self.migration(object, filing, entry, from, grace),
                (None, AccessStage::Submitted) => {
                    let task = Task::AccessDecision {
                        provider: entry.provider.clone(),
                        moves: None,
                    };
                    let handed_in = entry.since.unwrap_or(self.horizon.today);
                    self.add(object, decided(handed_in), task);
                }
            }
        }
    }

    fn migration(&mut self, object: &Object, filing: &Filing, entry: &Access, from: &str, grace: u32) {
        let today = self.horizon.today;
        // Without its beginning nothing of it has a day; the API server asks for it.
        let Some(moves) = entry.since else { return };
        let provider = entry.provider.clone();
        if entry.stage == AccessStage::Submitted {
            let decision = Task::AccessDecision {
                provider: provider.clone(),
                moves: (moves > today).then_some(moves),
            };
            if moves > today {
                let begin = hand_in_by(moves);
                let earliest = decided(begin.date.max(today)).date.min(moves);
                let until = When::between(earliest, moves).through(begin.unknown_years.clone());
                let task = Task::FileAccess {
                    provider: provider.clone(),
                    from: from.to_owned(),
                    moves,
                };
                self.add(object, begin, task);
                self.add(object, until, decision);
            } else {
                self.add(object, decided(moves), decision);
            }
        }
        if moves >= today {
            let task = Task::Move {
                provider: provider.clone(),
                from: from.to_owned(),
            };
            self.add(object, When::on(moves), task);
        }
        let is_old = |other: &&Access| canonical_provider(&other.provider) == canonical_provider(from);
        let old = filing.spec.access.iter().find(is_old);
        if old.is_some_and(|old| old.stage == AccessStage::Cancelled) {
            return;
        }
        let last = moves.plus(grace);
        let takes = duration("access-cancel");
        let counted = takes.before(last, takes.longest());
        let task = Task::CancelAccess {
            from: from.to_owned(),
            provider,
            hand_in: counted.day.max(moves),
            grace,
        };
        let when = When::between(moves.plus(1), last).through(counted.unknown_years);
        self.add(object, when, task);
    }
}
