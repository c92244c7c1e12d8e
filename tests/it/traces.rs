//! Traces of admission, from a real API server that traces too to a collector: who takes them here keeps what the operator sends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

use crate::support::cluster::Cluster;
use crate::support::programs::kubernetes_is_chosen;
use crate::support::stage::{APPROVED, POLICY, declare, ingress, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// What was sent to a collector: each span with the name of its service.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Span)>>>);

impl Collector {
    async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let kept = collector.clone();
        let take = post(async move |body: Bytes| kept.take(&body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", take)).into_future());
        (collector, address)
    }

    fn take(&self, body: &[u8]) {
        let sent = ExportTraceServiceRequest::decode(body).unwrap();
        let mut spans = self.0.lock().unwrap();
        for of_resource in sent.resource_spans {
            let attributes = of_resource.resource.unwrap().attributes;
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = service.and_then(|service| service.value?.value);
            let Some(Value::StringValue(service)) = service else {
                panic!("{service:?}")
            };
            let of_scopes = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(of_scopes.map(|span| (service.clone(), span)));
        }
    }

    /// The span of a call that was answered so, and those below it.
    fn call(&self, decision: &str) -> Option<(Span, Vec<Span>)> {
        let spans = self.0.lock().unwrap();
        let (_, call) = spans
            .iter()
            .find(|(_, span)| span.name == "admission" && attribute(span, "decision").as_deref() == Some(decision))?;
        let below = spans.iter().filter(|(_, span)| span.parent_span_id == call.span_id);
        Some((call.clone(), below.map(|(_, span)| span.clone()).collect()))
    }
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_traced_from_the_api_server_to_the_decision() {
    let version = if kubernetes_is_chosen() { "v1beta1" } else { "v1" };
    let kind = format!("apiVersion: apiserver.config.k8s.io/{version}\nkind: TracingConfiguration\n");
    let tracing = format!("{kind}samplingRatePerMillion: 1000000\n");
    let cluster = Cluster::own_with(|folder| {
        let file = folder.join("tracing.yaml");
        std::fs::write(&file, &tracing).unwrap();
        vec![format!("--tracing-config-file={}", file.display())]
    })
    .await;
    let (collector, address) = Collector::start().await;
    let endpoint = format!("http://{address}");
    let operator = operator_that_is_asked(&cluster, POLICY, &["--otlp-endpoint", &endpoint, "--exemplars"]).await;
    declare(&cluster.admin, "example-com", "example.com", APPROVED).succeeds();
    let namespace = cluster.temp_namespace("traced").await;
    namespace
        .kubectl("apply -f -", &ingress("bad", &["www.example.net"]))
        .fails();

    let (call, below) = eventually("the call to be traced", PATIENCE, async || {
        let call = collector.call("denied");
        call.filter(|(_, below)| below.len() >= 3).ok_or("not yet".to_owned())
    })
    .await;
    assert_eq!(call.parent_span_id.len(), 8, "the API server's span is above it");
    assert_eq!(attribute(&call, "k8s.namespace.name"), Some(namespace.name.clone()));
    assert_eq!(attribute(&call, "operation").as_deref(), Some("CREATE"));
    assert_eq!(attribute(&call, "verdict").as_deref(), Some("Violating"));
    assert_eq!(attribute(&call, "rules").as_deref(), Some("NoFiling"));
    assert!(!format!("{call:?}").contains("example.net"), "no host is told");
    let mut names: Vec<&str> = below.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["judge", "make_sure", "read"]);
    let services: Vec<String> = collector
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|(service, _)| service.clone())
        .collect();
    assert!(
        services.iter().all(|service| service == "filing-operator"),
        "{services:?}"
    );

    let (_, metrics) = operator.get("/metrics");
    let exemplar = metrics
        .lines()
        .find_map(|line| line.split_once("# {trace_id=\""))
        .map(|(_, rest)| rest);
    assert!(exemplar.is_some_and(|rest| rest.len() > 32), "{metrics}");
}

#[tokio::test]
async fn a_collector_that_is_away_keeps_no_answer_back() {
    let cluster = Cluster::own().await;
    // Nobody listens there.
    let away = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://{away}");
    let operator = operator_that_is_asked(&cluster, POLICY, &["--otlp-endpoint", &endpoint]).await;
    declare(&cluster.admin, "example-com", "example.com", APPROVED).succeeds();
    let namespace = cluster.temp_namespace("untraced").await;
    for number in 0..20 {
        let name = format!("bad-{number}");
        let refused = namespace
            .kubectl("apply -f -", &ingress(&name, &["www.example.net"]))
            .fails();
        assert!(refused.contains("no trusted filing covers example.net"), "{refused}");
    }
    assert!(!operator.get("/metrics").1.contains("trace_id"));
    assert_eq!(operator.get("/readyz").0, 200);
}
