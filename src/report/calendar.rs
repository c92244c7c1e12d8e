//! What is due, as a calendar by RFC 5545 (iCalendar): an event of whole days for each entry, with an alarm at 09:00 in China.
//! Each has an identity that stays, so that a later import moves it and makes no second one. The library escapes, folds and
//! checks; here is only what an entry becomes.

use ical::builder::IcalPropBuilder;
use ical::component::{IcalComponent, IcalComponentKind};
use ical::ical::Ical;
use ical::param::IcalParam;
use ical::prop::IcalProp;
use ical::prop::spec::IcalPropSpec;
use ical::prop::{
    action::ACTION, calscale::CALSCALE, categories::CATEGORIES, description::DESCRIPTION, dtend::DTEND,
    dtstamp::DTSTAMP, dtstart::DTSTART, name::NAME, priority::PRIORITY, prodid::PRODID, sequence::SEQUENCE,
    summary::SUMMARY, transp::TRANSP, trigger::TRIGGER, tzid::TZID, tzoffsetfrom::TZOFFSETFROM, tzoffsetto::TZOFFSETTO,
    uid::UID,
};
use ical::tree::cst::IcalCst;
use ical::validator::IcalValidateError;
use ical::value::IcalValue;
use ical::value::datetime::{IcalDate, IcalDateTime};
use ical::value::integer::IcalInteger;
use ical::value::text::{IcalText, IcalTextList};
use ical::value::utc_offset::IcalUtcOffset;
use ical::version::IcalVersion;
use jiff::Timestamp;

use super::columns::tame;
use super::words;
use crate::domain::Day;
use crate::effects::shortened;
use crate::plan::{Entry, Plan, Task, Urgency};
use crate::rules::{Lang, list};

/// Who made it.
const PRODUCT: &str = concat!(
    "-//filing-operator//filing-operator ",
    env!("CARGO_PKG_VERSION"),
    "//EN"
);
/// The longest title, in bytes.
const MAX_SUMMARY: usize = 500;
/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 8000;

/// It is no calendar.
#[derive(Debug, thiserror::Error)]
#[error("making the calendar: {0}")]
pub struct CalendarError(String);

impl From<Vec<IcalValidateError>> for CalendarError {
    fn from(errors: Vec<IcalValidateError>) -> Self {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self(errors.join("; "))
    }
}

type Property = IcalProp<'static>;

pub(super) fn of(plan: &Plan, now: Timestamp, lang: Lang) -> Result<String, CalendarError> {
    let name = match lang {
        Lang::En => "ICP filings: what is due",
        Lang::Zh => "ICP 备案待办",
    };
    let mut components = Vec::with_capacity(plan.entries.len());
    for entry in &plan.entries {
        components.push(event(entry, now, lang)?);
    }
    if components.is_empty() {
        // A calendar has at least one component (RFC 5545 3.6), and an event that says so would stay in people's calendars.
        components.push(china()?);
    }
    let calendar = Ical {
        version: IcalVersion::V2_0,
        props: vec![
            text::<PRODID>(PRODUCT)?,
            text::<CALSCALE>("GREGORIAN")?,
            text::<NAME>(name)?,
            // What calendar programs showed as the name before RFC 7986 had one.
            extension("X-WR-CALNAME", name),
        ],
        components,
    };
    Ok(IcalCst::from(calendar.validate()?).to_string())
}

fn event(entry: &Entry, now: Timestamp, lang: Lang) -> Result<IcalComponent<'static>, CalendarError> {
    let after = entry.until.unwrap_or(entry.date).plus(1);
    let summary = summary(entry, lang);
    let category = entry.urgency.as_str();
    let categories = IcalTextList(vec![category.into(), entry.task.id().into()]);
    Ok(IcalComponent {
        name: IcalComponentKind::VEvent.into(),
        props: vec![
            text::<UID>(&format!("{}@filing-operator.io", entry.id()))?,
            prop::<DTSTAMP>(moment(now), None)?,
            prop::<SEQUENCE>(revision(now), None)?,
            prop::<DTSTART>(day(entry.date), Some("DATE"))?,
            // The day on which it is over is the first that is not part of it.
            prop::<DTEND>(day(after), Some("DATE"))?,
            text::<SUMMARY>(&summary)?,
            text::<DESCRIPTION>(&description(entry, lang))?,
            prop::<CATEGORIES>(IcalValue::TextList(categories), None)?,
            prop::<PRIORITY>(IcalValue::Integer(IcalInteger(priority(entry.urgency).into())), None)?,
            // It takes nobody's time: it is free.
            text::<TRANSP>("TRANSPARENT")?,
        ],
        components: alarm(entry, &summary, now)?.into_iter().collect(),
    })
}

