use std::fmt::Write as _;

use rstest::rstest;
use serde_json::{Value, json};
use vparser::Parser;

use super::*;
use crate::plan::tests::plan;
use crate::support::{at, filing, policy, server};

/// What a team declares that opens a shop, plans its move, and starts a second site.
fn story() -> Vec<Value> {
    vec![
        policy(
            "default",
            json!({"exemptions": [{"hosts": ["*.intra.example.com"], "until": "2027-03-31", "reason": "VPN", "owner": "infra"}]}),
        ),
        filing(
            "filings/shop",
            json!({
                "domains": ["example.com", "示例.中国"], "launchedAt": "2026-10-20",
                "registration": {"holder": "示例科技有限公司", "expiresAt": "2027-01-10", "verified": true},
                "handler": {"name": "张三", "idExpiresAt": "2026-11-20"},
                "licence": {"number": "京ICP证030173号", "expiresAt": "2027-05-01"},
                "access": [
                    {"provider": "alicloud", "stage": "Approved", "servers": ["slb"]},
                    {"provider": "tencentcloud", "stage": "Submitted", "since": "2027-02-01", "migratingFrom": "alicloud"},
                ],
            }),
        ),
        filing(
            "filings/news",
            json!({"domains": ["news.example.cn"], "stage": "Draft", "number": null, "access": [],
                "service": {"name": "新闻", "contentTypes": ["News"]}}),
        ),
        server("slb", json!({"expiresAt": "2026-12-20"})),
        server("pool", json!({"expiresAt": "2027-02-10", "autoRenew": true})),
    ]
}

fn at_noon(day: &str) -> (Timestamp, Day) {
    let moment = at(&format!("{day}T12:00:00+08:00"));
    (moment, Day::of(moment))
}

fn view<T>(documents: &[Value], day: &str, days: u32, lang: Lang, tell: impl Fn(PlanView<'_>) -> T) -> T {
    let (moment, today) = at_noon(day);
    tell(PlanView::of(&plan(documents, today, days), moment, lang))
}

#[rstest]
#[case::in_english("table_en", Lang::En, Some(100))]
#[case::in_chinese("table_zh", Lang::Zh, Some(100))]
#[case::on_80_columns("table_80", Lang::En, Some(80))]
fn a_year_is_a_table(#[case] name: &str, #[case] lang: Lang, #[case] width: Option<usize>) {
    let table = view(&story(), "2026-11-23", 365, lang, |view| view.table(width));
    let too_wide = table
        .lines()
        .find(|line| super::super::columns::width(line) > width.unwrap());
    assert_eq!(too_wide, None);
    insta::assert_snapshot!(name, table);
}

/// The same facts as the days pass and the people act.
#[test]
fn a_filing_goes_its_way() {
    let mut told = String::new();
    let mut tell = |what: &str, day: &str, document: Value| {
        let table = view(&[document], day, 60, Lang::En, |view| view.table(Some(100)));
        writeln!(told, "# {day}: {what}\n{table}").unwrap();
    };
    let at_stage = |over: Value| filing("filings/news", over);
    tell(
        "it is written down",
        "2026-11-23",
        at_stage(json!({"stage": "Draft", "number": null})),
    );
    tell(
        "it was handed in",
        "2026-12-01",
        at_stage(json!({"stage": "Submitted", "number": null, "submittedAt": "2026-12-01"})),
    );
    tell(
        "the bureau has it",
        "2026-12-07",
        at_stage(json!({"stage": "SecondReview", "number": null, "submittedAt": "2026-12-01"})),
    );
    tell(
        "the bureau takes long",
        "2027-01-20",
        at_stage(json!({"stage": "SecondReview", "number": null, "submittedAt": "2026-12-01"})),
    );
    tell(
        "it is open",
        "2027-01-25",
        at_stage(json!({"launchedAt": "2027-01-25"})),
    );
    tell(
        "public security knows of it",
        "2027-02-01",
        at_stage(json!({"launchedAt": "2027-01-25", "publicSecurity": {"filedAt": "2027-01-30"}})),
    );
    insta::assert_snapshot!(told);
}

#[test]
fn a_month_is_json() {
    let json = view(&story(), "2026-11-23", 31, Lang::En, |view| view.json().unwrap());
    insta::assert_snapshot!("json", json);
}

#[test]
fn nothing_to_do_is_said() {
    let table = |lang| view(&[], "2026-11-23", 30, lang, |view| view.table(Some(100)));
    assert_eq!(table(Lang::En), "nothing is due until 2026-12-23\n");
    assert_eq!(table(Lang::Zh), "2026-12-23 之前没有待办事项\n");
    let json: Value =
        serde_json::from_str(&view(&[], "2026-11-23", 30, Lang::En, |view| view.json().unwrap())).unwrap();
    assert_eq!(json["entries"], json!([]));
}

/// A calendar as another parser reads it: the lines, with values as they were before they were escaped.
fn parsed(calendar: &str) -> Vec<(String, String, String)> {
    let unescaped = |value: &str| {
        let mut text = String::new();
        let mut letters = value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(escaped @ ('\\' | ',' | ';')) => text.push(escaped),
                    other => panic!("\\{other:?} is no escape"),
                },
                ',' | ';' => panic!("{value} is a list"),
                other => text.push(other),
            }
        }
        text
    };
    let lines = Parser::new(calendar).map(|line| {
        let (name, value) = (line.name().into_owned(), line.value().into_owned());
        let value = if ["SUMMARY", "DESCRIPTION"].contains(&name.as_str()) {
            unescaped(&value)
        } else {
            value
        };
        (name, line.params().into_owned(), value)
    });
    lines.collect()
}

