//! `check`: judges the routes in manifests against the filings in the same manifests. It needs no cluster and no network,
//! unless it is asked to look at one.

mod default;
mod fix;
pub(super) mod input;
mod live;
pub(super) mod load;
mod progress;
mod target;
pub(super) mod trouble;
mod write;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use rayon::prelude::*;

use self::default::{DefaultPolicy, Whereabouts};
pub(super) use self::default::{read_named_policy, read_policy};
use self::input::Facts;
use self::live::Cluster;
use self::progress::Progress;
use self::target::{Format, Target, TargetParser};
use super::connection::Connection;
use super::output::{self, Output};
use super::{FAILED, Language};
use crate::domain::place::{provider_called, region_called};
use crate::domain::{Day, FieldPath, Province};
use crate::judge::{self, Declaration, judge_filing, judge_server};
use crate::manifest::{Location, Object};
use crate::operator;
use crate::registry::{Kept, Registry, Snapshot};
use crate::report::{self, Answer, Declared, JUnit, Judged, Layout, Places, Report, Source};
use crate::route::Route;
use crate::rules::{Finding, Lang, Severity};

/// Judge the routes in manifests against the filings in the same manifests, or in a cluster
///
/// Data goes to standard output, everything else to standard error. The exit code is 0 without violations, 1 with
/// violations, of routes or of what is declared, and 2 where some of the input can't be read or used, or an output can't
/// be written.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed")]
pub(super) struct Args {
    /// Files, folders, or - for standard input
    #[arg(required_unless_present = "live", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Look at a cluster, and judge what the files would change of it; without files, all that it has
    ///
    /// The objects in the files stand in place of the cluster's of the same name. Told are the routes in the files, and those
    /// of the cluster whose verdict the files change.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    connection: Connection,
    /// The format, and the file that it is written to; may be given several times, once without a file
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = TargetParser, default_value = "table")]
    output: Vec<Target>,
    /// The namespace of manifests that name none; without it `default`, or with --live that of the context. With --live
    /// and no PATH: whose routes and filings are told
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
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
    /// The province of a data centre that is in no table, like CN-BJ or 北京; Outside: none of the mainland
    #[arg(long, requires = "region", value_parser = province)]
    province: Option<String>,
    /// Judge as of then: a moment (RFC 3339), or the beginning of a day in China (YYYY-MM-DD)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// The language of what is found; without it, that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// First rewrite, in its place, what has exactly one right form: numbers and domains of Filings, provinces by name
    #[arg(long)]
    fix: bool,
    /// Show what --fix would rewrite as a diff, and rewrite nothing: the exit code is 1 where there is something
    #[arg(long, conflicts_with_all = ["live", "policy", "provider"])]
    diff: bool,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    fail_on: FailOn,
    /// Say what is found and what can't be read, and nothing else: no hosts that are well, no counts, no notes, no progress
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  What a folder deploys, against the filings in another:
    filing-operator check deploy/ filings/ --policy policy.yaml

  A rendered chart, on a cluster of Alibaba Cloud in Beijing:
    helm template shop/ | filing-operator check - filings/ --provider alicloud --region cn-beijing

  What will have ended by the end of the year, warnings counting too:
    filing-operator check deploy/ filings/ --now 2026-12-31 --fail-on warning

  In CI: a table in the log, and files for code scanning and for the results of tests:
    filing-operator check deploy/ filings/ -o table -o sarif=check.sarif -o junit=check.xml

  For a script, and for a reader of Chinese:
    filing-operator check deploy/ filings/ -o json
    filing-operator check deploy/ filings/ --quiet --lang zh";

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

/// A province as it is typed, or `Outside`.
fn province(typed: &str) -> Result<String, String> {
    if typed == "Outside" || Province::find(typed).is_some() {
        return Ok(typed.to_owned());
    }
    Err("write a province of the mainland by its ISO code or name, like CN-BJ or 北京, or Outside".to_owned())
}

