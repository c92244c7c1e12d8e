//! What is due, for people and for programs.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use jiff::Timestamp;
use serde::Serialize;

use super::calendar::{self, CalendarError};
use super::columns::tame;
use super::words;
use crate::domain::{Day, workday};
use crate::plan::{Entry, Object, Paper, Plan, Task, Unit, Urgency};
use crate::rules::{Lang, list};

/// How wide the table is where there is no terminal.
const WIDTH: u16 = 100;
/// How wide it is at least: beside the columns that are not broken there is room for a word.
const MIN_WIDTH: u16 = 72;
/// How wide the domains may be, with the space behind them.
const MAX_DOMAIN: u16 = 26;

/// A plan as it is told: from when, and in which language.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    plan: &'a Plan,
    now: Timestamp,
    lang: Lang,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema: &'static str,
    now: Timestamp,
    today: Day,
    until: Day,
    holidays: Holidays,
    summary: Summary,
    entries: Vec<Row>,
}

/// Which years the working days are counted by.
#[derive(Serialize)]
struct Holidays {
    known: Vec<i16>,
    unknown: Vec<i16>,
}

#[derive(Default, Serialize)]
struct Summary {
    overdue: usize,
    soon: usize,
    later: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    date: Day,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Day>,
    days: i64,
    urgency: &'static str,
    task: &'static str,
    object: ObjectRow,
    domains: Vec<String>,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<Day>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usual: Option<Usual>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    papers: Vec<PaperRow>,
    basis: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holidays_unknown: Vec<i16>,
}

#[derive(Serialize)]
struct ObjectRow {
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
}

/// How long a stage takes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usual {
    min: u32,
    max: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<u32>,
    unit: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaperRow {
    paper: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<&'static str>,
    source: &'static str,
    confidence: &'static str,
}

impl<'a> PlanView<'a> {
    /// Of a plan that was made at a moment.
    pub fn of(plan: &'a Plan, now: Timestamp, lang: Lang) -> Self {
        Self { plan, now, lang }
    }

