//! Real traffic: what a visitor of a host gets, through an ingress controller that serves the Ingresses of its class.

use std::time::{Duration, Instant};

use filing_operator::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS, VERDICT};
use serde_json::Value;

use crate::support::{
    Cluster,
    cluster::Namespace,
    data_plane::{CLASS, DataPlane},
    stage::{BLOCKING, at_stage, comparable, declare, home, operator},
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
    // Its own, for nobody is to judge what it serves.
    let cluster = Cluster::own().await;
    let namespace = cluster.temp_namespace("data-plane").await;
    let plane = DataPlane::start(&cluster).await;
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

/// An Ingress as it is stored, but for what the API server moves.
fn stored(namespace: &Namespace, name: &str) -> Value {
    let found = namespace
        .kubectl(&format!("get ingress {name} -o json --show-managed-fields"), "")
        .succeeds();
    comparable(serde_json::from_str(&found).unwrap())
}

#[tokio::test]
async fn a_host_goes_dark_with_its_filing_and_comes_back_with_it_as_if_nothing_had_been() {
    let cluster = Cluster::own().await;
    home(&cluster);
    cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
    let file = |stage| declare(&cluster.admin, "example-com", "example.com", &at_stage(stage)).succeeds();
    file("Approved");
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

    let _operator = operator(&cluster, &cluster.admin, BLOCKING, &[]).await;
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
        file(stage);
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
