//! Which policy governs, whose filings it trusts, where it serves, whom it exempts, and when things end under it.

use rstest::rstest;
use serde_json::{Value, json};

use super::{told, told_at};
use crate::api::Colour;
use crate::judge::{judge, judge_filing, judge_server, judge_until};
use crate::registry::{Kept, Registry, Snapshot};
use crate::support::{
    HOME, at, change, class, filing, ingress, namespace, node, now, object, policy, registry, routes, server,
};

const A: &str = "www.example.com";
const COMPLIANT: &str = "Compliant by fs/a";

fn under(over: Value, filed: Value) -> String {
    let documents = [
        policy("default", over),
        filing("fs/a", filed),
        ingress("shop/web", &[A]),
    ];
    told(&documents).concat().replace("www.example.com: ", "")
}

#[rstest]
#[case::all(json!({"all": true}), "fs", true)]
#[case::nothing_said_and_elsewhere(Value::Null, "fs", false)]
#[case::nothing_said_and_at_home(Value::Null, HOME, true)]
#[case::a_selector_that_picks(json!({"namespaceSelector": {"matchLabels": {"filings": "yes"}}}), "fs", true)]
#[case::a_selector_that_does_not(json!({"namespaceSelector": {"matchLabels": {"filings": "no"}}}), "fs", false)]
#[case::by_name(json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "fs"}}}), "fs", true)]
#[case::by_name_of_a_namespace_not_seen_yet(
    json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "new"}}}), "new", true)]
#[case::an_empty_selector(json!({"namespaceSelector": {}}), "fs", false)]
#[case::nobody(json!({}), "fs", false)]
#[case::a_selector_that_cannot_be_read(
    json!({"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}), "fs", false)]
#[case::a_tenants_own(json!({"namespaceSelector": {"matchLabels": {"filings": "yes"}}}), "shop", false)]
fn a_policy_says_whose_filings_count(#[case] from: Value, #[case] keeper: &str, #[case] counts: bool) {
    let documents = [
        policy("default", json!({"filingsFrom": from})),
        namespace("fs", json!({"filings": "yes"})),
        filing(&format!("{keeper}/a"), json!({})),
        ingress("shop/web", &[A]),
    ];
    let expected = if counts {
        format!("Compliant by {keeper}/a")
    } else {
        "Violating for NoFiling".to_owned()
    };
    assert_eq!(told(&documents), [format!("{A}: {expected}")]);
}

#[rstest]
#[case::the_highest(&[("a", json!({})), ("b", json!({"precedence": 1}))], Some("b"))]
#[case::then_by_name(&[("b", json!({})), ("a", json!({}))], Some("a"))]
#[case::the_default_is_no_exception(&[("default", json!({"precedence": -5})), ("z", json!({}))], Some("z"))]
#[case::by_namespace(&[("a", json!({"match": {"namespaceSelector": {"matchLabels": {"team": "game"}}}})), ("b", json!({}))],
    Some("b"))]
#[case::by_its_label(&[("z", json!({"precedence": 1, "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}}})),
    ("b", json!({}))], Some("z"))]
#[case::an_empty_match(&[("a", json!({"match": {"namespaceSelector": {}, "ingressClasses": []}}))], Some("a"))]
#[case::a_selector_that_cannot_be_read_governs_all(
    &[("a", json!({"match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}}))], Some("a"))]
#[case::none(&[("a", json!({"match": {"namespaceSelector": {"matchLabels": {"team": "game"}}}}))], None)]
fn one_policy_governs_a_route(#[case] policies: &[(&str, Value)], #[case] governing: Option<&str>) {
    let mut documents = vec![namespace("shop", json!({"team": "shop"})), ingress("shop/web", &[A])];
    documents.extend(policies.iter().map(|(name, over)| policy(name, over.clone())));
    let registry = registry(&documents);
    let verdict = judge(&routes(&registry)[0], registry.snapshot(), now());
    assert_eq!(verdict.as_ref().map(|verdict| &*verdict.policy.name), governing);
}

#[rstest]
#[case::the_field(json!({"ingressClassName": "nginx"}), None, &[], true)]
#[case::the_annotation(json!({}), Some("nginx"), &[], true)]
#[case::the_field_goes_first(json!({"ingressClassName": "other"}), Some("nginx"), &[], false)]
#[case::another(json!({"ingressClassName": "other"}), None, &[], false)]
#[case::the_default(json!({}), None, &[("nginx", Some("2026-01-01T00:00:00Z"))], true)]
#[case::no_default(json!({}), None, &[], false)]
#[case::of_two_defaults_the_newest(
    json!({}), None, &[("a", Some("2026-01-01T00:00:00Z")), ("nginx", Some("2026-02-01T00:00:00Z"))], true)]
#[case::of_two_of_one_age_the_first_by_name(
    json!({}), None, &[("zebra", Some("2026-01-01T00:00:00Z")), ("nginx", Some("2026-01-01T00:00:00Z"))], true)]
