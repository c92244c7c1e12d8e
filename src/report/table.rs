//! The report for people: grouped by route, in columns, in one language.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::columns::{padding, tame, width, wrap};
use super::model::{Answer, Declared, Judged, Places, Report, Source};
use super::words;
use crate::domain::FieldPath;
use crate::judge::{Declaration, FilingRef, HostVerdict, Outcome, Verdict};
use crate::rules::{Finding, Lang, Severity};

/// How the table is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// The language of all its words.
    pub lang: Lang,
    /// Cells in a line, where lines end somewhere: sentences are broken there, names and places never.
    pub width: Option<usize>,
    /// How long it took, if that is to be told.
    pub elapsed: Option<Duration>,
    /// Whether only what is found is shown: no host that is well, no counts.
    pub is_brief: bool,
}

/// The widest that the first column gets: one very long host must not push all the others aside.
const WIDEST: usize = 34;
/// The most cells of a host that are shown: names have 253 characters at most, but what is no name may have any number.
const LONGEST: usize = 80;
/// The least room in which breaking a sentence makes it better.
const NARROWEST: usize = 24;
/// With more routes than so many, those of which nothing is to be said are counted only.
const MANY: usize = 200;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();

/// The closing lines of the table by themselves.
pub fn summary(report: &Report, lang: Lang) -> String {
    words::summary(report, None, lang).join("\n")
}

/// The report as a table, with ANSI escapes, which the writer takes out where they are not wanted.
pub fn table(report: &Report, layout: &Layout) -> String {
    let lang = layout.lang;
    let is_long = report.routes.len() > MANY;
    let (shown, rest): (Vec<&Judged>, Vec<&Judged>) = report.routes.iter().partition(|judged| {
        if layout.is_brief {
            has_findings(judged)
        } else {
            !is_long || says_something(judged)
        }
    });
    let mut blocks: Vec<Block<'_>> = shown.into_iter().map(|judged| of_route(judged, lang)).collect();
    if layout.is_brief {
        for block in &mut blocks {
            block.rows.retain(|row| !row.rule.is_empty());
        }
    }
    let routes = blocks.len();
    blocks.extend(report.filings.iter().filter_map(|declared| {
        let Declared { key, places, answer } = declared;
        declaration(key.to_string(), "Filing", places, answer, lang)
    }));
    blocks.extend(report.servers.iter().filter_map(|declared| {
        let Declared { key, places, answer } = declared;
        declaration(key.to_string(), "AccessServer", places, answer, lang)
    }));
    let columns = Columns::of(&blocks, layout.width);

    let mut out = String::new();
    for (at, block) in blocks.iter().enumerate() {
        if at == routes {
            line(&mut out, format_args!("{BOLD}{}{BOLD:#}\n", words::declarations(lang)));
        }
        columns.block(block, &mut out);
        out.push('\n');
    }
    if layout.is_brief {
        return out;
    }
    if !rest.is_empty() {
        line(
            &mut out,
            format_args!("{DIM}{}{DIM:#}", words::left_out(rest.len(), lang)),
        );
    }
    for (at, text) in words::summary(report, layout.elapsed, lang).iter().enumerate() {
        let style = if at == 0 { BOLD } else { Style::new() };
        line(&mut out, format_args!("{style}{text}{style:#}"));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn has_findings(judged: &Judged) -> bool {
    matches!(judged.answer.outcome(), Some(Outcome::Warned | Outcome::Violating))
}

fn says_something(judged: &Judged) -> bool {
    !matches!(judged.answer.outcome(), Some(Outcome::Compliant | Outcome::Exempt))
}

/// Where an object begins: its column says nothing.
fn place(source: Option<&Source>, lang: Lang) -> String {
    let Some(Source { file, line, .. }) = source.cloned() else {
        return words::cluster(lang).to_owned();
    };
    Source {
        file,
        line,
        column: None,
    }
    .to_string()
}

/// An object and what is said of it.
struct Block<'a> {
    name: String,
    kind: &'static str,
    /// Where it runs, or how urgent it is.
    about: String,
    place: String,
    rows: Vec<Row<'a>>,
}

/// One thing that is said: a host that is well, or a finding.
struct Row<'a> {
    mark: (char, Style),
    /// The host, or a field; empty where it is the same as in the row above.
    subject: Cow<'a, str>,
    /// The rule; empty where the rest of the row needs no column.
    rule: &'static str,
    text: String,
    /// Told less loudly behind the text.
    aside: String,
    hint: String,
    /// The filing that it speaks of, and the place.
    foot: String,
}

