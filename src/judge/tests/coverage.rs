//! Which filing covers a host, who may serve under it, and what is told of it where.

use rstest::rstest;
use serde_json::{Value, json};

use super::{told, words};
use crate::support::{filing, ingress, namespace, object, policy, server};

const A: &str = "www.example.com";

fn one(over: Value, host: &str) -> Vec<Value> {
    vec![filing("fs/a", over), ingress("shop/web", &[host])]
}

fn two(first: Value, second: Value, host: &str) -> Vec<Value> {
    vec![
        filing("fs/a", first),
        filing("fs/b", second),
        ingress("shop/web", &[host]),
    ]
}

#[rstest]
#[case::the_domain_itself(one(json!({}), "example.com"), "example.com: Compliant by fs/a")]
#[case::below_it(one(json!({}), "a.b.example.com"), "a.b.example.com: Compliant by fs/a")]
#[case::beside_it(one(json!({}), "badexample.com"), "badexample.com: Violating for NoFiling")]
#[case::above_it(one(json!({"domains": ["shop.example.com"]}), A), "www.example.com: Violating for NoFiling")]
#[case::a_wildcard_over_it(one(json!({}), "*.example.com"), "*.example.com: Compliant by fs/a")]
#[case::a_wildcard_below_it(one(json!({}), "*.a.example.com"), "*.a.example.com: Compliant by fs/a")]
#[case::a_wildcard_over_more_than_is_filed(
    one(json!({"domains": ["shop.example.com"]}), "*.example.com"), "*.example.com: Violating for NoFiling")]
#[case::in_another_form(one(json!({"domains": ["示例.中国"]}), "WWW.xn--fsq092h.xn--fiqs8s."),
    "www.示例.中国: Compliant by fs/a")]
#[case::a_department(one(json!({"domains": ["dept.city.gov.cn"]}), "www.dept.city.gov.cn"),
    "www.dept.city.gov.cn: Compliant by fs/a")]
#[case::another_department(one(json!({"domains": ["dept.city.gov.cn"]}), "other.city.gov.cn"),
    "other.city.gov.cn: Violating for NoFiling")]
#[case::a_public_suffix_covers_nothing(one(json!({"domains": ["com.cn"]}), "example.com.cn"),
    "example.com.cn: Violating for NoFiling")]
#[case::nor_takes_it_the_others_with_it(one(json!({"domains": ["com.cn", "example.com"]}), A),
    "www.example.com: Compliant by fs/a")]
#[case::nor_does_an_invalid_one(one(json!({"domains": ["exa_mple.net", "example.com"]}), A),
    "www.example.com: Compliant by fs/a")]
#[case::the_nearest_explains(
    two(json!({"stage": "Cancelled"}), json!({"domains": ["www.example.com"], "stage": "Rejected"}), A),
    "www.example.com: Violating by fs/b for FilingRejected")]
#[case::of_one_domain_the_first_by_name(two(json!({"stage": "Cancelled"}), json!({"stage": "Rejected"}), A),
    "www.example.com: Violating by fs/a for FilingCancelled")]
#[case::one_that_complies_wins(two(json!({"domains": ["www.example.com"], "stage": "Cancelled"}), json!({}), A),
    "www.example.com: Compliant by fs/b")]
#[case::one_that_warns_goes_before_one_that_violates(
    two(json!({"stage": "Cancelled"}), json!({"expiresAt": "2026-12-01"}), A),
    "www.example.com: Warned by fs/b for FilingExpiring")]
#[case::a_websites_explains_better_than_an_apps(
    two(json!({"domains": ["www.example.com"], "service": {"kind": "App"}}),
        json!({"number": null, "stage": "SecondReview"}), A),
    "www.example.com: Violating by fs/b for FilingPending")]
