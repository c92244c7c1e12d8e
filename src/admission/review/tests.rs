mod changes;
mod glass;

use insta::assert_snapshot;
use kube::core::ObjectMeta;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::fixture::{
    ask, create, facts, hosts, ingress, now, parse, update, with_unreadable_policies, without_filing,
};
use super::*;
use crate::api::keys;
use crate::registry::{Change, Registry};

/// `Deny` by default, and another word for routes of some classes.
fn cluster() -> Snapshot {
    let of_class = |class: &str, admission: &str| json!({"admission": admission, "precedence": 1, "match": {"ingressClasses": [class]}});
    facts(&[
        ("default", json!({"admission": "Deny"})),
        ("lenient", of_class("lenient", "Warn")),
        ("off", of_class("off", "Disabled")),
    ])
}

fn answer(request: &Value, facts: &Snapshot) -> Answer {
    review(&parse(request), "the operator", facts, now())
}

fn in_class(class: &str, names: &[&str]) -> Value {
    let mut spec = hosts(names);
    spec["ingressClassName"] = json!(class);
    spec
}

/// A route whose only host violates, in quarantine or taken out of it.
fn kept(field: &str, annotation: Option<&str>, record: Option<&str>, host: &str) -> Value {
    let mut route = ingress(in_class(field, &[host]));
    let mut annotations = serde_json::Map::new();
    annotations.extend(annotation.map(|class| (keys::LEGACY_CLASS.to_owned(), json!(class))));
    annotations.extend(record.map(|record| (keys::QUARANTINED_CLASS.to_owned(), json!(record))));
    route["metadata"]["annotations"] = Value::Object(annotations);
    route
}

const INSIDE: &str = keys::QUARANTINE_CLASS;
const NGINX: Option<&str> = Some(r#"{"field":"nginx"}"#);

#[rstest]
#[case::left_as_it_is(kept(INSIDE, Some(INSIDE), NGINX, "a.example.net"), Decision::Warned)]
#[case::taken_out(kept("nginx", None, NGINX, "a.example.net"), Decision::Denied)]
#[case::replaced(kept("nginx", None, None, "a.example.net"), Decision::Denied)]
#[case::taken_out_into_a_class_that_nobody_asks(kept("off", None, NGINX, "a.example.net"), Decision::Denied)]
#[case::its_record_forged(
    kept(INSIDE, Some(INSIDE), Some(r#"{"field":"off"}"#), "a.example.net"),
    Decision::Denied
)]
#[case::its_record_removed(kept(INSIDE, Some(INSIDE), None, "a.example.net"), Decision::Denied)]
#[case::the_annotation_alone_removed(kept(INSIDE, None, NGINX, "a.example.net"), Decision::Warned)]
#[case::renamed_and_taken_out(kept("nginx", None, NGINX, "www.example.com"), Decision::Allowed)]
#[case::another_bad_host_added_inside(kept(INSIDE, Some(INSIDE), NGINX, "b.example.net"), Decision::Denied)]
fn a_route_in_quarantine_stays_there_while_it_violates(#[case] new: Value, #[case] expected: Decision) {
    let facts = facts(&[
        ("default", json!({"admission": "Deny", "running": "Block"})),
        (
            "off",
            json!({"admission": "Disabled", "precedence": 1, "match": {"ingressClasses": ["off"]}}),
        ),
    ]);
    let old = kept(INSIDE, Some(INSIDE), NGINX, "a.example.net");
    let answer = answer(&ask("UPDATE", old, new), &facts);
    assert_eq!(answer.decision, expected, "{answer:?}");
}

#[test]
fn who_takes_a_route_out_of_quarantine_is_told_both_ways_out() {
    let old = kept(INSIDE, Some(INSIDE), NGINX, "a.example.net");
    let new = kept("nginx", None, NGINX, "a.example.net");
    let blocking = facts(&[("default", json!({"admission": "Deny", "running": "Block"}))]);
    let denied = answer(&ask("UPDATE", old.clone(), new.clone()), &blocking);
    assert_snapshot!(denied.denial);
    assert_eq!(denied.denied_for, Some("NoFiling"));
    let warning = facts(&[("default", json!({"admission": "Warn", "running": "Block"}))]);
    assert_eq!(answer(&ask("UPDATE", old, new), &warning).decision, Decision::Warned);
}

#[rstest]
#[case::into_quarantine(
    kept("nginx", None, None, "a.example.net"),
    kept(INSIDE, Some(INSIDE), NGINX, "a.example.net")
)]
#[case::out_of_quarantine(
    kept(INSIDE, Some(INSIDE), NGINX, "a.example.net"),
    kept("nginx", None, None, "a.example.net")
)]
fn the_operators_own_writes_pass_and_nobody_elses(#[case] old: Value, #[case] new: Value) {
    let written_by = |account: &str, manager: &str| {
        let mut request = ask("UPDATE", old.clone(), new.clone());
        request["request"]["userInfo"]["username"] = json!(account);
        request["request"]["options"] = json!({"kind": "PatchOptions", "fieldManager": manager});
        answer(&request, &cluster()).decision
    };
    assert_eq!(written_by("the operator", managers::QUARANTINE), Decision::Own);
    assert_eq!(written_by("the operator", managers::ROUTES), Decision::Own);
    assert_ne!(written_by("the operator", "kubectl-edit"), Decision::Own);
    assert_ne!(written_by("someone", managers::QUARANTINE), Decision::Own);
}

