//! The commands that look at a cluster as it is: what kubectl's plugin has.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::builder::NonEmptyStringValueParser;
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ObjectMeta, Selector, Status as Refusal};
use serde::Serialize;

use super::Language;
use super::check::{moment, read_named_policy};
use super::connection::{Connection, SILENCE, block_on};
use super::export;
use super::output::Output;
use crate::api::{SitePlace, keys};
use crate::controller::{Look, look};
use crate::domain::{Location, Place, Province};
use crate::operator;
use crate::registry::{Allowed, Change, Filing, Kept, Policy, Snapshot, SubjectKind, Trust};
use crate::report::{Explanation, Hosts, Simulation, Status, Timeline, view_json};
use crate::route::{RouteKey, RouteKind};
use crate::rules::Lang;

/// The label that every namespace has: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Views of a cluster as it is.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The cluster on a page: policies, lights, what ends next, what is blocked and why
    Status(StatusArgs),
    /// One route: each host, its filing, each rule's answer, and what would mend it
    Explain(ExplainArgs),
    /// Every domain that is served, filed or not; -o yaml: Filings to begin with for those that are not
    Hosts(HostsArgs),
    /// Try a policy on the routes that run: what it would deny, block and let go
    Simulate(SimulateArgs),
    /// What ends within a year; -o svg: as a picture
    Timeline(TimelineArgs),
    /// Filings and servers as a table that `import` reads back the same
    Export(export::Args),
}

/// What all of them take.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// The operator's own namespace, whose Filings count where a policy has no filingsFrom
    #[arg(
        long,
        value_name = "NAME",
        env = "POD_NAMESPACE",
        default_value = "filing-system",
        value_parser = NonEmptyStringValueParser::new()
    )]
    home_namespace: String,
    /// Judge as of then: a moment (RFC 3339), or the beginning of a day in China (YYYY-MM-DD)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<Timestamp>,
    /// The language of what is found; without it, that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator status
  filing-operator status --now 2027-01-01 --lang zh")]
pub(super) struct StatusArgs {
    #[command(flatten)]
    common: Common,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator explain ingress/web -n shop
  filing-operator explain ingress/web -n shop -o json")]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    common: Common,
    /// The route, like ingress/web
    #[arg(value_name = "KIND/NAME", value_parser = route)]
    route: String,
    /// Its namespace; without it that of the context
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator hosts
  filing-operator hosts -n shop -o yaml > filings.yaml")]
pub(super) struct HostsArgs {
    #[command(flatten)]
    common: Common,
    /// Only routes of this namespace
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: HostsFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum HostsFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// Filings to begin with, for the domains that have none
    Yaml,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator simulate --policy policy.yaml
  filing-operator simulate --policy policy.yaml --now 2027-01-01 -o json")]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    common: Common,
    /// A FilingPolicy, which stands in for the one of its name; or a spec alone, for the default one
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator timeline
  filing-operator timeline -o svg > year.svg")]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    common: Common,
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    output: TimelineFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum TimelineFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// A picture
    Svg,
}

/// A route as it is typed; only its name is needed.
fn route(typed: &str) -> Result<String, String> {
    const EXPECTED: &str = "write it as ingress/NAME";
    let (kind, name) = typed.split_once('/').ok_or(EXPECTED)?;
    let is_ingress = ["ingress", "ingresses", "ing", "ingresses.networking.k8s.io"]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known));
    if is_ingress && !name.is_empty() && !name.contains('/') {
        Ok(name.to_owned())
    } else {
        Err(EXPECTED.to_owned())
    }
}