#[case::an_app_alone(one(json!({"service": {"kind": "App"}}), A), "www.example.com: Violating by fs/a for WrongServiceKind")]
#[case::an_app_by_its_number(one(json!({"number": "京ICP备2021012345号-2A"}), A),
    "www.example.com: Violating by fs/a for WrongServiceKind")]
#[case::a_change_under_way(one(json!({"change": {"stage": "SecondReview"}}), A), "www.example.com: Compliant by fs/a")]
#[case::a_filing_that_cannot_be_read(
    vec![object("Filing", "fs/a", json!({"domains": "example.com"})), ingress("shop/web", &[A])],
    "www.example.com: Violating for NoFiling")]
#[case::beside_one_that_can(
    vec![object("Filing", "fs/a", json!({"domains": 1})), filing("fs/b", json!({})), ingress("shop/web", &[A])],
    "www.example.com: Compliant by fs/b")]
#[case::no_access(one(json!({"access": []}), A), "www.example.com: Violating by fs/a for NoAccess")]
#[case::a_mistyped_number(one(json!({"number": "京ICP备号-1"}), A), "www.example.com: Violating by fs/a for NumberMalformed")]
#[case::an_approved_filing_without_a_number(one(json!({"number": null}), A), "www.example.com: Violating by fs/a for NumberMalformed")]
#[case::its_own_warnings_stay_on_it(one(json!({"number": "京ICP备2021012345-1号"}), A), "www.example.com: Compliant by fs/a")]
fn a_host_is_covered_by(#[case] documents: Vec<Value>, #[case] expected: &str) {
    assert_eq!(told(&documents), [expected]);
}

#[rstest]
#[case::all(json!({"from": "All"}), true)]
#[case::same(json!({"from": "Same"}), false)]
#[case::a_selector_that_picks(json!({"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}), true)]
#[case::a_selector_that_does_not(json!({"from": "Selector", "selector": {"matchLabels": {"team": "game"}}}), false)]
#[case::by_the_namespaces_name(
    json!({"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}), true)]
#[case::a_selector_that_cannot_be_read(
    json!({"from": "Selector", "selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}), false)]
#[case::no_selector(json!({"from": "Selector"}), false)]
fn a_filing_says_who_serves_under_it(#[case] allowed: Value, #[case] is_allowed: bool) {
    let documents = [
        filing("fs/a", json!({"allowedNamespaces": allowed})),
        namespace("shop", json!({"team": "shop"})),
        ingress("shop/web", &[A]),
    ];
    let expected = if is_allowed {
        "www.example.com: Compliant by fs/a"
    } else {
        "www.example.com: Violating for FilingNotShared"
    };
    assert_eq!(told(&documents), [expected]);
}

#[test]
fn a_filing_is_always_shared_with_its_own_namespace_under_same() {
    let documents = [
        filing("shop/a", json!({"allowedNamespaces": {"from": "Same"}})),
        ingress("shop/web", &[A]),
    ];
    assert_eq!(told(&documents), ["www.example.com: Compliant by shop/a"]);
}

#[rstest]
#[case::a_filing_that_is_not_shared(json!({"allowedNamespaces": {"from": "Same"}}), json!({}))]
#[case::and_is_cancelled(json!({"allowedNamespaces": {"from": "Same"}, "stage": "Cancelled"}), json!({}))]
#[case::where_that_is_but_a_warning(
    json!({"allowedNamespaces": {"from": "Same"}, "stage": "Cancelled"}), json!({"FilingNotShared": "Warning"}))]
fn nothing_is_told_of_a_filing_that_is_not_for_the_namespace(#[case] over: Value, #[case] rules: Value) {
    let documents = [
        policy("default", json!({"rules": rules})),
        filing("secret-team/secret", over),
        ingress("shop/web", &[A]),
    ];
    let words = words(&documents);
    assert!(
        !words.is_empty() && !words.contains("secret") && !words.contains("2021012345"),
        "{words}"
    );
}

#[test]
fn a_filing_that_is_not_shared_still_violates_where_that_is_but_a_warning() {
    let documents = |stage: &str| {
        let over = json!({"allowedNamespaces": {"from": "Same"}, "stage": stage});
        let rules = json!({"rules": {"FilingNotShared": "Warning"}});
        [
            policy("default", rules),
            filing("fs/a", over),
            ingress("shop/web", &[A]),
        ]
    };
    assert_eq!(
        told(&documents("Approved")),
        ["www.example.com: Warned for FilingNotShared"]
    );
    assert_eq!(
        told(&documents("Cancelled")),
        ["www.example.com: Violating for FilingCancelled, FilingNotShared"]
    );
}

#[test]
fn a_filings_own_violation_has_detail_in_its_own_namespace_only() {
    let over = json!({"number": "京ICP备2021012345号-1", "licence": {"number": "粤大王8号"}});
    let documents = |namespace: &str| [filing("fs/a", over.clone()), ingress(&format!("{namespace}/web"), &[A])];
    assert_eq!(
        told(&documents("shop")),
        ["www.example.com: Violating by fs/a for NumberMalformed"]
    );
    let (abroad, at_home) = (words(&documents("shop")), words(&documents("fs")));
    assert!(!abroad.contains("大王") && abroad.contains(" None "), "{abroad}");
    assert!(at_home.contains("大王"), "{at_home}");
}

#[rstest]
#[case::cancelled_says_it_all(json!({"stage": "Cancelled", "access": []}), "FilingCancelled")]
#[case::cancelled_and_ended(json!({"stage": "Cancelled", "expiresAt": "2026-01-01"}), "FilingCancelled")]
#[case::pending_has_no_access_yet(json!({"number": null, "stage": "Submitted", "access": []}), "FilingPending")]
#[case::an_app_has_none_of_it(
    json!({"service": {"kind": "App"}, "stage": "Rejected", "access": [], "expiresAt": "2026-01-01"}), "WrongServiceKind")]