#[test]
fn a_policy_that_is_marked_to_let_everything_go_lets_people_do_so_by_hand() {
    let old = kept(INSIDE, Some(INSIDE), NGINX, "a.example.net");
    let new = kept("nginx", None, None, "a.example.net");
    let mut registry = Registry::new(facts(&[]));
    let metadata = ObjectMeta {
        annotations: Some([(keys::RELEASE.to_owned(), "now".to_owned())].into()),
        ..ObjectMeta::default()
    };
    let spec = serde_json::from_value(json!({"admission": "Deny", "running": "Block"})).unwrap();
    let policy = Policy::new("default".into(), &metadata, &spec);
    registry.apply(Change::Policy("default".into(), Ok(policy)));
    let answer = answer(&ask("UPDATE", old, new), registry.snapshot());
    assert_eq!(answer.decision, Decision::Warned, "{answer:?}");
}

#[test]
fn on_creation_a_record_means_nothing() {
    let off = Some(r#"{"field":"off"}"#);
    let mut request = ask("CREATE", Value::Null, kept(INSIDE, Some(INSIDE), off, "a.example.net"));
    assert_eq!(answer(&request, &cluster()).decision, Decision::Denied);
    request["request"]["object"] = kept("off", None, off, "a.example.net");
    assert_eq!(answer(&request, &cluster()).decision, Decision::Disabled);
}

#[rstest]
#[case::filed(hosts(&["www.example.com"]), Decision::Allowed)]
#[case::filed_idn(hosts(&["www.示例.中国"]), Decision::Allowed)]
#[case::not_filed(hosts(&["shop.example.net"]), Decision::Denied)]
#[case::one_of_two_not_filed(hosts(&["www.example.com", "shop.example.net"]), Decision::Denied)]
#[case::a_wildcard_not_filed(hosts(&["*.example.net"]), Decision::Denied)]
#[case::only_in_tls(json!({"rules": [{"host": "www.example.com"}], "tls": [{"hosts": ["shop.example.net"]}]}),
    Decision::Denied)]
#[case::ends_soon(hosts(&["ending-example.cn"]), Decision::Warned)]
#[case::private(hosts(&["web.shop.svc"]), Decision::Allowed)]
#[case::a_rule_without_host(json!({"rules": [{"http": {"paths": []}}]}), Decision::Denied)]
#[case::a_default_backend(json!({"defaultBackend": {"service": {"name": "web"}}}), Decision::Denied)]
#[case::no_host_name(hosts(&["a..b"]), Decision::Denied)]
#[case::no_host(json!({}), Decision::Allowed)]
#[case::under_warn(in_class("lenient", &["shop.example.net"]), Decision::Warned)]
#[case::under_disabled(in_class("off", &["shop.example.net"]), Decision::Disabled)]
#[case::unreadable(json!({"rules": "none"}), Decision::Denied)]
#[case::unreadable_under_warn(json!({"ingressClassName": "lenient", "rules": "none"}), Decision::Warned)]
#[case::unreadable_under_disabled(json!({"ingressClassName": "off", "rules": "none"}), Decision::Disabled)]
fn a_new_route_is_denied_where_a_host_violates_under_deny(#[case] spec: Value, #[case] expected: Decision) {
    let answer = answer(&create("shop", spec), &cluster());
    assert_eq!(answer.decision, expected, "{answer:?}");
}

