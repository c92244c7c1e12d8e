//! Working days (工作日): Monday to Friday, but for the holidays and the days worked in their stead (调休上班) that the State
//! Council's office announces a year at a time (facts/holidays.csv). Of a year that is not announced yet the weekdays
//! alone are known, and whoever counts in it is told so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::day::Day;
use super::facts;

/// The most working days that are counted; longer than any stage of a filing takes.
const MOST: u32 = 400;

#[derive(Deserialize)]
struct Row {
    /// The year that the notice is for.
    year: i16,
    date: Day,
    kind: Kind,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Off,
    Work,
}

struct Table {
    years: BTreeSet<i16>,
    days: BTreeMap<Day, Kind>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows = facts::rows::<Row>(include_str!("../../facts/holidays.csv"));
    Table {
        years: rows.iter().map(|row| row.year).collect(),
        days: rows.iter().map(|row| (row.date, row.kind)).collect(),
    }
});

/// A day that was counted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The day.
    pub day: Day,
    /// The years that were counted through and whose holidays are not known.
    pub unknown_years: Vec<i16>,
}

/// The years whose holidays are known, in order.
pub fn known_years() -> impl Iterator<Item = i16> {
    TABLE.years.iter().copied()
}

/// Whether a day is a working day, as far as is known.
pub fn is_workday(day: Day) -> bool {
    match TABLE.days.get(&day) {
        Some(kind) => *kind == Kind::Work,
        None => !day.is_weekend(),
    }
}

/// The day on which so many working days have passed. The day itself is not counted, as a term is reckoned.
///
/// ```
/// use filing_operator::domain::{Day, workday};
///
/// // The Spring Festival of 2026 lies between, and two Saturdays are worked.
/// let counted = workday::after(Day::new(2026, 2, 13), 2);
/// assert_eq!(counted.day, Day::new(2026, 2, 24));
/// ```
pub fn after(day: Day, workdays: u32) -> Counted {
    count(day, workdays, |day| day.plus(1))
}

/// The last working day on which to begin what takes so many working days, so that it is done by a day.
pub fn before(day: Day, workdays: u32) -> Counted {
    count(day, workdays, |day| day.minus(1))
}

fn count(from: Day, workdays: u32, next: impl Fn(Day) -> Day) -> Counted {
    let mut day = from;
    let mut passed = BTreeSet::new();
    let mut left = workdays.min(MOST);
    while left > 0 {
        let following = next(day);
        if following == day {
            // The calendar has no more days.
            break;
        }
        day = following;
        passed.insert(day.year());
        if is_workday(day) {
            left -= 1;
        }
    }
    Counted {
        day,
        unknown_years: passed.difference(&TABLE.years).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::monday("2026-11-23", true)]
    #[case::saturday("2026-11-28", false)]
    #[case::sunday("2026-11-29", false)]
    #[case::new_year_on_a_thursday("2026-01-01", false)]
    #[case::sunday_worked_for_new_year("2026-01-04", true)]
    #[case::saturday_worked_before_spring_festival("2026-02-14", true)]
    #[case::spring_festival_begins_on_a_sunday("2026-02-15", false)]
    #[case::its_last_monday("2026-02-23", false)]
    #[case::the_tuesday_behind_it("2026-02-24", true)]
    #[case::saturday_worked_after_it("2026-02-28", true)]
    #[case::labour_day_ends("2026-05-05", false)]
    #[case::sunday_worked_for_national_day("2026-09-20", true)]
    #[case::national_day_ends("2026-10-07", false)]
    #[case::eve_of_spring_festival_2025("2025-01-28", false)]
    #[case::sunday_worked_in_2025("2025-09-28", true)]
    #[case::new_year_of_a_year_that_is_not_announced("2027-01-01", true)]
    #[case::weekend_of_such_a_year("2027-01-02", false)]
    fn the_table_says_which_days_are_worked(#[case] day: Day, #[case] is_worked: bool) {
        assert_eq!(is_workday(day), is_worked);
    }

    #[rstest]
    #[case::none("2026-11-23", 0, "2026-11-23")]
    #[case::the_day_itself_is_not_counted("2026-11-23", 1, "2026-11-24")]
    #[case::over_a_weekend("2026-11-27", 1, "2026-11-30")]
    #[case::from_a_weekend("2026-11-28", 1, "2026-11-30")]
    #[case::over_the_spring_festival_with_both_saturdays("2026-02-12", 7, "2026-02-28")]
    #[case::twenty_over_the_spring_festival("2026-02-10", 20, "2026-03-16")]
    #[case::twenty_over_national_day("2026-09-18", 20, "2026-10-22")]
    fn working_days_are_counted(#[case] from: Day, #[case] workdays: u32, #[case] day: Day) {
        let counted = after(from, workdays);
        assert_eq!((counted.day, counted.unknown_years), (day, vec![]));
    }

    #[rstest]
    #[case::within_a_known_year("2026-11-30", 5, "2026-12-07", &[])]
    #[case::into_one_that_is_not_announced("2026-12-25", 5, "2027-01-01", &[2027])]
    #[case::through_two_of_them("2027-12-31", 1, "2028-01-03", &[2028])]
    fn who_counts_in_a_year_that_is_not_announced_is_told(
        #[case] from: Day,
        #[case] workdays: u32,
        #[case] day: Day,
        #[case] unknown: &[i16],
    ) {
        let counted = after(from, workdays);
        assert_eq!((counted.day, counted.unknown_years.as_slice()), (day, unknown));
    }

    /// The counts of the notices: so many days off for each year, none of them worked, and each day worked is at a weekend.
    #[test]
    fn the_table_holds_the_notices() {
        let rows = facts::rows::<Row>(include_str!("../../facts/holidays.csv"));
        for (year, off, work) in [(2025, 28, 5), (2026, 33, 6)] {
            let of = |kind| rows.iter().filter(move |row| row.year == year && row.kind == kind);
            assert_eq!((of(Kind::Off).count(), of(Kind::Work).count()), (off, work), "{year}");
            assert!(of(Kind::Work).all(|row| row.date.is_weekend()), "{year}");
        }
        assert_eq!(TABLE.days.len(), rows.len(), "no day stands twice");
        assert_eq!(known_years().collect::<Vec<_>>(), [2025, 2026]);
    }

    proptest! {
        #[test]
        fn what_begins_in_time_is_done_in_time(start in 0_u32..2000, workdays in 0_u32..60) {
            let day = Day::new(2024, 1, 1).plus(start);
            let there = after(day, workdays).day;
            let back = before(there, workdays).day;
            prop_assert!(after(back, workdays).day <= there, "{day} {there} {back}");
            prop_assert!(back == day || !is_workday(day), "{day} {there} {back}");
            prop_assert!(workdays == 0 || is_workday(there));
            let between = (1..=day.days_until(there)).filter(|days| is_workday(day.plus(u32::try_from(*days).unwrap())));
            prop_assert_eq!(between.count(), usize::try_from(workdays).unwrap());
        }

        #[test]
        fn no_count_runs_away(workdays in any::<u32>()) {
            let last = Day::new(9999, 12, 30);
            prop_assert!(after(last, workdays).day >= last);
            prop_assert!(before(Day::new(-9999, 1, 2), workdays).day <= Day::new(-9999, 1, 2));
        }
    }
}
