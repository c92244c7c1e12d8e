//! The catalogue of rules as a table, and one rule in full.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::columns::{padding, width, wrap};
use super::words;
use crate::rules::{Lang, Rule, Severity};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The rules as a table, with ANSI escapes, which the writer takes out where they are not wanted.
pub fn rules_table(rules: &[&Rule], lang: Lang) -> String {
    let column = |cell: fn(&Rule, Lang) -> &'static str| {
        rules
            .iter()
            .map(|rule| width(cell(rule, lang)))
            .max()
            .unwrap_or_default()
    };
    let (id, severity, basis) = (column(|rule, _| rule.id), column(severity), column(basis));
    let mut out = String::new();
    for rule in rules {
        let style = style(rule.severity);
        let (rated, stands_on) = (self::severity(rule, lang), self::basis(rule, lang));
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{BOLD}{}{BOLD:#}{}  {style}{rated}{style:#}{}  {stands_on}{}  {}",
            rule.id,
            padding(rule.id, id),
            padding(rated, severity),
            padding(stands_on, basis),
            rule.title.get(lang),
        );
    }
    out
}

/// One rule in full, its sentences broken at `line` cells.
pub fn rule_text(rule: &Rule, lang: Lang, line: Option<usize>) -> String {
    let labels = match lang {
        Lang::En => ["severity", "basis", "source", "message", "hint", "yields to"],
        Lang::Zh => ["级别", "依据", "出处", "说明", "建议", "让位于"],
    };
    let yields_to = rule.yields_to.join(", ");
    let values = [
        severity(rule, lang),
        basis(rule, lang),
        rule.source,
        rule.message.get(lang),
        rule.remedy.get(lang),
        &yields_to,
    ];
    let column = labels.iter().map(|label| width(label)).max().unwrap_or_default();
    let mut out = format!("{BOLD}{}{BOLD:#}  {}\n\n", rule.id, rule.title.get(lang));
    for (label, value) in labels.into_iter().zip(values).filter(|(_, value)| !value.is_empty()) {
        let room = line.map(|line| line.saturating_sub(column + 4));
        let indent = format!("\n{:at$}", "", at = column + 4);
        let value = wrap(value, room).join(&indent);
        let _ = writeln!(out, "  {DIM}{label}{DIM:#}{}  {value}", padding(label, column));
    }
    out
}

/// The rules as JSON, in both languages.
///
/// # Errors
/// None that is known; the writer of JSON allows for them.
pub fn rules_json(rules: &[&Rule]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&rules.iter().map(|rule| RuleEntry::of(rule)).collect::<Vec<_>>())
}

/// One rule as JSON, in both languages.
///
/// # Errors
/// None that is known; the writer of JSON allows for them.
pub fn rule_json(rule: &Rule) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&RuleEntry::of(rule))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleEntry {
    id: &'static str,
    /// Null where it is off unless a policy says otherwise.
    severity: Option<&'static str>,
    basis: &'static str,
    source: &'static str,
    title: Both,
    message: Both,
    remedy: Both,
    yields_to: &'static [&'static str],
}

#[derive(Serialize)]
struct Both {
    en: &'static str,
    zh: &'static str,
}

impl RuleEntry {
    fn of(rule: &Rule) -> Self {
        let both = |words: &crate::rules::Words| Both {
            en: words.en,
            zh: words.zh,
        };
        Self {
            id: rule.id,
            severity: rule.severity.map(Severity::as_str),
            basis: rule.basis.as_str(),
            source: rule.source,
            title: both(&rule.title),
            message: both(&rule.message),
            remedy: both(&rule.remedy),
            yields_to: rule.yields_to,
        }
    }
}

fn severity(rule: &Rule, lang: Lang) -> &'static str {
    words::severity(rule.severity, lang)
}

fn basis(rule: &Rule, lang: Lang) -> &'static str {
    words::basis(rule.basis, lang)
}

fn style(severity: Option<Severity>) -> Style {
    match severity {
        Some(Severity::Violation) => AnsiColor::Red.on_default(),
        Some(Severity::Warning) => AnsiColor::Yellow.on_default(),
        None => DIM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::CATALOGUE;

    /// Of all rules a table, and of each its words.
    fn page(lang: Lang) -> String {
        let (title, reader, head, labels) = match lang {
            Lang::En => (
                "Rules",
                "For those who are told one of them. Generated from the catalogue; `filing-operator rules` prints the same.",
                "| rule | severity | basis | |",
                ["It says", "What to do", "Source"],
            ),
            Lang::Zh => (
                "规则",
                "面向收到某条规则提示的人。由规则目录生成；`filing-operator rules --lang zh` 输出相同内容。",
                "| 规则 | 级别 | 依据 | |",
                ["提示", "处理办法", "出处"],
            ),
        };
        let mut page = format!("# {title}\n\n*{reader}*\n\n{head}\n|---|---|---|---|\n");
        for rule in CATALOGUE {
            let (severity, basis) = (severity(rule, lang), basis(rule, lang));
            let title = rule.title.get(lang);
            let anchor = rule.id.to_lowercase();
            writeln!(page, "| [{}](#{anchor}) | {severity} | {basis} | {title} |", rule.id).unwrap();
        }
        for rule in CATALOGUE {
            write!(page, "\n## {}\n\n{}\n\n", rule.id, rule.title.get(lang)).unwrap();
            let words = [rule.message.get(lang), rule.remedy.get(lang), rule.source];
            for (label, words) in labels.into_iter().zip(words).filter(|(_, words)| !words.is_empty()) {
                let colon = if lang == Lang::Zh { "：" } else { ": " };
                // Placeholders stay as they are, and are no HTML.
                writeln!(page, "- {label}{colon}{}", words.replace('<', "&lt;")).unwrap();
            }
        }
        page
    }

    #[test]
    fn the_pages_of_rules_say_what_the_catalogue_says() {
        crate::support::is_generated("docs/rules.md", &page(Lang::En));
        crate::support::is_generated("docs/zh/rules.md", &page(Lang::Zh));
    }
}
