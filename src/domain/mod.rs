//! The words of the field as types: days, hosts, numbers, provinces and places. Pure: no I/O, no clock.

pub mod day;
pub(crate) mod facts;
pub mod number;
pub mod path;
pub mod place;
pub mod province;

pub use day::Day;
pub use path::FieldPath;
