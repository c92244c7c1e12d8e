//! What is known of each subject beside the registry, and when it is next to be looked at. There is one entry for each of
//! what may be a hundred thousand.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::api::Colour;
use crate::controller::watch::Beside;
use crate::registry::Subject;

/// What is known of all subjects.
#[derive(Default)]
pub(super) struct Known {
    all: HashMap<Subject, One>,
    timers: BTreeSet<(Timestamp, Subject)>,
}

struct One {
    beside: Beside,
    /// Its place in the timers.
    timer: Option<Timestamp>,
    /// The light of a filing or server that was judged.
    colour: Option<Colour>,
}

impl One {
    fn new(beside: Beside) -> Self {
        Self {
            beside,
            timer: None,
            colour: None,
        }
    }
}

impl Known {
    /// What is known of one, if it is there.
    pub(super) fn get(&self, subject: &Subject) -> Option<&Beside> {
        let one = self.all.get(subject)?;
        Some(&one.beside).filter(|beside| !matches!(beside, Beside::Nothing))
    }

    /// Whether it is there.
    pub(super) fn has(&self, subject: &Subject) -> bool {
        self.get(subject).is_some()
    }

    /// All that are there.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let there = self
            .all
            .iter()
            .filter(|(_, one)| !matches!(one.beside, Beside::Nothing));
        there.map(|(subject, _)| subject.clone())
    }

    pub(super) fn set(&mut self, subject: Subject, beside: Beside) {
        match self.all.get_mut(&subject) {
            Some(one) => one.beside = beside,
            None => drop(self.all.insert(subject, One::new(beside))),
        }
    }

    /// Forgets one, and says which light it had.
    pub(super) fn forget(&mut self, subject: &Subject) -> Option<Colour> {
        self.set_timer(subject, None);
        self.all.remove(subject)?.colour
    }

    /// Sets the light of one that is there, and says which it had.
    pub(super) fn set_colour(&mut self, subject: &Subject, colour: Option<Colour>) -> Option<Colour> {
        std::mem::replace(&mut self.all.get_mut(subject)?.colour, colour)
    }

    pub(super) fn timer(&self, subject: &Subject) -> Option<Timestamp> {
        self.all.get(subject)?.timer
    }

    /// Sets when it is next to be looked at, in place of what was set before.
    pub(super) fn set_timer(&mut self, subject: &Subject, at: Option<Timestamp>) {
        if self.timer(subject) == at {
            return;
        }
        let one = self
            .all
            .entry(subject.clone())
            .or_insert_with(|| One::new(Beside::Nothing));
        if let Some(before) = std::mem::replace(&mut one.timer, at) {
            self.timers.remove(&(before, subject.clone()));
        }
        match at {
            Some(at) => drop(self.timers.insert((at, subject.clone()))),
            None if matches!(one.beside, Beside::Nothing) => drop(self.all.remove(subject)),
            None => {}
        }
    }

    /// When the first is to be looked at.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes the first that is to be looked at by now.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Subject> {
        self.next_timer().filter(|at| *at <= now)?;
        let (_, subject) = self.timers.first()?.clone();
        self.set_timer(&subject, None);
        Some(subject)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.timers.is_empty()
    }
}
