//! The dashboard, by Grafana's own schema and Prometheus' own parser (tests/programs/dashboard/main.go). None of this renders it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Seek as _, Write as _};
use std::process::Command;

use rstest::rstest;
use serde::Deserialize;
use serde_json::Value;

use super::of_kind;
use crate::support::cluster::Output;
use crate::support::helm::{CHART, SITE, render};
use crate::support::programs;
use crate::support::stage::objects;

/// What the API server tells of its webhooks, with the labels that it has (k8s.io/apiserver, pkg/admission/metrics).
const OF_THE_API_SERVER: [(&str, &[&str]); 4] = [
    (
        "apiserver_admission_webhook_admission_duration_seconds_bucket",
        &["le", "name", "operation", "rejected", "type"],
    ),
    ("apiserver_admission_webhook_fail_open_count", &["name", "type"]),
    (
        "apiserver_admission_webhook_rejection_count",
        &["error_type", "name", "operation", "rejection_code", "type"],
    ),
    (
        "apiserver_admission_webhook_request_total",
        &["code", "name", "operation", "rejected", "type"],
    ),
];

/// What each replica tells of itself; all else that goes up and down is told by every replica alike.
const OF_A_REPLICA: [&str; 3] = [
    "filing_operator_build_info",
    "filing_operator_leader",
    "filing_operator_snapshot_synced",
];

/// What a query asks for, as the program tells it.
#[derive(Debug, Deserialize)]
struct Query {
    panel: u32,
    expr: String,
    legend: String,
    asks: Vec<Ask>,
}

#[derive(Debug, Deserialize)]
struct Ask {
    metric: String,
    labels: BTreeSet<String>,
    aggregate: String,
}

/// A metric of ours as it is documented.
struct Told {
    kind: String,
    labels: BTreeSet<String>,
}

fn text() -> String {
    fs::read_to_string(format!("{CHART}/files/dashboard.json")).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&text()).unwrap()
}

fn checked(text: &str) -> Output {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    Command::new(programs::dashboard()).stdin(file).output().unwrap().into()
}

fn queries() -> Vec<Query> {
    serde_json::from_str(&checked(&text()).succeeds()).unwrap()
}

/// The series that Prometheus keeps, by name.
fn documented() -> BTreeMap<String, Told> {
    let file = "docs/reference/metrics.md";
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `filing_operator_")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, labels, ..] = cells[..] else {
            panic!("{line}")
        };
        let mut labels: BTreeSet<String> = labels
            .split(',')
            .map(|label| label.trim().trim_matches('`').to_owned())
            .filter(|label| !label.is_empty())
            .collect();
        let mut name = name.trim_matches('`').to_owned();
        if kind == "histogram" {
            name.push_str("_bucket");
            labels.insert("le".to_owned());
        }
        let kind = kind.to_owned();
        all.insert(name, Told { kind, labels });
    }
    assert!(all.len() > 20, "{file} tells of {} metrics", all.len());
    all
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

fn is_row(panel: &Value) -> bool {
    panel["type"] == "row"
}

#[test]
fn it_fits_the_schema_and_every_query_parses() {
    let dashboard = dashboard();
    let asked: BTreeSet<u64> = queries().iter().map(|query| query.panel.into()).collect();
    let shown: BTreeSet<u64> = panels(&dashboard)
        .iter()
        .filter(|panel| !is_row(panel))
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(asked, shown);
}

#[rstest]
#[case::unknown_field(r#""timezone""#, r#""timezon""#, "timezon")]
#[case::unknown_field_of_a_query(r#""legendFormat""#, r#""legend""#, "targets[0]")]
#[case::unknown_option_of_a_panel(r#""showHeader""#, r#""showHead""#, "options.showHeader")]
#[case::unknown_field_of_a_field(r#""unit": "short""#, r#""unti": "short""#, "fieldConfig.defaults")]
#[case::unknown_field_of_an_override(r#""custom.width""#, r#""custom.widht""#, "overrides[0].custom.widht")]
#[case::unknown_word(r#""colorMode": "value""#, r#""colorMode": "val""#, "options.colorMode: val")]
#[case::unknown_panel(
    r#""type": "stat""#,
    r#""type": "stats""#,
    r#".type: no schema is known for "stats""#
)]
#[case::wider_than_the_page(r#""w": 12"#, r#""w": 40"#, "gridPos.w")]
#[case::no_promql("time()", "time(", "targets[0].expr")]
fn what_does_not_fit_is_told_with_its_path(#[case] right: &str, #[case] wrong: &str, #[case] named: &str) {
    let right_text = text();
    let wrong_text = right_text.replace(right, wrong);
    assert_ne!(right_text, wrong_text);
    let said = checked(&wrong_text).fails();
    assert!(said.contains(named), "{said}");
}

