//! `rules`: the catalogue, or one rule in full.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::ValueEnum;

use super::Language;
use super::output::Output;
use crate::manifest::nearest;
use crate::report;
use crate::rules::{self, CATALOGUE, Page, Rule};

/// Show the catalogue of rules, or one rule in full
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator rules
  filing-operator rules NoFiling --lang zh
  filing-operator rules -o json")]
pub(super) struct Args {
    /// The rule, like NoFiling; none: all of them
    id: Option<String>,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// The language of the text; without it, that of the locale (LC_ALL, LC_MESSAGES, LANG). JSON has both
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For documents
    Markdown,
}

pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<ExitCode> {
    let lang = Language::or_locale(args.lang);
    let one = args.id.as_deref().map(rule).transpose()?;
    match (one, args.output) {
        (None, Format::Text) => output.styled(&report::rules_table(&CATALOGUE, lang))?,
        (None, Format::Json) => Output::plain(&(report::rules_json(&CATALOGUE)? + "\n"))?,
        (None, Format::Markdown) => Output::plain(&report::rules_markdown(&CATALOGUE, lang, Page::folder(lang)))?,
        (Some(rule), Format::Markdown) => Output::plain(rule.pages.get(lang))?,
        (Some(rule), Format::Text) => output.styled(&report::rule_text(rule, lang, Output::width()))?,
        (Some(rule), Format::Json) => Output::plain(&(report::rule_json(rule)? + "\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The rule of that name.
fn rule(id: &str) -> anyhow::Result<&'static Rule> {
    let ids: Vec<&str> = CATALOGUE.iter().map(|rule| rule.id).collect();
    rules::find(id).ok_or_else(|| match nearest(id, &ids) {
        Some(meant) => anyhow!("\"{id}\" is no rule; write {meant}"),
        None => anyhow!("\"{id}\" is no rule; `filing-operator rules` lists those there are"),
    })
}
