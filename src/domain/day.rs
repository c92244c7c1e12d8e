//! Days in China Standard Time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// China Standard Time: UTC+8 all year, everywhere on the mainland.
const CHINA: Offset = Offset::constant(8);

/// A calendar day in China Standard Time (UTC+8, no daylight saving). What is valid on a day is valid to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(Date);

/// A text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{typed}\" is no date; write it as YYYY-MM-DD, like 2027-02-20")]
pub struct DayError {
    typed: String,
}

impl Day {
    /// A day that is known when the program is written. Panics, at compile time in a constant, if there is none such.
    pub const fn new(year: i16, month: i8, day: i8) -> Self {
        Self(jiff::civil::date(year, month, day))
    }

    /// The day that it is in China at a moment.
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.to_zoned(TimeZone::fixed(CHINA)).date())
    }

    /// The moment at which the day begins: 00:00 in China.
    pub fn start(self) -> Timestamp {
        // Only the very last representable days lie beyond a timestamp's range.
        CHINA.to_timestamp(self.0.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// The moment at which the day is over: 00:00 of the next one in China.
    pub fn end(self) -> Timestamp {
        self.plus(1).start()
    }

    /// The moment at which reminders for the day go out: 09:00 in China.
    pub fn reminder_time(self) -> Timestamp {
        CHINA.to_timestamp(self.0.at(9, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// The day so many days later, or the last that can be told.
    #[must_use]
    pub fn plus(self, days: u32) -> Self {
        Self(
            Span::new()
                .try_days(days)
                .and_then(|span| self.0.checked_add(span))
                .unwrap_or(Date::MAX),
        )
    }

    /// The day so many days before, or the first that can be told.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        Self(
            Span::new()
                .try_days(days)
                .and_then(|span| self.0.checked_sub(span))
                .unwrap_or(Date::MIN),
        )
    }
}

impl Day {
    /// The same day of the month so many months later, or the month's last where it has no such day.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        Self(
            Span::new()
                .try_months(months)
                .and_then(|span| self.0.checked_add(span))
                .unwrap_or(Date::MAX),
        )
    }

    /// How many months of the calendar begin after this day and not after another; 0 where that is earlier.
    pub fn months_until(self, later: Self) -> u32 {
        let months = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month());
        u32::try_from(months(later.0) - months(self.0)).unwrap_or_default()
    }

    /// How many days there are until another; fewer than none where that is earlier.
    pub fn days_until(self, other: Self) -> i64 {
        other.start().duration_since(self.start()).as_hours() / 24
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// Whether it is a Saturday or a Sunday.
    pub fn is_weekend(self) -> bool {
        matches!(self.0.weekday(), Weekday::Saturday | Weekday::Sunday)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// Reads `YYYY-MM-DD` and nothing else.
    fn from_str(typed: &str) -> Result<Self, DayError> {
        let error = || DayError {
            typed: typed.chars().take(40).collect(),
        };
        let shape = typed.len() == 10
            && typed.bytes().enumerate().all(|(at, byte)| {
                if matches!(at, 4 | 7) {
                    byte == b'-'
                } else {
                    byte.is_ascii_digit()
                }
            });
        if !shape {
            return Err(error());
        }
        typed.parse().map(Self).map_err(|_| error())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = std::borrow::Cow::<str>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(moment: &str) -> Timestamp {
        moment.parse().unwrap()
    }

    #[rstest]
    #[case::last_moment_of_a_day_in_china("2027-02-20T15:59:59Z", "2027-02-20")]
    #[case::first_moment_of_the_next("2027-02-20T16:00:00Z", "2027-02-21")]
    #[case::utc_noon("2026-11-23T12:00:00Z", "2026-11-23")]
    fn a_day_is_reckoned_in_china(#[case] moment: &str, #[case] day: &str) {
        assert_eq!(Day::of(at(moment)), day.parse().unwrap());
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_china() {
        let day: Day = "2027-02-20".parse().unwrap();
        assert_eq!(day.start(), at("2027-02-19T16:00:00Z"));
        assert_eq!(day.end(), at("2027-02-20T16:00:00Z"));
        assert_eq!(day.reminder_time(), at("2027-02-20T01:00:00Z"));
    }

    #[rstest]
    #[case::an_ordinary_day("2026-11-23", 3, "2027-02-23", 3)]
    #[case::the_month_is_shorter("2026-11-30", 3, "2027-02-28", 3)]
    #[case::a_leap_year("2027-11-30", 3, "2028-02-29", 3)]
    #[case::none("2026-11-23", 0, "2026-11-23", 0)]
    fn months_are_those_of_the_calendar(
        #[case] day: Day,
        #[case] months: u32,
        #[case] later: Day,
        #[case] counted: u32,
    ) {
        assert_eq!(day.plus_months(months), later);
        assert_eq!(day.months_until(later), counted);
        assert_eq!(later.months_until(day), 0);
    }

    #[rstest]
    #[case("2027-2-20")]
    #[case("2027-02-30")]
    #[case("20270220")]
    #[case("2027-02-20T00:00:00Z")]
    #[case("")]
    #[case("２０２７-02-20")]
    fn what_is_no_date_is_refused_with_the_form_to_write(#[case] typed: &str) {
        let error = typed.parse::<Day>().unwrap_err().to_string();
        assert!(error.contains("YYYY-MM-DD"), "{error}");
    }

    #[rstest]
    #[case::the_same("2026-11-23", "2026-11-23", 0)]
    #[case::later("2026-11-23", "2027-11-23", 365)]
    #[case::earlier("2026-11-23", "2026-11-20", -3)]
    fn days_between_are_counted(#[case] day: Day, #[case] other: Day, #[case] days: i64) {
        assert_eq!(day.days_until(other), days);
        assert_eq!(other.days_until(day), -days);
    }

    proptest! {
        #[test]
        fn a_day_holds_its_own_moments_only(seconds in -60_000_000_000_i64..200_000_000_000) {
            let moment = Timestamp::from_second(seconds).unwrap();
            let day = Day::of(moment);
            prop_assert!(day.start() <= moment && moment < day.end());
            prop_assert_eq!(day.plus(1).minus(1), day);
            prop_assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
        }

        #[test]
        fn no_text_makes_it_panic(typed in ".*", days in any::<u32>()) {
            if let Ok(day) = typed.parse::<Day>() {
                let _ = (day.plus(days), day.minus(days), day.plus_months(days), day.start(), day.end());
                let _ = (day.months_until(Day(Date::MAX)), Day(Date::MIN).months_until(day));
            }
        }
    }
}
