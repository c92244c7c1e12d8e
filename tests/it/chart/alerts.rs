//! The alerts, by Prometheus' own promtool.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::helm::{CHART, render};
use crate::support::programs::promtool;
use crate::support::stage::objects;

fn promtool_says(args: &[&str]) {
    let out = Command::new(promtool()).args(args).output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(out.status.success(), "{said}");
}

#[test]
fn each_fires_when_it_is_due_and_only_then() {
    let alerts = fs::canonicalize(format!("{CHART}/files/alerts.yaml")).unwrap();
    promtool_says(&["check", "rules", "--lint-fatal", alerts.to_str().unwrap()]);
    let tests = fs::read_to_string("tests/it/chart/alerts.test.yaml").unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("alerts.test.yaml");
    fs::write(&file, tests.replace("ALERTS", alerts.to_str().unwrap())).unwrap();
    promtool_says(&["test", "rules", file.to_str().unwrap()]);
    // None is left out.
    let alerts: Value = serde_saphyr::from_str(&fs::read_to_string(alerts).unwrap()).unwrap();
    for alert in alerts["groups"][0]["rules"].as_array().unwrap() {
        let fired = format!("alertname: {}\n        exp_alerts:\n", alert["alert"].as_str().unwrap());
        assert!(tests.contains(&fired), "{fired}");
    }
}

#[test]
fn each_leads_to_a_page_and_is_in_the_chart() {
    let rendered = objects(&render("--set metrics.prometheusRule.enabled=true"));
    let rule = rendered
        .iter()
        .find(|object| object["kind"] == "PrometheusRule")
        .unwrap();
    let alerts = rule["spec"]["groups"][0]["rules"].as_array().unwrap();
    assert!(!alerts.is_empty());
    for alert in alerts {
        let page = alert["annotations"]["runbook_url"].as_str().unwrap();
        let (_, page) = page.split_once("/blob/main/").unwrap();
        let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.starts_with("# "), "{page}");
    }
}
