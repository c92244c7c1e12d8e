//! What each fuzz target does with its bytes. The test suite runs the same over the corpus.

use std::sync::Arc;

use filing_operator::admission::{self, Answer, Decision, DeclaredRequest, Request, Subject};
use filing_operator::api::{AccessServer, Filing, FilingPolicy};
use filing_operator::domain::{Domain, Host, Number};
use filing_operator::judge::judge;
use filing_operator::manifest::{Document, Source, Strictness};
use filing_operator::registry::{Change, FilingKey, Policy, Registry, Snapshot};
use filing_operator::route::{Route, RouteKind, from_ingress, from_object};
use jiff::Timestamp;
use serde_json::{Value, json};

use generate::Choices;

#[path = "conversation.rs"]
mod conversation;
#[path = "facts.rs"]
mod facts;
#[path = "generate.rs"]
mod generate;

/// Hosts and domains: reading what was read changes nothing.
pub fn host(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    if let Ok(host) = Host::parse(&typed) {
        assert_eq!(Host::parse(&host.as_ascii()).as_ref(), Ok(&host));
        assert!(host.covers(&host));
    }
    if let Ok(domain) = Domain::parse(&typed) {
        assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
        assert!(domain.registrable().is_none_or(|name| domain.as_str().ends_with(name)));
    }
}

/// Licence numbers: what was understood is written in a form that is understood alike.
pub fn number(bytes: &[u8]) {
    if let Ok(number) = Number::parse(&String::from_utf8_lossy(bytes)) {
        let again = Number::parse(number.text());
        assert_eq!(again.as_ref().map(Number::text), Ok(number.text()));
    }
}

/// Manifests: whatever the bytes are, each object is read or refused with a place in the file, and judged.
pub fn manifest(bytes: &[u8]) {
    let mut registry = Registry::new(Snapshot::new("filing-system", false));
    let Ok(source) = Source::new(Arc::from("fuzz.yaml"), bytes.to_vec()) else {
        return;
    };
    let mut routes = Vec::new();
    for object in source
        .documents()
        .iter()
        .flatten()
        .flat_map(Document::objects)
        .flatten()
    {
        match object.meta().kind.as_str() {
            "Filing" => {
                if let Ok(filing) = object.read::<Filing>(Strictness::Strict) {
                    let name = filing.metadata.name.as_deref().unwrap_or_default();
                    let key = FilingKey::new("filing-system", name);
                    let read = filing_operator::registry::Filing::new(key.clone(), &filing.metadata, &filing.spec);
                    registry.apply(Change::Filing(key, Ok(read)));
                }
            }
            "FilingPolicy" => {
                if let Ok(policy) = object.read::<FilingPolicy>(Strictness::Strict) {
                    let read = Policy::new("default".into(), &policy.metadata, &policy.spec);
                    registry.apply(Change::Policy("default".into(), Ok(read)));
                }
            }
            "Ingress" => {
                if let Ok(ingress) = object.read(Strictness::Lenient) {
                    let route = from_ingress(&ingress, "default");
                    assert_eq!(route.key.kind, RouteKind::Ingress);
                    routes.push(route);
                }
            }
            _ => drop(object.read::<AccessServer>(Strictness::Strict)),
        }
    }
    for route in &routes {
        if let Some(verdict) = judge(route, registry.snapshot(), now()) {
            assert_eq!(verdict.hosts.len(), route.claims.len());
        }
    }
}

/// Admission reviews: whatever the API server or someone in its place sends, there is an answer within bounds or a refusal.
pub fn review(bytes: &[u8]) {
    for facts in [facts::set_up(), facts::bare()] {
        if let Ok(request) = Request::parse(bytes) {
            reviewed(&request, facts);
        }
        if let Ok(request) = DeclaredRequest::parse(bytes) {
            for known in [Some(facts), None] {
                let answer = admission::review_declaration(&request, facts::ACCOUNT, known, now());
                assert_ne!(answer.decision, Decision::Denied);
                holds(&answer, &answer.to_review(&request.envelope.uid));
            }
        }
    }
    if let Ok(mut review) = serde_json::from_slice::<Value>(bytes)
        && let Some(object) = review.pointer("/request/object").cloned()
    {
        review["request"]["oldObject"] = object;
        review["request"]["operation"] = json!("UPDATE");
        changes_nothing(&review);
    }
}

