//! `plan` as it is typed: on files, on what can't be read, and on a real API server.

use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;

use crate::support::Cluster;
use crate::support::cli::{answer, program};
use crate::support::cluster::Output;

const FACTS: &str = "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: shop}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  handler: {name: 张三, idExpiresAt: 2026-12-30}
  access: [{provider: alicloud, stage: Approved, servers: [plan-slb]}]
  launchedAt: 2026-11-20
---
apiVersion: filing-operator.io/v1alpha1
kind: AccessServer
metadata: {name: plan-slb}
spec: {provider: alicloud, expiresAt: 2027-01-10}
";

const BROKEN: &str = "\
---
apiVersion: filing-operator.io/v1alpha1
kind: AccessServer
metadata: {name: broken}
spec: {provider: alicloud, expiresAt: 2027-02-30}
";

fn run(args: &[&str], stdin: &str, kubeconfig: Option<&Path>) -> Output {
    let mut command = program(Path::new(env!("CARGO_MANIFEST_DIR")));
    command.arg("plan").args(args);
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    answer(&mut command, stdin.as_bytes())
}

/// Plans one stream, as of the day that the examples are told of.
fn plan(stdin: &str, args: &[&str]) -> Output {
    run(&[&["-", "--now", "2026-11-23"], args].concat(), stdin, None)
}

fn json(stdin: &str, args: &[&str]) -> Value {
    serde_json::from_str(&plan(stdin, &[&["-o", "json"], args].concat()).stdout).unwrap()
}

fn dates(plan: &Value, task: &str) -> Vec<String> {
    let entries = plan["entries"].as_array().unwrap().iter();
    let of = entries.filter(|entry| entry["task"] == task);
    of.map(|entry| entry["date"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_due_is_a_table() {
    let answer = plan(FACTS, &["--days", "60"]);
    insta::assert_snapshot!(answer.succeeds());
}

#[test]
fn the_namespace_of_filings_that_name_none_can_be_said() {
    let told = json(FACTS, &["-n", "filings"]);
    let namespaces = told["entries"].as_array().unwrap().iter();
    let namespaces: Vec<&str> = namespaces
        .filter_map(|entry| entry["object"]["namespace"].as_str())
        .collect();
    assert!(!namespaces.is_empty() && namespaces.iter().all(|namespace| *namespace == "filings"));
}

#[test]
fn a_calendar_can_be_kept_in_a_file() {
    let calendar = plan(FACTS, &["-o", "ics", "--lang", "zh"]).succeeds();
    assert!(calendar.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"), "{calendar}");
    assert!(calendar.ends_with("END:VCALENDAR\r\n"), "{calendar}");
    assert!(calendar.split("\r\n").all(|line| line.len() <= 75), "{calendar}");
    assert!(!calendar.contains("张三"));
}

#[test]
fn a_policy_of_a_file_says_when_to_remind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, "reminders: [7]\n").unwrap();
    let told = json(FACTS, &["--policy", file.to_str().unwrap()]);
    assert_eq!(dates(&told, "Reminder"), ["2026-12-23", "2027-01-03"]);
    let by_default = json(FACTS, &[]);
    assert_eq!(dates(&by_default, "Reminder").len(), 8, "those of 90 days are past");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_planned() {
    let answer = plan(&format!("{FACTS}{BROKEN}"), &["-o", "json"]);
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains("2027-02-30"), "{}", answer.stderr);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(told["entries"], json(FACTS, &[])["entries"]);

    let answer = plan(FACTS, &["--policy", "nowhere.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("nowhere.yaml"), "{}", answer.stderr);
    assert_eq!(answer.stdout, plan(FACTS, &[]).stdout);

    let answer = run(&["nowhere", "--now", "2026-11-23"], "", None);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("nowhere"), "{}", answer.stderr);
}

#[test]
fn nothing_to_do_is_said() {
    let answer = plan("", &["--days", "30"]);
    assert_eq!(answer.stdout, "nothing is due until 2026-12-23\n");
    assert_eq!(answer.code, 0);
    assert!(answer.stderr.contains("no Filing"), "{}", answer.stderr);
}

#[rstest]
#[case::nothing_to_read(&[], "name files or folders")]
#[case::two_things_to_read(&["a.yaml", "--live"], "cannot be used with")]
#[case::no_days(&["-", "--days", "0"], "0 is not in 1..=3660")]
#[case::too_many_days(&["-", "--days", "3661"], "3661 is not in 1..=3660")]
#[case::no_day(&["-", "--now", "tomorrow"], "a day like 2026-11-23")]
fn what_is_typed_wrong_is_said(#[case] args: &[&str], #[case] expected: &str) {
    let answer = run(args, FACTS, None);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains(expected), "{}", answer.stderr);
}

#[tokio::test]
async fn a_cluster_is_planned_as_the_files_that_it_was_made_of() {
    let cluster = Cluster::own().await;
    let namespace = cluster.temp_namespace("plan").await;
    namespace.kubectl("apply -f -", FACTS).succeeds();
    let kubeconfig = &cluster.admin.kubeconfig;
    let args = ["--live", "--now", "2026-11-23", "-o", "json"];
    let live: Value = serde_json::from_str(&run(&args, "", Some(kubeconfig)).succeeds()).unwrap();
    assert_eq!(live, json(FACTS, &["-n", &namespace.name]));

    // Who may list filings alone is told what is missing, and has the plan of those.
    cluster
        .kubectl(
            "create clusterrole plan-filings --verb=list --resource=filings.filing-operator.io",
            "",
        )
        .succeeds();
    cluster
        .kubectl(
            "create clusterrolebinding plan-filings --clusterrole=plan-filings --user=plans",
            "",
        )
        .succeeds();
    let plans = cluster.user("plans", &[]);
    let answer = run(&args, "", Some(&plans.kubeconfig));
    assert_eq!(answer.code, 2, "{}", answer.stderr);
    assert!(answer.stderr.contains("accessservers"), "{}", answer.stderr);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(dates(&told, "FilePublicSecurity"), ["2026-11-20"]);
}
