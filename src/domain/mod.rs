//! The words of the field as types: days, hosts, numbers, provinces and places. Pure: no I/O, no clock.

pub mod annotation;
pub mod content;
pub mod controller;
pub mod day;
pub(crate) mod facts;
pub mod host;
pub mod network;
pub mod number;
pub mod path;
pub mod place;
pub mod province;
pub mod shown;
pub mod suffix;
pub mod workday;

pub use annotation::AnnotationFact;
pub use content::ContentFact;
pub use controller::ControllerFact;
pub use day::Day;
pub use host::{Domain, Host, HostError};
pub use network::Network;
pub use number::{Irregularity, Number, NumberError, NumberKind};
pub use path::FieldPath;
pub use place::{Location, Place, Site};
pub use province::Province;
pub use suffix::{Fileable, SuffixFact};