#[rstest]
#[case::the_same(hosts(&["a.example.net"]), hosts(&["a.example.net"]), Decision::Warned)]
#[case::written_otherwise(hosts(&["a.example.net"]), hosts(&["A.example.net"]), Decision::Warned)]
#[case::one_less(hosts(&["a.example.net", "b.example.net"]), hosts(&["b.example.net"]), Decision::Warned)]
#[case::mended(hosts(&["a.example.net"]), hosts(&["a.example.com"]), Decision::Allowed)]
#[case::one_more(hosts(&["a.example.net"]), hosts(&["a.example.net", "b.example.net"]), Decision::Denied)]
#[case::under_its_wildcard(hosts(&["*.example.net"]), hosts(&["a.example.net"]), Decision::Warned)]
#[case::a_narrower_wildcard(hosts(&["*.example.net"]), hosts(&["*.a.example.net"]), Decision::Warned)]
#[case::a_wildcard_is_not_its_apex(hosts(&["*.example.net"]), hosts(&["example.net"]), Decision::Denied)]
#[case::a_wider_wildcard(hosts(&["a.example.net"]), hosts(&["*.example.net"]), Decision::Denied)]
#[case::a_catch_all_that_was_there(json!({"rules": [{}]}),
    json!({"defaultBackend": {"service": {"name": "web"}}}), Decision::Warned)]
#[case::a_catch_all_that_is_new(hosts(&["a.example.net"]), hosts(&["a.example.net", ""]), Decision::Denied)]
#[case::a_catch_all_opens_no_way_for_hosts(json!({"rules": [{}]}), hosts(&["a.example.net"]), Decision::Denied)]
#[case::the_same_that_is_no_host(hosts(&["a..b"]), hosts(&["a..b"]), Decision::Warned)]
#[case::another_that_is_no_host(hosts(&["a..b"]), hosts(&["a..c"]), Decision::Denied)]
#[case::from_disabled(in_class("off", &["a.example.net"]), hosts(&["a.example.net"]), Decision::Denied)]
#[case::to_disabled(hosts(&["a.example.net"]), in_class("off", &["b.example.net"]), Decision::Disabled)]
#[case::from_warn(in_class("lenient", &["a.example.net"]), hosts(&["a.example.net"]), Decision::Denied)]
#[case::from_another_class(in_class("other", &["a.example.net"]), hosts(&["a.example.net"]), Decision::Denied)]
#[case::the_default_class_by_name(hosts(&["a.example.net"]), in_class("nginx", &["a.example.net"]), Decision::Warned)]
#[case::compliant_in_another_class(in_class("other", &["a.example.com"]), hosts(&["a.example.com"]),
    Decision::Allowed)]
#[case::unreadable_as_before(json!({"rules": "none"}), json!({"rules": 1}), Decision::Warned)]
#[case::turned_unreadable(hosts(&["a.example.com"]), json!({"rules": 1}), Decision::Denied)]
#[case::readable_again_and_bad(json!({"rules": 1}), hosts(&["a.example.net"]), Decision::Denied)]
#[case::readable_again_and_good(json!({"rules": 1}), hosts(&["a.example.com"]), Decision::Allowed)]
fn a_change_is_denied_only_for_what_it_makes_worse(#[case] old: Value, #[case] new: Value, #[case] expected: Decision) {
    let answer = answer(&update(old, new), &cluster());
    assert_eq!(answer.decision, expected, "{answer:?}");
}

/// A route with an annotation, in a class under which what can't be told violates, or in the default one.
fn annotated(class: Option<&str>, annotation: Option<(&str, &str)>) -> Value {
    let mut route = ingress(hosts(&["www.example.com"]));
    route["spec"]["ingressClassName"] = json!(class);
    let annotations = annotation.map(|(key, value)| (key.to_owned(), json!(value)));
    route["metadata"]["annotations"] = Value::Object(annotations.into_iter().collect());
    route
}

const ALIAS: &str = "nginx.ingress.kubernetes.io/server-alias";
const SNIPPET: &str = "nginx.ingress.kubernetes.io/server-snippet";
const RULES: &str = "kubernetes.io/ingress.http-rules";
const STRICT: Option<&str> = Some("strict");