#[case::cancelled_access_with_an_ended_server(
    json!({"access": [{"provider": "alicloud", "stage": "Cancelled", "servers": ["old"]}]}), "AccessCancelled")]
#[case::in_another_region_and_cancelled(
    json!({"access": [{"provider": "alicloud", "stage": "Cancelled", "regions": ["cn-hangzhou"]}]}), "AccessCancelled")]
#[case::two_things_at_once(json!({"registration": {"expiresAt": "2026-01-01"}, "access": []}), "DomainExpired, NoAccess")]
#[case::a_violation_before_a_warning(
    json!({"registration": {"expiresAt": "2026-12-01"}, "access": []}), "NoAccess, DomainExpiring")]
fn of_several_reasons_the_best_comes_first_and_none_twice(#[case] over: Value, #[case] rules: &str) {
    let documents = [
        server("old", json!({"expiresAt": "2026-01-01"})),
        filing("fs/a", over),
        ingress("shop/web", &[A]),
    ];
    assert_eq!(
        told(&documents),
        [format!("www.example.com: Violating by fs/a for {rules}")]
    );
}

#[rstest]
#[case::a_suffix_that_cannot_be_filed("www.example.io", "Violating for UnfilableSuffix")]
#[case::a_suffix_of_which_nothing_is_known("www.example.co.uk", "Violating for NoFiling, UnfilableSuffix")]
#[case::a_wildcard_over_a_suffix("*.com.cn", "Violating for PublicSuffixHost")]
#[case::a_wildcard_over_a_suffix_that_cannot_be_filed("*.io", "Violating for PublicSuffixHost")]
#[case::a_suffix_itself("com.cn", "Violating for PublicSuffixHost")]
#[case::a_suffix_that_the_list_lacks("政务.cn", "Violating for PublicSuffixHost")]
#[case::an_address("192.0.2.7", "Warned for IpHost")]
#[case::an_address_of_six("2001:db8::7", "Warned for IpHost")]
#[case::no_name("a..b", "Violating for InvalidHost")]
#[case::everything("*", "Violating for CatchAllHost")]
#[case::a_service("web.shop.svc", "Exempt")]
#[case::a_service_in_full("web.shop.svc.cluster.local", "Exempt")]
#[case::localhost("localhost", "Exempt")]
#[case::a_single_label("intranet", "Exempt")]
#[case::internal("*.corp.internal", "Exempt")]
#[case::reserved("web.test", "Exempt")]
fn a_host_by_itself_is(#[case] host: &str, #[case] expected: &str) {
    assert_eq!(told(&[ingress("shop/web", &[host])]), [format!("{host}: {expected}")]);
}