#[test]
fn every_metric_and_label_is_one_that_is_told() {
    let ours = documented();
    let others: BTreeMap<_, _> = OF_THE_API_SERVER.into();
    for Query { panel, expr, asks, .. } in queries() {
        for ask in asks {
            let at = format!("panel {panel}: {expr}: {}", ask.metric);
            let labels: BTreeSet<&str> = ask.labels.iter().map(String::as_str).collect();
            if let Some(known) = others.get(&*ask.metric) {
                assert!(labels.is_subset(&known.iter().copied().collect()), "{at}: {labels:?}");
                continue;
            }
            let told = ours.get(&ask.metric).unwrap_or_else(|| panic!("{at} is not told"));
            // The label by which the operator is chosen is Prometheus'.
            let unknown: Vec<_> = labels
                .iter()
                .filter(|label| **label != "job" && !told.labels.contains(**label))
                .collect();
            assert!(unknown.is_empty(), "{at}: {unknown:?}");
            assert!(labels.contains("job"), "{at}");
        }
    }
}

/// Every replica tells how the cluster stands: a sum would count it as often as there are replicas.
#[test]
fn replicas_are_added_up_only_where_each_tells_its_own() {
    let ours = documented();
    for Query { panel, expr, asks, .. } in queries() {
        for Ask { metric, aggregate, .. } in asks {
            let is_own = OF_A_REPLICA.contains(&&*metric) || ours.get(&metric).is_none_or(|told| told.kind != "gauge");
            let due: &[&str] = if is_own { &["sum", "count"] } else { &["max", "min"] };
            assert!(
                due.contains(&&*aggregate),
                "panel {panel}: {expr}: {aggregate} of {metric}"
            );
        }
    }
}

#[test]
fn a_legend_names_labels_of_its_query() {
    for Query {
        panel, legend, asks, ..
    } in queries()
    {
        for (_, named) in legend.match_indices("{{").map(|(at, _)| legend.split_at(at + 2)) {
            let (label, _) = named.split_once("}}").unwrap();
            let is_named = asks.iter().all(|ask| ask.labels.contains(label.trim()));
            assert!(is_named, "panel {panel}: {legend}");
        }
    }
}

#[test]
fn the_variables_are_those_that_the_queries_use() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["datasource", "job"]);
    assert_eq!(variables[0]["query"], "prometheus");
    let asked = variables[1]["query"]["query"].as_str().unwrap();
    assert_eq!(variables[1]["definition"], asked);
    let (metric, label) = asked
        .strip_prefix("label_values(")
        .and_then(|asked| asked.strip_suffix(")")?.split_once(", "))
        .unwrap();
    assert!(documented().contains_key(metric), "{metric}");
    assert_eq!(label, "job");
    let text = text();
    let used: BTreeSet<&str> = text
        .split('$')
        .skip(1)
        .map(|rest| rest.split(['"', '\\', ']']).next().unwrap())
        .collect();
    let due: BTreeSet<&str> = ["job", "{datasource}", "__rate_interval", "__all"].into();
    assert_eq!(used, due);
}

#[test]
fn panels_stand_beside_each_other() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = &panel["title"];
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        for x in place("x")..place("x") + place("w") {
            assert!(x < 24, "{title}");
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title} lies on another at {x}, {y}");
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    let dashboard = dashboard();
    assert_eq!(dashboard["uid"], "filing-operator");
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{panel}");
        if is_row(panel) {
            continue;
        }
        let says = panel["description"].as_str().unwrap_or_default();
        assert!(says.ends_with('.'), "{title}: {says}");
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        assert!(!unit.is_empty(), "{title} has no unit");
    }
}

/// The page has a heading for each row, in their order.
#[test]
fn every_row_is_in_the_documentation() {
    let dashboard = dashboard();
    let rows = panels(&dashboard).iter().filter(|panel| is_row(panel));
    let rows: Vec<&str> = rows.map(|row| row["title"].as_str().unwrap()).collect();
    let page = fs::read_to_string("docs/dashboard.md").unwrap();
    let told = page
        .lines()
        .filter_map(|line| line.strip_prefix("| **")?.split_once("** |"));
    let told: Vec<&str> = told.map(|(row, _)| row).collect();
    assert_eq!(told, rows);
}

#[test]
fn its_config_map_holds_just_the_file() {
    let of = |more: &str| {
        let rendered = objects(&render(&format!("{SITE} {more}")));
        let mut maps = of_kind(&rendered, "ConfigMap").into_iter();
        maps.find(|map| map["metadata"]["name"] == "filing-operator-dashboard")
            .cloned()
    };
    let enabled = "--set metrics.dashboard.enabled=true";
    let map = of(enabled).unwrap();
    let held = map["data"].as_object().unwrap();
    assert_eq!(held.keys().collect::<Vec<_>>(), ["filing-operator.json"]);
    assert!(held["filing-operator.json"] == text());
    assert_eq!(map["metadata"]["namespace"], "filing-system");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    assert_eq!(map["metadata"]["annotations"], Value::Null);

    let elsewhere = of(&format!(
        "{enabled} --set metrics.dashboard.namespace=monitoring \
         --set metrics.dashboard.annotations.grafana_folder=ICP --set metrics.dashboard.labels.team=shop"
    ))
    .unwrap();
    assert_eq!(elsewhere["metadata"]["namespace"], "monitoring");
    assert_eq!(elsewhere["metadata"]["annotations"]["grafana_folder"], "ICP");
    assert_eq!(elsewhere["metadata"]["labels"]["team"], "shop");

    assert_eq!(of(""), None);
}
