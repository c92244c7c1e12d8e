//! Real traffic: what a visitor of a host gets, through an ingress controller that serves the Ingresses of its class.

use std::time::{Duration, Instant};

use filing_operator::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS, VERDICT};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Cluster,
    cluster::Namespace,
    data_plane::{CLASS, DataPlane},
    operator::Operator,
    wait::{PATIENCE, eventually},
};

/// How soon a change must show to visitors: half a second of skipper's own is in it.
const SOON: Duration = Duration::from_secs(5);

/// An Ingress of skipper's class, in the field and the older annotation both.
fn ingress(name: &str, host: &str, port: u16) -> String {
    let backend = format!("{{service: {{name: web, port: {{number: {port}}}}}}}");
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, labels: {{team: shop}}}},
  spec: {{ingressClassName: {CLASS}, rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, \
         backend: {backend}}}]}}}}]}}}}\n"
    )
}

fn patch(namespace: &Namespace, name: &str, patch: &str) {
    namespace
        .kubectl(
            &format!("patch ingress {name} --type=merge --patch-file=/dev/stdin"),
            patch,
        )
        .succeeds();
}

/// A patch that sets the class in both places. An Ingress can't be created so, but changed.
fn legacy(class: &str) -> String {
    format!(
        "{{\"metadata\": {{\"annotations\": {{\"{LEGACY_CLASS}\": \"{class}\"}}}}, \"spec\": {{\"ingressClassName\": \"{class}\"}}}}"
    )
}

#[tokio::test]
async fn an_ingress_is_served_while_its_class_is_the_data_planes() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.temp_namespace("data-plane").await;
    let plane = DataPlane::start(cluster).await;
    plane.serve_in(&namespace);
    let (field, both) = ("field.example.com", "both.example.com");
    plane.answers(field, 404, SOON).await;

    namespace
        .kubectl("apply -f -", &ingress("field", field, plane.port()))
        .succeeds();
    namespace
        .kubectl("apply -f -", &ingress("both", both, plane.port()))
        .succeeds();
    patch(&namespace, "both", &legacy(CLASS));
    plane.answers(field, 200, SOON).await;
    plane.answers(both, 200, SOON).await;

    let moved = format!("{{\"spec\": {{\"ingressClassName\": \"{QUARANTINE_CLASS}\"}}}}");
    patch(&namespace, "field", &moved);
    patch(&namespace, "both", &legacy(QUARANTINE_CLASS));
    plane.answers(field, 404, SOON).await;
    plane.answers(both, 404, SOON).await;

    patch(&namespace, "field", &moved.replace(QUARANTINE_CLASS, CLASS));
    plane.answers(field, 200, SOON).await;
    assert_eq!(plane.get(both).await, Ok(404), "nobody put it back");
}

const POLICY: &str = "
site: {provider: alicloud, region: cn-beijing}
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
running: Block
brake: {routes: 10, percent: 100, minutes: 10}
";

/// The filing of example.com, at that stage.
fn filing(stage: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: Filing, metadata: {{name: example-com, namespace: filing-system}},
  spec: {{domains: [example.com], subject: {{name: 示例科技有限公司, nature: Enterprise}}, stage: {stage}, \
         number: 京ICP备2021012345号-1, approvedAt: 2021-02-20, access: [{{provider: alicloud, stage: Approved}}]}}}}\n"
    )
}

/// An Ingress as it is stored, but for what the API server moves by itself at every write: the version, the generation, the
/// times of its managers and with them their order.
fn stored(namespace: &Namespace, name: &str) -> Value {
    let found = namespace
        .kubectl(&format!("get ingress {name} -o json --show-managed-fields"), "")
        .succeeds();
    let mut found: Value = serde_json::from_str(&found).unwrap();
    let metadata = found["metadata"].as_object_mut().unwrap();
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    let managers = metadata["managedFields"].as_array_mut().unwrap();
    for manager in managers.iter_mut() {
        manager.as_object_mut().unwrap().remove("time");
    }
    managers.sort_by_key(ToString::to_string);
    found
}

#[tokio::test]
async fn a_host_goes_dark_with_its_filing_and_comes_back_with_it_as_if_nothing_had_been() {
    let cluster = Cluster::own().await;
    cluster.kubectl("create namespace filing-system", "").succeeds();
    cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
    cluster.kubectl("apply -f -", &filing("Approved")).succeeds();
    let namespace = cluster.temp_namespace("shop").await;
    let plane = DataPlane::start(&cluster).await;
    plane.serve_in(&namespace);
    let hosts = [("field", "field.example.com"), ("both", "both.example.com")];
    namespace
        .kubectl(
            "apply --server-side --field-manager=shop -f -",
            &ingress("field", hosts[0].1, plane.port()),
        )
        .succeeds();
    namespace
        .kubectl("apply -f -", &ingress("both", hosts[1].1, plane.port()))
        .succeeds();
    patch(&namespace, "both", &legacy(CLASS));

    let folder = TempDir::with_prefix("filing-operator-policy-").unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, POLICY).unwrap();
    let args = ["--namespace", "filing-system", "--policy", policy.to_str().unwrap()];
    let _operator = Operator::start(&cluster.admin, &args).await;
    let mut before = Vec::new();
    for (name, host) in hosts {
        plane.answers(host, 200, SOON).await;
        eventually("the verdict to show", PATIENCE, async || {
            let found = stored(&namespace, name);
            let verdict = &found["metadata"]["annotations"][VERDICT];
            if verdict == "Compliant" {
                Ok(())
            } else {
                Err(found.to_string())
            }
        })
        .await;
        before.push(stored(&namespace, name));
    }

    for (stage, status) in [("Cancelled", 404), ("Approved", 200)] {
        cluster.kubectl("apply -f -", &filing(stage)).succeeds();
        let told = Instant::now();
        for (_, host) in hosts {
            plane.answers(host, status, SOON.saturating_sub(told.elapsed())).await;
        }
    }
    for ((name, _), before) in hosts.iter().zip(&before) {
        eventually(&format!("{name} to be what it was"), PATIENCE, async || {
            let after = stored(&namespace, name);
            if after == *before {
                Ok(())
            } else {
                Err(format!("it is {after:#}\nit was {before:#}"))
            }
        })
        .await;
    }
}