pub(super) fn run(command: &Command, is_plugin: bool, output: &Output) -> Result<ExitCode> {
    match command {
        Command::Status(args) => status(args, output),
        Command::Explain(args) => explain(args, output),
        Command::Hosts(args) => hosts(args, output),
        Command::Simulate(args) => simulate(args, output),
        Command::Timeline(args) => timeline(args, output),
        Command::Export(args) => return export::run(args, is_plugin, output),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A cluster that was looked at, and as of when.
struct Seen {
    look: Look,
    now: Timestamp,
    /// The namespace of the context.
    namespace: String,
}

impl Common {
    /// Looks at the cluster. What could not be listed and is not needed is noted.
    fn look(&self, output: &Output) -> Result<Seen> {
        self.look_for(None, output)
    }

    /// Looks at it for a policy that is to be tried.
    fn look_for(&self, policy: Option<&Policy>, output: &Output) -> Result<Seen> {
        let bar = progress();
        let seen = block_on(async {
            let client = self.connection.client(SILENCE).await?;
            let namespace = client.default_namespace().to_owned();
            let look = look(&client, &self.home_namespace, || bar.inc(1)).await;
            let look = look.context("looking at the cluster")?;
            Ok(Seen {
                look,
                now: self.now.unwrap_or_else(operator::now),
                namespace,
            })
        });
        bar.finish_and_clear();
        let mut seen = seen?;
        let lang = Language::or_locale(self.lang);
        let mut missing = Missing::of(&mut seen.look, lang);
        let are_asked = policy.is_some_and(selects_by_labels) || select_by_labels(seen.look.registry.snapshot());
        let without_labels = missing.without_labels(are_asked, lang);
        missing
            .errors
            .extend(missing.routes.map(|status| refused("ingresses", &status)));
        match without_labels {
            Ok(note) => missing.notes.extend(note),
            Err(error) => missing.errors.push(error),
        }
        if let Some(first) = missing.errors.into_iter().next() {
            bail!(first);
        }
        for note in &missing.notes {
            output.note(note);
        }
        Ok(seen)
    }
}

/// What the API server does not let be listed, as it is told: every command takes it alike.
#[derive(Default)]
pub(super) struct Missing {
    /// Of what routes are judged by: without it every answer could be wrong.
    pub(super) errors: Vec<String>,
    /// Of the routes themselves.
    pub(super) routes: Option<Box<Refusal>>,
    /// What the others mean for the answers.
    pub(super) notes: Vec<String>,
    namespaces: Option<Box<Refusal>>,
}

impl Missing {
    /// Takes it from a look. Without nodes the site is from then on what the operator has told of it.
    pub(super) fn of(look: &mut Look, lang: Lang) -> Self {
        let mut missing = Self::default();
        for (kind, status) in std::mem::take(&mut look.refused) {
            let (what, en, zh) = match kind {
                SubjectKind::Filing => {
                    missing.errors.push(refused("filings", &status));
                    continue;
                }
                SubjectKind::Server => {
                    missing.errors.push(refused("accessservers", &status));
                    continue;
                }
                SubjectKind::Policy => {
                    missing.errors.push(refused("filingpolicies", &status));
                    continue;
                }
                SubjectKind::Route => {
                    missing.routes = Some(status);
                    continue;
                }
                SubjectKind::Namespace => {
                    missing.namespaces = Some(status);
                    continue;
                }
                SubjectKind::Class => (
                    "ingressclasses",
                    "which one is the default, or for quarantine, is not known: a route that names none may be under any policy",
                    "不知道哪个是默认类、哪个用于隔离：没有写明类的路由可能归任何策略管辖",
                ),
                SubjectKind::Node if take_site_of_status(look) => (
                    "nodes",
                    "where a policy has no site, it is the one that the operator has told in its status",
                    "策略没有写明 site 的，以 operator 写在其 status 中的为准",
                ),
                SubjectKind::Node => (
                    "nodes",
                    "where a policy has no site, it is not known where the cluster is",
                    "策略没有写明 site 的，不知道集群在何处",
                ),
            };
            missing.notes.push(unlisted(what, en, zh, &status, lang));
        }
        missing
    }

    /// What it means that namespaces can't be listed: an error where a policy or a filing selects by their labels
    /// (`are_asked`), for then another policy might seem to govern a route.
    ///
    /// # Errors
    /// That error.
    pub(super) fn without_labels(&mut self, are_asked: bool, lang: Lang) -> Result<Option<String>, String> {
        let Some(status) = self.namespaces.take() else {
            return Ok(None);
        };
        if are_asked {
            return Err(refused("namespaces", &status));
        }
        let en =
            "of each only its name is known: no policy or filing selects by more, but a break-glass label is not seen";
        let zh = "只知道它们的名称：没有策略或备案按其他标签选择，但看不到应急标签";
        Ok(Some(unlisted("namespaces", en, zh, &status, lang)))
    }
}

/// That something could not be listed and is not needed, and what the answer is without it.
pub(super) fn unlisted(what: &str, en: &str, zh: &str, status: &Refusal, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{what} could not be listed, so {en}: {}", status.message),
        Lang::Zh => format!("无法列出 {what}，因此{zh}：{}", status.message),
    }
}

/// Whether a policy or a filing selects namespaces by labels.
pub(super) fn select_by_labels(facts: &Snapshot) -> bool {
    let by_filing = |kept: &Kept<Filing>| match kept {
        Kept::Read(filing) => match &filing.allowed {
            Allowed::Selector(selector) => selector.as_deref().is_some_and(asks_for_labels),
            Allowed::All | Allowed::Same => false,
        },
        Kept::Unreadable(_) => false,
    };
    facts.policies().any(|policy| selects_by_labels(policy)) || facts.filings().any(|(_, kept)| by_filing(kept))
}

fn selects_by_labels(policy: &Policy) -> bool {
    let trusts = match &policy.trust {
        Trust::Namespaces(selector) => selector.as_ref(),
        Trust::All | Trust::Home => None,
    };
    policy.namespaces.iter().chain(trusts).any(asks_for_labels)
}

/// Whether it asks for more than the name, which is known of each namespace.
fn asks_for_labels(selector: &Selector) -> bool {
    let LabelSelector {
        match_labels,
        match_expressions,
    } = selector.clone().into();
    let labels = match_labels.iter().flatten().map(|(label, _)| label);
    let expressions = match_expressions.iter().flatten().map(|expression| &expression.key);
    { labels }.chain(expressions).any(|label| label != NAME_LABEL)
}

/// Without nodes the site is what the operator, which can list them, has found and told of a policy without one.
fn take_site_of_status(look: &mut Look) -> bool {
    let policies = look.registry.snapshot().policies();
    let found = policies.filter(|policy| policy.site.is_none());
    let status = found.filter_map(|policy| look.policies.get(&policy.name));
    let places: BTreeSet<Place> = status.flat_map(|status| &status.site).map(place).collect();
    let is_told = !places.is_empty();
    for (nth, place) in places.into_iter().enumerate() {
        // As if a node stood there.
        let node = format!("{nth} of a status").into();
        look.registry.apply(Change::Node(node, Some(place)));
    }
    is_told
}

fn place(told: &SitePlace) -> Place {
    let location = match told.mainland {
        Some(true) => Location::Mainland(told.province.as_deref().and_then(Province::find)),
        Some(false) => Location::Outside,
        None => Location::Unknown,
    };
    Place::named(&told.provider, told.region.as_deref(), location)
}

/// What could not be listed, why, and what that takes.
pub(super) fn refused(what: &str, status: &Refusal) -> String {
    match status.code {
        404 => format!(
            "the cluster knows no {what}; `filing-operator crds | kubectl apply --server-side -f -` makes it, or the chart"
        ),
        _ => format!(
            "listing {what}: {}; it takes the right to list them in the whole cluster: a ClusterRoleBinding of view, where the \
             chart is installed",
            status.message
        ),
    }
}

/// Counts the objects that were listed, where a person watches.
pub(super) fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} objects listed") {
        bar.set_style(style);
    }
    bar
}

