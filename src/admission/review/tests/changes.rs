//! Never worse, never a trap: what is answered to a change.
//!
//! A case is the policies in force, a route as it was, and what is done to it: a merge patch, as `kubectl patch` sends it,
//! whatever the tool.

use kube::core::ObjectMeta;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::super::fixture::{ask, create, facts, hosts, ingress};
use super::{INSIDE, NGINX, answer, cluster, in_class, kept, some_hosts};
use crate::admission::answer::{Answer, Decision};
use crate::api::{Stage, keys};
use crate::registry::{Change, Filing, FilingKey, Kept, Policy, Registry, Snapshot};
use crate::support::merge;

const GOOD: &str = "www.example.com";
const BAD: &str = "a.example.net";
const WORSE: &str = "b.example.net";

/// One policy, which denies whatever violates.
fn denying() -> Snapshot {
    facts(&[("default", json!({"admission": "Deny"}))])
}

/// The same, for routes of the class nginx; no other is governed.
fn denying_nginx() -> Snapshot {
    facts(&[(
        "default",
        json!({"admission": "Deny", "match": {"ingressClasses": ["nginx"]}}),
    )])
}

/// One policy, which also puts into quarantine what violates. Nobody asks about the class `off`.
fn blocking() -> Snapshot {
    let off = json!({"admission": "Disabled", "precedence": 1, "match": {"ingressClasses": ["off"]}});
    facts(&[
        ("default", json!({"admission": "Deny", "running": "Block"})),
        ("off", off),
    ])
}

/// One policy, which asked about nothing until now.
fn no_longer_disabled() -> Snapshot {
    let mut registry = Registry::new(facts(&[("default", json!({"admission": "Disabled"}))]));
    let site = json!({"provider": "alicloud", "region": "cn-beijing"});
    let spec = serde_json::from_value(json!({"admission": "Deny", "site": site})).unwrap();
    let policy = Policy::new("default".into(), &ObjectMeta::default(), &spec);
    registry.apply(Change::Policy("default".into(), Ok(policy)));
    registry.snapshot().clone()
}

/// One policy that denies, and the filing of [`GOOD`] was cancelled.
fn cancelled() -> Snapshot {
    let mut registry = Registry::new(denying());
    let key = FilingKey::new("filing-system", "example-com");
    let Some(Kept::Read(filing)) = registry.snapshot().filing(&key) else {
        panic!("the fixture has it")
    };
    let cancelled = Filing {
        stage: Stage::Cancelled,
        ..(**filing).clone()
    };
    registry.apply(Change::Filing(key, Ok(cancelled)));
    registry.snapshot().clone()
}

fn serving(names: &[&str]) -> Value {
    ingress(hosts(names))
}

fn served_in(class: &str, name: &str) -> Value {
    ingress(in_class(class, &[name]))
}

/// A route whose only host violates, with a class in field and annotation.
fn classed(field: Option<&str>, annotation: Option<&str>) -> Value {
    changed(serving(&[BAD]), &class(field, annotation))
}

fn in_quarantine(host: &str) -> Value {
    kept(INSIDE, Some(INSIDE), NGINX, host)
}

fn class(field: Option<&str>, annotation: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {keys::LEGACY_CLASS: annotation}}, "spec": {"ingressClassName": field}})
}

fn record(record: Option<&str>) -> Value {
    metadata(json!({"annotations": {keys::QUARANTINED_CLASS: record}}))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that cases read without an ampersand each"
)]
fn metadata(change: Value) -> Value {
    json!({ "metadata": change })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that cases read without an ampersand each"
)]
fn spec(change: Value) -> Value {
    json!({ "spec": change })
}

fn labels() -> Value {
    metadata(json!({"labels": {"team": "shop"}}))
}

fn backend() -> Value {
    json!({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}})
}

fn tls(names: &[&str]) -> Value {
    json!({"tls": [{"hosts": names, "secretName": "web-tls"}]})
}

