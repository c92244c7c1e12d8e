//! Metrics: gauges and counters that are read, at each scrape, from what the controller shares. Nothing is counted
//! here, so that nothing can be counted otherwise than it is.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::admission::Clock;
use crate::api::Colour;
use crate::controller::{Shared, Standing};
use crate::domain::Day;
use crate::effects::{End, Ending, Term, endings};
use crate::judge::Outcome;
use crate::registry::{Kept, Other, Snapshot, SubjectKind};
use crate::rules::Moment;

/// The most series of one family where names are labels, which have no bound.
const MAX_SERIES: usize = 1000;
/// How many months ahead are told apart.
const MONTHS: u32 = 24;

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
        writes(encoder, shared)?;
        let mut looks = Family::counter(
            encoder,
            "filing_operator_view_looks",
            "How often the API server was asked, before a denial, whether what is known is current, by whether that could be told.",
        )?;
        for (outcome, count) in [("current", &shared.looks), ("unsure", &shared.failed_looks)] {
            looks.count(&[("outcome", outcome)], count.load(Ordering::Relaxed))?;
        }
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
            let now = (self.clock)();
            expiries(encoder, snapshot, now)?;
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

fn writes(encoder: &mut DescriptorEncoder<'_>, shared: &Shared) -> fmt::Result {
    let mut writes = Family::counter(
        encoder,
        "filing_operator_writes",
        "Writes to the cluster by what is written (event, annotations, quarantine, status, policy: the default one, report, or \
         unknown) and whether it was done; what has failed is tried again.",
    )?;
    for (write, done, failed) in shared.writes.counts() {
        for (outcome, count) in [("done", done), ("failed", failed)] {
            writes.count(&[("what", write.as_str()), ("outcome", outcome)], count)?;
        }
    }
    Family::gauge(
        encoder,
        "filing_operator_write_queue_depth",
        "Objects about which something is to be written, or is being written; 0 on a replica that does not lead.",
    )?
    .set(&[], shared.waiting_writes.load(Ordering::Relaxed))
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
        "When the API server last sent anything on a watch, by the operator's clock; where nothing changes it sends a bookmark \
         each minute.",
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
    let mut enforced = Family::gauge(
        encoder,
        "filing_operator_routes_enforced",
        "Routes under running: Block by how far that is done: blocked; put_back: taken out by others; due: about to be \
         blocked; held: by the brake; and not blocked, for their controller is excepted, the quarantine class is missing, \
         their record can't be read, or their namespace has the break-glass label.",
    )?;
    for ((policy, state), count) in &standing.enforced {
        enforced.set(&[("policy", policy), ("state", state)], *count)?;
    }
    let mut findings = Family::gauge(
        encoder,
        "filing_operator_route_findings",
        "Findings on hosts of running routes by rule and severity.",
    )?;
    for ((rule, severity), count) in &standing.findings {
        findings.set(&[("rule", rule), ("severity", severity.as_str())], *count)?;
    }
    violations(encoder, &standing)?;
    let mut colours = Family::gauge(
        encoder,
        "filing_operator_declarations",
        "Filings and AccessServers by their light: Red, Yellow or Blue.",
    )?;
    for (kind, tally) in [
        (SubjectKind::Filing, &standing.filings),
        (SubjectKind::Server, &standing.servers),
    ] {
        for (colour, label) in [(Colour::Red, "Red"), (Colour::Yellow, "Yellow"), (Colour::Blue, "Blue")] {
            let count = tally.get(&colour).copied().unwrap_or_default();
            colours.set(&[("kind", kind_label(kind)), ("colour", label)], count)?;
        }
    }
    Ok(())
}

/// By namespace: there is no bound to these, so that the largest counts are told and the others counted.
fn violations(encoder: &mut DescriptorEncoder<'_>, standing: &Standing) -> fmt::Result {
    let mut largest: Vec<_> = standing.violations.iter().collect();
    largest.sort_by_key(|(_, count)| Reverse(**count));
    let mut family = Family::gauge(
        encoder,
        "filing_operator_violations",
        "Hosts of running routes that violate, by namespace and rule: the 1000 largest counts.",
    )?;
    for ((namespace, rule), count) in largest.iter().take(MAX_SERIES) {
        family.set(&[("namespace", namespace), ("rule", rule)], **count)?;
    }
    Family::gauge(
        encoder,
        "filing_operator_violations_left_out",
        "How many more counts there are that are not among filing_operator_violations.",
    )?
    .set(&[], largest.len().saturating_sub(MAX_SERIES))
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
    Family::gauge(
        encoder,
        "filing_operator_break_glass_namespaces",
        "Namespaces with the label filing-operator.io/break-glass, in which nothing is denied or blocked.",
    )?
    .set(&[], snapshot.break_glass_namespaces())
}