#[rstest]
#[case::an_alias(None, None, Some((ALIAS, "a.example.net")), Decision::Denied)]
#[case::an_alias_that_is_filed(None, None, Some((ALIAS, "a.example.com")), Decision::Allowed)]
#[case::an_alias_kept(None, Some((ALIAS, "a.example.net")), Some((ALIAS, "A.example.net")), Decision::Warned)]
#[case::an_alias_removed(None, Some((ALIAS, "a.example.net")), None, Decision::Allowed)]
#[case::one_of_two(None, Some((ALIAS, "a.example.net,b.example.net")), Some((ALIAS, "b.example.net")), Decision::Warned)]
#[case::by_another_key(None, Some((ALIAS, "a.example.net")), Some((RULES, r#"[{"host": "a.example.net"}]"#)), Decision::Warned)]
#[case::a_snippet(None, None, Some((SNIPPET, "return 204;")), Decision::Warned)]
#[case::a_strict_snippet(STRICT, None, Some((SNIPPET, "return 204;")), Decision::Denied)]
#[case::a_strict_snippet_kept(STRICT, Some((SNIPPET, "return 204;")), Some((SNIPPET, "return 204;")), Decision::Warned)]
#[case::a_strict_snippet_changed(STRICT, Some((SNIPPET, "return 204;")), Some((SNIPPET, "return 205;")), Decision::Denied)]
#[case::a_strict_snippet_removed(STRICT, Some((SNIPPET, "return 204;")), None, Decision::Allowed)]
#[case::a_strict_pattern(STRICT, None, Some((ALIAS, "~a")), Decision::Denied)]
#[case::one_of_two_strict_patterns(STRICT, Some((ALIAS, "~a ~b")), Some((ALIAS, "~b")), Decision::Warned)]
#[case::strict_rules_that_cant_be_read(STRICT, None, Some((RULES, "[{")), Decision::Denied)]
fn what_an_annotation_adds_counts_as_what_the_rules_do(
    #[case] class: Option<&str>,
    #[case] old: Option<(&str, &str)>,
    #[case] new: Option<(&str, &str)>,
    #[case] expected: Decision,
) {
    let strict = json!({"admission": "Deny", "precedence": 1, "match": {"ingressClasses": ["strict"]},
        "rules": {"OpaqueConfiguration": "Violation"}});
    let facts = facts(&[("default", json!({"admission": "Deny"})), ("strict", strict)]);
    let answer = answer(&ask("UPDATE", annotated(class, old), annotated(class, new)), &facts);
    assert_eq!(answer.decision, expected, "{answer:?}");
}

#[test]
fn a_route_that_was_ungoverned_is_new_to_the_policy() {
    let governed = json!({"admission": "Deny", "match": {"ingressClasses": ["nginx"]}});
    let facts = facts(&[("default", governed)]);
    let from_ungoverned = update(in_class("other", &["a.example.net"]), hosts(&["a.example.net"]));
    assert_eq!(answer(&from_ungoverned, &facts).decision, Decision::Denied);
    let to_ungoverned = update(hosts(&["a.example.net"]), in_class("other", &["b.example.net"]));
    let answer = answer(&to_ungoverned, &facts);
    assert_eq!(answer, Answer::unjudged(Decision::Ungoverned));
}

#[test]
fn a_route_that_is_being_deleted_can_be_finalised() {
    let (mut old, mut new) = (ingress(hosts(&["a.example.net"])), ingress(hosts(&["a.example.net"])));
    for object in [&mut old, &mut new] {
        object["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:00:00Z");
    }
    old["metadata"]["finalizers"] = json!(["example.com/load-balancer"]);
    assert_eq!(answer(&ask("UPDATE", old, new), &cluster()).decision, Decision::Warned);
}

#[rstest]
#[case::delete("DELETE", "", "Ingress", Decision::Unasked)]
#[case::connect("CONNECT", "", "Ingress", Decision::Unasked)]
#[case::status("UPDATE", "status", "Ingress", Decision::Unasked)]
#[case::another_kind("CREATE", "", "Gateway", Decision::UnknownKind)]
fn what_can_make_nothing_worse_is_let_through(
    #[case] operation: &str,
    #[case] subresource: &str,
    #[case] kind: &str,
    #[case] expected: Decision,
) {
    let object = ingress(hosts(&["a.example.net"]));
    let mut request = ask(operation, object.clone(), object);
    request["request"]["subResource"] = json!(subresource);
    request["request"]["kind"]["kind"] = json!(kind);
    assert_eq!(answer(&request, &cluster()), Answer::unjudged(expected));
}