fn owned() -> Value {
    metadata(json!({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1"}]}))
}

fn being_deleted() -> Value {
    metadata(json!({"deletionTimestamp": "2026-11-23T03:00:00Z", "finalizers": ["example.com/load-balancer"]}))
}

/// An object with something done to it.
fn changed(mut object: Value, change: &Value) -> Value {
    merge(&mut object, change);
    object
}

fn decide(policies: fn() -> Snapshot, old: &Value, new: &Value) -> Answer {
    answer(&ask("UPDATE", old.clone(), new.clone()), &policies())
}

#[rstest]
#[case::a_bad_host_removed(serving(&[BAD, WORSE]), spec(hosts(&[BAD])), Decision::Warned)]
#[case::the_last_bad_host_removed(serving(&[GOOD, BAD]), spec(hosts(&[GOOD])), Decision::Allowed)]
#[case::every_host_removed(serving(&[BAD]), spec(json!({"rules": null})), Decision::Allowed)]
#[case::a_bad_host_added(serving(&[GOOD]), spec(hosts(&[GOOD, BAD])), Decision::Denied)]
#[case::a_bad_host_added_to_a_bad_one(serving(&[BAD]), spec(hosts(&[BAD, WORSE])), Decision::Denied)]
#[case::a_good_host_added_to_a_bad_one(serving(&[BAD]), spec(hosts(&[BAD, GOOD])), Decision::Warned)]
#[case::a_bad_host_for_another(serving(&[BAD]), spec(hosts(&[WORSE])), Decision::Denied)]
#[case::a_tls_host_added(serving(&[GOOD]), spec(tls(&[BAD])), Decision::Denied)]
#[case::a_tls_host_added_that_a_rule_names(serving(&[BAD]), spec(tls(&[BAD])), Decision::Warned)]
#[case::a_tls_host_made_a_rule(
    changed(serving(&[GOOD]), &spec(tls(&[BAD]))), spec(hosts(&[GOOD, BAD])), Decision::Warned)]
#[case::a_tls_host_removed(
    changed(serving(&[GOOD]), &spec(tls(&[BAD]))), spec(json!({"tls": null})), Decision::Allowed)]
#[case::a_default_backend_added(serving(&[GOOD]), spec(backend()), Decision::Denied)]
#[case::a_default_backend_that_was_there(ingress(backend()), labels(), Decision::Warned)]
#[case::a_default_backend_removed(
    changed(serving(&[GOOD]), &spec(backend())), spec(json!({"defaultBackend": null})), Decision::Allowed)]
#[case::a_good_host_dropped_to_catch_all(serving(&[GOOD]), spec(json!({"rules": [{}]})), Decision::Denied)]
#[case::a_bad_host_dropped_to_catch_all(serving(&[BAD]), spec(json!({"rules": [{}]})), Decision::Denied)]
#[case::a_wildcard_dropped_to_catch_all(serving(&["*.example.net"]), spec(hosts(&[""])), Decision::Denied)]
fn of_hosts_only_those_that_are_new_are_denied(#[case] old: Value, #[case] change: Value, #[case] expected: Decision) {
    let answer = decide(denying, &old, &changed(old.clone(), &change));
    assert_eq!(answer.decision, expected, "{answer:?}");
}

#[rstest]
#[case::labels(labels())]
#[case::a_number_of_replicas(metadata(json!({"annotations": {"example.com/replicas": "3"}})))]
#[case::another_backend(spec(json!({"rules": [{"host": GOOD, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {}}]}}]})))]
#[case::another_certificate(spec(tls(&[GOOD])))]
#[case::finalizers(metadata(json!({"finalizers": ["example.com/load-balancer"]})))]
#[case::its_deletion(being_deleted())]
#[case::owner_references(owned())]
#[case::another_manager_of_its_fields(metadata(json!({"managedFields": [{"manager": "helm", "operation": "Apply"}]})))]
#[case::the_operators_annotations(metadata(json!({"annotations": {keys::VERDICT: "Compliant"}})))]
fn a_route_that_turned_bad_by_itself_can_still_be_worked_on(#[case] change: Value) {
    let bare = serving(&[GOOD]);
    let done = changed(bare.clone(), &change);
    for (old, new) in [(&bare, &done), (&done, &bare), (&done, &done)] {
        let answer = decide(cancelled, old, new);
        assert_eq!(answer.decision, Decision::Warned, "{answer:?}");
        assert_eq!(answer.rules, ["FilingCancelled"]);
    }
    let mended = json!({"rules": hosts(&["www.示例.中国"])["rules"], "tls": null});
    let mended = decide(cancelled, &done, &changed(done.clone(), &spec(mended)));
    assert_eq!(mended.decision, Decision::Allowed, "{mended:?}");
    let worse = changed(done.clone(), &spec(hosts(&[GOOD, "shop.example.com"])));
    assert_eq!(decide(cancelled, &done, &worse).decision, Decision::Denied);
}