    /// As JSON, in the schema `filing-operator.io/plan/v1`.
    ///
    /// # Errors
    /// None that is known; the writer of JSON allows for them.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let unknown = self.plan.unknown_years();
        let mut summary = Summary::default();
        for entry in &self.plan.entries {
            let count = match entry.urgency {
                Urgency::Overdue => &mut summary.overdue,
                Urgency::Soon => &mut summary.soon,
                Urgency::Later => &mut summary.later,
            };
            *count = count.saturating_add(1);
        }
        super::view_json(&Document {
            schema: "filing-operator.io/plan/v1",
            now: self.now,
            today: self.plan.today,
            until: self.plan.last,
            holidays: Holidays {
                known: workday::known_years().collect(),
                unknown,
            },
            summary,
            entries: self.plan.entries.iter().map(|entry| self.row(entry)).collect(),
        })
    }

    fn row(&self, entry: &Entry) -> Row {
        Row {
            id: entry.id(),
            date: entry.date,
            until: entry.until,
            days: entry.days,
            urgency: entry.urgency.as_str(),
            task: entry.task.id(),
            object: ObjectRow {
                kind: entry.object.kind.as_str(),
                namespace: entry.object.namespace.clone(),
                name: entry.object.name.clone(),
            },
            domains: entry.domains.clone(),
            what: entry.what(self.lang),
            ends: match &entry.task {
                Task::Renewal { last, .. } | Task::Reminder { last, .. } => Some(*last),
                _ => None,
            },
            usual: match &entry.task {
                Task::Stage { stage, .. } => Some(Usual {
                    min: stage.min,
                    max: stage.max,
                    at_most: stage.at_most,
                    unit: match stage.unit {
                        Unit::Workdays => "workdays",
                        Unit::Days => "days",
                    },
                }),
                _ => None,
            },
            papers: self.papers(entry),
            basis: entry.basis().as_str(),
            source: entry.source(),
            holidays_unknown: entry.unknown_years.clone(),
        }
    }

    fn papers(&self, entry: &Entry) -> Vec<PaperRow> {
        let Task::Papers { papers, .. } = &entry.task else {
            return Vec::new();
        };
        let row = |paper: &&'static Paper| PaperRow {
            paper: paper.name(self.lang),
            asked_by: paper.asked_by(),
            source: paper.source,
            confidence: paper.confidence,
        };
        papers.iter().map(row).collect()
    }

    /// As a table for a terminal that is so wide: what is overdue first, then month by month. Its sentences are long, so that
    /// they are broken where there is no terminal too.
    pub fn table(&self, width: Option<usize>) -> String {
        if self.plan.entries.is_empty() {
            let last = self.plan.last;
            return match self.lang {
                Lang::En => format!("nothing is due until {last}\n"),
                Lang::Zh => format!("{last} 之前没有待办事项\n"),
            };
        }
        let mut table = Table::new();
        let head = match self.lang {
            Lang::En => ["DATE", "IN", "WHAT", "DOMAINS", "BASIS"],
            Lang::Zh => ["日期", "剩余", "事项", "域名", "依据"],
        };
        table.load_style(presets::NOTHING).set_header(head);
        let width = width.and_then(|width| u16::try_from(width).ok()).unwrap_or(WIDTH);
        table
            .set_width(width.max(MIN_WIDTH))
            .set_content_arrangement(ContentArrangement::Dynamic);
        let reminders = Reminders::of(self.plan);
        let mut group = None;
        for entry in &self.plan.entries {
            if reminders.is_told_with_a_step(entry) {
                continue;
            }
            // A line apart: what is overdue from what is to come, and one month from the next.
            let month = (entry.urgency != Urgency::Overdue).then(|| entry.date.to_string());
            let month: Option<String> = month.map(|date| date.chars().take(7).collect());
            if group.replace(month.clone()).is_some_and(|before| before != month) {
                table.add_row([""; 5]);
            }
            table.add_row(self.cells(entry, &reminders));
        }
        for (nth, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            // The sentences are broken, and where a domain is very long, that.
            match nth {
                2 => {}
                3 => {
                    column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(MAX_DOMAIN)));
                }
                _ => {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        let lines = table.to_string();
        let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n" + &self.foot()
    }

    fn cells(&self, entry: &Entry, reminders: &Reminders) -> [String; 5] {
        let date = match entry.until {
            Some(until) => format!("{}\n–{until}", entry.date),
            None => entry.date.to_string(),
        };
        let mut what = tame(&entry.what(self.lang));
        for paper in self.papers(entry) {
            what.push_str("\n- ");
            what.push_str(paper.paper);
        }
        let unknown = entry.unknown_holidays(self.lang);
        let reminded = reminders.go_with(entry).then(|| match self.lang {
            Lang::En => "reminder at 09:00".to_owned(),
            Lang::Zh => "09:00 提醒".to_owned(),
        });
        for more in reminded.into_iter().chain(unknown) {
            what.push_str(match self.lang {
                Lang::En => "; ",
                Lang::Zh => "；",
            });
            what.push_str(&more);
        }
        [
            date,
            self.distance(entry),
            what,
            domains(entry),
            words::basis(entry.basis(), self.lang).to_lowercase(),
        ]
    }

    /// In how many days something is, or for how many it is still open, or overdue.
    fn distance(&self, entry: &Entry) -> String {
        let begins = self.plan.today.days_until(entry.date);
        let left = entry.days;
        match (self.lang, entry.urgency) {
            (Lang::En, Urgency::Overdue) if left == -1 => "OVERDUE\n1 day".to_owned(),
            (Lang::En, Urgency::Overdue) => format!("OVERDUE\n{} days", left.unsigned_abs()),
            (Lang::Zh, Urgency::Overdue) => format!("已逾期\n{} 天", left.unsigned_abs()),
            (Lang::En, _) if begins < 0 => format!("now\n{left} days left"),
            (Lang::Zh, _) if begins < 0 => format!("进行中\n余 {left} 天"),
            (Lang::En, _) if begins == 0 => "today".to_owned(),
            (Lang::Zh, _) if begins == 0 => "今天".to_owned(),
            (Lang::En, _) if begins == 1 => "1 day".to_owned(),
            (Lang::En, _) => format!("{begins} days"),
            (Lang::Zh, _) => format!("{begins} 天"),
        }
    }

    /// What the working days are counted by.
    fn foot(&self) -> String {
        let known = list(workday::known_years().map(|year| year.to_string()));
        match self.lang {
            Lang::En => format!("\nuntil {}; working days by the holidays of {known}\n", self.plan.last),
            Lang::Zh => format!("\n截至 {}；工作日按 {known} 年的节假日安排计算\n", self.plan.last),
        }
    }

    /// As a calendar by RFC 5545.
    ///
    /// # Errors
    /// When the library finds that it would be none.
    pub fn calendar(&self) -> Result<String, CalendarError> {
        calendar::of(self.plan, self.now, self.lang)
    }
}

/// The first of an entry's domains, and how many more there are.
fn domains(entry: &Entry) -> String {
    let Some(first) = entry.domains.first() else {
        return String::new();
    };
    match entry.domains.len().saturating_sub(1) {
        0 => tame(first),
        others => format!("{} +{others}", tame(first)),
    }
}

/// The steps and reminders of one end that fall on one day: people read them in one line.
struct Reminders<'a> {
    steps: HashSet<(&'a Object, String, Day)>,
    reminders: HashSet<(&'a Object, String, Day)>,
}

impl<'a> Reminders<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut found = Self {
            steps: HashSet::new(),
            reminders: HashSet::new(),
        };
        for entry in &plan.entries {
            match (&entry.task, Self::key(entry)) {
                (Task::Renewal { .. }, Some(key)) => found.steps.insert(key),
                (_, Some(key)) => found.reminders.insert(key),
                (_, None) => false,
            };
        }
        found
    }

    fn key(entry: &Entry) -> Option<(&Object, String, Day)> {
        let (Task::Renewal { end, .. } | Task::Reminder { end, .. }) = &entry.task else {
            return None;
        };
        let end = format!("{} {}", end.rule(), end.path().unwrap_or_default());
        Some((&entry.object, end, entry.date))
    }

    fn is_told_with_a_step(&self, entry: &Entry) -> bool {
        matches!(entry.task, Task::Reminder { .. }) && Self::key(entry).is_some_and(|key| self.steps.contains(&key))
    }

    fn go_with(&self, entry: &Entry) -> bool {
        matches!(entry.task, Task::Renewal { .. }) && Self::key(entry).is_some_and(|key| self.reminders.contains(&key))
    }
}
