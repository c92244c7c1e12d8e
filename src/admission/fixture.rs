//! A cluster of some policies and filings, and requests about it, for the tests of this room.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::Router;
use jiff::{Timestamp, ToSpan as _};
use kube::core::ObjectMeta;
use rustls::ServerConfig;
use serde_json::{Value, json};

use super::authority::Authority;
use super::certificate::Serving;
use super::clients::Clients;
use super::denials::Denials;
use super::freshness::Freshness;
use super::metrics::Metrics;
use super::request::Request;
use super::server::{Webhook, router};
use crate::registry::{Change, Filing, FilingKey, IngressClassFact, Policy, Registry, Snapshot, Unreadable};

pub(super) fn now() -> Timestamp {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

/// Policies by name and spec. Filings are in `filing-system`, and cover example.com and 示例.中国 at alicloud.
pub(super) fn facts(policies: &[(&str, Value)]) -> Snapshot {
    let filings = [
        ("example-com", "example.com", "2035-01-01"),
        ("idn", "示例.中国", "2035-01-01"),
        ("ending", "ending-example.cn", "2026-12-08"),
    ];
    facts_of(policies, &filings)
}

/// Policies by name and spec, and filings by name, domain and last day.
pub(super) fn facts_of(policies: &[(&str, Value)], filings: &[(&str, &str, &str)]) -> Snapshot {
    let mut registry = Registry::new(without_filing(policies));
    for (name, domain, expires) in filings {
        let key = FilingKey::new("filing-system", *name);
        let spec = json!({
            "domains": [domain], "number": "京ICP备2021012345号-1", "stage": "Approved",
            "subject": {"name": "示例科技有限公司", "nature": "Enterprise", "mainNumber": "京ICP备2021012345号"},
            "access": [{"provider": "alicloud", "stage": "Approved"}], "expiresAt": expires,
        });
        let spec = serde_json::from_value(spec).unwrap();
        let filing = Filing::new(key.clone(), &ObjectMeta::default(), &spec);
        registry.apply(Change::Filing(key, Ok(filing)));
    }
    registry.snapshot().clone()
}

/// The same with policies that can't be read.
pub(super) fn with_unreadable_policies(facts: Snapshot, names: &[&str]) -> Snapshot {
    let mut registry = Registry::new(facts);
    for name in names {
        let unreadable = Unreadable {
            error: "spec: a string".to_owned(),
            uid: "".into(),
            generation: 1,
        };
        registry.apply(Change::Policy((*name).into(), Err(unreadable)));
    }
    registry.snapshot().clone()
}

/// The same without filings.
pub(super) fn without_filing(policies: &[(&str, Value)]) -> Snapshot {
    let mut registry = Registry::new(Snapshot::new("filing-system", true));
    for (name, spec) in policies {
        let mut spec = spec.clone();
        spec["site"] = json!({"provider": "alicloud", "region": "cn-beijing"});
        let spec = serde_json::from_value(spec).unwrap();
        let policy = Policy::new((*name).into(), &ObjectMeta::default(), &spec);
        registry.apply(Change::Policy((*name).into(), Ok(policy)));
    }
    for (name, is_default) in [("nginx", true), ("other", false)] {
        let class = IngressClassFact {
            controller: None,
            is_default,
            created: None,
        };
        registry.apply(Change::Class(name.into(), class));
    }
    registry.snapshot().clone()
}

pub(super) fn ingress(spec: Value) -> Value {
    let metadata = json!({"name": "web", "namespace": "shop"});
    let mut ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata});
    ingress["spec"] = spec;
    ingress
}

/// An Ingress spec with some hosts.
pub(super) fn hosts(hosts: &[&str]) -> Value {
    json!({"rules": hosts.iter().map(|host| json!({"host": host})).collect::<Vec<_>>()})
}

pub(super) fn ask(operation: &str, old: Value, new: Value) -> Value {
    let mut review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
            "resource": {"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"},
            "name": "web", "namespace": "shop", "operation": operation, "dryRun": false,
            "userInfo": {"username": "someone", "groups": ["system:authenticated"]},
            "options": null,
        }
    });
    review["request"]["object"] = new;
    review["request"]["oldObject"] = old;
    review
}

pub(super) fn create(namespace: &str, spec: Value) -> Value {
    let mut review = ask("CREATE", Value::Null, ingress(spec));
    review["request"]["namespace"] = json!(namespace);
    review["request"]["object"]["metadata"]["namespace"] = json!(namespace);
    review
}

pub(super) fn update(old: Value, new: Value) -> Value {
    ask("UPDATE", ingress(old), ingress(new))
}

pub(super) fn parse(review: &Value) -> Request {
    Request::parse(review.to_string().as_bytes()).unwrap()
}

/// The real time, for what is checked by the TLS library or the API server.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever checks a certificate does so by the machine's clock"
)]
pub(super) fn real_now() -> Timestamp {
    Timestamp::now()
}

/// What is known is always current.
pub(super) fn sure() -> Freshness {
    let (freshness, mut questions) = Freshness::new();
    std::thread::spawn(move || {
        while let Some(question) = questions.blocking_recv() {
            let _ = question.send(Ok(()));
        }
    });
    freshness
}

/// A certificate authority, for an hour.
pub(super) fn authority() -> Authority {
    let now = real_now();
    Authority::generate(now, now + 1.hour()).unwrap()
}

/// What is served with on loopback, signed by an authority, to these clients or to all.
pub(super) fn shown_by(authority: &Authority, clients: Option<&Clients>) -> Arc<ServerConfig> {
    let now = real_now();
    let pair = authority.sign(&["127.0.0.1".to_owned()], now, now + 1.hour()).unwrap();
    Serving::new(pair, clients).unwrap().config
}

/// The webhook over such facts, and what it counts.
pub(super) fn webhook(snapshot: Option<Snapshot>) -> (Router, Metrics) {
    let metrics = Metrics::default();
    let facts = Arc::new(ArcSwapOption::from_pointee(snapshot));
    // What is noted and never written is left out in the end, and no answer is other for that.
    let (denials, _) = Denials::new(metrics.clone());
    let webhook = Webhook {
        facts,
        account: "the operator".into(),
        clock: Arc::new(now),
        metrics: metrics.clone(),
        denials,
        freshness: sure(),
    };
    (router(webhook), metrics)
}

/// The webhook of a cluster with a policy that denies.
pub(super) fn synced() -> (Router, Metrics) {
    webhook(Some(facts(&[("default", json!({"admission": "Deny"}))])))
}