#[rstest]
#[case::out_of_quarantine(blocking, in_quarantine(BAD), class(Some("nginx"), None), Decision::Denied)]
#[case::out_of_quarantine_and_mended(blocking, in_quarantine(GOOD), class(Some("nginx"), None), Decision::Allowed)]
#[case::out_of_quarantine_where_nothing_is_blocked(
    denying,
    in_quarantine(BAD),
    class(Some("nginx"), None),
    Decision::Denied
)]
#[case::out_of_quarantine_where_it_was_made(
    denying,
    served_in(INSIDE, BAD),
    class(Some("nginx"), None),
    Decision::Denied
)]
#[case::labels_in_quarantine(blocking, in_quarantine(BAD), labels(), Decision::Warned)]
#[case::its_deletion_in_quarantine(blocking, in_quarantine(BAD), being_deleted(), Decision::Warned)]
#[case::into_quarantine_by_hand(denying, served_in("nginx", BAD), class(Some(INSIDE), None), Decision::Warned)]
#[case::into_quarantine_by_hand_under_block(
    blocking,
    served_in("nginx", BAD),
    class(Some(INSIDE), Some(INSIDE)),
    Decision::Warned
)]
#[case::into_quarantine_by_hand_from_disabled(
    blocking,
    served_in("off", BAD),
    class(Some(INSIDE), None),
    Decision::Warned
)]
#[case::into_quarantine_by_hand_with_one_more(
    denying, served_in("nginx", BAD), spec(in_class(INSIDE, &[BAD, WORSE])), Decision::Denied)]
#[case::ungoverned_to_governed(denying_nginx, served_in("other", BAD), class(Some("nginx"), None), Decision::Denied)]
#[case::ungoverned_to_governed_and_good(
    denying_nginx,
    served_in("other", GOOD),
    class(Some("nginx"), None),
    Decision::Allowed
)]
#[case::governed_to_ungoverned(
    denying_nginx,
    served_in("nginx", BAD),
    class(Some("other"), None),
    Decision::Ungoverned
)]
#[case::between_governed_classes(denying, served_in("other", BAD), class(Some("nginx"), None), Decision::Denied)]
#[case::from_disabled(cluster, served_in("off", BAD), class(Some("nginx"), None), Decision::Denied)]
#[case::to_disabled(cluster, served_in("nginx", BAD), class(Some("off"), None), Decision::Disabled)]
#[case::from_warn(cluster, served_in("lenient", BAD), class(Some("nginx"), None), Decision::Denied)]
#[case::to_warn(cluster, served_in("nginx", BAD), class(Some("lenient"), None), Decision::Warned)]
#[case::a_policy_no_longer_disabled(no_longer_disabled, serving(&[BAD]), labels(), Decision::Warned)]
#[case::a_policy_no_longer_disabled_and_one_more(
    no_longer_disabled, serving(&[BAD]), spec(hosts(&[BAD, WORSE])), Decision::Denied)]
