//! What each fuzz target does with its bytes. The test suite runs the same over the corpus.

use std::sync::Arc;

use filing_operator::admission::{self, Decision, DeclaredRequest, Request};
use filing_operator::api::{AccessServer, Filing, FilingPolicy};
use filing_operator::domain::{Domain, Host, Number};
use filing_operator::judge::judge;
use filing_operator::manifest::{Document, Source, Strictness};
use filing_operator::registry::{Change, FilingKey, Policy, Registry, Snapshot};
use filing_operator::route::{RouteKind, from_ingress};
use jiff::Timestamp;

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

/// Admission reviews: whatever the API server or someone in its place sends, there is an answer or a refusal.
pub fn review(bytes: &[u8]) {
    if let Ok(request) = Request::parse(bytes) {
        let facts = Snapshot::new("filing-system", true);
        let _answer = admission::review(&request, "the operator", &facts, now());
    }
    if let Ok(request) = DeclaredRequest::parse(bytes) {
        let facts = Snapshot::new("filing-system", true);
        let answer = admission::review_declaration(&request, "the operator", Some(&facts), now());
        assert_ne!(answer.decision, Decision::Denied);
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}
