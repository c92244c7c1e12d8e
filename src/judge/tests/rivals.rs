//! Filings that claim one number or one domain: who is told, and who is let be.

use rstest::rstest;
use serde_json::{Value, json};

use crate::judge::judge_filing;
use crate::registry::Kept;
use crate::support::{self, filing, policy};

const FIRST: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-02T00:00:00Z";

fn of_age(key: &str, created: Option<&str>, over: Value) -> Value {
    let mut filing = filing(key, over);
    filing["metadata"]["creationTimestamp"] = json!(created);
    filing
}

/// What is found on each filing, in a line.
fn told(documents: &[Value]) -> Vec<String> {
    let registry = support::registry(documents);
    let facts = registry.snapshot();
    let mut lines = Vec::new();
    for (key, kept) in facts.filings() {
        let Kept::Read(filing) = kept else {
            panic!("{key} can't be read")
        };
        for finding in judge_filing(filing, facts, support::now()).findings {
            lines.push(format!("{key}: {} {}", finding.rule.id, finding.path));
        }
    }
    lines
}

fn net(over: &Value) -> Value {
    let mut spec = json!({"domains": ["example.net"]});
    spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    spec
}

const A: &str = "fs/a: SharedNumber spec.number";
const B: &str = "fs/b: SharedNumber spec.number";

#[rstest]
#[case::the_younger_is_told(Some(FIRST), Some(LATER), json!({}), &[B])]
#[case::whatever_its_name(Some(LATER), Some(FIRST), json!({}), &[A])]
#[case::of_one_age_both(Some(FIRST), Some(FIRST), json!({}), &[A, B])]
#[case::of_no_age_both(None, None, json!({}), &[A, B])]
#[case::what_is_not_there_yet_is_younger(None, Some(LATER), json!({}), &[A])]
#[case::mended_they_are_the_same(Some(FIRST), Some(LATER), json!({"number": "备案号：京icp备2021012345号－1"}), &[B])]
#[case::another_number(Some(FIRST), Some(LATER), json!({"number": "京ICP备2021012345号-2"}), &[])]
#[case::no_number_yet(Some(FIRST), Some(LATER), json!({"number": null, "stage": "SecondReview"}), &[])]
#[case::one_that_was_cancelled(Some(FIRST), Some(LATER), json!({"stage": "Cancelled"}), &[])]
#[case::an_app_with_a_websites_number(Some(FIRST), Some(LATER), json!({"service": {"kind": "App"}}), &[B])]
fn a_number_is_one_services(
    #[case] a: Option<&str>,
    #[case] b: Option<&str>,
    #[case] over: Value,
    #[case] expected: &[&str],
) {
    let documents = [of_age("fs/a", a, json!({})), of_age("fs/b", b, net(&over))];
    assert_eq!(told(&documents), expected);
}

#[test]
fn in_guangdong_all_sites_show_the_main_number() {
    let number = json!({"number": "粤ICP备2022054321号"});
    let documents = [of_age("fs/a", None, number.clone()), of_age("fs/b", None, net(&number))];
    assert_eq!(told(&documents), Vec::<String>::new());
}

const ONE: &str = "fs/a: DuplicateDomain spec.domains[0]";
const OTHER: &str = "fs/b: DuplicateDomain spec.domains[0]";

