//! What the API server asks the webhook.

use http::Request;
use kube::Client;
use serde_json::{Value, json};

/// The question whether a route may be made. Nothing is kept of it, whatever the answer.
pub(crate) fn of_creation(route: &Value) -> Value {
    let metadata = &route["metadata"];
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE",
            "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
            "resource": {"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"},
            "namespace": metadata["namespace"], "name": metadata["name"], "userInfo": {"username": "someone"},
            "dryRun": true, "object": route,
        },
    })
}

/// An Ingress with one rule.
pub(crate) fn ingress(host: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop"}, "spec": {"rules": [{"host": host}]},
    })
}

/// Asks the webhook whether a route may be made, as a client by way of it.
pub(crate) async fn ask(webhook: &Client, route: &Value) -> Result<Value, kube::Error> {
    let call = Request::post("/admission/ingresses").header("content-type", "application/json");
    let body = of_creation(route).to_string().into_bytes();
    webhook.request(call.body(body).expect("it is a request")).await
}
