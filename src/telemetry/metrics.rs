//! Metrics: gauges and counters that are read, at each scrape, from what the controller shares. Nothing is counted
//! here, so that nothing can be counted otherwise than it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::admission::Clock;
use crate::controller::Shared;
use crate::domain::Day;
use crate::effects::{Term, terms_of_filing, terms_of_server};
use crate::judge::Outcome;
use crate::registry::{Kept, Snapshot, SubjectKind};
use crate::rules::Moment;

/// The most series of what ends: names of objects are labels there, and these have no bound.
const MAX_ENDINGS: usize = 1000;

/// When the webhook's certificates end.
#[derive(Debug, Default)]
pub struct Certificates {
    serving: AtomicI64,
    authority: AtomicI64,
}

impl Certificates {
    /// The certificate that the webhook serves with ends then.
    pub fn set_serving(&self, end: Timestamp) {
        self.serving.store(end.as_second(), Ordering::Relaxed);
    }

    /// The certificate authority that signed it ends then.
    pub fn set_authority(&self, end: Timestamp) {
        self.authority.store(end.as_second(), Ordering::Relaxed);
    }

    /// The ends that are known, in seconds since 1970, by certificate.
    fn ends(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let ends = [("serving", &self.serving), ("authority", &self.authority)];
        ends.into_iter()
            .map(|(certificate, end)| (certificate, end.load(Ordering::Relaxed)))
            .filter(|(_, end)| *end > 0)
    }
}

/// The metrics of the facts, the routes, the watches and the certificates.
pub struct Metrics {
    shared: Arc<Shared>,
    certificates: Arc<Certificates>,
    clock: Clock,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Metrics of what is shared. The clock says what is expiring.
    pub fn new(shared: Arc<Shared>, certificates: Arc<Certificates>, clock: Clock) -> Self {
        Self {
            shared,
            certificates,
            clock,
        }
    }

    /// Makes them known to a registry under their full names.
    pub fn register(self, registry: &mut Registry) {
        registry.register_collector(Box::new(self));
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let encoder = &mut encoder;
        let shared = &*self.shared;
        build(encoder)?;
        Family::gauge(
            encoder,
            "filing_operator_leader",
            "Whether this replica leads, and so alone writes.",
        )?
        .set(&[], i64::from(shared.is_leader.load(Ordering::Relaxed)))?;
        Family::counter(
            encoder,
            "filing_operator_failed_writes",
            "Writes to the cluster that failed; each is tried again.",
        )?
        .count(&[], shared.failed_writes.load(Ordering::Relaxed))?;
        watches(encoder, shared)?;
        routes(encoder, shared)?;
        let snapshot = shared.snapshot.load();
        Family::gauge(
            encoder,
            "filing_operator_snapshot_synced",
            "Whether every watch has listed once and the facts are known.",
        )?
        .set(&[], i64::from(snapshot.is_some()))?;
        // Before that, no number is better than a wrong one.
        if let Some(snapshot) = snapshot.as_deref() {
            facts(encoder, snapshot)?;
            endings(encoder, snapshot, (self.clock)())?;
        }
        let mut certificates = Family::timestamp(
            encoder,
            "filing_operator_certificate_expiry_timestamp",
            "When a certificate of the admission webhook ends.",
        )?;
        for (certificate, end) in self.certificates.ends() {
            certificates.set(&[("certificate", certificate)], end)?;
        }
        Ok(())
    }
}

fn build(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "The operator that runs, by version.";
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    encoder
        .encode_descriptor("filing_operator_build", help, None, MetricType::Info)?
        .encode_info(&version)
}

fn watches(encoder: &mut DescriptorEncoder<'_>, shared: &Shared) -> fmt::Result {
    let mut listed = Family::gauge(
        encoder,
        "filing_operator_watch_listed",
        "Whether a watch has listed everything of its kind once.",
    )?;
    for (kind, watch) in shared.watches() {
        listed.set(&[("kind", kind_label(kind))], i64::from(watch.has_listed()))?;
    }
    let mut last_seen = Family::timestamp(
        encoder,
        "filing_operator_watch_last_seen_timestamp",
        "When a watch last heard from the API server.",
    )?;
    for (kind, watch) in shared.watches() {
        if let Some(moment) = watch.last_seen() {
            last_seen.set(&[("kind", kind_label(kind))], moment.as_second())?;
        }
    }
    let mut failures = Family::counter(
        encoder,
        "filing_operator_watch_failures",
        "How often a watch has failed; it begins again each time.",
    )?;
    for (kind, watch) in shared.watches() {
        failures.count(&[("kind", kind_label(kind))], watch.failures())?;
    }
    Ok(())
}

fn routes(encoder: &mut DescriptorEncoder<'_>, shared: &Shared) -> fmt::Result {
    let standing = shared.standing.load();
    let mut routes = Family::gauge(
        encoder,
        "filing_operator_routes",
        "Running routes by the policy that governs them and how they stand.",
    )?;
    for (policy, tally) in &standing.policies {
        for outcome in Outcome::ALL {
            routes.set(&[("policy", policy), ("outcome", outcome.as_str())], tally.of(outcome))?;
        }
    }
    let mut findings = Family::gauge(
        encoder,
        "filing_operator_route_findings",
        "Findings on hosts of running routes by rule and severity.",
    )?;
    for ((rule, severity), count) in &standing.findings {
        findings.set(&[("rule", rule), ("severity", severity.as_str())], *count)?;
    }
    Ok(())
}

