//! A year of what ends: filings, domains, servers, licences and what else has a date, as a table or a picture.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use jiff::Timestamp;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::Serialize;

use super::{columns, days_until, in_days};
use crate::domain::Day;
use crate::effects::endings;
use crate::registry::{Registry, SubjectKind};
use crate::rules::Lang;

/// How many months a picture shows.
const MONTHS: u32 = 12;
/// How many objects a picture shows: those that end first.
const ROWS: usize = 100;

/// What ends within a year, and what has ended and is still declared.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    schema: &'static str,
    now: Timestamp,
    /// By date.
    ends: Vec<End>,
    #[serde(skip)]
    lang: Lang,
}

#[derive(Clone, Debug, Serialize)]
struct End {
    date: Day,
    days: i64,
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: String,
    name: String,
    what: String,
}

impl End {
    fn object(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// It could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("drawing the timeline: {0}")]
pub struct DrawError(String);

impl Timeline {
    /// Of a cluster, from a moment on.
    pub fn of(registry: &Registry, now: Timestamp, lang: Lang) -> Self {
        let last = Day::of(now).plus_months(MONTHS);
        let mut ends: Vec<End> = endings(registry.snapshot())
            .filter(|ending| ending.term.date <= last)
            .map(|ending| End {
                date: ending.term.date,
                days: days_until(ending.term.date, now),
                kind: match ending.kind {
                    SubjectKind::Server => "AccessServer",
                    SubjectKind::Policy => "FilingPolicy",
                    _ => "Filing",
                },
                namespace: ending.namespace.to_owned(),
                name: ending.name.to_owned(),
                what: ending.told(lang),
            })
            .collect();
        ends.sort_by(|a, b| (a.date, &a.what).cmp(&(b.date, &b.what)));
        Self {
            schema: "filing-operator.io/timeline/v1",
            now,
            ends,
            lang,
        }
    }

    /// As a table for a terminal that is so wide.
    pub fn table(&self, width: Option<usize>) -> String {
        columns(
            &["DATE", "IN", "WHAT"],
            self.ends
                .iter()
                .map(|end| vec![end.date.to_string(), in_days(end.days, self.lang), end.what.clone()]),
            width,
        )
    }

    /// As a picture, in SVG: a bar for each object until its first end, in the colour of how near that is, and a mark at each
    /// end.
    ///
    /// # Errors
    /// When the library can't draw it.
    pub fn svg(&self) -> Result<String, DrawError> {
        let mut by_object: BTreeMap<String, Vec<&End>> = BTreeMap::new();
        for end in &self.ends {
            by_object.entry(end.object()).or_default().push(end);
        }
        let mut rows: Vec<(String, Vec<&End>)> = by_object.into_iter().collect();
        rows.sort_by_key(|(_, ends)| ends.first().map(|end| end.date));
        let left_out = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        let mut picture = String::new();
        Picture {
            today: Day::of(self.now),
            rows,
            left_out,
            lang: self.lang,
        }
        .draw(&mut picture)
        .map_err(|error| DrawError(error.to_string()))?;
        Ok(picture)
    }
}

/// What is drawn, and how.
struct Picture<'a> {
    today: Day,
    rows: Vec<(String, Vec<&'a End>)>,
    left_out: usize,
    lang: Lang,
}

const LEFT: i32 = 320;
const TOP: i32 = 60;
const ROW: i32 = 24;
const DAY: i32 = 2;
/// Space for the words at the end of the last bar.
const RIGHT: i32 = 130;

const RED: RGBColor = RGBColor(214, 39, 40);
const YELLOW: RGBColor = RGBColor(224, 160, 0);
const BLUE: RGBColor = RGBColor(31, 119, 180);
const GREY: RGBColor = RGBColor(205, 205, 205);
const INK: RGBColor = RGBColor(40, 40, 40);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

impl Picture<'_> {
    fn draw(&self, out: &mut String) -> Drawn {
        let bottom = TOP + ROW * i32::try_from(self.rows.len())?;
        let right = self.x(self.today.plus_months(MONTHS)) + RIGHT;
        let size = (u32::try_from(right)?, u32::try_from(bottom + 40)?);
        let area = SVGBackend::with_string(out, size).into_drawing_area();
        area.fill(&WHITE).map_err(told)?;
        let title = match self.lang {
            Lang::En => format!("What ends from {} on, within a year", self.today),
            Lang::Zh => format!("自 {} 起一年内到期的事项", self.today),
        };
        write_at(&area, title, (20, 24), 20)?;
        for month in 0..=MONTHS {
            let day = self.today.plus_months(month);
            let x = self.x(day);
            area.draw(&PathElement::new(vec![(x, TOP - 6), (x, bottom)], GREY))
                .map_err(told)?;
            write_at(&area, day.to_string(), (x - 30, TOP - 16), 12)?;
        }
        for (nth, (object, ends)) in self.rows.iter().enumerate() {
            self.row(&area, TOP + ROW * i32::try_from(nth)?, object, ends)?;
        }
        write_at(&area, self.foot(), (20, bottom + 20), 15)?;
        area.present().map_err(told)
    }

    /// An object: its name, a bar until its first end, a mark at each.
    fn row(&self, area: &Area<'_>, top: i32, object: &str, ends: &[&End]) -> Drawn {
        let centre = top + ROW / 2;
        write_at(area, shortened(object), (20, centre), 15)?;
        let Some(first) = ends.first() else { return Ok(()) };
        let right = self.x(first.date).max(LEFT + 2);
        let bar = Rectangle::new([(LEFT, top + 5), (right, top + ROW - 5)], colour(first.days).filled());
        area.draw(&bar).map_err(told)?;
        for end in ends {
            let x = self.x(end.date).max(LEFT + 2);
            area.draw(&Circle::new((x, centre), 4, colour(end.days).filled()))
                .map_err(told)?;
        }
        let words = format!("{} ({})", first.date, in_days(first.days, self.lang));
        write_at(area, words, (right + 8, centre), 15)
    }

    /// What the colours mean, and what is not shown.
    fn foot(&self) -> String {
        let mut foot = match self.lang {
            Lang::En => "red: ended, or ends within 30 days; yellow: within 90; blue: later".to_owned(),
            Lang::Zh => "红：已到期或 30 天内到期；黄：90 天内；蓝：更晚".to_owned(),
        };
        if self.left_out > 0 {
            // Writing into a String cannot fail.
            let _ = match self.lang {
                Lang::En => write!(foot, "; {} more that end later are not shown", self.left_out),
                Lang::Zh => write!(foot, "；另有 {} 项更晚到期，未画出", self.left_out),
            };
        }
        foot
    }

    /// Where a day is; what is past stands at the beginning.
    fn x(&self, day: Day) -> i32 {
        let days = day.start().duration_since(self.today.start()).as_hours() / 24;
        LEFT + DAY * i32::try_from(days.clamp(0, 400)).unwrap_or(0)
    }
}

/// Writes a line of text from a point to the right, at its height.
fn write_at(area: &Area<'_>, text: String, at: (i32, i32), size: i32) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&INK);
    let style = style.pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(text, at, style)).map_err(told)
}

/// The errors of the library borrow what is drawn on.
fn told(error: impl Error) -> Box<dyn Error> {
    error.to_string().into()
}

fn colour(days: i64) -> RGBColor {
    match days {
        ..=30 => RED,
        31..=90 => YELLOW,
        91.. => BLUE,
    }
}

/// No longer than there is room for.
fn shortened(text: &str) -> String {
    const ROOM: usize = 44;
    if text.chars().count() <= ROOM {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(ROOM - 1).collect();
    short.push('…');
    short
}
