//! `filing-operator run`: the operator.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args as ClapArgs;
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;
use clap::value_parser;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use tokio::signal::unix::{SignalKind, signal};

use super::check::read_policy;
use super::connection::{Connection, Home};
use crate::admission::{ClientFile, Lifetimes, Source};
use crate::operator::{self, Options};
use crate::telemetry::{self, LogFormat, Traces};

/// Run the operator: controller, webhook, metrics and health
#[derive(ClapArgs, Clone, Debug)]
#[command(after_long_help = "\
Examples:
  As the chart does, in a pod that knows its name and namespace:
    filing-operator run --policy /etc/filing-operator/policy.yaml

  Outside of a cluster, on the one of the current context, with logs for people:
    filing-operator run --log-format text --namespace filing-system")]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    home: Home,
    /// Who this replica is; without it the host's name and the process id
    #[arg(long, value_name = "NAME", env = "POD_NAME", value_parser = NonEmptyStringValueParser::new())]
    identity: Option<String>,
    /// A file with the policy to keep as the FilingPolicy `default`: a whole one, or its spec
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A Secret in the operator's own namespace that says to whom notices are sent; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    channel: Vec<String>,
    /// Where the webhook listens, with TLS
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9443")]
    webhook_address: SocketAddr,
    /// Where /metrics, /livez and /readyz are served, without TLS
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    metrics_address: SocketAddr,
    /// The ValidatingWebhookConfiguration by which the API server knows the webhook; whoever installs the operator makes it
    #[arg(
        long,
        value_name = "NAME",
        default_value = "filing-operator",
        value_parser = NonEmptyStringValueParser::new()
    )]
    webhook_configuration: String,
    /// What becomes of Ingresses while no replica answers, as that configuration says it (`failurePolicy`): `policies` keeps it at
    /// Fail while a policy in force denies, and at Ignore otherwise; `leave` leaves it as it is
    #[arg(long, value_name = "WHO", default_value = "policies")]
    failure_policy: FailurePolicy,
    /// Where the webhook's certificate comes from: `self` makes an authority, keeps it in a Secret and renews it; `secret` serves
    /// what is in a Secret that someone else keeps, such as cert-manager
    #[arg(long, value_name = "MODE", default_value = "self")]
    tls_mode: TlsMode,
    /// That Secret, in the operator's own namespace
    #[arg(
        long,
        value_name = "NAME",
        default_value = "filing-operator-ca",
        value_parser = NonEmptyStringValueParser::new()
    )]
    tls_secret: String,
    /// A name or address under which the API server reaches the webhook, for `--tls-mode self`; may be given several times
    #[arg(
        long,
        value_name = "NAME",
        default_values = ["localhost", "127.0.0.1"],
        value_parser = NonEmptyStringValueParser::new()
    )]
    tls_name: Vec<String>,
    /// A PEM file with the webhook's certificate, in place of a Secret; it is read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls_mode")]
    tls_cert: Option<PathBuf>,
    /// A PEM file with the key of --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A PEM file with the authorities of client certificates: the webhook answers only those who have one, under a name that
    /// --client-name gives; it is read again when it changes
    #[arg(long, value_name = "FILE", requires = "client_name")]
    client_ca: Option<PathBuf>,
    /// A common name or DNS name of the API server's client certificate; may be given several times
    #[arg(long, value_name = "NAME", requires = "client_ca", value_parser = NonEmptyStringValueParser::new())]
    client_name: Vec<String>,
    /// Write what fails as a Report of OpenReports (openreports.io/v1alpha1) in each namespace, where that is installed
    #[arg(long)]
    openreports: bool,
    /// The most writes about routes, filings, servers and policies in a second; after a quiet time as many go at once.
    /// The lease, reports and Events of denials have limits of their own
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = value_parser!(u32).range(1..=1000))]
    writes_per_second: u32,
    /// How long the webhook goes on taking calls after SIGTERM, while the cluster learns to send them elsewhere; Ctrl-C, or
    /// a second signal, ends it
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = length)]
    shutdown_delay: Duration,
    /// The form of the log
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What is logged, as in `info,kube=debug`
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    log: String,
    /// A collector to send the spans of admission to, by OTLP over HTTP, like http://collector:4318; without it nothing is traced. More can
    /// be said in the environment, as OpenTelemetry has it: OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = collector)]
    otlp_endpoint: Option<String>,
    /// Name a trace on each bucket of the latency of admission (an exemplar)
    #[arg(long, requires = "otlp_endpoint")]
    exemplars: bool,
    /// Move the operator's clock, as in `30d` or `-2h`; for tests
    #[arg(long, value_name = "DURATION", default_value = "0s", allow_hyphen_values = true, value_parser = duration)]
    now_offset: SignedDuration,
    /// How long a connection to the API server may say nothing before it is given up; for tests
    // The API server sends a bookmark on each watch every 60 to 75 s, however idle it is.
    #[arg(long, value_name = "DURATION", default_value = "90s", hide = true, value_parser = positive_duration)]
    watch_silence: Duration,
    /// How long the webhook's authority lasts, what it signs, and how long the API server is told before it signs; for tests
    #[arg(long, value_name = "DURATION,DURATION,DURATION", hide = true, value_parser = lifetimes)]
    tls_lifetimes: Option<Lifetimes>,
}

