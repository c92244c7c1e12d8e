//! The break-glass label of a namespace: what would be denied is let through, told and counted, and nothing else changes.

use insta::{assert_json_snapshot, assert_snapshot};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::super::fixture::{ask, create, facts, hosts, ingress, now, parse, update, without_filing};
use super::{INSIDE, NGINX, answer, carried, cluster, in_class, kept, some_hosts};
use crate::admission::answer::{Answer, Decision};
use crate::admission::review::review;
use crate::api::keys;
use crate::registry::{Change, Registry, Snapshot};

/// The same facts, with the label on the namespace `shop`.
fn labelled(facts: Snapshot, value: &str) -> Snapshot {
    let mut registry = Registry::new(facts);
    let labels = [(keys::BREAK_GLASS.to_owned(), value.to_owned())];
    registry.apply(Change::Namespace("shop".into(), labels.into()));
    registry.snapshot().clone()
}

fn broken(facts: Snapshot) -> Snapshot {
    labelled(facts, "true")
}

/// What is answered to a request without the label and with it.
fn without_and_with(request: &Value, facts: &Snapshot) -> (Answer, Answer) {
    (answer(request, facts), answer(request, &broken(facts.clone())))
}

#[rstest]
#[case::not_filed(hosts(&["shop.example.net"]), Decision::BreakGlass)]
#[case::for_no_want_of_a_filing(hosts(&["a..b"]), Decision::BreakGlass)]
#[case::unreadable(json!({"rules": "none"}), Decision::BreakGlass)]
#[case::filed(hosts(&["www.example.com"]), Decision::Allowed)]
#[case::ends_soon(hosts(&["ending-example.cn"]), Decision::Warned)]
#[case::under_warn(in_class("lenient", &["shop.example.net"]), Decision::Warned)]
#[case::under_disabled(in_class("off", &["shop.example.net"]), Decision::Disabled)]
fn where_the_glass_is_broken_nothing_new_is_denied(#[case] spec: Value, #[case] expected: Decision) {
    let (without, with) = without_and_with(&create("shop", spec.clone()), &cluster());
    assert_eq!(with.decision, expected, "{with:?}");
    assert_eq!((with.outcome, &with.rules), (without.outcome, &without.rules));
    let elsewhere = answer(&create("games", spec), &broken(cluster()));
    assert_eq!(elsewhere.decision, without.decision);
}

#[rstest]
fn another_value_of_the_label_breaks_no_glass(#[values("", "false", "True", "1")] value: &str) {
    let facts = labelled(cluster(), value);
    let answer = answer(&create("shop", hosts(&["shop.example.net"])), &facts);
    assert_eq!(answer.decision, Decision::Denied);
}

#[rstest]
#[case::taken_out(kept("nginx", None, NGINX, "a.example.net"))]
#[case::replaced(kept("nginx", None, None, "a.example.net"))]
#[case::its_record_forged(kept(INSIDE, Some(INSIDE), Some(r#"{"field":"off"}"#), "a.example.net"))]
#[case::another_bad_host_added_inside(kept(INSIDE, Some(INSIDE), NGINX, "b.example.net"))]
fn whoever_takes_a_route_out_of_quarantine_there_is_let_through(#[case] new: Value) {
    let facts = facts(&[("default", json!({"admission": "Deny", "running": "Block"}))]);
    let old = kept(INSIDE, Some(INSIDE), NGINX, "a.example.net");
    let (without, with) = without_and_with(&ask("UPDATE", old, new), &facts);
    assert_eq!(
        (without.decision, with.decision),
        (Decision::Denied, Decision::BreakGlass)
    );
}

#[test]
fn what_came_in_while_the_glass_was_broken_is_afterwards_like_what_turned_bad_by_itself() {
    let bad = hosts(&["a.example.net"]);
    assert_eq!(
        answer(&update(bad.clone(), bad.clone()), &cluster()).decision,
        Decision::Warned
    );
    let worse = hosts(&["a.example.net", "b.example.net"]);
    assert_eq!(answer(&update(bad, worse), &cluster()).decision, Decision::Denied);
}

#[test]
fn where_nothing_is_set_up_yet_there_is_no_denial_to_lift() {
    let facts = without_filing(&[("default", json!({"admission": "Deny"}))]);
    let (without, with) = without_and_with(&create("shop", hosts(&["shop.example.net"])), &facts);
    assert_eq!(with, without);
    assert_eq!(with.decision, Decision::Warned);
}

#[test]
fn what_is_let_through_for_the_label_says_so_and_stands_in_the_audit_log() {
    let request = parse(&create("shop", hosts(&["shop.example.net", "www.example.com"])));
    let answer = review(&request, "the operator", &broken(cluster()), now());
    assert!(!answer.may_be_late && answer.denied_for.is_none());
    assert_json_snapshot!(carried(&answer, &request));
}

#[test]
fn who_takes_a_route_out_is_told_why_he_may() {
    let facts = facts(&[("default", json!({"admission": "Deny", "running": "Block"}))]);
    let old = kept(INSIDE, Some(INSIDE), NGINX, "a.example.net");
    let new = kept("nginx", None, None, "a.example.net");
    let answer = answer(&ask("UPDATE", old, new), &broken(facts));
    assert_snapshot!(answer.warnings.join("\n"));
}

#[test]
fn very_many_hosts_are_warned_of_within_bounds() {
    let names: Vec<String> = (0..1000).map(|at| format!("{at}.{}.net", "备".repeat(15))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answer = answer(&ask("CREATE", Value::Null, ingress(hosts(&names))), &broken(cluster()));
    assert_eq!(answer.decision, Decision::BreakGlass);
    let count = |warning: &String| warning.chars().count();
    assert!(answer.warnings.iter().all(|warning| count(warning) <= 256));
    assert!(answer.warnings.iter().map(count).sum::<usize>() <= 4096, "{answer:?}");
    assert!(answer.warnings.len() > 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_the_label_lifts_is_what_is_denied_without_it_and_nothing_else(old in some_hosts(), new in some_hosts()) {
        let (without, with) = without_and_with(&update(hosts(&old), hosts(&new)), &cluster());
        if without.decision == Decision::Denied {
            prop_assert_eq!(with.decision, Decision::BreakGlass);
        } else {
            prop_assert_eq!(with, without);
        }
    }
}
