#![allow(
    clippy::needless_pass_by_value,
    reason = "so that cases read as json!({…}), without an ampersand each"
)]

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request as Call, StatusCode};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::denials::Denials;
use super::super::fixture;
use super::super::metrics::Metrics;
use super::super::server::router;
use super::*;
use crate::support::{change, filing, object, policy, registry, server};

/// Filings of two teams, and what one of them stands on; all are trusted.
fn facts() -> Snapshot {
    let on = json!([{"provider": "alicloud", "stage": "Approved", "servers": ["slb-1"]}]);
    let documents = [
        policy("default", json!({})),
        server("slb-1", json!({})),
        of(2025, "fs/first", json!({"access": on})),
        of(
            2025,
            "team/other",
            json!({"domains": ["example.net"], "number": "京ICP备2021012345号-9"}),
        ),
        filing("fs/broken", json!({"access": 1})),
    ];
    registry(&documents).snapshot().clone()
}

/// A request about an object of ours; of a deletion about an old one.
fn ask(operation: &str, object: &Value) -> Value {
    let mut review = fixture::ask(operation, Value::Null, Value::Null);
    let kind = &object["kind"];
    let field = if operation == "DELETE" { "oldObject" } else { "object" };
    let request = &mut review["request"];
    request["kind"] = json!({"group": "filing-operator.io", "version": "v1alpha1", "kind": kind});
    request["name"] = object["metadata"]["name"].clone();
    request["namespace"] = object["metadata"]["namespace"].clone();
    request[field] = object.clone();
    request[field]["apiVersion"] = json!("filing-operator.io/v1alpha1");
    review
}

fn parse(review: &Value) -> DeclaredRequest {
    DeclaredRequest::parse(review.to_string().as_bytes()).unwrap()
}

fn review(operation: &str, object: &Value) -> Answer {
    review_declaration(
        &parse(&ask(operation, object)),
        "the operator",
        Some(&facts()),
        crate::support::now(),
    )
}

/// A filing that was made in a year.
fn of(year: u16, name: &str, over: Value) -> Value {
    let mut filing = filing(name, over);
    filing["metadata"]["creationTimestamp"] = json!(format!("{year}-11-22T00:00:00Z"));
    filing
}

/// A filing that is made now, in good order but for what is said.
fn own(over: Value) -> Value {
    let mut spec = json!({"domains": ["example.cn"], "number": "京ICP备2021012345号-2"});
    for (name, value) in over.as_object().unwrap() {
        spec[name] = value.clone();
    }
    of(2026, "fs/new", spec)
}

fn deleted(mut object: Value, routes: Value) -> Value {
    object["status"] = json!({"routes": routes});
    object
}

#[rstest]
#[case::a_filing_in_good_order("CREATE", own(json!({})), &[])]
#[case::a_malformed_number("CREATE", own(json!({"number": "京ICP备2021O12345号-2"})),
    &["spec.number: \"京ICP备2021O12345号-2\" "])]
#[case::an_irregular_number("UPDATE", own(json!({"number": "京ICP备2021012345-2号"})),
    &["spec.number: \"京ICP备2021012345-2号\" was understood after mending: 号 belongs before the hyphen [NumberIrregular]; write 京ICP备2021012345号-2"])]
#[case::a_public_suffix("CREATE", own(json!({"domains": ["com.cn", "example.cn"]})),
    &["spec.domains[0]: com.cn is a public suffix, below which anyone may register [PublicSuffixHost]; name the domain that is registered"])]
#[case::one_that_the_list_lacks("CREATE", own(json!({"domains": ["政务.cn"]})),
    &["spec.domains[0]: 政务.cn is a public suffix, below which anyone may register [PublicSuffixHost]; name the domain that is registered"])]
#[case::a_top_level_domain("CREATE", own(json!({"domains": ["cn"]})),
    &["spec.domains[0]: cn is a public suffix, below which anyone may register [PublicSuffixHost]; name the domain that is registered"])]
