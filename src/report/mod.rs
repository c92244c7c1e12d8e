//! What `check` and `rules` answer, as text: one renderer a format, all from one [`Report`]; and the report of a namespace
//! that others read in a cluster. Pure: it neither judges nor writes anything, and where a field stands in a file is told
//! to it.

mod catalogue;
mod cluster;
mod columns;
mod json;
mod model;
pub mod openreports;
mod table;
mod words;

pub use catalogue::{rule_json, rule_text, rules_json, rules_table};
pub use cluster::{DrawError, Explanation, Hosts, Simulation, Status, Timeline, view_json};
pub use json::{json, json_view};
pub use model::{Answer, Before, Declared, InputError, Judged, Places, Report, Source, Tally};
pub use table::{Layout, table};