#[case::another_is_the_default(json!({}), None, &[("other", None)], false)]
fn a_policy_governs_classes(
    #[case] spec: Value,
    #[case] annotation: Option<&str>,
    #[case] defaults: &[(&str, Option<&str>)],
    #[case] governs: bool,
) {
    let mut route = object("Ingress", "shop/web", spec);
    if let Some(annotation) = annotation {
        route["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": annotation});
    }
    let mut documents = vec![
        route,
        policy("default", json!({"match": {"ingressClasses": ["nginx"]}})),
    ];
    documents.push(class("nginx", false, Some("2020-01-01T00:00:00Z")));
    documents.extend(defaults.iter().map(|(name, created)| class(name, true, *created)));
    assert_eq!(told(&documents).is_empty(), governs, "{:?}", told(&documents));
}

#[rstest]
#[case::of_manifests_it_may_be_any(false, None, true)]
#[case::of_a_cluster_it_is_none(true, None, false)]
#[case::of_manifests_with_a_default(false, Some("other"), false)]
fn a_route_without_a_class_has_the_default_and_an_unknown_one_matches(
    #[case] classes_are_complete: bool,
    #[case] default: Option<&str>,
    #[case] governs: bool,
) {
    let mut registry = Registry::new(Snapshot::new(HOME, classes_are_complete));
    registry.apply(change(&policy(
        "default",
        json!({"match": {"ingressClasses": ["nginx"]}}),
    )));
    registry.apply(change(&ingress("shop/web", &[A])));
    if let Some(default) = default {
        registry.apply(change(&class(default, true, None)));
    }
    let verdict = judge(&routes(&registry)[0], registry.snapshot(), now());
    assert_eq!(verdict.is_some(), governs);
}

#[rstest]
#[case::the_region_is_named(json!({"provider": "alicloud", "region": "cn-beijing"}), json!({"regions": ["cn-beijing"]}), COMPLIANT)]
#[case::another_region(json!({"provider": "alicloud", "region": "cn-beijing"}), json!({"regions": ["cn-hangzhou"]}),
    "Violating by fs/a for RegionMismatch")]
#[case::an_alias_of_the_region(json!({"provider": "tencentcloud", "region": "gz"}),
    json!({"provider": "tencentcloud", "regions": ["ap-guangzhou"]}), COMPLIANT)]
#[case::the_other_way_round(json!({"provider": "qcloud", "region": "ap-guangzhou"}),
    json!({"provider": "tencentcloud", "regions": ["gz"]}), COMPLIANT)]
#[case::an_alias_of_the_provider(json!({"provider": "aliyun", "region": "cn-beijing"}), json!({}), COMPLIANT)]
#[case::hong_kong(json!({"provider": "alicloud", "region": "cn-hongkong"}), json!({}), "Exempt")]
#[case::a_region_of_which_nothing_is_known(json!({"provider": "alicloud", "region": "cn-nowhere"}), json!({}),
    "Warned by fs/a for RegionUnknown")]
#[case::even_without_access(json!({"provider": "alicloud", "region": "cn-nowhere"}), json!({"provider": "tencentcloud"}),
    "Warned by fs/a for RegionUnknown")]
#[case::no_region(json!({"provider": "alicloud"}), json!({}), "Warned by fs/a for RegionUnknown")]
#[case::no_region_but_a_province(json!({"provider": "aliyun", "province": "北京"}), json!({}), COMPLIANT)]
#[case::ones_own_data_centre(json!({"provider": "idc-telecom", "region": "jiuxianqiao", "province": "CN-BJ"}),
    json!({"provider": "idc-telecom", "regions": ["jiuxianqiao"]}), COMPLIANT)]