#[case::labels_where_annotation_and_field_differ(
    denying,
    classed(Some("nginx"), Some("other")),
    labels(),
    Decision::Warned
)]
#[case::an_annotation_that_the_field_outdoes(
    denying,
    classed(Some("nginx"), Some("other")),
    class(Some("nginx"), Some("third")),
    Decision::Warned
)]
#[case::the_field_removed_so_that_the_annotation_counts(
    denying,
    classed(Some("nginx"), Some("other")),
    class(None, Some("other")),
    Decision::Denied
)]
#[case::the_field_removed_that_outdid_a_governed_class(
    cluster,
    classed(Some("off"), Some("nginx")),
    class(None, Some("nginx")),
    Decision::Denied
)]
#[case::the_annotation_made_the_field(
    denying,
    classed(None, Some("other")),
    class(Some("other"), None),
    Decision::Warned
)]
#[case::the_default_class_written_down(denying, serving(&[BAD]), class(None, Some("nginx")), Decision::Warned)]
#[case::unreadable_and_from_disabled(
    cluster, ingress(json!({"ingressClassName": "off", "rules": 1})), class(Some("nginx"), None), Decision::Denied)]
#[case::unreadable_and_out_of_quarantine(
    denying, ingress(json!({"ingressClassName": INSIDE, "rules": 1})), class(Some("nginx"), None), Decision::Denied)]
fn what_was_named_elsewhere_is_new_here(
    #[case] policies: fn() -> Snapshot,
    #[case] old: Value,
    #[case] change: Value,
    #[case] expected: Decision,
) {
    let answer = decide(policies, &old, &changed(old.clone(), &change));
    assert_eq!(answer.decision, expected, "{answer:?}");
}

/// What no policy keeps in quarantine, the operator lets go into the class that is recorded.
#[rstest]
#[case::in_quarantine(Some(INSIDE), Some(INSIDE), r#"{"field":"nginx"}"#)]
#[case::in_quarantine_by_the_field(Some(INSIDE), None, r#"{"field":"nginx"}"#)]
#[case::in_quarantine_by_the_annotation(None, Some(INSIDE), r#"{"annotation":"nginx"}"#)]
#[case::half_out_of_it(Some(INSIDE), Some("other"), r#"{"field":"nginx"}"#)]
#[case::half_out_of_it_and_unreadable(Some(INSIDE), Some("nginx"), "nginx")]
fn a_record_that_is_made_up_is_no_way_into_a_class(
    #[case] field: Option<&str>,
    #[case] annotation: Option<&str>,
    #[case] made_up: &str,
) {
    let aside = classed(field, annotation);
    let recorded = changed(aside.clone(), &record(Some(made_up)));
    let made = answer(&ask("CREATE", Value::Null, recorded.clone()), &denying_nginx());
    assert_eq!(made.decision, Decision::Denied, "{made:?}");
    for old in [aside, served_in("other", BAD)] {
        let answer = decide(denying_nginx, &old, &recorded);
        assert_eq!(answer.decision, Decision::Denied, "{answer:?}");
    }
}

#[rstest]
#[case::to_fewer_hosts(denying, serving(&[BAD, GOOD]), serving(&[BAD]), Decision::Warned)]
#[case::to_hosts_that_are_filed(denying, serving(&[BAD]), serving(&[GOOD]), Decision::Allowed)]
#[case::to_hosts_that_it_had_left(denying, serving(&[GOOD]), serving(&[GOOD, BAD]), Decision::Denied)]
#[case::to_the_class_before_its_quarantine(blocking, in_quarantine(BAD), served_in("nginx", BAD), Decision::Denied)]
fn a_rollback_is_a_change_like_any_other(
    #[case] policies: fn() -> Snapshot,
    #[case] old: Value,
    #[case] new: Value,
    #[case] expected: Decision,
) {
    assert_eq!(decide(policies, &old, &new).decision, expected);
}

#[rstest]
#[case::denied(serving(&[GOOD]), serving(&[GOOD, BAD]))]
#[case::warned(serving(&[BAD]), serving(&[BAD]))]
#[case::allowed(serving(&[BAD]), serving(&[GOOD]))]
fn a_dry_run_gets_the_same_answer(#[case] old: Value, #[case] new: Value) {
    let mut request = ask("UPDATE", old, new);
    let answered = answer(&request, &denying());
    request["request"]["dryRun"] = json!(true);
    assert_eq!(answer(&request, &denying()), answered);
}

