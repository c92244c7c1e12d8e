//! Quiet hours: when a channel is not to be disturbed. Pure.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::domain::Day;

/// Hours of every day in which nothing is sent, in China Standard Time: from a minute on, and up to another. They may
/// go past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuietHours {
    from: u16,
    to: u16,
}

/// A text names no hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuietHoursError;

impl QuietHours {
    /// The moment at which they end, if it is one of them.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        let day = Day::of(now);
        let minute = now.duration_since(day.start()).as_mins();
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let after = |day: Day| day.start().saturating_add(SignedDuration::from_mins(to)).ok();
        if from < to {
            return (from..to).contains(&minute).then(|| after(day))?;
        }
        if minute < to {
            after(day)
        } else if minute >= from {
            after(day.plus(1))
        } else {
            None
        }
    }
}

impl FromStr for QuietHours {
    type Err = QuietHoursError;

    fn from_str(typed: &str) -> Result<Self, QuietHoursError> {
        let (from, to) = typed.split_once('-').ok_or(QuietHoursError)?;
        let (from, to) = (minute(from.trim())?, minute(to.trim())?);
        // The same twice could mean never as well as always.
        if from == to {
            return Err(QuietHoursError);
        }
        Ok(Self { from, to })
    }
}

/// The minute of the day that `HH:MM` names.
fn minute(typed: &str) -> Result<u16, QuietHoursError> {
    let part = |typed: &str, below: u16| {
        let is_number = typed.len() == 2 && typed.bytes().all(|byte| byte.is_ascii_digit());
        let number = typed.parse::<u16>().ok().filter(|number| is_number && *number < below);
        number.ok_or(QuietHoursError)
    };
    let (hours, minutes) = typed.split_once(':').ok_or(QuietHoursError)?;
    Ok(part(hours, 24)? * 60 + part(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::support::at;

    #[rstest]
    #[case::before("22:00-08:00", "2026-11-23T21:59:59+08:00", None)]
    #[case::they_begin("22:00-08:00", "2026-11-23T22:00:00+08:00", Some("2026-11-24T08:00:00+08:00"))]
    #[case::just_before_midnight("22:00-08:00", "2026-11-23T23:59:59+08:00", Some("2026-11-24T08:00:00+08:00"))]
    #[case::at_midnight("22:00-08:00", "2026-11-24T00:00:00+08:00", Some("2026-11-24T08:00:00+08:00"))]
    #[case::their_last_second("22:00-08:00", "2026-11-24T07:59:59+08:00", Some("2026-11-24T08:00:00+08:00"))]
    #[case::they_are_over("22:00-08:00", "2026-11-24T08:00:00+08:00", None)]
    #[case::within_a_day("12:00-13:30", "2026-11-24T13:29:59+08:00", Some("2026-11-24T13:30:00+08:00"))]
    #[case::within_a_day_before("12:00-13:30", "2026-11-24T11:59:59+08:00", None)]
    #[case::within_a_day_after("12:00-13:30", "2026-11-24T13:30:00+08:00", None)]
    #[case::to_midnight("18:00-00:00", "2026-11-24T23:00:00+08:00", Some("2026-11-25T00:00:00+08:00"))]
    #[case::from_midnight("00:00-06:00", "2026-11-24T00:00:00+08:00", Some("2026-11-24T06:00:00+08:00"))]
    #[case::in_other_zones_it_is_still_china("22:00-08:00", "2026-11-23T14:30:00Z", Some("2026-11-24T00:00:00Z"))]
    #[case::over_the_year("22:00-08:00", "2026-12-31T23:00:00+08:00", Some("2027-01-01T08:00:00+08:00"))]
    fn quiet_hours_are_in_china_and_may_go_past_midnight(
        #[case] typed: &str,
        #[case] now: &str,
        #[case] end: Option<&str>,
    ) {
        let quiet: QuietHours = typed.parse().unwrap();
        assert_eq!(quiet.end(at(now)), end.map(at));
    }

    #[rstest]
    #[case("22:00")]
    #[case("22-8")]
    #[case("8:00-9:00")]
    #[case("24:00-08:00")]
    #[case("22:60-08:00")]
    #[case("+2:00-08:00")]
    #[case("08:00-08:00")]
    #[case("")]
    fn what_names_no_hours_is_refused(#[case] typed: &str) {
        assert_eq!(typed.parse::<QuietHours>(), Err(QuietHoursError));
    }
}