#[case::without_access(json!({"provider": "idc-telecom", "province": "CN-BJ"}), json!({}), "Violating by fs/a for NoAccess")]
#[case::of_which_nothing_is_said(json!({"provider": "idc-telecom"}), json!({"provider": "idc-telecom"}),
    "Warned by fs/a for RegionUnknown")]
#[case::abroad(json!({"provider": "idc-abroad", "province": "Outside"}), json!({}), "Exempt")]
#[case::a_province_that_is_none(json!({"provider": "idc-telecom", "province": "Atlantis"}), json!({}),
    "Warned by fs/a for RegionUnknown")]
#[case::the_table_knows_better(json!({"provider": "alicloud", "region": "cn-beijing", "province": "Outside"}), json!({}), COMPLIANT)]
fn a_policy_says_where_it_serves(#[case] site: Value, #[case] access: Value, #[case] expected: &str) {
    let mut entry = json!({"provider": "alicloud", "stage": "Approved"});
    for (name, value) in access.as_object().unwrap() {
        entry[name.as_str()] = value.clone();
    }
    assert_eq!(under(json!({"site": site}), json!({"access": [entry]})), expected);
}

const BEIJING: (&str, Option<&str>) = ("alicloud://cn-beijing.i-1", Some("cn-beijing"));
const GUANGZHOU: (&str, Option<&str>) = ("qcloud:///100003/ins-1", Some("gz"));
const HONG_KONG: (&str, Option<&str>) = ("alicloud://cn-hongkong.i-2", Some("cn-hongkong"));
const NOWHERE: (&str, Option<&str>) = ("alicloud://cn-nowhere.i-3", Some("cn-nowhere"));

#[rstest]
#[case::one_place(&[BEIJING], COMPLIANT)]
#[case::two_places_and_access_at_one(&[BEIJING, GUANGZHOU], "Violating by fs/a for NoAccess")]
#[case::one_off_the_mainland_drops_out(&[BEIJING, HONG_KONG], COMPLIANT)]
#[case::both_are_off_it(&[HONG_KONG], "Exempt")]
#[case::one_is_unknown(&[BEIJING, NOWHERE], "Warned by fs/a for RegionUnknown")]
#[case::one_is_unknown_and_one_outside(&[NOWHERE, HONG_KONG], "Warned by fs/a for RegionUnknown")]
#[case::one_is_unknown_and_one_has_no_access(&[NOWHERE, GUANGZHOU], "Violating by fs/a for NoAccess, RegionUnknown")]
#[case::none(&[], "Warned by fs/a for RegionUnknown")]
#[case::one_that_says_nothing(&[("", None)], "Warned by fs/a for RegionUnknown")]
fn without_a_word_of_the_policy_the_nodes_say(#[case] nodes: &[(&str, Option<&str>)], #[case] expected: &str) {
    let mut documents = vec![
        policy("default", json!({"site": null})),
        filing("fs/a", json!({})),
        ingress("shop/web", &[A]),
    ];
    documents.extend(
        nodes
            .iter()
            .enumerate()
            .map(|(at, (id, region))| node(&format!("n{at}"), id, *region)),
    );
    assert_eq!(told(&documents), [format!("{A}: {expected}")]);
}

#[rstest]
#[case::abroad_and_filed("cn-hongkong", json!({}), json!({}), COMPLIANT)]
#[case::abroad_without_a_provider_asks_for_no_access("cn-hongkong", json!({}), json!({"access": []}), COMPLIANT)]
#[case::abroad_but_cancelled("cn-hongkong", json!({}), json!({"stage": "Cancelled"}), "Violating by fs/a for FilingCancelled")]
#[case::abroad_with_access_at_the_provider("cn-hongkong", json!({"provider": "alicloud"}), json!({}), COMPLIANT)]
#[case::abroad_with_none("cn-hongkong", json!({"provider": "qcloud"}), json!({}), "Violating by fs/a for NoAccess")]
#[case::on_the_mainland_too("cn-beijing", json!({"provider": "tencentcloud"}), json!({}), "Violating by fs/a for NoAccess")]
#[case::beside_an_unknown_region_of_its_own("cn-nowhere", json!({"provider": "alicloud"}), json!({"access": []}),
    "Violating by fs/a for NoAccess, RegionUnknown")]