fn is_read<T>(kept: &Kept<T>) -> bool {
    matches!(kept, Kept::Read(_))
}

/// How many are so and how many are not.
fn tally(all: impl Iterator<Item = bool>) -> (usize, usize) {
    let (yes, no): (Vec<bool>, Vec<bool>) = all.partition(|is_so| *is_so);
    (yes.len(), no.len())
}

/// What has ended and what ends within the greatest reminder, the nearest to now first: what ended long ago and was
/// never put in order must not hide what ends tomorrow.
fn near_endings(snapshot: &Snapshot, now: Timestamp) -> Vec<Ending<'_>> {
    let within = snapshot.default_policy().expiring_within();
    let moment = Moment::new(now);
    let is_near = |ending: &Ending<'_>| moment.is_within(ending.term.date, within);
    let mut near: Vec<_> = endings(snapshot).filter(is_near).collect();
    near.sort_by_key(|ending| ending.term.date.end().duration_since(now).abs());
    // No label tells the exemptions of a policy apart, so that the nearest stands for all.
    let mut exempting = HashSet::new();
    near.retain(|ending| ending.kind != SubjectKind::Policy || exempting.insert(ending.name));
    near
}

fn expiries(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot, now: Timestamp) -> fmt::Result {
    let near = near_endings(snapshot, now);
    let mut family = Family::timestamp(
        encoder,
        "filing_operator_expiry_timestamp",
        "When what a filing rests on, a server or an exemption ends or has ended: 00:00 in China after its last day. Only what \
         has ended or ends within the greatest reminder of the default policy, the 1000 nearest.",
    )?;
    for ending in near.iter().take(MAX_SERIES) {
        let what = match (&ending.term.end, what_label(&ending.term)) {
            (End::Other(Other::Approval(kind)), what) => Cow::Owned(format!("{what}/{kind:?}")),
            (_, what) => Cow::Borrowed(what),
        };
        let labels = [
            ("kind", kind_label(ending.kind)),
            ("namespace", ending.namespace),
            ("name", ending.name),
            ("what", &what),
        ];
        family.set(&labels, ending.term.date.end().as_second())?;
    }
    Family::gauge(
        encoder,
        "filing_operator_expiry_series_left_out",
        "How many more have ended or end soon and are not among filing_operator_expiry_timestamp_seconds.",
    )?
    .set(&[], near.len().saturating_sub(MAX_SERIES))?;
    by_month(encoder, snapshot, now)
}

fn by_month(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot, now: Timestamp) -> fmt::Result {
    let moment = Moment::new(now);
    let today = Day::of(now);
    let mut months: BTreeMap<(&str, Cow<'_, str>), u32> = BTreeMap::new();
    for Ending { term, .. } in endings(snapshot) {
        let month = if moment.is_past(term.date, 0) {
            Cow::Borrowed("ended")
        } else if today.months_until(term.date) > MONTHS {
            Cow::Borrowed("later")
        } else {
            Cow::Owned(term.date.to_string().chars().take("YYYY-MM".len()).collect())
        };
        let count = months.entry((what_label(&term), month)).or_default();
        *count = count.saturating_add(1);
    }
    let mut family = Family::gauge(
        encoder,
        "filing_operator_ends",
        "How much ends in each month, by what it is: all that has an end, in the month of its last day in China; ended: before \
         today; later: after the 24 months that follow.",
    )?;
    for ((what, month), count) in &months {
        family.set(&[("what", what), ("month", month)], *count)?;
    }
    Ok(())
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
    match &term.end {
        End::Record => "record",
        End::Domain => "domain",
        End::Server => "server",
        End::Other(Other::Review) => "review",
        End::Other(Other::HandlerId) => "handler-id",
        End::Other(Other::Licence) => "licence",
        End::Other(Other::Approval(_)) => "approval",
        End::Exemption(_) => "exemption",
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

    fn set(&mut self, labels: &[(&str, &str)], value: impl EncodeGaugeValue + Copy) -> fmt::Result {
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

#[cfg(test)]
mod tests;