const WELL: (char, Style) = ('✓', GREEN);
const NEITHER: (char, Style) = ('–', DIM);

fn mark(severity: Severity) -> (char, Style) {
    match severity {
        Severity::Violation => ('✗', RED),
        Severity::Warning => ('!', YELLOW),
    }
}

impl Row<'_> {
    fn plain(mark: (char, Style), text: String) -> Self {
        Self {
            mark,
            subject: Cow::Borrowed(""),
            rule: "",
            text,
            aside: String::new(),
            hint: String::new(),
            foot: String::new(),
        }
    }
}

fn of_route(judged: &Judged, lang: Lang) -> Block<'_> {
    let Judged {
        key,
        places,
        answer,
        before,
    } = judged;
    let mut about = String::new();
    let rows = match answer {
        Answer::Verdict(verdict) => {
            let sites: Vec<String> = verdict.site.iter().map(ToString::to_string).collect();
            about = sites.join(", ");
            of_verdict(verdict, places, lang)
        }
        Answer::Ungoverned => vec![Row::plain(NEITHER, words::ungoverned(lang).to_owned())],
        Answer::Unreadable(finding) => finding
            .iter()
            .map(|finding| of_finding(finding, Cow::Borrowed(""), None, places, lang))
            .collect(),
    };
    Block {
        name: key.to_string(),
        kind: key.kind.kind(),
        about,
        place: match before {
            Some(before) => words::before(before.outcome, lang),
            None => place(places.object.as_ref(), lang),
        },
        rows,
    }
}

fn of_verdict<'a>(verdict: &'a Verdict, places: &Places, lang: Lang) -> Vec<Row<'a>> {
    if verdict.hosts.is_empty() {
        return vec![Row::plain(NEITHER, words::no_hosts(lang).to_owned())];
    }
    verdict
        .hosts
        .iter()
        .flat_map(|host| of_host(host, places, lang))
        .collect()
}

fn of_host<'a>(host: &'a HostVerdict, places: &Places, lang: Lang) -> Vec<Row<'a>> {
    let subject: Cow<'a, str> = Cow::Owned(host.host.to_string());
    if let Some(exemption) = &host.exemption {
        let mut text = words::exemption(exemption, lang);
        let rules: Vec<&str> = host.findings.iter().map(|finding| finding.rule.id).collect();
        if !rules.is_empty() {
            text.push_str(&words::exempted(&rules.join(", "), lang));
        }
        return vec![Row {
            subject,
            ..Row::plain(NEITHER, text)
        }];
    }
    if host.findings.is_empty() {
        let (text, aside) = match &host.filing {
            Some(FilingRef {
                key,
                number: Some(number),
                ..
            }) => (number.clone(), key.to_string()),
            Some(FilingRef { key, number: None, .. }) => (key.to_string(), String::new()),
            None => (words::compliant(lang).to_owned(), String::new()),
        };
        return vec![Row {
            subject,
            aside,
            ..Row::plain(WELL, text)
        }];
    }
    let mut subject = Some(subject);
    host.findings
        .iter()
        .map(|finding| {
            let subject = subject.take().unwrap_or_default();
            of_finding(finding, subject, host.filing.as_ref(), places, lang)
        })
        .collect()
}