#[rstest]
#[case::a_cyrillic_letter("www.ex\u{430}mple.com")]
#[case::the_same_as_it_is_looked_up("www.xn--exmple-4nf.com")]
#[case::a_digit("www.examp1e.com")]
#[case::one_label_less("wwwexample.com")]
#[case::as_the_beginning_of_another("www.example.com.example.net")]
fn a_host_that_only_looks_like_a_filed_one_is_not_covered(#[case] host: &str) {
    let documents = [filing("fs/a", json!({})), ingress("shop/web", &[host])];
    let verdicts = told(&documents).concat();
    assert!(verdicts.ends_with(": Violating for NoFiling"), "{verdicts}");
}

#[rstest]
#[case::before_the_notice("2017-12-31", "Warned by fs/a for UnfilableSuffix")]
#[case::since("2018-01-01", "Violating by fs/a for UnfilableSuffix")]
fn an_old_filing_keeps_a_suffix_that_can_no_longer_be_filed(#[case] approved: &str, #[case] expected: &str) {
    let documents = one(
        json!({"domains": ["example.org"], "approvedAt": approved}),
        "example.org",
    );
    assert_eq!(told(&documents), [format!("example.org: {expected}")]);
}

#[rstest]
#[case::lasting(&[("a", json!({"expiresAt": "2028-01-01"}))], "Compliant by fs/a")]
#[case::without_an_end(&[("a", json!({}))], "Compliant by fs/a")]
#[case::in_its_grace(&[("a", json!({"expiresAt": "2026-11-20"}))], "Warned by fs/a for ServerExpiring")]
#[case::past_its_grace(&[("a", json!({"expiresAt": "2026-11-19"}))], "Violating by fs/a for ServerExpired")]
#[case::suspended(&[("a", json!({"state": "Suspended"}))], "Violating by fs/a for ServerExpired")]
#[case::released(&[("a", json!({"state": "Released", "autoRenew": true}))], "Violating by fs/a for ServerExpired")]
#[case::one_of_two_has_ended(&[("a", json!({"expiresAt": "2026-01-01"})), ("b", json!({}))], "Compliant by fs/a")]
#[case::the_last_of_two_ends_soon(
    &[("a", json!({"expiresAt": "2026-01-01"})), ("b", json!({"expiresAt": "2026-12-01"}))],
    "Warned by fs/a for ServerExpiring")]
#[case::the_other_renews_itself(
    &[("a", json!({"expiresAt": "2026-12-01"})), ("b", json!({"expiresAt": "2026-12-01", "autoRenew": true}))],
    "Compliant by fs/a")]
#[case::none_is_known(&[], "Compliant by fs/a")]
#[case::one_cannot_be_read(&[("a", json!({"expiresAt": 1}))], "Violating by fs/a for ServerExpired")]
fn an_access_entry_lives_as_long_as_its_last_server(#[case] servers: &[(&str, Value)], #[case] expected: &str) {
    let access = json!([{"provider": "alicloud", "stage": "Approved", "servers": ["a", "b"]}]);
    let mut documents = one(json!({"access": access}), A);
    documents.extend(servers.iter().map(|(name, over)| server(name, over.clone())));
    assert_eq!(told(&documents), [format!("{A}: {expected}")]);
}