#[rstest]
#[case::the_younger_is_told(Some(FIRST), Some(LATER), json!({}), &[OTHER])]
#[case::whatever_its_name(Some(LATER), Some(FIRST), json!({}), &[ONE])]
#[case::of_no_age_both(None, None, json!({}), &[ONE, OTHER])]
#[case::in_another_form(Some(FIRST), Some(LATER), json!({"domains": ["EXAMPLE.com."]}), &[OTHER])]
#[case::below_it(Some(FIRST), Some(LATER), json!({"domains": ["shop.example.com"]}), &[])]
#[case::an_app_beside_a_website(Some(FIRST), Some(LATER), json!({"service": {"kind": "App"}}), &[])]
#[case::an_app_by_its_number(Some(FIRST), Some(LATER), json!({"number": "京ICP备2021012345号-2A"}), &[])]
#[case::filed_anew_without_a_number_yet(Some(FIRST), Some(LATER), json!({"number": null, "stage": "Submitted"}), &[])]
#[case::one_that_was_cancelled(Some(FIRST), Some(LATER), json!({"stage": "Cancelled"}), &[])]
#[case::one_that_was_rejected(Some(FIRST), Some(LATER), json!({"stage": "Rejected"}), &[])]
fn a_domain_has_one_number(
    #[case] a: Option<&str>,
    #[case] b: Option<&str>,
    #[case] over: Value,
    #[case] expected: &[&str],
) {
    let mut spec = json!({"number": "京ICP备2021012345号-2"});
    spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    let documents = [of_age("fs/a", a, json!({})), of_age("fs/b", b, spec)];
    assert_eq!(told(&documents), expected);
}

#[test]
fn of_three_each_is_told_of_the_oldest() {
    let documents = [
        of_age("fs/a", Some(LATER), json!({"number": "京ICP备2021012345号-2"})),
        of_age("fs/b", Some(FIRST), json!({})),
        of_age("fs/c", Some(LATER), json!({"number": "京ICP备2021012345号-3"})),
    ];
    let registry = support::registry(&documents);
    for (key, kept) in registry.snapshot().filings() {
        let Kept::Read(filing) = kept else {
            panic!("{key} can't be read")
        };
        let found = judge_filing(filing, registry.snapshot(), support::now()).findings;
        let of_b = found
            .iter()
            .all(|finding| finding.message(crate::rules::Lang::En).contains("Filing b"));
        assert!(
            of_b && found.len() == usize::from(*key.name != *"b"),
            "{key}: {found:?}"
        );
    }
}

#[test]
fn who_is_not_trusted_neither_tells_nor_is_told() {
    let documents = [
        policy(
            "default",
            json!({"filingsFrom": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "fs"}}}}),
        ),
        of_age("fs/a", Some(LATER), json!({})),
        of_age("team/b", Some(FIRST), net(&json!({}))),
        of_age("team/c", Some(LATER), json!({"number": "京ICP备2021012345号-2"})),
    ];
    assert_eq!(told(&documents), Vec::<String>::new());
}

#[test]
fn what_is_another_namespaces_is_not_told_of() {
    let documents = [
        of_age("fs/secret", Some(FIRST), json!({})),
        of_age("team/mine", Some(LATER), json!({"number": "京ICP备2021012345号-2"})),
        of_age("team/number", Some(LATER), net(&json!({}))),
    ];
    let registry = support::registry(&documents);
    let mut said = 0;
    for (key, kept) in registry.snapshot().filings() {
        let Kept::Read(filing) = kept else {
            panic!("{key} can't be read")
        };
        for finding in judge_filing(filing, registry.snapshot(), support::now()).findings {
            for lang in [crate::rules::Lang::En, crate::rules::Lang::Zh] {
                let sentence = finding.sentence(lang);
                assert!(!sentence.contains("secret"), "{sentence}");
                assert!(*key.name == *"number" || !sentence.contains("号-1"), "{sentence}");
                said += 1;
            }
        }
    }
    assert_eq!(said, 4);
}

#[test]
fn where_a_policy_says_so_the_hosts_of_the_younger_violate_and_those_of_the_older_never() {
    let documents = [
        policy("default", json!({"rules": {"SharedNumber": "Violation"}})),
        of_age("fs/a", Some(FIRST), json!({})),
        of_age("fs/b", Some(LATER), net(&json!({}))),
        support::ingress("fs/web", &["www.example.com", "www.example.net"]),
    ];
    assert_eq!(
        super::told(&documents),
        [
            "www.example.com: Compliant by fs/a",
            "www.example.net: Violating by fs/b for SharedNumber"
        ]
    );
}
