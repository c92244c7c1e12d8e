use kube::core::ObjectMeta;
use prometheus_client::encoding::text;
use rstest::rstest;

use super::*;
use crate::api::{AccessServerSpec, FilingPolicySpec, FilingSpec, Registration, keys};
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

/// Of everything one, for one who asks what there is.
fn everything() -> (Shared, Certificates) {
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
        violations: Arc::new([(("shop".into(), "NoFiling"), 3)].into()),
        filings: [(Colour::Blue, 1), (Colour::Red, 2)].into(),
        servers: [(Colour::Yellow, 1)].into(),
    }));
    shared.is_leader.store(true, Ordering::Relaxed);
    shared.waiting_writes.store(2, Ordering::Relaxed);
    let certificates = Certificates::default();
    certificates.set_serving("2026-12-23T04:00:00Z".parse().unwrap());
    certificates.set_authority("2027-11-23T04:00:00Z".parse().unwrap());

    (shared, certificates)
}

#[test]
fn everything_is_told_with_what_it_means() {
    let (shared, certificates) = everything();
    let text = scrape(shared, certificates);
    assert_is_open_metrics(&text);
    insta::assert_snapshot!(text);
}

/// A row of the reference for each family in a text: its name in queries, type, labels, and what it tells.
fn rows(text: &str) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    let families = text.split("# HELP ").skip(1);
    for family in families {
        let (told, rest) = family.split_once('\n').unwrap();
        let (name, help) = told.split_once(' ').unwrap();
        let kind = rest.lines().find_map(|line| line.strip_prefix("# TYPE ")).unwrap();
        let kind = kind.rsplit_once(' ').unwrap().1;
        let sample = rest.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        let (series, labels) = sample
            .split_once('{')
            .unwrap_or((sample.split(' ').next().unwrap(), ""));
        let labels = labels.split_once('}').map_or("", |(labels, _)| labels);
        let labels: Vec<String> = labels
            .split("\",")
            .filter_map(|label| Some(format!("`{}`", label.split_once('=')?.0)))
            .filter(|label| label != "`le`")
            .collect();
        let name = if kind == "histogram" { name } else { series };
        let row = format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "));
        rows.push((name.to_owned(), row));
    }
    rows.sort();
    rows.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn the_reference_lists_every_metric_that_the_operator_has() {
    let (shared, certificates) = everything();
    shared.watches().for_each(|(_, watch)| watch.saw(now()));
    let mut registry = Registry::default();
    crate::admission::Metrics::exercised().register(&mut registry);
    crate::notify::Metrics::exercised().register(&mut registry);
    let clock: Clock = Arc::new(now);
    Metrics::new(Arc::new(shared), Arc::new(certificates), clock).register(&mut registry);
    let mut text = String::new();
    text::encode(&mut text, &registry).unwrap();
    let reference = format!(
        "# Metrics\n\n\
        *For platform engineers who watch it. Generated from the program.*\n\n\
        Served at `/metrics` on `--metrics-address`, as OpenMetrics. Every replica tells of the cluster the same (take `max`), and of itself\n\
        what it did (take `sum`). No label is a host. Where names of objects or namespaces are labels, there are 1,000 series at most.\n\n\
        | metric | type | labels | |\n|---|---|---|---|\n{}",
        rows(&text)
    );
    crate::support::is_generated("docs/reference/metrics.md", &reference);
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
    assert_eq!(near_endings(&snapshot, now()).len(), usize::from(is_told));
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
    assert_eq!(told(""), MAX_SERIES);
    assert_eq!(told("tomorrow"), 1);
    assert_eq!(told("yesterday"), 1);
    assert!(text.contains("filing_operator_expiry_series_left_out 5\n"));
}

#[test]
fn what_ends_is_counted_by_month_for_two_years() {
    let text = scrape(
        synced([
            filing("a", Some("2026-11-22"), Some("2026-11-23")),
            filing("b", Some("2026-11-30"), Some("2028-11-30")),
            filing("c", Some("2028-12-01"), None),
            server("slb", "2026-12-01", false),
            server("renewed", "2026-12-01", true),
        ]),
        Certificates::default(),
    );
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("filing_operator_ends{"))
        .collect();
    assert_eq!(
        told,
        [
            "what=\"domain\",month=\"2026-11\"} 1",
            "what=\"domain\",month=\"2028-11\"} 1",
            "what=\"record\",month=\"2026-11\"} 1",
            "what=\"record\",month=\"ended\"} 1",
            "what=\"record\",month=\"later\"} 1",
            "what=\"server\",month=\"2026-12\"} 1",
        ]
    );
}

#[test]
fn the_largest_thousand_counts_of_violations_are_told_and_the_others_counted() {
    let shared = Shared::default();
    let many = (0..1003u32).map(|at| ((format!("team-{at}").into(), "NoFiling"), at + 1));
    shared.standing.store(Arc::new(Standing {
        violations: Arc::new(many.collect()),
        ..Standing::default()
    }));
    let text = scrape(shared, Certificates::default());
    let told = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(told("filing_operator_violations{"), MAX_SERIES);
    assert_eq!(
        told("filing_operator_violations{namespace=\"team-1002\",rule=\"NoFiling\"} 1003"),
        1
    );
    assert_eq!(told("filing_operator_violations{namespace=\"team-2\""), 0);
    assert!(text.contains("filing_operator_violations_left_out 3\n"));
}

#[test]
fn every_rule_that_a_term_names_has_a_word() {
    let snapshot = snapshot([
        filing("shop", Some("2026-11-24"), Some("2026-11-24")),
        server("slb", "2026-11-24", false),
    ]);
    let near = near_endings(&snapshot, now());
    let words: Vec<&str> = near.iter().map(|ending| what_label(&ending.term)).collect();
    assert_eq!(words, ["record", "domain", "server"]);
}