/// Who says what becomes of calls that are not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailurePolicy {
    Policies,
    Leave,
}

/// Where the webhook's certificate comes from, if not out of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TlsMode {
    #[value(name = "self")]
    Own,
    Secret,
}

/// A length of time as people write it, in days of 24 hours and less; it may be negative.
pub(super) fn duration(typed: &str) -> Result<SignedDuration, String> {
    let span: Option<Span> = typed.parse().ok();
    span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .ok_or_else(|| "write it in days, hours, minutes and seconds, like 30d, 2h30m or -1d".to_owned())
}

/// The address of a collector; whether all of it can be used is found when it is.
fn collector(typed: &str) -> Result<String, String> {
    let is_http = ["http://", "https://"].iter().any(|scheme| typed.starts_with(scheme));
    is_http
        .then(|| typed.to_owned())
        .ok_or_else(|| "write it as http://collector:4318".to_owned())
}

fn length(typed: &str) -> Result<Duration, String> {
    Duration::try_from(duration(typed)?).map_err(|_| "it can't be less than nothing".to_owned())
}

fn positive_duration(typed: &str) -> Result<Duration, String> {
    let duration = Duration::try_from(duration(typed)?).unwrap_or_default();
    if duration.is_zero() {
        return Err("it has to be more than nothing, like 90s".to_owned());
    }
    Ok(duration)
}

/// Runs the operator until it is told to stop.
pub(super) fn run(args: Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let identity = args.identity.clone().unwrap_or_else(identity);
    let traces = args.otlp_endpoint.as_deref();
    let traces = traces.map(|endpoint| Traces::to(endpoint, &identity, runtime.handle().clone()));
    let traces = traces.transpose()?;
    telemetry::init(args.log_format, &args.log, traces.as_ref())?;
    let ended = runtime.block_on(async {
        let stop = stopped(args.shutdown_delay).context("listening for signals")?;
        let options = options(args, identity).await?;
        Box::pin(operator::run(options, stop)).await?;
        Ok(ExitCode::SUCCESS)
    });
    if let Some(traces) = traces {
        traces.end();
    }
    ended
}

