//! When the daily digest goes out: at 09:00 in China, once a day, by whoever leads.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::Teller;
use super::digest::digest;
use super::outbox::Handed;
use crate::admission::{Clock, Facts};
use crate::domain::Day;
use crate::effects::Notice;

/// How long after its time a digest may still go out. That it has gone out is told by its Event, and Events last an hour
/// where an API server is not told otherwise: later than this, one that is gone could pass for one that never was.
const WINDOW: SignedDuration = SignedDuration::from_mins(45);
/// The longest time between two looks at the clock, so that a clock that was set is noticed, and a failure tried again.
const LOOK: Duration = Duration::from_secs(30);

/// Sends the digest of each day until `stop` resolves. `leads` says whether this replica may write, and `announce` creates
/// an Event and says whether it was not there yet: where it was, the digest is on its way already.
pub async fn daily<E: Error>(
    teller: Teller,
    facts: Facts,
    clock: Clock,
    leads: impl Fn() -> bool,
    announce: impl AsyncFn(&Notice, Timestamp) -> Result<bool, E>,
    stop: impl Future<Output = ()>,
) {
    if teller.is_silent() {
        return;
    }
    let mut stop = std::pin::pin!(stop);
    let mut done = None;
    loop {
        let now = clock();
        let today = Day::of(now);
        if is_due(now) && done != Some(today) && leads() {
            done = send(&teller, &facts, now, &announce).await.then_some(today);
        }
        tokio::select! {
            () = tokio::time::sleep(time_to_next_look(clock())) => {}
            () = &mut stop => return,
        }
    }
}

/// Sends the digest of today; no means that it is worth another try.
async fn send<E: Error>(
    teller: &Teller,
    facts: &Facts,
    now: Timestamp,
    announce: impl AsyncFn(&Notice, Timestamp) -> Result<bool, E>,
) -> bool {
    let Some(facts) = facts.load_full() else {
        return false;
    };
    match teller.wants_digest().await {
        Some(true) => {}
        Some(false) => return true,
        None => return false,
    }
    // Some 100,000 filings take a while, in which others want to run.
    let made = tokio::task::spawn_blocking(move || {
        let digest = digest(&facts, now);
        let notice = digest.notice(&facts);
        (digest, notice)
    });
    let (digest, notice) = match made.await {
        Ok(made) => made,
        Err(error) => {
            warn!(%error, "the daily digest could not be made");
            return false;
        }
    };
    match announce(&notice, now).await {
        Ok(true) => {
            info!(day = %digest.day, note = notice.note, "the daily digest goes out");
            teller.hand(&Handed::Digest(Arc::new(digest)));
            true
        }
        Ok(false) => true,
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            warn!(%error, cause, "the daily digest could not be announced, and is not sent before that");
            false
        }
    }
}

fn is_due(now: Timestamp) -> bool {
    let since = now.duration_since(Day::of(now).reminder_time());
    (SignedDuration::ZERO..WINDOW).contains(&since)
}

fn time_to_next_look(now: Timestamp) -> Duration {
    let next = Day::of(now).reminder_time();
    let left = Duration::try_from(next.duration_since(now)).ok();
    left.filter(|left| !left.is_zero()).map_or(LOOK, |left| left.min(LOOK))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::support::at;

    #[rstest]
    #[case::before("2026-11-23T08:59:59+08:00", false)]
    #[case::nine("2026-11-23T09:00:00+08:00", true)]
    #[case::somewhat_later("2026-11-23T09:44:59+08:00", true)]
    #[case::when_its_event_may_soon_be_gone("2026-11-23T09:45:00+08:00", false)]
    #[case::at_night("2026-11-23T00:00:00+08:00", false)]
    fn it_goes_out_at_nine_in_china_or_soon_after(#[case] now: &str, #[case] due: bool) {
        assert_eq!(is_due(at(now)), due);
    }

    #[rstest]
    #[case::long_before("2026-11-23T08:00:00+08:00", LOOK)]
    #[case::shortly_before("2026-11-23T08:59:55+08:00", Duration::from_secs(5))]
    #[case::at_nine("2026-11-23T09:00:00+08:00", LOOK)]
    #[case::after("2026-11-23T23:59:59+08:00", LOOK)]
    fn the_next_look_is_at_nine_or_before_long(#[case] now: &str, #[case] wait: Duration) {
        assert_eq!(time_to_next_look(at(now)), wait);
    }
}