fn status(args: &StatusArgs, output: &Output) -> Result<()> {
    let Seen { look, now, .. } = args.common.look(output)?;
    let view = Status::of(
        &look.registry,
        &look.policies,
        now,
        Language::or_locale(args.common.lang),
    );
    print(args.output, &view, |width| view.table(width))
}

fn explain(args: &ExplainArgs, output: &Output) -> Result<()> {
    let Seen { look, now, namespace } = args.common.look(output)?;
    let key = RouteKey {
        kind: RouteKind::Ingress,
        namespace: args.namespace.as_deref().unwrap_or(&namespace).into(),
        name: args.route.as_str().into(),
    };
    let route = match look.registry.route(&key) {
        Some(Kept::Read(route)) => route,
        Some(Kept::Unreadable(unreadable)) => bail!("Ingress {key} can't be read: {}", unreadable.error),
        None => bail!("there is no Ingress {} in namespace {}", key.name, key.namespace),
    };
    let view = Explanation::of(
        route,
        look.registry.snapshot(),
        now,
        Language::or_locale(args.common.lang),
    );
    print(args.output, &view, |width| view.text(width))
}

fn hosts(args: &HostsArgs, output: &Output) -> Result<()> {
    let Seen { look, now, .. } = args.common.look(output)?;
    let view = Hosts::of(
        &look.registry,
        &args.common.home_namespace,
        args.namespace.as_deref(),
        now,
    );
    match args.output {
        HostsFormat::Table => print(Format::Table, &view, |width| view.table(width)),
        HostsFormat::Json => print(Format::Json, &view, |_| String::new()),
        HostsFormat::Yaml => {
            if view.missing() == 0 {
                output.note("every domain that is served has a Filing");
            }
            Ok(Output::plain(&view.skeletons().context("writing YAML")?)?)
        }
    }
}

fn simulate(args: &SimulateArgs, output: &Output) -> Result<()> {
    let (name, spec) = read_named_policy(&args.policy)?;
    let name = name.filter(|name| !name.is_empty());
    let name = name.as_deref().unwrap_or(keys::DEFAULT_POLICY);
    let policy = Policy::new(name.into(), &ObjectMeta::default(), &spec);
    let Seen { look, now, .. } = args.common.look_for(Some(&policy), output)?;
    let status = look.policies.get(name);
    let view = Simulation::of(
        &look.registry,
        &policy,
        status,
        now,
        Language::or_locale(args.common.lang),
    );
    print(args.output, &view, |width| view.table(width))
}

fn timeline(args: &TimelineArgs, output: &Output) -> Result<()> {
    let Seen { look, now, .. } = args.common.look(output)?;
    let view = Timeline::of(&look.registry, now, Language::or_locale(args.common.lang));
    match args.output {
        TimelineFormat::Table => print(Format::Table, &view, |width| view.table(width)),
        TimelineFormat::Json => print(Format::Json, &view, |_| String::new()),
        TimelineFormat::Svg => Ok(Output::plain(&view.svg()?)?),
    }
}

fn print(format: Format, view: &impl Serialize, table: impl FnOnce(Option<usize>) -> String) -> Result<()> {
    match format {
        Format::Table => Output::plain(&table(Output::width()))?,
        Format::Json => Output::plain(&view_json(view)?)?,
    }
    Ok(())
}
