//! Real traffic: what a visitor of a host gets, through an ingress controller that serves the Ingresses of its class.

use std::time::Duration;

use filing_operator::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS};

use crate::support::{
    Cluster,
    cluster::Namespace,
    data_plane::{CLASS, DataPlane},
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
    let legacy = |class: &str| {
        format!(
            "{{\"metadata\": {{\"annotations\": {{\"{LEGACY_CLASS}\": \"{class}\"}}}}, \"spec\": {{\"ingressClassName\": \"{class}\"}}}}"
        )
    };
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
