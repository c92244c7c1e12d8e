//! The quarterly look at what is Blue.

use jiff::Timestamp;

use crate::domain::Day;

/// Months between two self-checks.
const QUARTER: u32 = 3;

/// When the next self-check is due: 09:00 in China, whole quarters after the day from which they are counted. What the
/// status says stays while the clock is set back over one, which then does not come twice.
pub(super) fn next_self_check(since: Day, known: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let next = after(since, now);
    let one_later = after(since, next);
    if known == Some(one_later) { one_later } else { next }
}

/// The first self-check after a moment.
pub(super) fn after(since: Day, moment: Timestamp) -> Timestamp {
    // One of the quarter in which the moment lies or one of its neighbours.
    let quarter = since.months_until(Day::of(moment)) / QUARTER;
    let checks = (quarter.max(1)..=quarter.saturating_add(2))
        .map(|quarter| since.plus_months(quarter.saturating_mul(QUARTER)).reminder_time());
    checks
        .into_iter()
        .find(|check| *check > moment)
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::support::at;

    #[rstest]
    #[case::a_quarter_later("2021-02-20", "2021-02-20T12:00:00+08:00", "2021-05-20T09:00:00+08:00")]
    #[case::just_before("2021-02-20", "2026-11-20T08:59:59+08:00", "2026-11-20T09:00:00+08:00")]
    #[case::at_that_moment_the_next("2021-02-20", "2026-11-20T09:00:00+08:00", "2027-02-20T09:00:00+08:00")]
    #[case::at_the_end_of_a_month("2021-11-30", "2027-01-05T12:00:00+08:00", "2027-02-28T09:00:00+08:00")]
    #[case::and_no_shorter_month_moves_it("2021-11-30", "2027-03-05T12:00:00+08:00", "2027-05-30T09:00:00+08:00")]
    #[case::counted_from_a_day_to_come("2027-02-20", "2026-11-20T09:00:00+08:00", "2027-05-20T09:00:00+08:00")]
    fn a_self_check_is_due_each_quarter(#[case] since: Day, #[case] now: &str, #[case] next: &str) {
        assert_eq!(next_self_check(since, None, at(now)), at(next));
    }

    #[test]
    fn a_self_check_does_not_come_twice_when_the_clock_is_set_back_over_it() {
        let since = "2021-02-20".parse().unwrap();
        let known = at("2027-02-20T09:00:00+08:00");
        assert_eq!(
            next_self_check(since, Some(known), at("2026-11-19T12:00:00+08:00")),
            known
        );
        let far_ahead = at("2031-02-20T09:00:00+08:00");
        let next = next_self_check(since, Some(far_ahead), at("2026-11-19T12:00:00+08:00"));
        assert_eq!(
            next,
            at("2026-11-20T09:00:00+08:00"),
            "a clock that was years ahead is made good"
        );
    }

    proptest! {
        #[test]
        fn the_next_is_ahead_and_within_a_quarter_and_stays_until_it_comes(
            since in 0_u32..20_000, wait in 0_i64..1_000_000_000, later in 0_i64..8_000_000,
        ) {
            let since = Day::new(1990, 1, 1).plus(since);
            let now = Timestamp::from_second(since.start().as_second() + wait).unwrap();
            let next = after(since, now);
            prop_assert!(next > now);
            prop_assert!(next <= Day::of(now).plus_months(QUARTER).plus(4).end());
            let later = Timestamp::from_second(now.as_second() + later).unwrap();
            prop_assert_eq!(after(since, later) == next, later < next);
        }
    }
}
