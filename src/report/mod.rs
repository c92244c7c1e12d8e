//! What `check` and `rules` answer, as text: one renderer a format, all from one [`Report`]; and the report of a namespace
//! that others read in a cluster. Pure: it neither judges nor writes anything, and where a field stands in a file is told
//! to it.

mod catalogue;
mod cluster;
mod columns;
mod github;
mod json;
mod junit;
mod model;
pub mod openreports;
mod path;
mod sarif;
mod table;
#[cfg(test)]
mod tests;
mod told;
mod words;

pub use catalogue::{rule_json, rule_text, rules_json, rules_table};
pub use cluster::{DrawError, Explanation, Hosts, Simulation, Status, Timeline, view_json};
pub use github::github;
pub use json::json;
pub use junit::{JUnit, junit};
pub use model::{Answer, COMMAND_LINE, Declared, InputError, Judged, Places, Report, STDIN, Source, Tally};
pub use sarif::sarif;
pub use table::{Layout, summary, table};
