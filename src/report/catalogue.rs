//! The catalogue of rules as a table, and one rule in full.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::columns::{padding, width, wrap};
use super::words;
use crate::rules::{Lang, Part, Rule, Severity, without_links};

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
            rule.title(lang),
        );
    }
    out
}

/// One rule in full, its sentences broken at `line` cells.
pub fn rule_text(rule: &Rule, lang: Lang, line: Option<usize>) -> String {
    let labels = match lang {
        Lang::En => ["severity", "basis", "message", "hint", "yields to"],
        Lang::Zh => ["级别", "依据", "说明", "建议", "让位于"],
    };
    let yields_to = rule.yields_to.join(", ");
    let values = [
        severity(rule, lang),
        basis(rule, lang),
        rule.message.get(lang),
        rule.remedy.get(lang),
        &yields_to,
    ];
    let column = labels.iter().map(|label| width(label)).max().unwrap_or_default();
    let mut out = format!("{BOLD}{}{BOLD:#}  {}\n\n", rule.id, rule.title(lang));
    for (label, value) in labels.into_iter().zip(values).filter(|(_, value)| !value.is_empty()) {
        let room = line.map(|line| line.saturating_sub(column + 4));
        let indent = format!("\n{:at$}", "", at = column + 4);
        let value = wrap(value, room).join(&indent);
        let _ = writeln!(out, "  {DIM}{label}{DIM:#}{}  {value}", padding(label, column));
    }
    let page = rule.page(lang);
    for part in Part::ALL {
        let _ = writeln!(out, "\n{BOLD}{}{BOLD:#}", part.heading(lang));
        let mut is_fenced = false;
        for text in without_links(page.part(part)).lines() {
            let is_fence = text.starts_with("```");
            is_fenced ^= is_fence;
            if is_fence {
                continue;
            }
            let room = line.filter(|_| !is_fenced).map(|line| line.saturating_sub(2));
            for text in wrap(text, room) {
                let _ = writeln!(out, "{}", format!("  {text}").trim_end());
            }
        }
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

/// The rules as a table in Markdown, each linked to its page, which stands in a folder.
pub fn rules_markdown(rules: &[&Rule], lang: Lang, folder: &str) -> String {
    let mut out = String::from(match lang {
        Lang::En => "| rule | severity | basis | |\n|---|---|---|---|\n",
        Lang::Zh => "| 规则 | 级别 | 依据 | |\n|---|---|---|---|\n",
    });
    for rule in rules {
        let (severity, basis) = (severity(rule, lang), basis(rule, lang));
        let _ = writeln!(
            out,
            "| [{id}]({folder}{id}.md) | {severity} | {basis} | {} |",
            rule.title(lang),
            id = rule.id
        );
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleEntry {
    id: &'static str,
    /// Null where it is off unless a policy says otherwise.
    severity: Option<&'static str>,
    basis: &'static str,
    title: Both,
    message: Both,
    remedy: Both,
    yields_to: &'static [&'static str],
    /// Its page, in Markdown.
    documentation: Both,
}

#[derive(Serialize)]
struct Both {
    en: &'static str,
    zh: &'static str,
}

impl RuleEntry {
    fn of(rule: &Rule) -> Self {
        let both = |get: &dyn Fn(Lang) -> &'static str| Both {
            en: get(Lang::En),
            zh: get(Lang::Zh),
        };
        Self {
            id: rule.id,
            severity: rule.severity.map(Severity::as_str),
            basis: rule.basis.as_str(),
            title: both(&|lang| rule.title(lang)),
            message: both(&|lang| rule.message.get(lang)),
            remedy: both(&|lang| rule.remedy.get(lang)),
            yields_to: rule.yields_to,
            documentation: both(&|lang| rule.pages.get(lang)),
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

    /// The index of the rules' pages.
    fn index(lang: Lang, folder: &str) -> String {
        let (title, reader) = match lang {
            Lang::En => (
                "Rules",
                "For those who are told one of them. Generated from the catalogue; `filing-operator rules` prints the same.",
            ),
            Lang::Zh => (
                "规则",
                "面向收到某条规则提示的人。由规则目录生成；`filing-operator rules --lang zh` 输出相同内容。",
            ),
        };
        let table = rules_markdown(&CATALOGUE, lang, folder);
        format!("# {title}\n\n*{reader}*\n\n{table}")
    }

    #[test]
    fn the_index_of_the_pages_is_the_catalogue() {
        crate::support::is_generated("docs/rules.md", &index(Lang::En, "rules/en/"));
        crate::support::is_generated("docs/zh/rules.md", &index(Lang::Zh, "../rules/zh/"));
    }
}
