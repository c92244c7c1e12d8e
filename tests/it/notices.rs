//! Notices to people, from a change in a real cluster to an HTTP server on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use jiff::SignedDuration;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::wait::{PATIENCE, eventually};

const HOME: &str = "filing-system";

/// What a channel has received.
type Received = Arc<Mutex<Vec<Value>>>;

/// A server that takes CloudEvents, and where.
async fn receiver() -> (Received, String) {
    let received = Received::default();
    let take = async |State(received): State<Received>, body: String| {
        received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        StatusCode::ACCEPTED
    };
    let router = Router::new()
        .route("/hook", post(take))
        .with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    (received, format!("http://{address}/hook"))
}

fn of_type(received: &Received, kind: &str) -> Vec<Value> {
    let received = received.lock().unwrap();
    let ours = received.iter().filter(|event| event["type"] == kind);
    ours.map(|event| event["data"].clone()).collect()
}

/// How far ahead the operator's clock has to be to show so long before 09:00 in China.
fn ahead_of_nine(before: SignedDuration) -> String {
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let now = filing_operator::operator::now();
    let tomorrow = now.to_zoned(china.clone()).date().tomorrow().unwrap();
    let nine = tomorrow.at(9, 0, 0, 0).to_zoned(china).unwrap().timestamp();
    format!("{}s", (nine.duration_since(now) - before).as_secs())
}

fn filing(stage: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: Filing, metadata: {{name: example-com, namespace: {HOME}}},
  spec: {{domains: [example.com], subject: {{name: 示例科技有限公司, nature: Enterprise}}, stage: {stage},
    number: 京ICP备2021012345号-1, access: [{{provider: alicloud, stage: Approved}}]}}}}\n"
    )
}

const ROUTE: &str = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {rules: [
  {host: www.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}";

#[tokio::test]
async fn a_cancelled_filing_is_one_message_and_the_morning_has_a_digest() {
    let cluster = Cluster::own().await;
    let (received, url) = receiver().await;
    cluster.kubectl(&format!("create namespace {HOME}"), "").succeeds();
    let secret = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: ops, namespace: {HOME}}},
  stringData: {{type: cloudevents, url: '{url}', cluster: a-test}}}}\n"
    );
    cluster.kubectl("create -f -", &secret).succeeds();
    cluster.kubectl("create -f -", &filing("Approved")).succeeds();
    cluster.kubectl("create -f -", ROUTE).succeeds();

    let folder = TempDir::with_prefix("filing-operator-policy-").unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "site: {provider: alicloud, region: cn-beijing}\n").unwrap();
    let ahead = ahead_of_nine(SignedDuration::from_secs(15));
    let args = [
        "--namespace",
        HOME,
        "--channel",
        "ops",
        "--now-offset",
        &ahead,
        "--policy",
    ];
    let args = [&args[..], &[policy.to_str().unwrap()]].concat();
    let mut operator = Operator::start(&cluster.admin, &args).await;
    eventually("the route to be judged", PATIENCE, async || {
        let path = r"jsonpath={.metadata.annotations.filing-operator\.io/verdict}";
        let verdict = cluster.kubectl(&format!("get ingress web -o {path}"), "").succeeds();
        (verdict == "Compliant").then_some(()).ok_or(verdict)
    })
    .await;

    cluster.kubectl("apply -f -", &filing("Cancelled")).succeeds();
    let notices = "io.filing-operator.notices.v1";
    // It gathers for ten seconds, and a digest that comes meanwhile gives it ten more.
    let patience = Duration::from_mins(1);
    eventually("a message", patience, async || {
        let messages = of_type(&received, notices);
        if messages.is_empty() {
            Err("none".to_owned())
        } else {
            Ok(())
        }
    })
    .await;
    let [message] = of_type(&received, notices).try_into().unwrap();
    assert_eq!(message["cluster"], "a-test");
    let groups = message["groups"].as_array().unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| format!("{} {} {}", group["type"], group["reason"], group["items"][0]["name"]))
        .collect();
    assert!(
        told.contains(&r#""Warning" "FilingCancelled" "web""#.to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&r#""Warning" "Cancelled" "example-com""#.to_owned()),
        "{told:?}"
    );

    let digests = "io.filing-operator.digest.v1";
    // Where it does not lead at nine sharp it looks again after half a minute.
    let patience = Duration::from_mins(2);
    eventually("the digest", patience, async || {
        let messages = of_type(&received, digests);
        if messages.is_empty() {
            Err("none".to_owned())
        } else {
            Ok(())
        }
    })
    .await;
    let [digest] = of_type(&received, digests).try_into().unwrap();
    let lists = digest["groups"].as_array().unwrap();
    assert!(
        lists
            .iter()
            .any(|list| list["items"][0]["name"] == "filing-system/example-com"),
        "{digest}"
    );
    let events = Api::<Event>::namespaced(cluster.client().await, "default");
    let events = events.list(&ListParams::default()).await.unwrap();
    let announced = events
        .iter()
        .filter(|event| event.reason.as_deref() == Some("DailyDigest"));
    assert_eq!(announced.count(), 1);

    let (_, metrics) = operator.get("/metrics");
    let counted = r#"filing_operator_notices_total{channel="ops",outcome="failed"} 0"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(operator.stop().await.success());
}
