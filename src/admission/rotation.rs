//! How the operator's own authority is renewed: what is kept of it, and what is due when. Pure.
//!
//! An authority that nears its end gets a successor, which is told to the API server first and signs nothing. Once the API
//! server has known it for a while it takes over. The one before is trusted until nothing that it signed can be served any
//! more. So whoever calls, and whichever replica answers, knows what the other has.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;

use super::authority::{Authority, to_pem};
use super::certificate::CertificateError;

/// How many authorities that do not sign any more may be trusted. More than one is there only if somebody asks for new ones
/// again and again.
const RETIRED: usize = 4;

/// How long things last. What is renewed is renewed when a third of that is left.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// An authority. A year: its key is in a Secret, which backups and people may have seen; and who loses track of it for
    /// some months, as with a cluster that was switched off, still has one that is valid.
    pub authority: SignedDuration,
    /// What a replica serves with, whose key is in memory alone. A week: longer than any outage of the API server, without
    /// which nothing is renewed, is left to last; and as long as it takes until an authority that was replaced is not
    /// trusted any more.
    pub leaf: SignedDuration,
    /// How long the API server must have been told of an authority before it signs: it has to reach every API server.
    pub settle: SignedDuration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            authority: SignedDuration::from_hours(365 * 24),
            leaf: SignedDuration::from_hours(7 * 24),
            settle: SignedDuration::from_mins(5),
        }
    }
}

/// The authorities, as all replicas share them.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Signs.
    pub(super) current: Arc<Authority>,
    /// Will sign.
    pub(super) next: Option<Arc<Authority>>,
    /// Have signed.
    pub(super) retired: Vec<CertificateDer<'static>>,
    /// When the current one began to sign.
    pub(super) since: Timestamp,
}

/// What is to be done with the authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Begin anew: none can sign any more.
    BeginAnew,
    /// Make the one that will sign.
    Prepare,
    /// Let it sign.
    TakeOver,
    /// Trust no longer those that have signed.
    Forget,
}

impl Kept {
    /// The first authority.
    pub(super) fn new(now: Timestamp, lifetimes: &Lifetimes) -> Result<Self, CertificateError> {
        Ok(Self {
            current: made(now, lifetimes)?,
            next: None,
            retired: Vec::new(),
            since: now,
        })
    }

    /// What is due. `told_for` says how long the API server has been told of an authority; none: it was not.
    pub(super) fn due(
        &self,
        now: Timestamp,
        lifetimes: &Lifetimes,
        told_for: impl Fn(&Authority) -> Option<Duration>,
    ) -> Option<Step> {
        let is_over = self.current.ends() <= now;
        match &self.next {
            Some(next) if next.ends() > now && (is_over || has_settled(told_for(next), lifetimes.settle)) => {
                return Some(Step::TakeOver);
            }
            Some(next) if next.ends() > now => {}
            _ if is_over => return Some(Step::BeginAnew),
            _ if renewal(self.current.ends(), lifetimes.authority) <= now => return Some(Step::Prepare),
            _ => {}
        }
        (!self.retired.is_empty() && self.forgets(lifetimes) <= now).then_some(Step::Forget)
    }

    /// What is kept after a step.
    pub(super) fn after(&self, step: Step, now: Timestamp, lifetimes: &Lifetimes) -> Result<Self, CertificateError> {
        let mut after = self.clone();
        match step {
            Step::BeginAnew => return Self::new(now, lifetimes),
            Step::Prepare => after.next = Some(made(now, lifetimes)?),
            Step::TakeOver => {
                if let Some(next) = after.next.take() {
                    after.retire(self.current.certificate());
                    after.current = next;
                    after.since = now;
                }
            }
            Step::Forget => after.retired.clear(),
        }
        Ok(after)
    }

    /// The same with trust in one that still signs for a replica; none where that is there.
    pub(super) fn trusting(&self, other: &CertificateDer<'static>) -> Option<Self> {
        if self.trusted().any(|trusted| trusted == other) {
            return None;
        }
        let mut after = self.clone();
        after.retire(other);
        Some(after)
    }

    fn retire(&mut self, authority: &CertificateDer<'static>) {
        self.retired.insert(0, authority.clone());
        self.retired.truncate(RETIRED);
    }

    /// Those that are trusted: who signs, who will, and who has.
    pub(super) fn trusted(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        let signing = [Some(&self.current), self.next.as_ref()].into_iter().flatten();
        signing
            .map(|authority| authority.certificate())
            .chain(self.retired.iter())
    }

    /// The same in PEM.
    pub(super) fn bundle(&self) -> String {
        self.trusted().map(|trusted| to_pem(trusted)).collect()
    }

    /// When the next step is due by time alone, if any is.
    pub(super) fn next_moment(&self, lifetimes: &Lifetimes) -> Timestamp {
        let ends = self.current.ends();
        let renewed = match self.next {
            Some(_) => ends,
            None => renewal(ends, lifetimes.authority),
        };
        if self.retired.is_empty() {
            renewed
        } else {
            renewed.min(self.forgets(lifetimes))
        }
    }

