//! Hosts that annotations add, in a cluster.

use crate::support::cluster::Cluster;
use crate::support::stage::{APPROVED, POLICY, annotation, at_stage, declare, ingress, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

fn aliased(name: &str, host: &str, alias: &str) -> String {
    let plain = format!("metadata: {{name: {name}}}");
    let told =
        format!("metadata: {{name: {name}, annotations: {{nginx.ingress.kubernetes.io/server-alias: '{alias}'}}}}");
    let ingress = ingress(name, &[host]);
    assert!(ingress.contains(&plain), "{ingress}");
    ingress.replace(&plain, &told)
}

#[tokio::test]
async fn a_host_that_an_annotation_adds_is_denied_and_followed_like_any_other() {
    let cluster = Cluster::own().await;
    let _operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    declare(&cluster.admin, "first", "first.com", APPROVED).succeeds();
    declare(&cluster.admin, "second", "second.com", APPROVED).succeeds();
    let namespace = cluster.temp_namespace("aliases").await;
    let filed = aliased("web", "www.first.com", "www.second.com");
    eventually("the filings to be known", PATIENCE, async || {
        let tried = namespace.kubectl("create -f -", &filed);
        if tried.code == 0 { Ok(()) } else { Err(tried.stderr) }
    })
    .await;
    annotation(&cluster, &namespace, "web", "verdict", "Compliant").await;

    let unfiled = aliased("web", "www.first.com", "www.second.com, unfiled.com");
    let denied = namespace.kubectl("apply -f -", &unfiled).fails();
    assert!(
        denied.contains("unfiled.com: no trusted filing covers unfiled.com [NoFiling]"),
        "{denied}"
    );
    assert!(!denied.contains("second.com:"), "{denied}");

    // A filing that only an alias rests on.
    declare(&cluster.admin, "second", "second.com", &at_stage("Cancelled")).succeeds();
    annotation(&cluster, &namespace, "web", "findings", "www.second.com: ").await;
    annotation(&cluster, &namespace, "web", "findings", "[FilingCancelled]").await;
}