fn a_cdn_on_the_mainland_needs_the_filing_wherever_the_cluster_is(
    #[case] region: &str,
    #[case] cdn: Value,
    #[case] filed: Value,
    #[case] expected: &str,
) {
    let over = json!({"site": {"provider": "alicloud", "region": region}, "mainlandCdn": cdn});
    assert_eq!(under(over, filed), expected);
}

#[rstest]
#[case::below("*.x.example.net", "shop", "a.x.example.net", true)]
#[case::far_below("*.x.example.net", "shop", "b.a.x.example.net", true)]
#[case::not_the_name_itself("*.x.example.net", "shop", "x.example.net", false)]
#[case::the_name("x.example.net", "shop", "X.example.net.", true)]
#[case::not_below_a_name("x.example.net", "shop", "a.x.example.net", false)]
#[case::an_equal_wildcard("*.x.example.net", "shop", "*.x.example.net", true)]
#[case::a_wider_wildcard("*.example.net", "shop", "*.x.example.net", true)]
#[case::a_narrower_one("*.x.example.net", "shop", "*.example.net", false)]
#[case::a_name_for_a_wildcard("a.example.net", "shop", "*.example.net", false)]
#[case::another_namespace("*.x.example.net", "game", "a.x.example.net", false)]
#[case::a_public_suffix("*.net", "shop", "a.net", false)]
#[case::everything("*", "shop", "a.example.net", false)]
fn an_exemption_is_for(#[case] pattern: &str, #[case] exempt: &str, #[case] host: &str, #[case] is_exempt: bool) {
    let exemption =
        json!({"hosts": [pattern], "namespaces": [exempt], "reason": "r", "owner": "o", "until": "2026-11-23"});
    let documents = [
        policy("default", json!({"exemptions": [exemption]})),
        ingress("shop/web", &[host]),
    ];
    let registry = registry(&documents);
    let route = &routes(&registry)[0];
    let (verdict, next) = judge_until(route, registry.snapshot(), now()).unwrap();
    assert_eq!(verdict.hosts[0].exemption.is_some(), is_exempt);
    assert_eq!(verdict.outcome.as_str(), if is_exempt { "Exempt" } else { "Violating" });
    assert!(
        !verdict.hosts[0].findings.is_empty(),
        "what is exempt is reported all the same"
    );
    assert_eq!(next, is_exempt.then(|| at("2026-11-24T00:00:00+08:00")));
    let later = judge(route, registry.snapshot(), at("2026-11-24T00:00:00+08:00")).unwrap();
    assert_eq!(later.outcome.as_str(), "Violating");
}

#[rstest]
#[case::a_warning(json!({"NoAccess": "Warning"}), json!({"access": []}), "Warned by fs/a for NoAccess")]
#[case::off(json!({"NoAccess": "Disabled"}), json!({"access": []}), COMPLIANT)]
#[case::a_violation(json!({"FilingExpiring": "Violation"}), json!({"expiresAt": "2026-12-01"}),
    "Violating by fs/a for FilingExpiring")]
#[case::a_filings_own_rule_then_reaches_its_hosts(json!({"ServerUnknown": "Violation"}),
    json!({"access": [{"provider": "alicloud", "stage": "Approved", "servers": ["gone", "lost"]}]}),
    "Violating by fs/a for ServerUnknown")]
#[case::and_no_longer(json!({"NumberMalformed": "Warning"}), json!({"number": "1"}), COMPLIANT)]
#[case::what_yields_to_a_rule_that_is_off_is_told(json!({"FilingCancelled": "Disabled"}),
    json!({"stage": "Cancelled", "access": []}), "Violating by fs/a for NoAccess")]
#[case::what_yields_to_a_lesser_one_too(json!({"FilingCancelled": "Warning"}),
    json!({"stage": "Cancelled", "access": []}), "Violating by fs/a for NoAccess, FilingCancelled")]