#[case::a_number_that_is_used("CREATE", own(json!({"number": "京ICP备2021012345号-1"})),
    &["spec.number: 京ICP备2021012345号-1 is the number of Filing first too [SharedNumber]; give each service its own number, or declare the domains of one service in one Filing"])]
#[case::one_of_another_namespace("CREATE", own(json!({"number": "京ICP备2021012345号-9"})),
    &["spec.number: 京ICP备2021012345号-9 is the number of a Filing of another namespace too [SharedNumber]; give each service its own number, or declare the domains of one service in one Filing"])]
#[case::a_domain_that_is_claimed("CREATE", own(json!({"domains": ["example.com"]})),
    &["spec.domains[0]: example.com is claimed by Filing first too, under 京ICP备2021012345号-1 [DuplicateDomain]; leave the domain to the one that holds it, and set a filing that was given up to stage Cancelled"])]
#[case::one_that_another_namespace_claims("CREATE", own(json!({"domains": ["example.net"]})),
    &["spec.domains[0]: example.net is claimed by a Filing of another namespace too, under another number [DuplicateDomain]; leave the domain to the one that holds it, and set a filing that was given up to stage Cancelled"])]
#[case::an_unknown_server("CREATE",
    own(json!({"access": [{"provider": "alicloud", "stage": "Approved", "servers": ["slb-1", "slb-2"]}]})),
    &["spec.access[0].servers[1]: there is no AccessServer slb-2, so the name counts for nothing [ServerUnknown]; declare it as an AccessServer, or mend the name"])]
#[case::a_filing_that_can_not_be_read("CREATE", own(json!({"stage": "Aproved"})),
    &["it can't be read: spec.stage: unknown variant `Aproved`"])]
#[case::its_mended_self("UPDATE", of(2026, "fs/broken", json!({"domains": ["example.cn"], "number": "京ICP备2021012345号-3"})), &[])]
#[case::the_same_filing_again("UPDATE", filing("fs/first", json!({})), &[])]
#[case::a_server_that_has_ended("CREATE", server("slb-9", json!({"expiresAt": "2026-01-01"})),
    &["spec.expiresAt: "])]
#[case::a_server_in_good_order("CREATE", server("slb-9", json!({})), &[])]
#[case::a_server_that_can_not_be_read("CREATE", server("slb-9", json!({"state": 1})), &["it can't be read: spec.state: "])]
#[case::a_policy_with_an_unknown_rule("CREATE", policy("strict", json!({"rules": {"NoFillings": "Warning"}})),
    &["spec.rules.NoFillings: there is no rule NoFillings; `filing-operator rules` lists those there are"])]
#[case::a_policy_that_says_something_in_vain("UPDATE",
    policy("default", json!({"site": {"provider": "idc", "province": "Atlantis"}})), &["spec.site.province: "])]
#[case::a_policy_in_good_order("CREATE", policy("strict", json!({})), &[])]
#[case::a_filing_that_nothing_is_served_under("DELETE", deleted(filing("fs/first", json!({})), json!(0)), &[])]
#[case::one_that_was_never_judged("DELETE", filing("fs/first", json!({})), &[])]
#[case::a_filing_in_use("DELETE", deleted(filing("fs/first", json!({})), json!(1)),
    &["1 route is served under this filing, and without one once it is gone, unless another covers the same hosts"])]
#[case::by_more_than_one("DELETE", deleted(filing("fs/first", json!({})), json!(12)),
    &["12 routes are served under this filing, and without one once it is gone, unless another covers the same hosts"])]
#[case::a_server_in_use("DELETE", server("slb-1", json!({})),
    &["Filing fs/first names this server in its access; take the name out of it"])]
#[case::a_server_that_nobody_names("DELETE", server("slb-2", json!({})), &[])]
#[case::a_policy_in_use("DELETE",
    deleted(policy("default", json!({})), json!({"compliant": 7, "warned": 2, "violating": 3, "exempt": 0})),
    &["12 routes are governed by this policy (3 violating); once it is gone the next that matches governs, or none does"])]