async fn options(args: Args, identity: String) -> Result<Options> {
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    for (flag, file) in [
        ("--tls-cert", &args.tls_cert),
        ("--tls-key", &args.tls_key),
        ("--client-ca", &args.client_ca),
    ] {
        if let Some(file) = file {
            File::open(file).with_context(|| format!("reading the file of {flag}, {}", file.display()))?;
        }
    }
    let lifetimes = args.tls_lifetimes.unwrap_or_default();
    let certificate = match (args.tls_cert.zip(args.tls_key), args.tls_mode) {
        (Some((certificate, key)), _) => Source::Files { certificate, key },
        (None, TlsMode::Secret) => Source::Secret {
            name: args.tls_secret,
            settle: lifetimes.settle,
        },
        (None, TlsMode::Own) => Source::Own {
            name: args.tls_secret,
            names: args.tls_name,
            lifetimes,
        },
    };
    let clients = args.client_ca.map(|authorities| ClientFile {
        authorities,
        names: args.client_name,
    });
    Ok(Options {
        client: args.connection.client(args.watch_silence).await?,
        namespace: args.home.namespace,
        identity,
        exemplars: args.exemplars,
        webhook_address: args.webhook_address,
        metrics_address: args.metrics_address,
        certificate,
        clients,
        configuration: args.webhook_configuration,
        failure_policy_follows: args.failure_policy == FailurePolicy::Policies,
        policy,
        open_reports: args.openreports,
        channels: args.channel.into_iter().collect::<BTreeSet<_>>(),
        writes_per_second: NonZeroU32::new(args.writes_per_second).unwrap_or(NonZeroU32::MIN),
        now_offset: args.now_offset,
    })
}

fn lifetimes(typed: &str) -> Result<Lifetimes, String> {
    let lasts: Result<Vec<_>, _> = typed.split(',').map(duration).collect();
    match lasts?[..] {
        [authority, leaf, settle] => Ok(Lifetimes {
            authority,
            leaf,
            settle,
        }),
        _ => Err("write three, like 365d,7d,5m".to_owned()),
    }
}

/// A name that no other process has: two replicas of one identity would both hold the lease.
fn identity() -> String {
    let host = hostname::get().map_or_else(
        |_| "filing-operator".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    format!("{host}-{}", std::process::id())
}

/// Resolves whenever the process is told to stop, and says how long it may take to: `delay` after SIGTERM; after Ctrl-C a
/// person waits.
fn stopped(delay: Duration) -> std::io::Result<impl AsyncFnMut() -> Duration> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move || {
        tokio::select! {
            _ = terminate.recv() => delay,
            _ = interrupt.recv() => Duration::ZERO,
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("30d", 30 * 24 * 60)]
    #[case("2h30m", 150)]
    #[case("-1d", -24 * 60)]
    fn the_clock_moves_by_days_and_less(#[case] typed: &str, #[case] minutes: i64) {
        assert_eq!(duration(typed), Ok(SignedDuration::from_mins(minutes)));
    }

    #[rstest]
    #[case("90s", Ok(Duration::from_secs(90)))]
    #[case::nothing("0s", Err("it has to be more than nothing, like 90s".to_owned()))]
    #[case::less_than_nothing("-1s", Err("it has to be more than nothing, like 90s".to_owned()))]
    fn a_bound_is_more_than_nothing(#[case] typed: &str, #[case] bound: Result<Duration, String>) {
        assert_eq!(positive_duration(typed), bound);
    }

    #[rstest]
    #[case("5s", Ok(Duration::from_secs(5)))]
    #[case::nothing("0s", Ok(Duration::ZERO))]
    #[case::less_than_nothing("-1s", Err("it can't be less than nothing".to_owned()))]
    fn a_delay_is_nothing_or_more(#[case] typed: &str, #[case] delay: Result<Duration, String>) {
        assert_eq!(length(typed), delay);
    }

    #[rstest]
    #[case::of_no_fixed_length("1mo")]
    #[case::no_duration("nonsense")]
    #[case::nothing("")]
    fn what_is_no_duration_is_answered_with_one(#[case] typed: &str) {
        let error = duration(typed).unwrap_err();
        assert_eq!(
            error,
            "write it in days, hours, minutes and seconds, like 30d, 2h30m or -1d"
        );
    }
}