/// Ingresses of any shape that the API server's schema has: manifests, watches and the webhook find the same route in each,
/// it is judged, and made and changed through the webhook.
pub fn ingress(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (object, other) = (generate::ingress(&mut choices), generate::ingress(&mut choices));
    let namespace = *choices.pick(&["shop", "filing-system", "away"]);
    let as_object = serde_json::from_value(object.clone()).ok();
    let by_watch = as_object.and_then(|object| from_object(&object, namespace).ok());
    let by_webhook = asked(&generate::review("CREATE", namespace, &Value::Null, &object));
    // The API server sends none without metadata, which only manifests are read with.
    if object["metadata"].is_object()
        && let Ok(ingress) = serde_json::from_value(object.clone())
    {
        let route = from_ingress(&ingress, namespace);
        assert_eq!(by_watch.as_ref(), Some(&route), "{object}");
        assert_eq!(by_webhook.as_ref(), Some(&route), "{object}");
        for facts in [facts::set_up(), facts::bare()] {
            if let Some(verdict) = judge(&route, facts, now()) {
                assert_eq!(verdict.hosts.len(), route.claims.len());
            }
        }
    }
    for review in [
        generate::review("CREATE", namespace, &Value::Null, &object),
        generate::review("UPDATE", namespace, &other, &object),
        generate::review("DELETE", namespace, &object, &Value::Null),
    ] {
        let body = review.to_string();
        for facts in [facts::set_up(), facts::bare()] {
            if let Ok(request) = Request::parse(body.as_bytes()) {
                reviewed(&request, facts);
            }
        }
    }
    changes_nothing(&generate::review("UPDATE", namespace, &object, &object));
}

/// What a client may send to the webhook's port, in TLS or for it: the connection ends, in a time that is bounded, and nothing
/// panics on the way.
pub fn tls(bytes: &[u8]) {
    conversation::hold(bytes);
}

fn reviewed(request: &Request, facts: &Snapshot) {
    let answer = admission::review(request, facts::ACCOUNT, facts, now());
    holds(&answer, &answer.to_review(&request.envelope.uid));
    if answer.decision == Decision::Denied {
        assert!(answer.policy.is_some() && answer.denied_for.is_some());
        assert!(matches!(request.subject, Subject::Create(_) | Subject::Update { .. }));
    }
}

/// The route that a creation is about, as the webhook reads it.
fn asked(review: &Value) -> Option<Route> {
    match Request::parse(review.to_string().as_bytes()).ok()?.subject {
        Subject::Create(asked) if asked.unreadable.is_none() => Some(asked.route),
        _ => None,
    }
}

/// A change that changes nothing makes nothing worse.
fn changes_nothing(review: &Value) {
    if let Ok(request) = Request::parse(review.to_string().as_bytes()) {
        for facts in [facts::set_up(), facts::bare()] {
            let answer = admission::review(&request, facts::ACCOUNT, facts, now());
            assert_ne!(answer.decision, Decision::Denied, "{}", answer.denial);
        }
    }
}

/// What those who carry an answer, and the terminals that show it, rely on.
fn holds(answer: &Answer, carried: &impl serde::Serialize) {
    const DENIAL: usize = 4096;
    const WARNING: usize = 256;
    const WARNINGS: usize = 13;
    assert_eq!(answer.decision == Decision::Denied, !answer.denial.is_empty());
    assert!(answer.denial.len() <= DENIAL, "{}", answer.denial);
    assert!(!answer.denial.chars().any(|one| one.is_control() && one != '\n'));
    assert!(answer.warnings.len() <= WARNINGS, "{:?}", answer.warnings);
    for warning in &answer.warnings {
        assert!(warning.chars().count() <= WARNING, "{warning}");
        assert!(!warning.chars().any(char::is_control), "{warning:?}");
    }
    let carried = serde_json::to_value(carried).expect("an answer is written");
    assert_eq!(
        carried["response"]["allowed"],
        json!(answer.decision != Decision::Denied)
    );
}

fn now() -> Timestamp {
    facts::NOW.parse().expect("a time")
}