/// At 09:00 in China of the first day, when the operator reminds too.
fn alarm(entry: &Entry, summary: &str, now: Timestamp) -> Result<Option<IcalComponent<'static>>, CalendarError> {
    let at = entry.date.reminder_time();
    if at <= now {
        return Ok(None);
    }
    Ok(Some(IcalComponent {
        name: IcalComponentKind::VAlarm.into(),
        props: vec![
            text::<ACTION>("DISPLAY")?,
            prop::<TRIGGER>(moment(at), Some("DATE-TIME"))?,
            text::<DESCRIPTION>(summary)?,
        ],
        components: Vec::new(),
    }))
}

/// China's one time zone.
fn china() -> Result<IcalComponent<'static>, CalendarError> {
    let offset = || IcalValue::UtcOffset(IcalUtcOffset("+0800".into()));
    Ok(IcalComponent {
        name: IcalComponentKind::VTimezone.into(),
        props: vec![text::<TZID>("Asia/Shanghai")?],
        components: vec![IcalComponent {
            name: IcalComponentKind::Standard.into(),
            props: vec![
                prop::<DTSTART>(IcalValue::DateTime(IcalDateTime("19700101T000000".into())), None)?,
                prop::<TZOFFSETFROM>(offset(), None)?,
                prop::<TZOFFSETTO>(offset(), None)?,
            ],
            components: Vec::new(),
        }],
    })
}

fn summary(entry: &Entry, lang: Lang) -> String {
    let what = tame(&entry.what(lang));
    let told = match (entry.urgency, lang) {
        (Urgency::Overdue, Lang::En) => format!("OVERDUE: {what}"),
        (Urgency::Overdue, Lang::Zh) => format!("【已逾期】{what}"),
        _ => what,
    };
    shortened(&told, MAX_SUMMARY)
}

fn description(entry: &Entry, lang: Lang) -> String {
    let mut lines = vec![tame(&entry.what(lang))];
    if let Task::Papers { papers, .. } = &entry.task {
        lines.extend(papers.iter().map(|paper| format!("- {}", paper.name(lang))));
    }
    lines.extend(entry.unknown_holidays(lang));
    let object = format!("{} {}", entry.object.kind.as_str(), tame(&entry.object.path()));
    let domains = tame(&list(&entry.domains));
    let basis = words::basis(entry.basis(), lang).to_lowercase();
    let source = entry.source();
    match lang {
        Lang::En => {
            lines.push(format!("Object: {object}"));
            lines.extend((!domains.is_empty()).then(|| format!("Domains: {domains}")));
            lines.push(format!("Basis: {basis}; {source}"));
        }
        Lang::Zh => {
            lines.push(format!("对象：{object}"));
            lines.extend((!domains.is_empty()).then(|| format!("域名：{domains}")));
            lines.push(format!("依据：{basis}；{source}"));
        }
    }
    shortened(&lines.join("\n"), MAX_DESCRIPTION)
}

/// A number that rises from plan to plan: the minutes of the clock. By it a calendar program tells the newer of two.
fn revision(now: Timestamp) -> IcalValue<'static> {
    IcalValue::Integer(IcalInteger((now.as_second() / 60).max(0).to_string().into()))
}

/// 1 is the highest, 9 the lowest.
fn priority(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Overdue => "1",
        Urgency::Soon => "5",
        Urgency::Later => "9",
    }
}

fn prop<P: IcalPropSpec>(value: IcalValue<'static>, kind: Option<&'static str>) -> Result<Property, CalendarError> {
    let mut builder = IcalPropBuilder::<P>::new(IcalVersion::V2_0);
    if let Some(kind) = kind {
        builder = builder.param(IcalParam::Value(kind.into()));
    }
    Ok(builder.build(value)?)
}

fn text<P: IcalPropSpec>(text: &str) -> Result<Property, CalendarError> {
    prop::<P>(IcalValue::Text(IcalText(text.to_owned().into())), None)
}

fn extension(name: &'static str, value: &'static str) -> Property {
    IcalProp {
        name: name.into(),
        params: Vec::new(),
        value: IcalValue::Text(value.into()),
    }
}

/// `20261123`.
fn day(day: Day) -> IcalValue<'static> {
    IcalValue::Date(IcalDate(compact(&day.to_string()).into()))
}

/// `20261123T010000Z`, in whole seconds.
fn moment(moment: Timestamp) -> IcalValue<'static> {
    let text = moment.to_string();
    let seconds = text.split(['.', 'Z']).next().unwrap_or(&text);
    IcalValue::DateTime(IcalDateTime(format!("{}Z", compact(seconds)).into()))
}

/// A date or moment without the marks between its numbers.
fn compact(text: &str) -> String {
    text.replace(['-', ':'], "")
}