#[test]
fn where_nothing_is_set_up_deny_warns_and_says_so() {
    let facts = without_filing(&[("default", json!({"admission": "Deny"}))]);
    let answer = answer(&create("shop", hosts(&["shop.example.net"])), &facts);
    assert_eq!(answer.decision, Decision::Warned);
    assert_snapshot!(answer.warnings.join("\n"), @r"
    nothing is denied yet, for there is no Filing that policy default trusts; declare one where its filingsFrom looks
    shop.example.net: no trusted filing covers example.net [NoFiling]; file example.net with access at alicloud, and declare it as a Filing
    ");
}

#[rstest]
#[case::ungoverned(&[], hosts(&["shop.example.net"]), Decision::Ungoverned)]
#[case::allowed(&[("default", json!({"admission": "Deny"}))], hosts(&["www.example.com"]), Decision::Warned)]
#[case::denied(&[("default", json!({"admission": "Deny"}))], hosts(&["shop.example.net"]), Decision::Denied)]
#[case::disabled(&[("default", json!({"admission": "Disabled"}))], hosts(&["a.example.net"]), Decision::Disabled)]
fn that_a_policy_can_not_be_read_is_told_whatever_the_decision(
    #[case] policies: &[(&str, Value)],
    #[case] spec: Value,
    #[case] expected: Decision,
) {
    let facts = with_unreadable_policies(facts(policies), &["strict"]);
    let told = answer(&create("shop", spec.clone()), &facts);
    assert_eq!(told.decision, expected);
    assert_eq!(
        told.warnings,
        ["policy strict can't be read, so it governs nothing; mend it"]
    );
    let object = ingress(spec);
    assert!(
        answer(&ask("DELETE", object.clone(), object), &facts)
            .warnings
            .is_empty()
    );
}

#[test]
fn a_denial_reads_well() {
    let answer = answer(&create("shop", hosts(&["shop.example.net"])), &cluster());
    assert_snapshot!(answer.denial, @"shop.example.net: no trusted filing covers example.net [NoFiling]; file example.net with access at alicloud, and declare it as a Filing");
    let several = hosts(&[
        "商店.示例.公司",
        "www.example.com",
        "",
        "a..b",
        "*.com.cn",
        "a.example.dev",
    ]);
    let answer = self::answer(&create("shop", several), &cluster());
    assert_snapshot!(answer.denial, @r#"
    商店.示例.公司: no trusted filing covers 示例.公司 [NoFiling]; file 示例.公司 with access at alicloud, and declare it as a Filing
    *: the route answers for any domain that is pointed at it [CatchAllHost]; name the hosts in spec.rules, and leave out the default backend
    a..b: "a..b" has an empty label; write single dots, and only between labels [InvalidHost]; write the name as it is registered
    *.com.cn: com.cn is a public suffix, below which anyone may register [PublicSuffixHost]; name the domain that is registered
    a.example.dev: .dev can't be filed (as of 2024-05) [UnfilableSuffix]; serve it under a suffix that can be filed, like cn or com, or from outside the mainland
    "#);
    assert_snapshot!(answer.rules.join(","), @"InvalidHost,PublicSuffixHost,CatchAllHost,UnfilableSuffix,NoFiling");
    let unreadable = self::answer(&create("shop", json!({"rules": "none"})), &cluster());
    assert_snapshot!(unreadable.denial, @r#"shop/web: it can't be read: spec.rules: invalid type: string "none", expected a sequence [Unreadable]; mend the field that it names"#);
}

#[test]
fn a_host_that_looks_like_a_filed_one_is_denied_and_told_apart() {
    let looks_alike = [
        "shop.ex\u{430}mple.com",
        "*.xn--exmple-4nf.com",
        "\u{440}\u{430}\u{443}.com",
        "bücher-example.com",
    ];
    let answer = answer(&create("shop", hosts(&looks_alike)), &cluster());
    assert_eq!(answer.decision, Decision::Denied);
    assert_snapshot!(answer.denial, @r"
    shop.exаmple.com (shop.xn--exmple-4nf.com): no trusted filing covers exаmple.com [NoFiling]; file exаmple.com with access at alicloud, and declare it as a Filing
    *.exаmple.com (*.xn--exmple-4nf.com): no trusted filing covers exаmple.com [NoFiling]; file exаmple.com with access at alicloud, and declare it as a Filing
    рау.com (xn--80a5ak.com): no trusted filing covers рау.com [NoFiling]; file рау.com with access at alicloud, and declare it as a Filing
    bücher-example.com (xn--bcher-example-wob.com): no trusted filing covers bücher-example.com [NoFiling]; file bücher-example.com with access at alicloud, and declare it as a Filing
    ");
}

#[test]
fn warnings_read_well() {
    let spec = in_class("lenient", &["ending-example.cn", "shop.example.net"]);
    let answer = answer(&create("shop", spec), &cluster());
    assert_snapshot!(answer.warnings.join("\n"), @r"
    shop.example.net: no trusted filing covers example.net [NoFiling]; file example.net with access at alicloud, and declare it as a Filing
    ending-example.cn: the record of filing-system/ending ends on 2026-12-08 [FilingExpiring]; have the provider confirm the record, and set spec.expiresAt anew
    ");
}

/// An answer as it is sent.
fn carried(answer: &Answer, request: &Request) -> Value {
    serde_json::to_value(answer.to_review(&request.envelope.uid)).unwrap()
}

#[test]
fn the_answer_carries_uid_status_and_audit_annotations() {
    let request = parse(&create("shop", hosts(&["shop.example.net"])));
    let answer = review(&request, "the operator", &cluster(), now());
    insta::assert_json_snapshot!(carried(&answer, &request), @r#"
    {
      "apiVersion": "admission.k8s.io/v1",
      "kind": "AdmissionReview",
      "response": {
        "allowed": false,
        "auditAnnotations": {
          "decision": "denied",
          "policy": "default",
          "rules": "NoFiling",
          "verdict": "Violating"
        },
        "status": {
          "code": 403,
          "message": "shop.example.net: no trusted filing covers example.net [NoFiling]; file example.net with access at alicloud, and declare it as a Filing",
          "reason": "Forbidden",
          "status": "Failure"
        },
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002"
      }
    }
    "#);
    let request = parse(&create("shop", hosts(&["www.example.com"])));
    let answer = review(&request, "the operator", &cluster(), now());
    insta::assert_json_snapshot!(carried(&answer, &request), @r#"
    {
      "apiVersion": "admission.k8s.io/v1",
      "kind": "AdmissionReview",
      "response": {
        "allowed": true,
        "auditAnnotations": {
          "decision": "allowed",
          "policy": "default",
          "verdict": "Compliant"
        },
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002"
      }
    }
    "#);
}

#[test]
fn many_hosts_are_denied_within_bounds() {
    let names: Vec<String> = (0..500)
        .map(|at| format!("{at}.{}.example.net", "x".repeat(60)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answer = answer(&create("shop", hosts(&names)), &cluster());
    assert!(answer.denial.len() <= 4096);
    assert!(answer.denial.ends_with("and 490 more hosts"), "{}", answer.denial);
}

#[test]
fn a_change_of_very_many_hosts_is_denied_only_for_the_one_that_is_new() {
    let names: Vec<String> = (0..30_000).map(|at| format!("{at}.example.net")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("*.wild.example.net");
    let old = hosts(&names);
    let same = answer(&update(old.clone(), old.clone()), &cluster());
    assert_eq!(same.decision, Decision::Warned);
    assert_eq!(same.warnings.last().map(String::as_str), Some("and 29991 more"));
    names.extend(["a.wild.example.net", "new.example.net"]);
    let more = answer(&update(old, hosts(&names)), &cluster());
    assert_eq!(more.decision, Decision::Denied);
    assert!(
        more.denial.starts_with("new.example.net: ") && more.denial.lines().count() == 1,
        "{}",
        more.denial
    );
}

fn some_hosts() -> impl Strategy<Value = Vec<&'static str>> {
    const POOL: [&str; 8] = [
        "a.example.com",
        "a.example.net",
        "b.example.net",
        "*.example.net",
        "",
        "a..b",
        "web.shop.svc",
        "192.0.2.1",
    ];
    proptest::sample::subsequence(POOL.to_vec(), 0..=POOL.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_leaves_out_hosts_or_adds_none_is_never_denied(old in some_hosts(), left_out in some_hosts()) {
        let new: Vec<&str> = old.iter().copied().filter(|host| !left_out.contains(host)).collect();
        let decision = answer(&update(hosts(&old), hosts(&new)), &cluster()).decision;
        prop_assert_ne!(decision, Decision::Denied);
    }

    #[test]
    fn what_may_be_made_may_replace_anything(old in some_hosts(), new in some_hosts()) {
        let made = answer(&create("shop", hosts(&new)), &cluster()).decision;
        let changed = answer(&update(hosts(&old), hosts(&new)), &cluster()).decision;
        prop_assert!(made == changed || made == Decision::Denied, "{:?} {:?}", made, changed);
    }
}
