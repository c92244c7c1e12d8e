//! Views of a cluster as it stands, for people and programs: each is made of the facts, the routes and a moment, and told as
//! a table, as JSON, or as a picture.

mod explanation;
mod hosts;
mod simulation;
mod status;
#[cfg(test)]
mod tests;
mod timeline;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Serialize;

pub use explanation::Explanation;
pub use hosts::Hosts;
pub use simulation::Simulation;
pub use status::Status;
pub use timeline::{DrawError, Timeline};

use super::columns::tame;
use crate::domain::{Day, Place};
use crate::effects::{self, Enforcement};
use crate::judge::{self, Outcome, Verdict};
use crate::registry::{Kept, Registry};
use crate::route::{Route, RouteKey};
use crate::rules::{Finding, Lang};

/// A running route, with its verdict if a policy governs it.
struct Judged<'a> {
    key: &'a RouteKey,
    route: &'a Route,
    verdict: Option<Verdict>,
    /// Whether it would be denied if it were made anew.
    is_denied: bool,
    enforcement: Enforcement,
}

/// Judges every route that can be read.
fn judge_all(registry: &Registry, now: Timestamp) -> Vec<Judged<'_>> {
    let facts = registry.snapshot();
    let routes = registry.routes().filter_map(|(key, kept)| match kept {
        Kept::Read(route) => Some((key, &**route)),
        Kept::Unreadable(_) => None,
    });
    routes
        .map(|(key, route)| {
            let verdict = judge::judge(route, facts, now);
            let is_violating = |verdict: &&Verdict| verdict.outcome == Outcome::Violating;
            let violating = verdict.as_ref().filter(is_violating);
            Judged {
                is_denied: violating.is_some_and(|verdict| effects::denies(&verdict.policy, facts))
                    && !facts.breaks_glass(&key.namespace),
                enforcement: effects::enforcement(route, verdict.as_ref(), facts),
                key,
                route,
                verdict,
            }
        })
        .collect()
}

/// The routes that can't be read.
fn unreadable(registry: &Registry) -> usize {
    let routes = registry.routes();
    routes.filter(|(_, kept)| matches!(kept, Kept::Unreadable(_))).count()
}

/// How many stand how.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Outcomes {
    compliant: u32,
    warned: u32,
    violating: u32,
    exempt: u32,
}

impl Outcomes {
    fn sum(self) -> u32 {
        let all = [self.compliant, self.warned, self.violating, self.exempt];
        all.into_iter().fold(0, u32::saturating_add)
    }

    fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Compliant => &mut self.compliant,
            Outcome::Warned => &mut self.warned,
            Outcome::Violating => &mut self.violating,
            Outcome::Exempt => &mut self.exempt,
        };
        *count = count.saturating_add(1);
    }
}

/// A finding, in words.
#[derive(Clone, Debug, Serialize)]
struct Told {
    rule: &'static str,
    severity: &'static str,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
}

impl Told {
    fn new(finding: &Finding, lang: Lang) -> Self {
        Self {
            rule: finding.rule.id,
            severity: finding.severity.as_str(),
            message: finding.message(lang),
            remedy: finding.remedy(lang),
        }
    }
}

fn places(site: &[Place]) -> String {
    let names: Vec<String> = site.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

/// In how many days a day is; negative: it was.
fn days_until(day: Day, now: Timestamp) -> i64 {
    let hours = day.start().duration_since(Day::of(now).start()).as_hours();
    hours / 24
}

fn in_days(days: i64, lang: Lang) -> String {
    match (days, lang) {
        (0, Lang::En) => "today".to_owned(),
        (0, Lang::Zh) => "今天".to_owned(),
        (1, Lang::En) => "1 day".to_owned(),
        (1.., Lang::En) => format!("{days} days"),
        (1.., Lang::Zh) => format!("{days} 天"),
        (..0, Lang::En) => format!("{} days ago", days.unsigned_abs()),
        (..0, Lang::Zh) => format!("{} 天前", days.unsigned_abs()),
    }
}

/// A table as kubectl prints them: columns without lines, broken to the width of the terminal where there is one.
fn columns(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>, width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.to_vec());
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic);
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| tame(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// As JSON that people can read.
///
/// # Errors
/// None that is known; the writer of JSON allows for them.
pub fn view_json(view: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(view)? + "\n")
}