#[case::a_policy_that_governs_nothing("DELETE", policy("default", json!({})), &[])]
fn what_is_found_is_warned_of_and_let_through(
    #[case] operation: &str,
    #[case] object: Value,
    #[case] expected: &[&str],
) {
    let answer = review(operation, &object);
    assert_eq!(answer.warnings.len(), expected.len(), "{:?}", answer.warnings);
    for (told, expected) in answer.warnings.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    let decision = if expected.is_empty() {
        Decision::Allowed
    } else {
        Decision::Warned
    };
    assert_eq!(answer.decision, decision);
    let carried = serde_json::to_value(answer.to_review(&parse(&ask(operation, &object)).envelope.uid)).unwrap();
    assert_eq!(carried["response"]["allowed"], true);
    assert_eq!(carried["response"]["auditAnnotations"]["decision"], decision.as_str());
}

#[test]
fn what_is_said_of_a_filing_is_what_its_status_will_say() {
    let object = own(json!({"number": "京ICP备2021012345-1号", "domains": ["com.cn", "example.com"]}));
    let answer = review("CREATE", &object);
    let mut registry = crate::registry::Registry::new(facts());
    let change = change(&object);
    let crate::registry::Subject::Filing(key) = change.subject() else {
        panic!()
    };
    registry.apply(change);
    let Some(Kept::Read(filing)) = registry.snapshot().filing(&key) else {
        panic!()
    };
    let findings = judge::judge_filing(filing, registry.snapshot(), crate::support::now()).findings;
    let said: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.path, finding.sentence(Lang::En)))
        .collect();
    assert_eq!(answer.warnings, said);
    assert_eq!(answer.rules, ["PublicSuffixHost", "SharedNumber", "NumberIrregular"]);
}

#[test]
fn what_there_is_nothing_to_say_of_is_let_through_in_silence() {
    let bad = own(json!({"number": "x"}));
    let of = |review: &Value| {
        let answer = review_declaration(&parse(review), "the operator", Some(&facts()), crate::support::now());
        assert_eq!(answer.warnings, Vec::<String>::new());
        answer.decision
    };
    let mut status = ask("UPDATE", &bad);
    status["request"]["subResource"] = json!("status");
    assert_eq!(of(&status), Decision::Unasked);
    let mut ending = ask("UPDATE", &bad);
    ending["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-23T00:00:00Z");
    assert_eq!(of(&ending), Decision::Unasked);
    let mut other = ask("CREATE", &bad);
    other["request"]["kind"]["kind"] = json!("Other");
    assert_eq!(of(&other), Decision::UnknownKind);
    assert_eq!(of(&fixture::create("shop", json!({}))), Decision::UnknownKind);
    // Its own policy it has read already, and what is wrong with it is in the status.
    let mut own = ask("UPDATE", &policy("default", json!({"rules": {"No": "Warning"}})));
    own["request"]["userInfo"]["username"] = json!("the operator");
    own["request"]["options"] = json!({"fieldManager": "filing-operator-policy"});
    assert_eq!(of(&own), Decision::Own);
    own["request"]["userInfo"]["username"] = json!("someone");
    let by_another = review_declaration(&parse(&own), "the operator", Some(&facts()), crate::support::now());
    assert_eq!(by_another.decision, Decision::Warned);
}

#[test]
fn what_hostile_hands_type_stays_within_what_the_api_server_carries() {
    let long = format!("{}\u{7}\n", "备".repeat(400));
    let domains: Vec<String> = (0..50).map(|at| format!("_{at}{long}")).collect();
    let answer = review("CREATE", &own(json!({"domains": domains, "number": long})));
    assert_eq!(answer.warnings.len(), 11, "{:?}", answer.warnings);
    for warning in &answer.warnings {
        assert!(
            warning.chars().count() <= 256 && !warning.contains(char::is_control),
            "{warning}"
        );
    }
}

