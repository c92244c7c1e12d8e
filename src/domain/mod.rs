//! The words of the field as types: days, hosts, numbers, provinces and places. Pure: no I/O, no clock.

pub mod day;
pub mod path;

pub use day::Day;
pub use path::FieldPath;
