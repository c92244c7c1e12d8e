//! The words of the field as types: days, hosts, numbers, provinces and places. Pure: no I/O, no clock.

pub mod day;
pub mod host;
pub mod path;
pub mod suffix;

pub use day::Day;
pub use host::{Domain, Host, HostError};
pub use path::FieldPath;
pub use suffix::{Fileable, SuffixFact};
