//! How far the operator's own policy is kept as the FilingPolicy `default`. Apart from the queues: what is written to its
//! status is another matter.

use std::time::Duration;

use backon::ExponentialBackoff;
use jiff::Timestamp;

use super::{LAST_RETRY, backoff};

/// How far the default policy is kept.
#[derive(Default)]
pub(super) struct Keeping {
    state: State,
    backoff: Option<ExponentialBackoff>,
    /// Who else owns its spec.
    pub(super) owners: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is to be done.
    #[default]
    Kept,
    /// It is to be applied.
    Due,
    /// It is being applied, and once more after that if something has changed meanwhile.
    UnderWay { again: bool },
    /// It could not be applied, and is tried again then.
    Later(Timestamp),
}

impl Keeping {
    /// It is to be applied.
    pub(super) fn demand(&mut self) {
        self.state = match self.state {
            State::UnderWay { .. } => State::UnderWay { again: true },
            State::Kept | State::Due | State::Later(_) => State::Due,
        };
    }

    /// Whether it is to be applied now; asked once, it is under way.
    pub(super) fn begin(&mut self) -> bool {
        let is_due = self.state == State::Due;
        if is_due {
            self.state = State::UnderWay { again: false };
        }
        is_due
    }

    /// It was applied, or someone else's is there. Says whether that is another answer than before.
    pub(super) fn end(&mut self, owners: Option<String>) -> bool {
        self.state = match self.state {
            State::UnderWay { again: true } => State::Due,
            _ => State::Kept,
        };
        self.backoff = None;
        let is_other = owners != self.owners;
        self.owners = owners;
        is_other
    }

    /// It could not be applied; it is tried again after a while, which is returned.
    pub(super) fn fail(&mut self, now: Timestamp) -> Duration {
        let backoff = self.backoff.get_or_insert_with(backoff);
        let again = backoff.next().unwrap_or(LAST_RETRY);
        self.state = State::Later(now.saturating_add(again).unwrap_or(now));
        again
    }

    /// Tries again what is due now.
    pub(super) fn wake(&mut self, now: Timestamp) {
        if let State::Later(at) = self.state
            && at <= now
        {
            self.state = State::Due;
        }
    }

    /// The clock was set back: what waits for a moment waits no longer.
    pub(super) fn set_back(&mut self) {
        if let State::Later(_) = self.state {
            self.state = State::Due;
        }
    }

    /// When it is tried again.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        match self.state {
            State::Later(at) => Some(at),
            State::Kept | State::Due | State::UnderWay { .. } => None,
        }
    }
}