#[case::not_shared_with_but_let_pass(json!({"FilingNotShared": "Disabled"}), json!({"allowedNamespaces": {"from": "Same"}}),
    COMPLIANT)]
#[case::a_rule_that_is_none(json!({"NoSuchRule": "Violation"}), json!({}), COMPLIANT)]
fn a_policy_weighs_rules(#[case] rules: Value, #[case] filed: Value, #[case] expected: &str) {
    assert_eq!(under(json!({"rules": rules}), filed), expected);
}

#[rstest]
#[case::ninety_one_days_before("2026-11-21", json!({}), COMPLIANT)]
#[case::ninety_days_before("2026-11-22", json!({}), "Warned by fs/a for FilingExpiring")]
#[case::by_shorter_reminders("2027-02-08", json!({"reminders": [10, 11]}), COMPLIANT)]
#[case::by_shorter_reminders_reached("2027-02-09", json!({"reminders": [10, 11]}), "Warned by fs/a for FilingExpiring")]
#[case::on_its_last_day("2027-02-20", json!({}), "Warned by fs/a for FilingExpiring")]
#[case::after_it("2027-02-21", json!({}), "Violating by fs/a for FilingExpired")]
#[case::in_its_grace("2027-02-23", json!({"grace": {"filing": 3}}), "Warned by fs/a for FilingExpiring")]
#[case::after_its_grace("2027-02-24", json!({"grace": {"filing": 3}}), "Violating by fs/a for FilingExpired")]
fn a_filing_ends(#[case] day: &str, #[case] over: Value, #[case] expected: &str) {
    let documents = [
        policy("default", over),
        filing("fs/a", json!({"expiresAt": "2027-02-20"})),
        ingress("shop/web", &[A]),
    ];
    assert_eq!(
        told_at(&documents, at(&format!("{day}T00:00:00+08:00"))),
        [format!("{A}: {expected}")]
    );
}

#[rstest]
#[case::well(json!({}), Colour::Blue, true)]
#[case::ending_in_more_than_thirty_days(json!({"expiresAt": "2026-12-24"}), Colour::Blue, true)]
#[case::ending_in_thirty_days(json!({"expiresAt": "2026-12-23"}), Colour::Red, true)]
#[case::its_domain_too(json!({"registration": {"expiresAt": "2026-12-23"}}), Colour::Red, true)]
#[case::ended(json!({"expiresAt": "2026-11-01"}), Colour::Red, false)]
#[case::a_warning(json!({"number": "京ICP备2021012345-1号"}), Colour::Yellow, true)]
#[case::a_violation(json!({"number": "1"}), Colour::Red, false)]
#[case::under_review(json!({"number": null, "stage": "SecondReview"}), Colour::Yellow, false)]
#[case::cancelled(json!({"stage": "Cancelled"}), Colour::Red, false)]
fn a_filing_has_a_colour(#[case] over: Value, #[case] colour: Colour, #[case] is_ready: bool) {
    let registry = registry(&[filing("fs/a", over)]);
    let (_, kept) = registry.snapshot().filings().next().unwrap();
    let Kept::Read(filing) = kept else { panic!() };
    let answer = judge_filing(filing, registry.snapshot(), now());
    assert_eq!(
        (answer.colour, answer.is_ready),
        (colour, is_ready),
        "{:?}",
        answer.findings
    );
}

#[rstest]
#[case::well(json!({}), Colour::Blue)]
#[case::ending_in_more_than_thirty_days(json!({"expiresAt": "2026-12-24"}), Colour::Blue)]
#[case::ending_in_thirty_days(json!({"expiresAt": "2026-12-23"}), Colour::Red)]
#[case::and_renewing_itself(json!({"expiresAt": "2026-12-23", "autoRenew": true}), Colour::Blue)]
#[case::suspended(json!({"state": "Suspended"}), Colour::Red)]
fn a_server_has_a_colour(#[case] over: Value, #[case] colour: Colour) {
    let registry = registry(&[server("slb", over)]);
    let Some(Kept::Read(server)) = registry.snapshot().server("slb") else {
        panic!()
    };
    assert_eq!(judge_server(server, registry.snapshot(), now()).colour, colour);
}
