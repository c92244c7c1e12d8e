//! The manifests of examples/dev hold what the code says: names and facts that stand in both places.

use std::collections::BTreeSet;
use std::fs;

use filing_operator::api::keys::{QUARANTINE_CLASS, QUARANTINE_CONTROLLER};
use filing_operator::domain::controller;
use serde_json::Value;

use crate::support::Cluster;

fn read(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_policy_excepts_each_controller_whose_address_may_go_with_the_class() {
    let policy = read("examples/dev/policy.yaml");
    let listed = policy["spec"]["blockExcept"].as_array().unwrap();
    let listed: BTreeSet<&str> = listed.iter().map(|name| name.as_str().unwrap()).collect();
    let releasing: BTreeSet<&str> = controller::releasing().map(|fact| fact.controller).collect();
    let missing: Vec<_> = releasing.difference(&listed).collect();
    let surplus: Vec<_> = listed.difference(&releasing).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "blockExcept of examples/dev/policy.yaml lacks {missing:?}, and has {surplus:?} too many"
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