impl Args {
    fn whereabouts(&self) -> Option<Whereabouts<'_>> {
        let typed = self.provider.as_deref()?;
        let provider = provider_called(typed).unwrap_or(typed);
        Some(Whereabouts {
            provider,
            region: self
                .region
                .as_deref()
                .map(|typed| region_called(provider, typed).unwrap_or(typed)),
            province: self.province.as_deref(),
        })
    }

    fn look(&self, lang: Lang, output: &Output) -> anyhow::Result<Option<Cluster>> {
        if self.live {
            return Cluster::look(self, lang, output).map(Some);
        }
        self.connection.checked(false)?;
        Ok(None)
    }
}

pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    if let Some(clash) = target::clash(&args.output) {
        bail!(clash);
    }
    let lang = Language::or_locale(args.lang);
    let cluster = args.look(lang, output)?;
    let default = DefaultPolicy::read(args.policy.as_deref(), args.whereabouts());
    let mut loaded = load::load(&args.paths);
    if args.diff {
        return fix::show(loaded, args, lang, output);
    }
    let mut mended = None;
    if args.fix {
        mended = Some(fix::write(&mut loaded)?);
    }
    let progress = Progress::new(args.quiet);
    let (known, comparison, namespace) = match cluster {
        Some(Cluster {
            registry,
            namespace,
            missing,
        }) => {
            let before = registry.snapshot().clone();
            (registry, Some((before, missing)), namespace)
        }
        None => (
            Registry::new(Snapshot::new(&args.home_namespace, false)),
            None,
            "default".to_owned(),
        ),
    };
    let namespace = args.namespace.as_deref().unwrap_or(&namespace);
    let mut facts = input::read(&loaded, namespace, known, &progress);
    let is_read = args
        .output
        .iter()
        .any(|target| target.format == Format::Table && target.file.is_none());
    if mended.is_none() && facts.is_mendable && is_read {
        mended = Some(fix::would_write(&loaded));
    }
    // What the objects are cut from is not needed any more, and may be large.
    drop(loaded);
    let notes = default.add_to(&mut facts, &args.home_namespace, args.live);
    let comparison = match comparison {
        Some((before, mut missing)) => {
            live::tell_labels(&mut missing, (&before, &facts), lang, output)?;
            Some(before)
        }
        None => None,
    };
    let now = args.now.unwrap_or_else(operator::now);
    let mut report = judged(&mut facts, now, &progress);
    let of_cluster = comparison.map(|before| {
        let shown = if args.paths.is_empty() {
            live::Shown::All(args.namespace.as_deref())
        } else {
            live::Shown::Changed(&before)
        };
        live::add_to(&mut report, &facts, &shown, (now, lang))
    });
    progress.finish();

    for trouble in &facts.troubles {
        output.aside(&format!("{}\n", trouble.rendered));
    }
    if !args.quiet {
        let of_cluster = of_cluster.into_iter().flatten();
        let of_mends = mended.iter().flat_map(|mended| mended.notes(lang));
        for note in notes.told(&report, lang).into_iter().chain(of_cluster).chain(of_mends) {
            output.note(&note);
        }
    }
    let told = Told {
        args,
        lang,
        folder: std::env::current_dir().ok(),
        elapsed: started.elapsed(),
    };
    let is_written = told.write(&report, output);
    if is_written {
        Ok(exit_code(&report, args.fail_on))
    } else {
        Ok(ExitCode::from(FAILED))
    }
}

/// How a report is told.
struct Told<'a> {
    args: &'a Args,
    lang: Lang,
    /// Where the command runs.
    folder: Option<PathBuf>,
    elapsed: Duration,
}