fn facts(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    let families = [
        (
            "filing_operator_filings",
            "Filings by whether they can be read; one that can't never counts as valid.",
            tally(snapshot.filings().map(|(_, filing)| is_read(filing))),
        ),
        (
            "filing_operator_servers",
            "AccessServers by whether they can be read; one that can't never counts as valid.",
            tally(snapshot.servers().map(|(_, server)| is_read(server))),
        ),
        (
            "filing_operator_policies",
            "FilingPolicies by whether they can be read; one that can't is not in force.",
            (snapshot.policies().count(), snapshot.unreadable_policies().count()),
        ),
    ];
    for (name, help, (readable, unreadable)) in families {
        let mut family = Family::gauge(encoder, name, help)?;
        family.set(&[("readable", "true")], readable)?;
        family.set(&[("readable", "false")], unreadable)?;
    }
    Ok(())
}

fn is_read<T>(kept: &Kept<T>) -> bool {
    matches!(kept, Kept::Read(_))
}

/// How many are so and how many are not.
fn tally(all: impl Iterator<Item = bool>) -> (usize, usize) {
    let (yes, no): (Vec<bool>, Vec<bool>) = all.partition(|is_so| *is_so);
    (yes.len(), no.len())
}

/// Something that has ended or ends soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending<'a> {
    /// Seconds from now, either way.
    distance: u64,
    /// When, in seconds since 1970.
    end: i64,
    kind: &'static str,
    /// Empty for what has none.
    namespace: &'a str,
    name: &'a str,
    what: &'static str,
}

/// What has ended and what ends within the greatest reminder, the nearest to now first: what ended long ago and was
/// never put in order must not hide what ends tomorrow.
fn all_endings(snapshot: &Snapshot, now: Timestamp) -> Vec<Ending<'_>> {
    let within = snapshot.default_policy().expiring_within();
    let moment = Moment::new(now);
    let ending = |kind, namespace, name, term: Term| {
        let end = last_second(term.date);
        moment.is_within(term.date, within).then(|| Ending {
            distance: end.abs_diff(now.as_second()),
            end,
            kind: kind_label(kind),
            namespace,
            name,
            what: what_label(&term),
        })
    };
    let mut endings = Vec::new();
    for (key, filing) in snapshot.filings() {
        if let Kept::Read(filing) = filing {
            let terms = terms_of_filing(filing).into_iter();
            endings.extend(terms.filter_map(|term| ending(SubjectKind::Filing, &*key.namespace, &*key.name, term)));
        }
    }
    for (name, server) in snapshot.servers() {
        if let Kept::Read(server) = server {
            let terms = terms_of_server(server).into_iter();
            endings.extend(terms.filter_map(|term| ending(SubjectKind::Server, "", &**name, term)));
        }
    }
    endings.sort_unstable();
    endings
}

/// The moment at which a last day is over, in seconds since 1970.
fn last_second(day: Day) -> i64 {
    day.end().as_second()
}

fn endings(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot, now: Timestamp) -> fmt::Result {
    let endings = all_endings(snapshot, now);
    let mut family = Family::timestamp(
        encoder,
        "filing_operator_expiry_timestamp",
        "When a filing, domain or server ends or has ended: 00:00 in China after its last day. Only what has ended or \
         ends within the greatest reminder of the default policy, the 1000 nearest.",
    )?;
    for ending in endings.iter().take(MAX_ENDINGS) {
        let labels = [
            ("kind", ending.kind),
            ("namespace", ending.namespace),
            ("name", ending.name),
            ("what", ending.what),
        ];
        family.set(&labels, ending.end)?;
    }
    Family::gauge(
        encoder,
        "filing_operator_expiry_series_left_out",
        "How many more have ended or end soon and are not among filing_operator_expiry_timestamp_seconds.",
    )?
    .set(&[], endings.len().saturating_sub(MAX_ENDINGS))
}

/// The kind of an object, as Kubernetes writes it in resource names.
fn kind_label(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Filing => "filing",
        SubjectKind::Server => "accessserver",
        SubjectKind::Policy => "filingpolicy",
        SubjectKind::Namespace => "namespace",
        SubjectKind::Class => "ingressclass",
        SubjectKind::Node => "node",
        SubjectKind::Route => "ingress",
    }
}

/// What of an object ends.
fn what_label(term: &Term) -> &'static str {
    match term.rule {
        "FilingExpiring" => "record",
        "DomainExpiring" => "domain",
        "ServerExpiring" => "server",
        other => other,
    }
}

/// Series of one name.
struct Family<'a>(MetricEncoder<'a>);

impl<'a> Family<'a> {
    fn gauge(encoder: &'a mut DescriptorEncoder<'_>, name: &'a str, help: &str) -> Result<Self, fmt::Error> {
        encoder.encode_descriptor(name, help, None, MetricType::Gauge).map(Self)
    }

    /// Of moments in seconds since 1970; the unit is added to the name.
    fn timestamp(encoder: &'a mut DescriptorEncoder<'_>, name: &'a str, help: &str) -> Result<Self, fmt::Error> {
        encoder
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)
            .map(Self)
    }

    /// Of what only grows; `_total` is added to the name of each series.
    fn counter(encoder: &'a mut DescriptorEncoder<'_>, name: &'a str, help: &str) -> Result<Self, fmt::Error> {
        encoder
            .encode_descriptor(name, help, None, MetricType::Counter)
            .map(Self)
    }

    fn set(&mut self, labels: &[(&str, &str)], value: impl EncodeGaugeValue) -> fmt::Result {
        if labels.is_empty() {
            return self.0.encode_gauge(&value);
        }
        self.0.encode_family(&labels)?.encode_gauge(&value)
    }

    fn count(&mut self, labels: &[(&str, &str)], value: u64) -> fmt::Result {
        if labels.is_empty() {
            return self.0.encode_counter::<NoLabelSet, _, u64>(&value, None);
        }
        self.0
            .encode_family(&labels)?
            .encode_counter::<NoLabelSet, _, u64>(&value, None)
    }
}