/// As `kubectl replace --force` does it: what was let pass on a route that was there is not made again.
#[test]
fn a_forced_replacement_is_a_deletion_and_a_creation() {
    let delete = ask("DELETE", serving(&[BAD]), Value::Null);
    assert_eq!(answer(&delete, &denying()), Answer::unjudged(Decision::Unasked));
    let create = create("shop", hosts(&[BAD]));
    assert_eq!(answer(&create, &denying()).decision, Decision::Denied);
}

#[rstest]
#[case::filed(GOOD, Decision::Allowed)]
#[case::not_filed(BAD, Decision::Denied)]
fn a_name_that_the_api_server_makes_up_changes_nothing(#[case] host: &str, #[case] expected: Decision) {
    let mut request = create("shop", hosts(&[host]));
    request["request"]["name"] = json!("");
    request["request"]["object"]["metadata"] = json!({"generateName": "web-", "namespace": "shop"});
    let answer = answer(&request, &denying());
    assert_eq!(answer.decision, expected, "{answer:?}");
}

#[rstest]
#[case::a_route_in_quarantine("web", in_quarantine(BAD))]
#[case::a_route_that_is_not_shown("web", Value::Null)]
#[case::a_collection("", Value::Null)]
fn a_deletion_is_always_allowed(#[case] name: &str, #[case] old: Value) {
    let mut request = ask("DELETE", old, Value::Null);
    request["request"]["name"] = json!(name);
    assert_eq!(answer(&request, &blocking()), Answer::unjudged(Decision::Unasked));
}

/// Any class, recorded or not, in both places that name one.
fn some_class() -> impl Strategy<Value = Value> {
    let name = || proptest::option::of(prop::sample::select(vec!["nginx", "other", "off", "lenient", INSIDE]));
    let records = vec![r#"{"field":"nginx"}"#, r#"{"annotation":"off"}"#, "{}", "nginx"];
    let recorded = proptest::option::of(prop::sample::select(records));
    let all = (name(), name(), recorded);
    all.prop_map(|(field, annotation, recorded)| changed(class(field, annotation), &record(recorded)))
}

fn some_policies() -> impl Strategy<Value = fn() -> Snapshot> {
    let all: [fn() -> Snapshot; 6] = [denying, denying_nginx, blocking, cluster, cancelled, no_longer_disabled];
    prop::sample::select(all.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_changes_neither_hosts_nor_class_is_never_denied(
        policies in some_policies(),
        names in some_hosts(),
        class in some_class(),
        is_unreadable in any::<bool>(),
        change in prop::sample::select(vec![labels(), being_deleted(), owned()]),
    ) {
        let mut old = changed(serving(&names), &class);
        if is_unreadable {
            old["spec"]["rules"] = json!(1);
        }
        let new = changed(old.clone(), &change);
        for (old, new) in [(&old, &new), (&new, &old)] {
            let answer = decide(policies, old, new);
            prop_assert_ne!(answer.decision, Decision::Denied, "{:?}", answer);
        }
    }

    #[test]
    fn what_takes_a_route_off_the_net_is_never_denied(
        policies in some_policies(),
        names in some_hosts(),
        was in some_class(),
    ) {
        let old = changed(changed(serving(&names), &was), &record(None));
        let new = changed(old.clone(), &class(Some(INSIDE), Some(INSIDE)));
        let answer = decide(policies, &old, &new);
        prop_assert_ne!(answer.decision, Decision::Denied, "{:?}", answer);
    }

    #[test]
    fn what_may_not_be_done_at_once_may_not_be_done_in_two_steps(
        policies in some_policies(),
        was in some_class(),
        between in some_class(),
    ) {
        let [old, between] = [was, between].map(|class| changed(serving(&[BAD]), &class));
        let new = served_in("nginx", BAD);
        let is_denied = |old: &Value, new: &Value| decide(policies, old, new).decision == Decision::Denied;
        prop_assert!(
            is_denied(&old, &between) || is_denied(&between, &new) || !is_denied(&old, &new),
            "{} {}", old, between
        );
    }
}