    /// When nothing is left that one of the retired has signed. A replica that has not heard of the change may sign for some
    /// time yet.
    fn forgets(&self, lifetimes: &Lifetimes) -> Timestamp {
        later(self.since, lifetimes.leaf.saturating_add(lifetimes.settle))
    }
}

/// Whether the API server has known of an authority for long enough.
pub(super) fn has_settled(told_for: Option<Duration>, settle: SignedDuration) -> bool {
    told_for.is_some_and(|told| told >= settle.unsigned_abs())
}

/// When something is renewed that lasts so long and ends then.
pub(super) fn renewal(ends: Timestamp, lasts: SignedDuration) -> Timestamp {
    ends.saturating_sub(lasts / 3).unwrap_or(ends)
}

pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

fn made(now: Timestamp, lifetimes: &Lifetimes) -> Result<Arc<Authority>, CertificateError> {
    Ok(Arc::new(Authority::generate(now, later(now, lifetimes.authority))?))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use rstest::rstest;

    use super::*;

    fn day(days: i64) -> Timestamp {
        let first: Timestamp = "2026-11-23T04:00:00Z".parse().unwrap();
        first + (days * 24).hours()
    }

    const MINUTE: Duration = Duration::from_mins(1);

    #[rstest]
    #[case::young(0, None)]
    #[case::two_thirds_nearly_over(243, None)]
    #[case::two_thirds_over(244, Some(Step::Prepare))]
    #[case::nearly_over(364, Some(Step::Prepare))]
    #[case::over(365, Some(Step::BeginAnew))]
    #[case::long_over(4000, Some(Step::BeginAnew))]
    fn an_authority_is_renewed_when_a_third_of_it_is_left(#[case] at: i64, #[case] due: Option<Step>) {
        let lifetimes = Lifetimes::default();
        let kept = Kept::new(day(0), &lifetimes).unwrap();
        assert_eq!(kept.due(day(at), &lifetimes, |_| Some(100 * MINUTE)), due);
        assert!(kept.next_moment(&lifetimes) > day(243) && kept.next_moment(&lifetimes) < day(244));
    }

    #[rstest]
    #[case::not_told(245, None, None)]
    #[case::told_just_now(245, Some(4 * MINUTE), None)]
    #[case::settled(245, Some(5 * MINUTE), Some(Step::TakeOver))]
    #[case::never_told_and_nobody_else_signs(365, None, Some(Step::TakeOver))]
    #[case::both_are_over(700, Some(5 * MINUTE), Some(Step::BeginAnew))]
    fn the_next_one_signs_once_the_api_server_knows_it(
        #[case] at: i64,
        #[case] told_for: Option<Duration>,
        #[case] due: Option<Step>,
    ) {
        let lifetimes = Lifetimes::default();
        let kept = Kept::new(day(0), &lifetimes).unwrap();
        let kept = kept.after(Step::Prepare, day(244), &lifetimes).unwrap();
        let next = kept.next.clone().unwrap();
        let told_for = |asked: &Authority| {
            assert_eq!(asked.certificate(), next.certificate());
            told_for
        };
        assert_eq!(kept.due(day(at), &lifetimes, told_for), due);
        assert_eq!(kept.next_moment(&lifetimes), kept.current.ends());
    }

    #[test]
    fn one_that_has_signed_is_trusted_until_nothing_of_it_is_served() {
        let lifetimes = Lifetimes::default();
        let first = Kept::new(day(0), &lifetimes).unwrap();
        assert_eq!(first.trusted().count(), 1);
        let prepared = first.after(Step::Prepare, day(244), &lifetimes).unwrap();
        assert_eq!(prepared.trusted().count(), 2);
        assert_eq!(prepared.current.certificate(), first.current.certificate());
        let changed = prepared.after(Step::TakeOver, day(245), &lifetimes).unwrap();
        assert_eq!(changed.current.certificate(), prepared.next.unwrap().certificate());
        assert!(changed.trusted().any(|trusted| trusted == first.current.certificate()));
        assert_eq!(changed.due(day(252), &lifetimes, |_| None), None);
        assert_eq!(changed.due(day(253), &lifetimes, |_| None), Some(Step::Forget));
        assert_eq!(changed.next_moment(&lifetimes), later(day(252), lifetimes.settle));
        let forgotten = changed.after(Step::Forget, day(253), &lifetimes).unwrap();
        assert_eq!(forgotten.bundle(), changed.current.certificate_pem());
    }

    #[test]
    fn one_that_a_replica_still_has_is_trusted_once_and_only_so_many_are() {
        let lifetimes = Lifetimes::default();
        let mut kept = Kept::new(day(0), &lifetimes).unwrap();
        assert!(kept.trusting(kept.current.certificate()).is_none());
        for _ in 0..10 {
            let other = made(day(0), &lifetimes).unwrap();
            kept = kept.trusting(other.certificate()).unwrap();
            assert!(kept.trusting(other.certificate()).is_none());
        }
        assert_eq!(kept.trusted().count(), 1 + RETIRED);
    }
}
