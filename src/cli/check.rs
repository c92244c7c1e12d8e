//! `check`: judges the routes in manifests against the filings in the same manifests. It needs no cluster and no network.

mod default;
pub(super) mod input;
mod progress;

pub(super) use self::default::{read_named_policy, read_policy};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use rayon::prelude::*;

use self::default::DefaultPolicy;
use self::input::Facts;
use self::progress::Progress;
use super::output::Output;
use super::{FAILED, Language};
use crate::domain::{Day, FieldPath};
use crate::judge::{self, Declaration, judge_filing, judge_server};
use crate::manifest::{Location, Object};
use crate::operator;
use crate::registry::{Kept, Snapshot};
use crate::report::{self, Answer, Declared, Judged, Layout, Places, Report, Source};
use crate::rules::{Finding, Severity};

/// Judge the routes in manifests against the filings in the same manifests
///
/// Data goes to standard output, everything else to standard error. The exit code is 0 without violations, 1 with
/// violations, of routes or of what is declared, and 2 where some of the input can't be read or used.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// The namespace of manifests that name none
    #[arg(short, long, default_value = "default", value_parser = NonEmptyStringValueParser::new())]
    namespace: String,
    /// The namespace whose Filings count where a policy has no filingsFrom: the operator's own
    #[arg(
        long,
        value_name = "NAME",
        default_value = "filing-system",
        value_parser = NonEmptyStringValueParser::new()
    )]
    home_namespace: String,
    /// The default policy: a FilingPolicy, or its spec alone
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The provider whose data centre the cluster is in, like alicloud: the site of the default policy
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    provider: Option<String>,
    /// Its region, like cn-beijing
    #[arg(long, requires = "provider", value_parser = NonEmptyStringValueParser::new())]
    region: Option<String>,
    /// Judge as of then: a moment (RFC 3339), or the beginning of a day in China (YYYY-MM-DD)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// The language of what is found
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    fail_on: FailOn,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: filing-operator.io/check/v1
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Violations
    #[default]
    Violation,
    /// Violations and warnings
    Warning,
    /// Nothing that is found
    Never,
}

/// A moment as it is typed, or the beginning of a day in China.
pub(super) fn moment(typed: &str) -> Result<Timestamp, String> {
    if let Ok(day) = typed.parse::<Day>() {
        return Ok(day.start());
    }
    typed
        .parse()
        .map_err(|_| "write a moment like 2026-11-23T09:00:00+08:00, or a day like 2026-11-23".to_owned())
}

pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let progress = Progress::new();
    let default = DefaultPolicy::read(args.policy.as_deref(), args.provider.as_deref(), args.region.as_deref());
    let mut facts = input::read(&args.paths, &args.namespace, &args.home_namespace, &progress);
    let notes = default.add_to(&mut facts, &args.home_namespace);
    let now = args.now.unwrap_or_else(operator::now);
    let report = judged(&facts, now, &progress);
    progress.finish();

    for trouble in &facts.troubles {
        output.aside(&format!("{}\n", trouble.rendered));
    }
    for note in notes.told(&report) {
        output.note(&note);
    }
    let lang = args.lang.into();
    match args.output {
        Format::Json => Output::plain(&(report::json(&report, lang)? + "\n"))?,
        Format::Table => {
            let layout = Layout {
                lang,
                width: Output::width(),
                elapsed: Output::is_watched().then(|| started.elapsed()),
            };
            output.styled(&report::table(&report, &layout))?;
        }
    }
    Ok(exit_code(&report, args.fail_on))
}

fn exit_code(report: &Report, fail_on: FailOn) -> ExitCode {
    let fails = match report.worst() {
        Some(Severity::Violation) => fail_on != FailOn::Never,
        Some(Severity::Warning) => fail_on == FailOn::Warning,
        None => false,
    };
    match (report.errors.is_empty(), fails) {
        (false, _) => ExitCode::from(FAILED),
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::SUCCESS,
    }
}

fn judged(facts: &Facts, now: Timestamp, progress: &Progress) -> Report {
    let snapshot = facts.registry.snapshot();
    progress.expect(facts.routes.len());
    let routes = facts.routes.par_iter().filter_map(|(key, object)| {
        let answer = match facts.registry.route(key)? {
            Kept::Read(route) => judge::judge(route, snapshot, now).map_or(Answer::Ungoverned, Answer::Verdict),
            // Its class can't be read either, so that only the default policy can be asked.
            Kept::Unreadable(unreadable) => {
                Answer::Unreadable(judge::unreadable(unreadable, snapshot.default_policy()))
            }
        };
        let places = match &answer {
            Answer::Verdict(verdict) => places(object, verdict.findings().map(|(_, finding)| finding)),
            Answer::Ungoverned | Answer::Unreadable(_) => places(object, []),
        };
        progress.advance();
        Some(Judged {
            key: key.clone(),
            places,
            answer,
        })
    });
    Report {
        now,
        routes: routes.collect(),
        filings: facts
            .filings
            .par_iter()
            .filter_map(|(key, object)| {
                Some(declared(
                    key,
                    object,
                    snapshot.filing(key)?,
                    judge_filing,
                    snapshot,
                    now,
                ))
            })
            .collect(),
        servers: facts
            .servers
            .par_iter()
            .filter_map(|(name, object)| {
                Some(declared(
                    name,
                    object,
                    snapshot.server(name)?,
                    judge_server,
                    snapshot,
                    now,
                ))
            })
            .collect(),
        skipped: facts.skipped,
        errors: facts.troubles.iter().map(|trouble| trouble.told.clone()).collect(),
    }
}

fn declared<K: Clone, T>(
    key: &K,
    object: &Object,
    kept: &Kept<T>,
    judge: impl Fn(&T, &Snapshot, Timestamp) -> Declaration,
    facts: &Snapshot,
    now: Timestamp,
) -> Declared<K> {
    let answer = match kept {
        Kept::Read(read) => judge(read, facts, now),
        Kept::Unreadable(unreadable) => judge::unreadable_declaration(unreadable, facts),
    };
    Declared {
        key: key.clone(),
        places: places(object, &answer.findings),
        answer,
    }
}

/// Where an object stands, and the fields that something was found in. To find them the object is parsed once more, so
/// those that nothing was found in are left alone.
fn places<'a>(object: &Object, findings: impl IntoIterator<Item = &'a Finding>) -> Places {
    let mut paths: Vec<&FieldPath> = findings.into_iter().map(|finding| &finding.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| !path.as_str().is_empty());
    let located = if paths.is_empty() {
        Vec::new()
    } else {
        object.locate_all(&paths)
    };
    Places {
        object: source(object.location()),
        fields: paths
            .into_iter()
            .cloned()
            .zip(located.into_iter().map(source))
            .collect(),
    }
}

fn source(location: Location) -> Source {
    Source {
        file: location.file,
        line: Some(location.line),
        column: Some(location.column),
    }
}

/// Of a file as a whole.
pub(super) fn whole(file: &Arc<str>) -> Source {
    Source {
        file: Arc::clone(file),
        line: None,
        column: None,
    }
}
