//! What the operator keeps of its webhook's configuration, and what it leaves to others.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Api;

use crate::support::cluster::Cluster;
use crate::support::stage::{APPROVED, FILINGS, POLICY, declare, marker, operator_that_is_asked};
use crate::support::wait::until;

const CONFIGURATION: &str = "filing-operator";

/// The failurePolicy of `ingresses` and of `declarations`.
fn failure_policies(configuration: &ValidatingWebhookConfiguration) -> [Option<&str>; 2] {
    let webhooks = configuration.webhooks.iter().flatten();
    let policy = |name: &str| {
        let found = webhooks.clone().find(|webhook| webhook.name.starts_with(name))?;
        found.failure_policy.as_deref()
    };
    [policy("ingresses."), policy("declarations.")]
}

/// Waits until the two are so, with a `caBundle` beside them, and gives the configuration.
async fn registered(cluster: &Cluster, ingresses: &str, declarations: &str) -> ValidatingWebhookConfiguration {
    let api = Api::<ValidatingWebhookConfiguration>::all(cluster.client().await);
    let expected = [Some(ingresses), Some(declarations)];
    let is_so = |seen: Option<&ValidatingWebhookConfiguration>| {
        seen.is_some_and(|seen| {
            let mut webhooks = seen.webhooks.iter().flatten();
            failure_policies(seen) == expected && webhooks.all(|webhook| webhook.client_config.ca_bundle.is_some())
        })
    };
    let what = format!("failurePolicy {ingresses} and {declarations}");
    until(api, CONFIGURATION, &what, is_so).await.unwrap()
}

/// Sets the failurePolicy of a webhook by its place, as a person does.
fn set(cluster: &Cluster, at: usize, policy: &str) {
    let patch = format!("[{{\"op\":\"replace\",\"path\":\"/webhooks/{at}/failurePolicy\",\"value\":\"{policy}\"}}]");
    let patched = format!("patch validatingwebhookconfiguration {CONFIGURATION} --type=json -p {patch}");
    cluster.kubectl(&patched, "").succeeds();
}

fn admission(cluster: &Cluster, admission: &str) {
    let patch = format!("{{\"spec\":{{\"admission\":\"{admission}\"}}}}");
    let patched = format!("patch filingpolicy default --type=merge -p {patch}");
    cluster.kubectl(&patched, "").succeeds();
}

#[tokio::test]
async fn ingresses_fail_while_a_policy_denies_and_declarations_never() {
    let cluster = Cluster::own().await;
    let _operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    // With no filing at all the policy only warns.
    let first = registered(&cluster, "Ignore", "Ignore").await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    let denying = registered(&cluster, "Fail", "Ignore").await;
    assert_eq!(first.metadata.uid, denying.metadata.uid);
    admission(&cluster, "Warn");
    registered(&cluster, "Ignore", "Ignore").await;
    admission(&cluster, "Deny");
    registered(&cluster, "Fail", "Ignore").await;
    cluster
        .kubectl(&format!("delete filing -n {FILINGS} filed"), "")
        .succeeds();
    registered(&cluster, "Ignore", "Ignore").await;
}

#[tokio::test]
async fn what_others_change_of_it_is_put_back_and_what_is_not_its_own_is_left() {
    let cluster = Cluster::own().await;
    let _operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    registered(&cluster, "Fail", "Ignore").await;
    let theirs = r#"[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":3},{"op":"add","path":"/metadata/labels","value":{"team":"shop"}}]"#;
    let patch = format!("patch validatingwebhookconfiguration {CONFIGURATION} --type=json -p {theirs}");
    cluster.kubectl(&patch, "").succeeds();
    set(&cluster, 0, "Ignore");
    registered(&cluster, "Fail", "Ignore").await;
    set(&cluster, 1, "Fail");
    registered(&cluster, "Fail", "Ignore").await;
    let bundle = r#"[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]"#;
    let patch = format!("patch validatingwebhookconfiguration {CONFIGURATION} --type=json -p {bundle}");
    cluster.kubectl(&patch, "").succeeds();
    let mended = registered(&cluster, "Fail", "Ignore").await;
    assert_eq!(mended.webhooks.unwrap()[0].timeout_seconds, Some(3));
    assert_eq!(mended.metadata.labels.unwrap()["team"], "shop");
    // One that is deleted is not made again; one that is made again is written to.
    let delete = format!("delete validatingwebhookconfiguration {CONFIGURATION}");
    cluster.kubectl(&delete, "").succeeds();
    marker(&cluster, "after").await;
    let get = format!("get validatingwebhookconfiguration {CONFIGURATION}");
    assert!(cluster.kubectl(&get, "").fails().contains("not found"));
    cluster.kubectl("apply -f examples/dev/webhook.yaml", "").succeeds();
    registered(&cluster, "Fail", "Ignore").await;
}

#[tokio::test]
async fn a_failure_policy_that_is_fixed_is_left_as_it_is() {
    let cluster = Cluster::own().await;
    // The webhook has to be known before it could be turned.
    let mut operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    // Once this is the operator's, leaving it out would not leave it as it is.
    registered(&cluster, "Fail", "Ignore").await;
    operator.restart_with(&["--failure-policy", "leave"]).await;
    set(&cluster, 1, "Fail");
    let bundle = r#"[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]"#;
    let patch = format!("patch validatingwebhookconfiguration {CONFIGURATION} --type=json -p {bundle}");
    cluster.kubectl(&patch, "").succeeds();
    // With the caBundle written again, all is written that is to be.
    registered(&cluster, "Fail", "Fail").await;
    set(&cluster, 0, "Ignore");
    cluster.kubectl(&patch, "").succeeds();
    registered(&cluster, "Ignore", "Fail").await;
}