impl Told<'_> {
    /// Writes the report to wherever it was asked for, and says whether all of that could be done.
    fn write(&self, report: &Report, output: &Output) -> bool {
        let mut is_written = true;
        for target in &self.args.output {
            if let Err(error) = self.write_one(report, target, output) {
                output.error(&output::chain(&error));
                is_written = false;
            }
        }
        if !self.args.quiet && self.args.output.iter().all(|target| target.file.is_some()) {
            output.aside(&report::summary(report, self.lang));
        }
        is_written
    }

    fn write_one(&self, report: &Report, target: &Target, output: &Output) -> anyhow::Result<()> {
        if target.file.is_none() && target.format == Format::Json {
            return Ok(Output::json(&report::json_view(report, self.lang))?);
        }
        let text = self.text(report, target)?;
        match (&target.file, target.format) {
            (Some(file), format) => {
                let text = if format == Format::Table {
                    output.for_file(&text)
                } else {
                    text
                };
                write::write(file, &text).with_context(|| format!("can't write {}", file.display()))
            }
            (None, Format::Table) => Ok(output.styled(&text)?),
            (None, _) => Ok(Output::plain(&text)?),
        }
    }

    fn text(&self, report: &Report, target: &Target) -> anyhow::Result<String> {
        let (lang, folder) = (self.lang, self.folder.as_deref());
        let is_watched = target.file.is_none() && Output::is_watched();
        Ok(match target.format {
            Format::Table => report::table(
                report,
                &Layout {
                    lang,
                    width: if is_watched { Output::width() } else { None },
                    elapsed: is_watched.then_some(self.elapsed),
                    is_brief: self.args.quiet,
                },
            ),
            Format::Json => report::json(report, lang)? + "\n",
            Format::Sarif => report::sarif(report, folder, lang)? + "\n",
            Format::Junit => self.junit(report, folder)?,
            Format::Github => report::github(report, folder, lang),
        })
    }

    fn junit(&self, report: &Report, folder: Option<&Path>) -> anyhow::Result<String> {
        let fails = match self.args.fail_on {
            FailOn::Warning => Severity::Warning,
            FailOn::Violation | FailOn::Never => Severity::Violation,
        };
        let form = JUnit {
            lang: self.lang,
            folder,
            fails,
        };
        Ok(report::junit(report, &form)?)
    }
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

/// The answer about a route.
fn answer(route: &Kept<Route>, facts: &Snapshot, now: Timestamp) -> Answer {
    match route {
        Kept::Read(route) => judge::judge(route, facts, now).map_or(Answer::Ungoverned, Answer::Verdict),
        // Its class can't be read either, so that only the default policy can be asked.
        Kept::Unreadable(unreadable) => Answer::Unreadable(judge::unreadable(unreadable, facts.default_policy())),
    }
}

/// Reads the routes of the input, and has each answered. They are taken out, and each goes as soon as its answer is there.
fn answered(
    facts: &mut Facts,
    answer: impl Fn(&Kept<Route>, &Snapshot) -> Answer + Sync,
    progress: &Progress,
) -> Vec<Judged> {
    let routes = std::mem::take(&mut facts.routes);
    let snapshot = facts.registry.snapshot();
    let made = routes.into_par_iter().map(|unread| {
        let made = facts.read_route(&unread, |key, route| {
            let answer = answer(route, snapshot);
            let places = match &answer {
                Answer::Verdict(verdict) => places(&unread.object, verdict.findings().map(|(_, finding)| finding)),
                Answer::Ungoverned | Answer::Unreadable(_) => places(&unread.object, []),
            };
            Judged {
                key,
                places,
                answer,
                before: None,
            }
        });
        progress.advance();
        made
    });
    let made = made.collect();
    facts.settle(made)
}

/// Judges what is in the input.
fn judged(facts: &mut Facts, now: Timestamp, progress: &Progress) -> Report {
    let routes = answered(facts, |route, snapshot| answer(route, snapshot, now), progress);
    let snapshot = facts.registry.snapshot();
    Report {
        now,
        routes,
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

/// The answer about a filing or a server.
fn declaration<T>(
    kept: &Kept<T>,
    judge: impl Fn(&T, &Snapshot, Timestamp) -> Declaration,
    facts: &Snapshot,
    now: Timestamp,
) -> Declaration {
    match kept {
        Kept::Read(read) => judge(read, facts, now),
        Kept::Unreadable(unreadable) => judge::unreadable_declaration(unreadable, facts),
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
    let answer = declaration(kept, judge, facts, now);
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
        object: Some(source(object.location())),
        fields: paths
            .into_iter()
            .cloned()
            .zip(located.into_iter().map(source))
            .collect(),
    }
}

pub(super) fn source(location: Location) -> Source {
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
