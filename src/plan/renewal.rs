//! What ends: its last day, the steps of its renewal, and the operator's reminders.

use super::{Object, Planner, Task, When, facts};
use crate::api::{AccessServer, ServerState};
use crate::effects::{Ending, endings};
use crate::registry::{Snapshot, SubjectKind};

impl Planner<'_> {
    /// All that ends, as the operator knows it.
    pub(super) fn renewals(&mut self, snapshot: &Snapshot) {
        for ending in endings(snapshot) {
            let policy = match ending.kind {
                // Of its exemptions a policy reminds by its own days.
                SubjectKind::Policy => snapshot.policies().find(|policy| *policy.name == *ending.name),
                _ => None,
            };
            let policy = policy.map_or(snapshot.default_policy(), |policy| policy);
            self.renewal(&ending, &policy.reminders);
        }
    }

    fn renewal(&mut self, ending: &Ending<'_>, reminders: &[u32]) {
        let object = Object::of(ending.kind, ending.namespace, ending.name);
        let (end, last) = (&ending.term.end, ending.term.date);
        self.add(&object, When::on(last), Task::Ends { end: end.clone() });
        if last < self.horizon.today {
            // Nothing can be done in time any more, and nobody is reminded.
            return;
        }
        for step in facts::steps(end) {
            let task = Task::Renewal {
                end: end.clone(),
                last,
                step,
            };
            self.add(&object, When::on(last.minus(step.days)), task);
        }
        let mut thresholds = reminders.to_vec();
        thresholds.dedup();
        for threshold in thresholds {
            let date = last.minus(threshold);
            if date >= self.horizon.today {
                let task = Task::Reminder {
                    end: end.clone(),
                    last,
                    threshold,
                };
                self.add(&object, When::on(date), task);
            }
        }
    }

    /// A server whose lease renews itself takes no steps; but the account has to be able to pay.
    pub(super) fn renews_itself(&mut self, server: &AccessServer) {
        let spec = &server.spec;
        if !spec.auto_renew || spec.state == ServerState::Released {
            return;
        }
        // One that is past was renewed, and nobody wrote the new day down.
        if let Some(day) = spec.expires_at.filter(|day| *day >= self.horizon.today) {
            self.add(&Object::server(server), When::on(day), Task::RenewsItself);
        }
    }
}