fn of_finding<'a>(
    finding: &'a Finding,
    subject: Cow<'a, str>,
    filing: Option<&FilingRef>,
    places: &Places,
    lang: Lang,
) -> Row<'a> {
    let filing = filing.map(|filing| match &filing.number {
        Some(number) => format!("{number}  "),
        None => format!("{}  ", filing.key),
    });
    Row {
        mark: mark(finding.severity),
        subject,
        rule: finding.rule.id,
        text: finding.message(lang),
        aside: String::new(),
        hint: hint(finding, lang),
        foot: filing.unwrap_or_default() + &field(places, &finding.path),
    }
}

/// Why a light is not Blue.
fn of_light(text: String) -> Row<'static> {
    Row {
        mark: NEITHER,
        subject: Cow::Borrowed(""),
        rule: "",
        text,
        aside: String::new(),
        hint: String::new(),
        foot: String::new(),
    }
}

/// Where a field stands; of what is in no file, which one it is.
fn field(places: &Places, path: &FieldPath) -> String {
    match places.of(path) {
        Some(source) => source.to_string(),
        None => path.to_string(),
    }
}

fn hint(finding: &Finding, lang: Lang) -> String {
    match finding.remedy(lang) {
        remedy if remedy.is_empty() => remedy,
        remedy => format!("{}{remedy}", words::hint(lang)),
    }
}

/// What was found on a filing or server, and why its light is Red or Yellow where that is an end to come.
fn declaration<'a>(
    name: String,
    kind: &'static str,
    places: &Places,
    answer: &'a Declaration,
    lang: Lang,
) -> Option<Block<'a>> {
    let ends = answer.ends_soon.and_then(|_| words::light(answer, lang));
    if answer.findings.is_empty() && ends.is_none() {
        return None;
    }
    let found = answer
        .findings
        .iter()
        .map(|finding| of_finding(finding, Cow::Borrowed(finding.path.as_str()), None, places, lang));
    let rows = found.chain(ends.map(of_light)).collect();
    Some(Block {
        name,
        kind,
        about: words::colour(answer.colour, lang).to_owned(),
        place: place(places.object.as_ref(), lang),
        rows,
    })
}

/// How wide the columns are, the same in every block.
struct Columns {
    subject: usize,
    rule: usize,
    line: Option<usize>,
}

impl Columns {
    fn of(blocks: &[Block<'_>], line: Option<usize>) -> Self {
        let rows = || blocks.iter().flat_map(|block| &block.rows);
        Self {
            subject: rows().map(|row| width(&row.subject)).max().unwrap_or(0).min(WIDEST),
            rule: rows().map(|row| width(row.rule)).max().unwrap_or(0),
            line,
        }
    }

    fn block(&self, block: &Block<'_>, out: &mut String) {
        let Block {
            name,
            kind,
            about,
            place,
            rows,
        } = block;
        let mut head = format!("{BOLD}{}{BOLD:#}  {kind}", tame(name));
        if !about.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(head, "  {}", tame(about));
        }
        line(out, format_args!("{head}  {DIM}{}{DIM:#}", tame(place)));
        for row in rows {
            self.row(row, out);
        }
    }

    fn row(&self, row: &Row<'_>, out: &mut String) {
        let (mark, style) = row.mark;
        let subject = shortened(tame(&row.subject));
        let _ = write!(
            out,
            "  {style}{mark}{style:#} {subject}{}",
            padding(&subject, self.subject)
        );
        let mut behind = self.subject + 4;
        if self.subject > 0 {
            out.push_str("  ");
            behind += 2;
        }
        let mut text_at = behind;
        if !row.rule.is_empty() {
            let _ = write!(out, "{style}{}{style:#}{}  ", row.rule, padding(row.rule, self.rule));
            text_at += self.rule + 2;
        }
        self.sentence(&row.text, text_at, out);
        if !row.aside.is_empty() {
            let _ = write!(out, "  {DIM}{}{DIM:#}", tame(&row.aside));
        }
        out.push('\n');
        if !row.hint.is_empty() {
            let _ = write!(out, "{:behind$}", "");
            self.sentence(&row.hint, behind, out);
            out.push('\n');
        }
        if !row.foot.is_empty() {
            line(out, format_args!("{:behind$}{DIM}{}{DIM:#}", "", tame(&row.foot)));
        }
    }

