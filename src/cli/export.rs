//! `export`: what is declared as a table, from a cluster or from manifests.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use super::cluster::progress;
use super::connection::{Connection, SILENCE, block_on};
use super::declarations::{Declarations, Wanted};
use super::output::Output;
use super::{FAILED, Language};
use crate::exchange;
use crate::rules::Lang;

/// Filings and servers as a table that `import` reads back the same
///
/// One row for each access entry of a filing, and one for each server; UTF-8 with a byte order mark, so that Excel opens it
/// rightly. A text that a spreadsheet would run as a formula is written behind an apostrophe. Labels, annotations and the
/// status are not in it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator export --live -o csv > filings.csv
  filing-operator export filings/ --lang zh")]
pub(super) struct Args {
    /// Files, folders, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read what the cluster declares in place of files
    #[arg(long, conflicts_with = "paths")]
    live: bool,
    #[command(flatten)]
    connection: Connection,
    /// The namespace of Filings in files that name none
    #[arg(
        short,
        long,
        default_value = "filing-system",
        value_parser = NonEmptyStringValueParser::new()
    )]
    namespace: String,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// The language of the columns' names and of words like Enterprise, whatever the locale; `import` reads both
    ///
    /// Without it English.
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A table
    #[default]
    Csv,
}

/// Runs it; a plugin of kubectl reads the cluster where no files are named.
pub(super) fn run(args: &Args, is_plugin: bool, output: &Output) -> Result<ExitCode> {
    if args.paths.is_empty() && !args.live && !is_plugin {
        bail!("there is nothing to export: name files or folders, - for standard input, or --live for the cluster");
    }
    args.connection.checked(args.paths.is_empty())?;
    let (declared, refused) = if args.paths.is_empty() {
        let bar = progress();
        let listed = block_on(async {
            let client = args.connection.client(SILENCE).await?;
            Declarations::from_cluster(&client, Wanted::NoPolicies, || bar.inc(1)).await
        });
        bar.finish_and_clear();
        listed?
    } else {
        (Declarations::from_files(&args.paths, &args.namespace), Vec::new())
    };
    for trouble in &declared.troubles {
        output.aside(&format!("{}\n", trouble.rendered));
    }
    for refused in &refused {
        output.error(refused);
    }
    let is_whole = declared.troubles.is_empty() && refused.is_empty();
    if !is_whole && declared.filings.is_empty() && declared.servers.is_empty() {
        return Ok(ExitCode::from(FAILED));
    }
    let Format::Csv = args.output;
    let exported = exchange::export(
        &declared.filings,
        &declared.servers,
        args.lang.map_or(Lang::En, Lang::from),
    );
    Output::plain(&exported.csv)?;
    for note in notes(
        exported.labelled,
        declared.policies.len(),
        Language::or_locale(args.lang),
    ) {
        output.note(&note);
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// What is declared and not in the table.
fn notes(labelled: usize, policies: usize, lang: Lang) -> impl Iterator<Item = String> {
    let labelled = (labelled > 0).then(|| match lang {
        Lang::En => format!("not exported are the labels and annotations of {labelled} objects"),
        Lang::Zh => format!("未导出 {labelled} 个对象的标签和注解"),
    });
    let policies = (policies > 0).then(|| match lang {
        Lang::En => format!("not exported are policies: {policies}"),
        Lang::Zh => format!("未导出 {policies} 个策略"),
    });
    labelled.into_iter().chain(policies)
}
