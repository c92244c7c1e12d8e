//! The one way in which rules look at time, so that a verdict knows how long it holds.

use std::cell::Cell;

use jiff::Timestamp;

use crate::domain::Day;

/// A moment that remembers the next one at which an answer about time would have been another.
#[derive(Debug)]
pub struct Moment {
    now: Timestamp,
    next: Cell<Option<Timestamp>>,
}

impl Moment {
    /// A moment about which nothing has been asked.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            next: Cell::new(None),
        }
    }

    /// The earliest moment after this one at which an answer given so far would be another.
    pub fn next(&self) -> Option<Timestamp> {
        self.next.get()
    }

    /// Whether a day, and so many days of grace after it, are over.
    pub fn is_past(&self, last: Day, grace: u32) -> bool {
        self.has_come(last.plus(grace).end())
    }

    /// Whether a day is at most so many days ahead, or has come, or is over. Zero days ahead is the day itself.
    pub fn is_within(&self, day: Day, days: u32) -> bool {
        self.has_come(day.minus(days).start())
    }

    fn has_come(&self, moment: Timestamp) -> bool {
        if moment <= self.now {
            return true;
        }
        if self.next.get().is_none_or(|next| moment < next) {
            self.next.set(Some(moment));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(moment: &str) -> Moment {
        Moment::new(moment.parse().unwrap())
    }

    #[rstest]
    #[case::on_the_last_day("2027-02-20T15:59:59Z", 0, false)]
    #[case::at_midnight_in_china("2027-02-20T16:00:00Z", 0, true)]
    #[case::on_the_last_day_of_grace("2027-02-23T15:59:59Z", 3, false)]
    #[case::after_the_grace("2027-02-23T16:00:00Z", 3, true)]
    fn a_day_is_valid_to_its_end_in_china(#[case] now: &str, #[case] grace: u32, #[case] past: bool) {
        assert_eq!(at(now).is_past("2027-02-20".parse().unwrap(), grace), past);
    }

    #[rstest]
    #[case::the_day_before_thirty("2027-01-20T15:59:59Z", 30, false)]
    #[case::thirty_days_before("2027-01-20T16:00:00Z", 30, true)]
    #[case::zero_is_the_day_itself("2027-02-19T16:00:00Z", 0, true)]
    #[case::not_the_day_before("2027-02-19T15:59:59Z", 0, false)]
    fn within_n_days_is_at_most_n(#[case] now: &str, #[case] days: u32, #[case] within: bool) {
        assert_eq!(at(now).is_within("2027-02-20".parse().unwrap(), days), within);
    }

    proptest! {
        #[test]
        fn answers_hold_until_the_moment_that_is_remembered(
            now in 0_i64..4_000_000_000, asked in proptest::collection::vec((0_i64..4_000_000_000, 0_u32..100, any::<bool>()), 0..8)
        ) {
            let asks = |now: i64| {
                let moment = Moment::new(Timestamp::from_second(now).unwrap());
                let answers: Vec<bool> = asked.iter().map(|&(second, days, past)| {
                    let day = Day::of(Timestamp::from_second(second).unwrap());
                    if past { moment.is_past(day, days) } else { moment.is_within(day, days) }
                }).collect();
                (answers, moment.next())
            };
            let (before, next) = asks(now);
            match next {
                None => prop_assert_eq!(&before, &asks(i64::from(u32::MAX) * 2).0),
                Some(next) => {
                    prop_assert_eq!(&before, &asks(next.as_second() - 1).0);
                    prop_assert_ne!(&before, &asks(next.as_second()).0);
                }
            }
        }
    }
}