    /// A sentence that begins in a column, and goes on there in the next line.
    fn sentence(&self, text: &str, at: usize, out: &mut String) {
        let room = self
            .line
            .map(|line| line.saturating_sub(at))
            .filter(|room| *room >= NARROWEST);
        for (nth, text) in wrap(&tame(text), room).iter().enumerate() {
            if nth > 0 {
                let _ = write!(out, "\n{:at$}", "");
            }
            out.push_str(text);
        }
    }
}

/// The beginning of a text that is too long, and `…`.
fn shortened(mut text: String) -> String {
    if width(&text) <= LONGEST {
        return text;
    }
    let mut cells = 0;
    let mut buffer = [0; 4];
    let end = text.char_indices().find_map(|(at, character)| {
        cells += width(character.encode_utf8(&mut buffer));
        // One cell is for the ellipsis.
        (cells >= LONGEST).then_some(at)
    });
    text.truncate(end.unwrap_or(text.len()));
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::route::{RouteKey, RouteKind};
    use crate::rules::{Detail, UNREADABLE};

    fn unreadable(name: &str, error: &str) -> Judged {
        let key = RouteKey {
            namespace: "shop".into(),
            name: name.into(),
            kind: RouteKind::Ingress,
        };
        let object = Source {
            file: "a-folder-with-a-long-name/web.yaml".into(),
            line: Some(3),
            column: Some(1),
        };
        let places = Places {
            object: Some(object),
            fields: BTreeMap::new(),
        };
        Judged {
            key,
            places,
            before: None,
            answer: Answer::Unreadable(Some(Finding {
                rule: &UNREADABLE,
                severity: Severity::Violation,
                path: FieldPath::fixed(""),
                filing: None,
                detail: Detail::Told(vec![("error", error.into())]),
            })),
        }
    }

    fn printed(routes: Vec<Judged>, layout: &Layout) -> String {
        let report = Report {
            now: jiff::Timestamp::UNIX_EPOCH,
            routes,
            filings: Vec::new(),
            servers: Vec::new(),
            skipped: 0,
            errors: Vec::new(),
        };
        anstream::adapter::strip_str(&table(&report, layout)).to_string()
    }

    #[test]
    fn sentences_are_broken_to_the_width_of_the_terminal_and_places_are_not() {
        let layout = Layout {
            lang: Lang::En,
            width: Some(44),
            elapsed: Some(Duration::from_millis(9)),
            is_brief: false,
        };
        let error = "the field spec.rules[0].hots is unknown to this program";
        insta::assert_snapshot!(printed(vec![unreadable("web", error)], &layout));
    }

    #[test]
    fn the_brief_one_has_what_is_found_and_nothing_else() {
        let layout = Layout {
            is_brief: true,
            ..Layout::default()
        };
        let report = super::super::tests::mixed();
        insta::assert_snapshot!(anstream::adapter::strip_str(&table(&report, &layout)).to_string());
        let nothing = Report {
            routes: Vec::new(),
            filings: Vec::new(),
            servers: Vec::new(),
            ..report
        };
        assert_eq!(table(&nothing, &layout), "");
    }

    #[test]
    fn a_host_that_is_much_too_long_is_shortened() {
        assert_eq!(shortened("a".repeat(80)), "a".repeat(80));
        assert_eq!(shortened("a".repeat(200_000)), "a".repeat(79) + "…");
        // A character of two cells is never halved.
        let chinese = shortened("示".repeat(41));
        assert_eq!(
            (chinese.as_str(), width(&chinese)),
            (("示".repeat(39) + "…").as_str(), 79)
        );
    }

    #[test]
    fn what_was_typed_can_not_move_the_cursor() {
        let text = printed(vec![unreadable("web\x1b[2J", "\u{9b}31m\r")], &Layout::default());
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}
