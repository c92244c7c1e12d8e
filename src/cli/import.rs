//! `import`: Filings and AccessServers from a table that somebody keeps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use serde_json::json;

use super::output::Output;
use super::release::quoted;
use super::{FAILED, Language};
use crate::domain::shown::shown;
use crate::exchange::{self, Counts, FileError, Format, Imported, MAX_FILE, Note, Options, Table};
use crate::manifest::{Input, nearest};
use crate::rules::Lang;

/// Make Filings and AccessServers of a table: CSV, XLSX, or the JSON of an ICP look-up
///
/// Columns go by their names (域名, 备案号, 主办单位, 单位性质, 审核通过日期, 接入商 …), in Chinese, English or as MIIT's record
/// has them. Rows of one filing become one Filing. A row that can't be read is reported with its row, column and value, and
/// leaves the others; the exit code is 2 then.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator import filings.xlsx > filings.yaml
  filing-operator import filings.csv --column 域名=站点 --provider alicloud
  filing-operator import - --from json < miit.json")]
pub(super) struct Args {
    /// The table, or - for standard input
    file: PathBuf,
    /// What it is, where its name and its content don't tell
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<From>,
    /// The sheet of a workbook; without it the first
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    sheet: Option<String>,
    /// A column by hand, like 域名=我的列名 or domains="Site host": the field, and the column's own name
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = column)]
    columns: Vec<(String, String)>,
    /// The namespace of the Filings, where the table has none
    #[arg(
        short,
        long,
        default_value = "filing-system",
        value_parser = NonEmptyStringValueParser::new()
    )]
    namespace: String,
    /// The provider of filings and servers whose rows name none, like alicloud
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    provider: Option<String>,
    /// The format of the resources
    #[arg(short, long, value_enum, default_value_t)]
    output: To,
    /// The language of what is reported; without it, that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    /// Separated by commas, semicolons or tabs; UTF-8, UTF-16 or GBK
    Csv,
    /// A workbook of Excel
    Xlsx,
    /// Objects, as look-ups of MIIT's record give them
    Json,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum To {
    /// A document each
    #[default]
    Yaml,
    /// A List
    Json,
}

/// The most notes that are told. Where there are more, most say the same.
const MAX_NOTES: usize = 100;

fn column(typed: &str) -> Result<(String, String), String> {
    match typed.split_once('=') {
        Some((field, column)) if !field.trim().is_empty() && !column.trim().is_empty() => {
            Ok((field.trim().to_owned(), column.trim().to_owned()))
        }
        _ => Err("write it as FIELD=COLUMN, like 域名=我的列名".to_owned()),
    }
}

pub(super) fn run(args: &Args, output: &Output) -> Result<ExitCode> {
    let lang = Language::or_locale(args.lang);
    let input = if args.file == Path::new("-") {
        Input::Stdin
    } else {
        Input::File(args.file.clone())
    };
    let name = input.name();
    let unreadable = |why: &str| match lang {
        Lang::En => anyhow!("can't read {name}: {why}"),
        Lang::Zh => anyhow!("无法读取 {name}：{why}"),
    };
    let bytes = input
        .bytes(MAX_FILE)
        .map_err(|error| unreadable(&error.to_string()))?
        .ok_or_else(|| unreadable(&FileError::TooLarge(MAX_FILE >> 20).told(lang)))?;
    let format = match args.from {
        Some(From::Csv) => Format::Csv,
        Some(From::Xlsx) => Format::Xlsx,
        Some(From::Json) => Format::Json,
        None => Format::of(args.file.extension().and_then(|it| it.to_str()), &bytes),
    };
    let options = Options {
        namespace: &args.namespace,
        provider: args.provider.as_deref(),
        columns: &args.columns,
    };
    let table = Table::read(&bytes, format, args.sheet.as_deref());
    let imported = table.and_then(|table| exchange::import(&table, &options));
    let imported = imported.map_err(|error| unreadable(&error.told(lang)))?;

    Output::plain(&written(&imported, args.output)?)?;
    for note in imported.notes.iter().take(MAX_NOTES) {
        output.note(&format!("{name}: {}{}", note.told(lang), hint(note, lang)));
    }
    let more = imported.notes.len().saturating_sub(MAX_NOTES);
    if more > 0 {
        output.note(&match lang {
            Lang::En => format!("{name}: and {more} more like these"),
            Lang::Zh => format!("{name}: 另有 {more} 条类似提示"),
        });
    }
    for error in &imported.errors {
        output.error(&format!("{name}: {}", error.told(lang)));
    }
    output.aside(&total(&imported, lang));
    Ok(if imported.errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

fn written(imported: &Imported, to: To) -> Result<String> {
    fn document(object: &impl Serialize) -> Result<String> {
        serde_saphyr::to_string(object).context("writing YAML")
    }
    let (servers, filings) = (&imported.servers, &imported.filings);
    match to {
        // What a filing names goes before it.
        To::Yaml => {
            let documents = servers.iter().map(document).chain(filings.iter().map(document));
            Ok(documents.collect::<Result<Vec<_>>>()?.join("---\n"))
        }
        To::Json => {
            let servers = servers.iter().map(serde_json::to_value);
            let items = servers.chain(filings.iter().map(serde_json::to_value));
            let items: Vec<_> = items.collect::<Result<_, _>>()?;
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            Ok(serde_json::to_string_pretty(&list)? + "\n")
        }
    }
}

/// What a column that is not read may have been meant as.
fn hint(note: &Note, lang: Lang) -> String {
    let Note::UnknownColumn(name) = note else {
        return String::new();
    };
    // Of two letters any two are near; and what can't be shown can't be typed.
    if name.chars().count() < 3 || shown(name) != *name {
        return String::new();
    }
    let known: Vec<&str> = exchange::column_names().collect();
    let Some(meant) = nearest(name, &known) else {
        return String::new();
    };
    let typed = quoted(&format!("{meant}={name}"));
    match lang {
        Lang::En => format!("; if it is meant as {meant}, say --column {typed}"),
        Lang::Zh => format!("；若即 {meant}，请使用 --column {typed}"),
    }
}

/// What became of the rows.
fn total(imported: &Imported, lang: Lang) -> String {
    let Counts {
        rows,
        unread,
        left_out,
        repeated,
        blank,
    } = imported.counts;
    let (filings, servers) = (imported.filings.len(), imported.servers.len());
    let some = |count: usize, words: &str| (count > 0).then(|| format!("{count} {words}"));
    let (made, rest) = match lang {
        Lang::En => {
            let many = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
            let made = format!(
                "{}: {}, {}",
                many(rows, "row"),
                many(filings, "filing"),
                many(servers, "server")
            );
            let rest = [
                (unread > 0).then(|| format!("{} could not be read", many(unread, "row"))),
                some(left_out, "left out with them"),
                some(repeated, "repeated"),
                some(blank, "blank"),
            ];
            (made, rest)
        }
        Lang::Zh => {
            let made = format!("{rows} 行：{filings} 个备案，{servers} 台服务器");
            let rest = [
                some(unread, "行无法读取"),
                some(left_out, "行一并未导入"),
                some(repeated, "行重复"),
                some(blank, "行空白"),
            ];
            (made, rest)
        }
    };
    let rest: Vec<String> = rest.into_iter().flatten().collect();
    match (rest.is_empty(), lang) {
        (true, _) => made,
        (false, Lang::En) => format!("{made}; {}", rest.join(", ")),
        (false, Lang::Zh) => format!("{made}；{}", rest.join("，")),
    }
}