/// The events of a calendar: their own lines, without those of alarms.
fn events(calendar: &str) -> Vec<Vec<(String, String, String)>> {
    let mut open: Vec<String> = Vec::new();
    let mut events: Vec<Vec<(String, String, String)>> = Vec::new();
    for line in parsed(calendar) {
        match line.0.as_str() {
            "BEGIN" => {
                if line.2 == "VEVENT" {
                    events.push(Vec::new());
                }
                open.push(line.2);
            }
            "END" => assert_eq!(open.pop(), Some(line.2)),
            _ if open.last().is_some_and(|name| name == "VEVENT") => events.last_mut().unwrap().push(line),
            _ => {}
        }
    }
    assert!(open.is_empty());
    events
}

fn value<'a>(event: &'a [(String, String, String)], name: &str) -> &'a str {
    let mut found = event.iter().filter(|line| line.0 == name);
    let (Some(line), None) = (found.next(), found.next()) else {
        panic!("{name}: {event:?}")
    };
    &line.2
}

/// RFC 5545 3.1: lines end with CRLF, none is longer than 75 octets, and none is cut within a character.
fn assert_lines(calendar: &str) {
    assert!(calendar.ends_with("END:VCALENDAR\r\n"));
    for line in calendar.split_terminator("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
        assert!(!line.contains(['\r', '\n']), "{line:?}");
        assert!(!line.trim_start_matches(' ').is_empty(), "an empty line");
    }
    assert!(
        !calendar
            .chars()
            .any(|letter| letter.is_control() && !"\r\n".contains(letter))
    );
}

fn calendar(documents: &[Value], day: &str, days: u32, lang: Lang) -> String {
    view(documents, day, days, lang, |view| view.calendar().unwrap())
}

#[rstest]
#[case::in_english(Lang::En)]
#[case::in_chinese(Lang::Zh)]
fn a_year_is_a_calendar_that_another_parser_reads(#[case] lang: Lang) {
    let (moment, today) = at_noon("2026-11-23");
    let plan = plan(&story(), today, 365);
    let calendar = PlanView::of(&plan, moment, lang).calendar().unwrap();
    assert_lines(&calendar);
    let events = events(&calendar);
    assert_eq!(events.len(), plan.entries.len());
    for (event, entry) in events.iter().zip(&plan.entries) {
        assert_eq!(value(event, "UID"), format!("{}@filing-operator.io", entry.id()));
        assert_eq!(value(event, "DTSTAMP"), "20261123T040000Z");
        assert_eq!(value(event, "SEQUENCE"), (moment.as_second() / 60).to_string());
        assert_eq!(value(event, "DTSTART"), entry.date.to_string().replace('-', ""));
        let over = entry.until.unwrap_or(entry.date).plus(1);
        assert_eq!(value(event, "DTEND"), over.to_string().replace('-', ""));
        assert!(value(event, "SUMMARY").ends_with(&entry.what(lang)));
        assert!(value(event, "DESCRIPTION").contains(&entry.object.path()));
        let whole_days = event
            .iter()
            .filter(|line| line.0.starts_with("DT") && line.1 == "VALUE=DATE");
        assert_eq!(whole_days.count(), 2);
    }
    assert!(!calendar.contains("张三"));
}