async fn post(router: Router, body: String) -> (StatusCode, Value) {
    let call = Call::post(DECLARATIONS_PATH).header("content-type", "application/json");
    let response = router.oneshot(call.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// What is answered, and all that is counted then.
async fn send(synced: bool, body: String) -> (StatusCode, Value, String) {
    let (router, metrics) = fixture::webhook(synced.then(facts));
    let (status, answer) = post(router, body).await;
    let mut registry = prometheus_client::registry::Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    (status, answer, text)
}

#[tokio::test]
async fn a_call_is_answered_and_counted_apart() {
    let (status, answer, text) = send(true, ask("CREATE", &own(json!({"number": "x"}))).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(answer["response"]["warnings"].as_array().map(Vec::len), Some(1));
    let line = "decisions_total{webhook=\"declarations\",decision=\"warned\",verdict=\"none\",operation=\"CREATE\",dry_run=\"false\"} 1";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn before_all_has_been_seen_it_is_let_through_and_says_so() {
    let (status, answer, text) = send(false, ask("CREATE", &own(json!({"number": "x"}))).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["response"]["allowed"], true);
    assert_eq!(answer["response"]["warnings"], json!([NOT_SYNCED]));
    assert!(text.contains("decision=\"not_synced\""), "{text}");
}

#[tokio::test]
async fn what_was_declared_just_before_it_and_is_on_its_way_is_waited_for() {
    let on = json!([{"provider": "alicloud", "stage": "Approved", "servers": ["slb-2"]}]);
    let review = ask("CREATE", &own(json!({"access": on})));
    let known = Arc::new(ArcSwapOption::from_pointee(facts()));
    let metrics = Metrics::default();
    let router = router(Webhook {
        facts: Arc::clone(&known),
        account: "the operator".into(),
        clock: Arc::new(crate::support::now),
        metrics: metrics.clone(),
        denials: Denials::new(metrics).0,
        freshness: fixture::sure(),
    });
    let asked = tokio::spawn(post(router, review.to_string()));
    // On the one thread it runs until it waits; then what it lacks comes in.
    tokio::task::yield_now().await;
    let mut registry = crate::registry::Registry::new(facts());
    registry.apply(change(&server("slb-2", json!({}))));
    known.store(Some(Arc::new(registry.snapshot().clone())));
    let (status, answer) = asked.await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["response"]["warnings"], Value::Null, "{answer}");
}

#[tokio::test]
async fn what_is_no_review_is_refused_as_it_is_elsewhere() {
    let (status, answer, _) = send(true, "{}".to_owned()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.contains("AdmissionReview")),
        "{answer}"
    );
    let mut nothing = ask("CREATE", &own(json!({})));
    nothing["request"]["object"] = Value::Null;
    assert_eq!(send(true, nothing.to_string()).await.0, StatusCode::BAD_REQUEST);
}

proptest! {
    #[test]
    fn nothing_that_is_declared_is_ever_denied(
        kind in prop::sample::select(vec!["Filing", "AccessServer", "FilingPolicy", "Other"]),
        operation in prop::sample::select(vec!["CREATE", "UPDATE", "DELETE"]),
        domain in ".*", number in "[京粤]?(ICP|公网安备)?[备证号0-9AXK-]{0,30}", level in ".*", routes in any::<i64>(),
    ) {
        let spec = json!({"domains": [domain], "number": number, "stage": "Approved", "rules": {domain.as_str(): level},
            "subject": {"name": number, "nature": "Enterprise"}, "provider": domain, "expiresAt": "2026-01-01"});
        let mut object = object(kind, "fs/new", spec);
        object["status"] = json!({"routes": routes});
        let answer = review(operation, &object);
        prop_assert_ne!(answer.decision, Decision::Denied);
        prop_assert!(answer.warnings.len() <= 11);
    }
}
