//! What `check` and `rules` answer, as text: one renderer a format, all from one [`Report`]; the report of a namespace
//! that others read in a cluster; and what is due, for people, programs and calendars. Pure: it neither judges nor writes anything, and where a field stands in a file is told
//! to it.

mod calendar;
mod catalogue;
mod cluster;
mod columns;
mod github;
mod json;
mod junit;
mod model;
pub mod openreports;
mod path;
mod plan;
mod sarif;
mod table;
#[cfg(test)]
mod tests;
mod told;
mod words;

pub use calendar::CalendarError;
pub use catalogue::{rule_json, rule_text, rules_json, rules_markdown, rules_table};
pub use cluster::{DrawError, Explanation, Hosts, Simulation, Status, Timeline, view_json};
pub use github::github;
pub use json::{json, json_view};
pub use junit::{JUnit, junit};
pub use model::{Answer, Before, COMMAND_LINE, Declared, InputError, Judged, Places, Report, STDIN, Source, Tally};
pub use plan::PlanView;
pub use sarif::sarif;
pub use table::{Layout, summary, table};
pub use words::counted;