#[test]
fn a_month_is_a_calendar() {
    insta::assert_snapshot!(
        "calendar",
        calendar(&story(), "2026-12-10", 12, Lang::Zh).replace('\r', "")
    );
}

#[test]
fn an_alarm_goes_at_nine_in_china_unless_that_is_past() {
    let documents = [server("slb", json!({"expiresAt": "2026-12-23"}))];
    let (_, today) = at_noon("2026-11-23");
    let plan = plan(&documents, today, 365);
    let at = |moment: &str| {
        let calendar = PlanView::of(&plan, at(moment), Lang::En).calendar().unwrap();
        let lines = parsed(&calendar).into_iter();
        lines.filter(|line| line.0 == "TRIGGER").collect::<Vec<_>>()
    };
    let (before, after) = (at("2026-11-23T08:59:59+08:00"), at("2026-11-23T09:00:00+08:00"));
    assert_eq!(
        (before[0].1.as_str(), before[0].2.as_str()),
        ("VALUE=DATE-TIME", "20261123T010000Z")
    );
    assert!(after.len() < before.len());
    assert!(after.iter().all(|line| line.2 != "20261123T010000Z"));
}

#[test]
fn a_later_import_moves_what_moved_and_makes_no_second_one() {
    let ends = |day: &str| calendar(&[server("slb", json!({"expiresAt": day}))], "2026-11-23", 365, Lang::En);
    let uids = |calendar: &str| -> Vec<String> {
        let mut uids: Vec<String> = events(calendar)
            .iter()
            .map(|event| value(event, "UID").to_owned())
            .collect();
        uids.sort_unstable();
        uids
    };
    let (before, after) = (ends("2027-03-01"), ends("2027-04-01"));
    assert_ne!(before, after);
    assert_eq!(uids(&before), uids(&after));
}

#[test]
fn a_calendar_of_nothing_is_still_a_calendar() {
    let empty = calendar(&[], "2026-11-23", 30, Lang::En);
    assert_lines(&empty);
    assert!(events(&empty).is_empty());
    assert!(empty.contains("BEGIN:VTIMEZONE\r\n"), "{empty}");
}

#[rstest]
#[case::a_line_of_its_own("x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:y")]
#[case::a_bare_line_feed("x\nDTSTART:19700101")]
#[case::marks(r"a,b;c\d\n")]
#[case::escapes("\u{1b}[31mred\u{0}")]
#[case::wide_characters("示例".repeat(100))]
#[case::four_octets_each("𠮷".repeat(100))]
fn what_a_tenant_wrote_stays_text(#[case] text: impl Into<String>) {
    let text: String = text.into();
    let documents = [filing(
        "fs/it",
        json!({"domains": [text], "access": [
            {"provider": "alicloud", "stage": "Approved"},
            {"provider": text, "stage": "Submitted", "since": "2027-02-01", "migratingFrom": "alicloud"},
        ]}),
    )];
    for lang in [Lang::En, Lang::Zh] {
        let calendar = calendar(&documents, "2026-11-23", 365, lang);
        assert_lines(&calendar);
        let events = events(&calendar);
        assert_eq!(events.len(), 4, "{calendar}");
        let tame = tame(&text);
        let shown: String = tame.chars().take(20).collect();
        assert!(value(&events[0], "SUMMARY").contains(&shown), "{calendar}");
        let table = view(&documents, "2026-11-23", 365, lang, |view| view.table(Some(100)));
        assert!(
            !table.chars().any(|letter| letter.is_control() && letter != '\n'),
            "{table:?}"
        );
    }
}
