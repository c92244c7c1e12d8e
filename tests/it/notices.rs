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
use tokio::net::TcpListener;

use crate::support::cluster::Cluster;
use crate::support::stage::{FILINGS, POLICY, at_stage, declare, home, ingress, operator};
use crate::support::wait::{PATIENCE, eventually};

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

/// Waits for the one message of a type, and gives what it says.
async fn only(received: &Received, kind: &str, patience: Duration) -> Value {
    let messages = eventually(&format!("a message of {kind}"), patience, async || {
        let received = received.lock().unwrap();
        let ours = received.iter().filter(|event| event["type"] == kind);
        let ours: Vec<Value> = ours.map(|event| event["data"].clone()).collect();
        (!ours.is_empty())
            .then_some(ours)
            .ok_or_else(|| "there is none".to_owned())
    })
    .await;
    let [message] = messages.try_into().unwrap();
    message
}

/// How far ahead the operator's clock has to be to show so long before 09:00 in China.
fn ahead_of_nine(before: SignedDuration) -> String {
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let now = filing_operator::operator::now();
    let tomorrow = now.to_zoned(china.clone()).date().tomorrow().unwrap();
    let nine = tomorrow.at(9, 0, 0, 0).to_zoned(china).unwrap().timestamp();
    format!("{}s", (nine.duration_since(now) - before).as_secs())
}

#[tokio::test]
async fn a_cancelled_filing_is_one_message_and_the_morning_has_a_digest() {
    let cluster = Cluster::own().await;
    let (received, url) = receiver().await;
    home(&cluster);
    let secret = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: ops, namespace: {FILINGS}}},
  stringData: {{type: cloudevents, url: '{url}', cluster: a-test}}}}\n"
    );
    cluster.kubectl("create -f -", &secret).succeeds();
    let file = |stage| declare(&cluster.admin, "example-com", "example.com", &at_stage(stage)).succeeds();
    file("Approved");
    cluster
        .kubectl("create -f -", &ingress("web", &["www.example.com"]))
        .succeeds();

    let ahead = ahead_of_nine(SignedDuration::from_secs(15));
    let args = ["--channel", "ops", "--now-offset", &ahead];
    let mut operator = operator(&cluster, &cluster.admin, POLICY, &args).await;
    eventually("the route to be judged", PATIENCE, async || {
        let path = r"jsonpath={.metadata.annotations.filing-operator\.io/verdict}";
        let verdict = cluster.kubectl(&format!("get ingress web -o {path}"), "").succeeds();
        (verdict == "Compliant").then_some(()).ok_or(verdict)
    })
    .await;

    file("Cancelled");
    // It gathers for ten seconds, and a digest that comes meanwhile gives it ten more.
    let patience = Duration::from_mins(1);
    let message = only(&received, "io.filing-operator.notices.v1", patience).await;
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

    // Where it does not lead at nine sharp it looks again after half a minute.
    let patience = Duration::from_mins(2);
    let digest = only(&received, "io.filing-operator.digest.v1", patience).await;
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
