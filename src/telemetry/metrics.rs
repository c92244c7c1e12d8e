//! Metrics: gauges and counters that are read, at each scrape, from what the controller shares. Nothing is counted
//! here, so that nothing can be counted otherwise than it is.

use std::borrow::Cow;
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
use crate::effects::{End, Term, terms_of_filing, terms_of_server};
use crate::judge::Outcome;
use crate::registry::{Kept, Other, Snapshot, SubjectKind};
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

/// Something that has ended or ends soon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending<'a> {
    /// Seconds from now, either way.
    distance: u64,
    /// When, in seconds since 1970.
    end: i64,
    kind: &'static str,
    /// Empty for what has none.
    namespace: &'a str,
    name: &'a str,
    what: Cow<'static, str>,
}

/// What has ended and what ends within the greatest reminder, the nearest to now first: what ended long ago and was
/// never put in order must not hide what ends tomorrow.
fn all_endings(snapshot: &Snapshot, now: Timestamp) -> Vec<Ending<'_>> {
    let within = snapshot.default_policy().expiring_within();
    let moment = Moment::new(now);
    let ending = |kind, namespace, name, term: Term| {
        let end = term.date.end().as_second();
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

fn endings(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot, now: Timestamp) -> fmt::Result {
    let endings = all_endings(snapshot, now);
    let mut family = Family::timestamp(
        encoder,
        "filing_operator_expiry_timestamp",
        "When what a filing rests on, or a server, ends or has ended: 00:00 in China after its last day. Only what has ended or \
         ends within the greatest reminder of the default policy, the 1000 nearest.",
    )?;
    for ending in endings.iter().take(MAX_ENDINGS) {
        let labels = [
            ("kind", ending.kind),
            ("namespace", ending.namespace),
            ("name", ending.name),
            ("what", &ending.what),
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

/// What of an object ends; an object has one of each.
fn what_label(term: &Term) -> Cow<'static, str> {
    Cow::Borrowed(match &term.end {
        End::Record => "record",
        End::Domain => "domain",
        End::Server => "server",
        End::Other(Other::Review) => "review",
        End::Other(Other::HandlerId) => "handler-id",
        End::Other(Other::Licence) => "licence",
        End::Other(Other::Approval(kind)) => return Cow::Owned(format!("approval/{kind:?}")),
        End::Exemption(_) => "exemption",
    })
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
mod tests {
    use kube::core::ObjectMeta;
    use prometheus_client::encoding::text;
    use rstest::rstest;

    use super::*;
    use crate::api::{AccessServerSpec, FilingPolicySpec, FilingSpec, Registration, keys};
    use crate::controller::Standing;
    use crate::effects::Tally;
    use crate::registry::{self, Change, Filing, FilingKey, Policy, Server, Unreadable};
    use crate::rules::Severity;

    const NOW: &str = "2026-11-23T12:00:00+08:00";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn filing(name: &str, record: Option<&str>, domain: Option<&str>) -> Change {
        let key = FilingKey::new("icp-filings", name);
        let spec = FilingSpec {
            expires_at: record.map(|day| day.parse().unwrap()),
            registration: Some(Registration {
                expires_at: domain.map(|day| day.parse().unwrap()),
                ..Registration::default()
            }),
            ..FilingSpec::default()
        };
        Change::Filing(key.clone(), Ok(Filing::new(key, &ObjectMeta::default(), &spec)))
    }

    fn server(name: &str, end: &str, auto_renew: bool) -> Change {
        let spec = AccessServerSpec {
            expires_at: Some(end.parse().unwrap()),
            auto_renew,
            ..AccessServerSpec::default()
        };
        Change::Server(name.into(), Ok(Server::new(name.into(), &ObjectMeta::default(), &spec)))
    }

    fn policy(reminders: &[u32]) -> Change {
        let spec = FilingPolicySpec {
            reminders: reminders.to_vec(),
            ..FilingPolicySpec::default()
        };
        let policy = Policy::new("default".into(), &ObjectMeta::default(), &spec);
        Change::Policy("default".into(), Ok(policy))
    }

    fn unreadable() -> Unreadable {
        Unreadable {
            error: "spec.domains: not a list".to_owned(),
            uid: "".into(),
            generation: 1,
        }
    }

    fn snapshot(changes: impl IntoIterator<Item = Change>) -> Snapshot {
        let mut registry = registry::Registry::new(Snapshot::new("filing-operator", true));
        for change in changes {
            registry.apply(change);
        }
        registry.snapshot().clone()
    }

    fn scrape(shared: Shared, certificates: Certificates) -> String {
        let mut registry = Registry::default();
        let clock: Clock = Arc::new(now);
        Metrics::new(Arc::new(shared), Arc::new(certificates), clock).register(&mut registry);
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
    }

    fn synced(changes: impl IntoIterator<Item = Change>) -> Shared {
        let shared = Shared::default();
        shared.snapshot.store(Some(Arc::new(snapshot(changes))));
        shared
    }

    /// What any reader of OpenMetrics relies on: each family once, described before its samples, and a mark at the end.
    fn assert_is_open_metrics(text: &str) {
        let mut families: Vec<(&str, &str)> = Vec::new();
        let body = text.strip_suffix("# EOF\n").expect("the mark at the end");
        for line in body.lines() {
            if let Some(described) = line.strip_prefix("# HELP ") {
                let (name, help) = described.split_once(' ').unwrap();
                assert!(help.ends_with('.'), "{line}");
                assert!(families.iter().all(|(known, _)| *known != name), "{name} comes twice");
                families.push((name, ""));
            } else if let Some(typed) = line.strip_prefix("# TYPE ") {
                let (name, kind) = typed.split_once(' ').unwrap();
                let family = families.last_mut().unwrap();
                assert_eq!(family.0, name);
                family.1 = kind;
            } else if let Some(unit) = line.strip_prefix("# UNIT ") {
                let (name, unit) = unit.split_once(' ').unwrap();
                assert_eq!(families.last().unwrap().0, name);
                assert!(name.ends_with(unit));
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (family, kind) = families.last().unwrap();
                let suffix = match *kind {
                    "counter" => "_total",
                    "info" => "_info",
                    "gauge" => "",
                    other => panic!("{family} is of type {other}"),
                };
                let name = series.split('{').next().unwrap();
                assert_eq!(name, format!("{family}{suffix}"));
                assert!(value.parse::<i64>().is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn everything_is_told_with_what_it_means() {
        let unreadable_filing = FilingKey::new("icp-filings", "broken");
        let shared = synced([
            filing("shop", Some("2027-01-31"), Some("2026-11-22")),
            filing("later", None, Some("2028-01-31")),
            Change::Filing(unreadable_filing, Err(unreadable())),
            server("slb-1", "2026-12-31", false),
            server("slb-2", "2026-12-31", true),
            policy(&[90, 30]),
            Change::Policy("broken".into(), Err(unreadable())),
            Change::Namespace(
                "shop".into(),
                [(keys::BREAK_GLASS.to_owned(), "true".to_owned())].into(),
            ),
            Change::Namespace(
                "calm".into(),
                [(keys::BREAK_GLASS.to_owned(), "false".to_owned())].into(),
            ),
        ]);
        let mut tally = Tally::default();
        tally.add(Outcome::Compliant);
        tally.add(Outcome::Compliant);
        tally.add(Outcome::Violating);
        shared.standing.store(Arc::new(Standing {
            enforced: [(("default".into(), "blocked"), 3)].into(),
            policies: [("default".into(), tally)].into(),
            findings: [
                (("NoFiling", Severity::Violation), 3),
                (("FilingExpiring", Severity::Warning), 1),
            ]
            .into(),
        }));
        shared.is_leader.store(true, Ordering::Relaxed);
        shared.failed_writes.store(4, Ordering::Relaxed);
        let certificates = Certificates::default();
        certificates.set_serving("2026-12-23T04:00:00Z".parse().unwrap());
        certificates.set_authority("2027-11-23T04:00:00Z".parse().unwrap());

        let text = scrape(shared, certificates);
        assert_is_open_metrics(&text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_is_not_known_yet_has_no_number() {
        let text = scrape(Shared::default(), Certificates::default());
        assert_is_open_metrics(&text);
        assert!(text.contains("filing_operator_snapshot_synced 0\n"));
        for absent in [
            "filing_operator_filings",
            "filing_operator_break_glass_namespaces",
            "filing_operator_expiry",
            "filing_operator_certificate_expiry_timestamp_seconds{",
            "filing_operator_watch_last_seen_timestamp_seconds{",
        ] {
            assert!(!text.contains(absent), "{absent}");
        }
    }

    #[rstest]
    #[case::long_ended("2020-01-01", true)]
    #[case::on_the_ninetieth_day_before("2027-02-21", true)]
    #[case::on_the_day_before_that("2027-02-22", false)]
    fn what_ends_within_the_greatest_reminder_is_told(#[case] end: &str, #[case] is_told: bool) {
        let snapshot = snapshot([filing("shop", Some(end), None), policy(&[10, 90])]);
        assert_eq!(all_endings(&snapshot, now()).len(), usize::from(is_told));
    }

    #[test]
    fn the_nearest_thousand_are_told_and_the_others_counted() {
        let old = (0..1003).map(|at| filing(&format!("old-{at}"), Some("2020-01-01"), None));
        let near = [
            filing("tomorrow", Some("2026-11-24"), None),
            filing("yesterday", Some("2026-11-22"), None),
        ];
        let text = scrape(synced(old.chain(near)), Certificates::default());
        let told = |name: &str| {
            let prefix = "filing_operator_expiry_timestamp_seconds{";
            text.lines()
                .filter(|line| line.starts_with(prefix) && line.contains(name))
                .count()
        };
        assert_is_open_metrics(&text);
        assert_eq!(told(""), MAX_ENDINGS);
        assert_eq!(told("tomorrow"), 1);
        assert_eq!(told("yesterday"), 1);
        assert!(text.contains("filing_operator_expiry_series_left_out 5\n"));
    }

    #[test]
    fn every_rule_that_a_term_names_has_a_word() {
        let snapshot = snapshot([
            filing("shop", Some("2026-11-24"), Some("2026-11-24")),
            server("slb", "2026-11-24", false),
        ]);
        let words: Vec<Cow<'_, str>> = all_endings(&snapshot, now())
            .iter()
            .map(|ending| ending.what.clone())
            .collect();
        assert_eq!(words, ["server", "domain", "record"]);
    }
}
