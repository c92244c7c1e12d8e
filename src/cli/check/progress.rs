//! A bar on standard error, for work that takes long and a person who waits.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less is over before a bar would be seen.
const LONG: Duration = Duration::from_millis(500);

pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_shown: AtomicBool,
}

impl Progress {
    pub(super) fn new(is_quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} objects") {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            // Where nobody watches, it counts as shown already.
            is_shown: AtomicBool::new(is_quiet || !io::stderr().is_terminal()),
        }
    }

    /// There is so much more to do.
    pub(super) fn expect(&self, count: usize) {
        self.bar.inc_length(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// One more is done, of as many as there may be.
    pub(super) fn advance_one_more(&self) {
        self.expect(1);
        self.advance();
    }

    /// One more is done.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
        if !self.is_shown.load(Ordering::Relaxed)
            && self.started.elapsed() >= LONG
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
