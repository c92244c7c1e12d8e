//! A stand-in for the API server: it lists what the operator watches, lets watches wait, and has another replica lead, so
//! that nothing is written while calls are timed. A real one takes minutes to be filled.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::fill::{HOME, POLICY};
use super::reviews::filing;

/// Serves a cluster with so many filings.
pub(crate) async fn serve(filings: usize) -> SocketAddr {
    let router = Router::new()
        .route("/apis/{group}/{version}/{resource}", get(list))
        .route("/api/v1/{resource}", get(list_core))
        .route(
            "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}",
            get(lease),
        )
        .route("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(who_am_i))
        .fallback(async |body: Bytes| (StatusCode::CREATED, body))
        .with_state(filings);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    address
}

/// What the query asks for.
fn asked(uri: &Uri) -> HashMap<&str, &str> {
    let query = uri.query().unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

async fn list(
    State(filings): State<usize>,
    Path((group, version, resource)): Path<(String, String, String)>,
    uri: Uri,
) -> Response {
    answer(&format!("{group}/{version}"), &resource, filings, &asked(&uri))
}

async fn list_core(State(filings): State<usize>, Path(resource): Path<String>, uri: Uri) -> Response {
    answer("v1", &resource, filings, &asked(&uri))
}

fn answer(version: &str, resource: &str, filings: usize, asked: &HashMap<&str, &str>) -> Response {
    if asked.contains_key("watch") {
        return Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()).into_response();
    }
    let number = |key: &str| asked.get(key).and_then(|text| text.parse::<usize>().ok());
    let mut next = String::new();
    let items: Vec<Value> = match resource {
        "filings" => {
            let first = number("continue").unwrap_or_default();
            let end = first.saturating_add(number("limit").unwrap_or(filings)).min(filings);
            if end < filings {
                next = end.to_string();
            }
            (first..end).map(filing).collect()
        }
        "filingpolicies" => vec![json!({"metadata": metadata("default"), "spec": policy()})],
        "ingressclasses" => {
            vec![json!({"metadata": metadata("nginx"), "spec": {"controller": "k8s.io/ingress-nginx"}})]
        }
        "namespaces" => {
            let names = (0..200).map(|nth| format!("team-{nth}")).chain([HOME.to_owned()]);
            names
                .map(|name| {
                    let mut metadata = metadata(&name);
                    metadata["labels"] = json!({"kubernetes.io/metadata.name": name});
                    json!({"metadata": metadata})
                })
                .collect()
        }
        _ => Vec::new(),
    };
    let metadata = json!({"resourceVersion": "1", "continue": next});
    Json(json!({"apiVersion": version, "kind": "List", "metadata": metadata, "items": items})).into_response()
}

fn metadata(name: &str) -> Value {
    json!({"name": name, "uid": "5b0c8e1c-0f5c-4d29-9f0e-000000000000", "resourceVersion": "1", "generation": 1,
        "creationTimestamp": "2026-01-05T08:00:00Z"})
}

fn policy() -> Value {
    serde_saphyr::from_str(POLICY).expect("it is YAML")
}

/// Held by another, who renews it.
async fn lease(Path((namespace, name)): Path<(String, String)>) -> Response {
    let now = filing_operator::operator::now();
    Json(json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": now.as_millisecond().to_string()},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 15, "renewTime": format!("{now:.6}")},
    }))
    .into_response()
}

async fn who_am_i() -> Response {
    let user = json!({"username": "system:serviceaccount:filing-system:filing-operator"});
    let review =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "status": {"userInfo": user}});
    (StatusCode::CREATED, Json(review)).into_response()
}
