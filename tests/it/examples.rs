//! The manifests of examples/dev, and the chart's values, hold what the code says: names and facts that stand in both places.

use std::collections::BTreeSet;
use std::fs;

use filing_operator::api::keys::{QUARANTINE_CLASS, QUARANTINE_CONTROLLER};
use filing_operator::domain::controller;
use rstest::rstest;
use serde_json::Value;

use crate::support::Cluster;

fn read(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[rstest]
#[case::to_try_it("examples/dev/policy.yaml", "/spec/blockExcept")]
#[case::of_the_chart("charts/filing-operator/values.yaml", "/policy/blockExcept")]
fn the_policy_excepts_each_controller_whose_address_may_go_with_the_class(#[case] file: &str, #[case] list: &str) {
    let policy = read(file);
    let listed = policy.pointer(list).unwrap().as_array().unwrap();
    let listed: BTreeSet<&str> = listed.iter().map(|name| name.as_str().unwrap()).collect();
    let releasing: BTreeSet<&str> = controller::releasing().map(|fact| fact.controller).collect();
    let missing: Vec<_> = releasing.difference(&listed).collect();
    let surplus: Vec<_> = listed.difference(&releasing).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "blockExcept of {file} lacks {missing:?}, and has {surplus:?} too many"
    );
}

#[test]
fn the_quarantine_class_is_the_one_that_routes_are_moved_to() {
    let class = read("examples/dev/quarantine.yaml");
    assert_eq!(class["kind"], "IngressClass");
    assert_eq!(class["metadata"]["name"], QUARANTINE_CLASS);
    assert_eq!(class["spec"]["controller"], QUARANTINE_CONTROLLER);
}

#[tokio::test]
async fn the_api_server_takes_them_as_they_are() {
    let files = "-f examples/dev/policy.yaml -f examples/dev/quarantine.yaml -f examples/dev/webhook.yaml \
                 -f examples/dev/break-glass.yaml";
    let cluster = Cluster::shared().await;
    cluster
        .kubectl(&format!("apply --dry-run=server --validate=strict {files}"), "")
        .succeeds();
}
