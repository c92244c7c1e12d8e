//! `plan`: what is due, and when, of what files or a cluster declare.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use kube::core::ObjectMeta;

use super::check::{moment, read_named_policy};
use super::connection::{Connection, SILENCE, block_on};
use super::declarations::{Declarations, Wanted};
use super::output::{Output, chain};
use super::{FAILED, Language};
use crate::api::{FilingPolicy, keys};
use crate::domain::Day;
use crate::operator;
use crate::plan::{Declared, Plan};
use crate::report::PlanView;
use crate::rules::Lang;

/// The most days that are planned: ten years.
const MOST: i64 = 3660;

/// What is due and when: renewals, reminders, migrations, reviews; also as a calendar
///
/// Reads Filings, AccessServers and FilingPolicies, and prints what is to be done in order of date, what is overdue first.
/// The exit code is 0, and 2 where some of the input can't be read; the rest is planned all the same.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator plan filings/
  filing-operator plan --live --days 90
  filing-operator plan filings/ --lang zh -o ics > filings.ics")]
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
    #[arg(short, long, default_value = "default", value_parser = NonEmptyStringValueParser::new())]
    namespace: String,
    /// The default policy, for its reminders and grace: a FilingPolicy, or its spec alone
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How many days to look ahead
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=MOST))]
    days: u32,
    /// Plan as of then: a moment (RFC 3339), or the beginning of a day in China (YYYY-MM-DD)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// The language of what is due; without it, that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: filing-operator.io/plan/v1
    Json,
    /// For calendar programs: iCalendar (RFC 5545)
    Ics,
}

/// Runs it; a plugin of kubectl reads the cluster where no files are named.
pub(super) fn run(args: &Args, is_plugin: bool, output: &Output) -> Result<ExitCode> {
    if args.paths.is_empty() && !args.live && !is_plugin {
        bail!("there is nothing to plan for: name files or folders, - for standard input, or --live for the cluster");
    }
    args.connection.checked(args.paths.is_empty())?;
    let policy = args.policy.as_deref().map(default_policy);
    let (mut declared, refused) = if args.paths.is_empty() {
        block_on(async {
            let client = args.connection.client(SILENCE).await?;
            Declarations::from_cluster(&client, Wanted::All, || ()).await
        })?
    } else {
        (Declarations::from_files(&args.paths, &args.namespace), Vec::new())
    };
    let mut is_whole = declared.troubles.is_empty() && refused.is_empty();
    match policy {
        Some(Ok(policy)) => {
            let is_default = |declared: &FilingPolicy| declared.metadata.name.as_deref() == Some(keys::DEFAULT_POLICY);
            declared.policies.retain(|declared| !is_default(declared));
            declared.policies.push(policy);
        }
        Some(Err(error)) => {
            output.error(&chain(&error));
            is_whole = false;
        }
        None => {}
    }
    for trouble in &declared.troubles {
        output.aside(&format!("{}\n", trouble.rendered));
    }
    for refused in &refused {
        output.error(refused);
    }
    let is_empty = declared.filings.is_empty() && declared.servers.is_empty() && declared.policies.is_empty();
    if is_empty && !is_whole {
        // An empty plan, or calendar, would say that nothing is due.
        return Ok(ExitCode::from(FAILED));
    }
    let now = args.now.unwrap_or_else(operator::now);
    let facts = Declared {
        filings: &declared.filings,
        servers: &declared.servers,
        policies: &declared.policies,
    };
    let plan = Plan::of(facts, Day::of(now), args.days);
    print(args, &plan, now)?;
    if is_empty {
        output.note(match Language::or_locale(args.lang) {
            Lang::En => "no Filing, AccessServer or FilingPolicy is declared there",
            Lang::Zh => "其中没有登记任何 Filing、AccessServer 或 FilingPolicy",
        });
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

fn print(args: &Args, plan: &Plan, now: Timestamp) -> Result<()> {
    let view = PlanView::of(plan, now, Language::or_locale(args.lang));
    let text = match args.output {
        Format::Table => view.table(Output::width()),
        Format::Json => view.json()?,
        Format::Ics => view.calendar()?,
    };
    Ok(Output::plain(&text)?)
}

/// The policy of a file, as the default one.
fn default_policy(file: &Path) -> Result<FilingPolicy> {
    let (_, spec) = read_named_policy(file)?;
    Ok(FilingPolicy {
        metadata: ObjectMeta {
            name: Some(keys::DEFAULT_POLICY.to_owned()),
            ..ObjectMeta::default()
        },
        spec,
        status: None,
    })
}
