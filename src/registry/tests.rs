use rstest::rstest;
use serde_json::{Value, json};

use super::{Affected, Registry, SubjectKind};
use crate::support::{change, class, filing, ingress, namespace, node, object, policy, registry, server};

/// Two shops under one filing, a game under another, and what they stand on.
fn town() -> Registry {
    let on = |server: &str| json!([{"provider": "alicloud", "stage": "Approved", "servers": [server]}]);
    registry(&[
        policy("default", json!({})),
        policy(
            "games",
            json!({"precedence": 1, "site": null, "match": {"namespaceSelector": {"matchLabels": {"games": "yes"}}}}),
        ),
        namespace("game", json!({"games": "yes"})),
        namespace("shop", json!({})),
        class("nginx", true, None),
        node("n1", "alicloud://cn-beijing.i-1", Some("cn-beijing")),
        server("slb-1", json!({})),
        filing("fs/com", json!({"access": on("slb-1")})),
        filing(
            "fs/net",
            json!({"domains": ["example.net"], "number": "京ICP备2021012345号-2", "access": on("slb-2")}),
        ),
        filing(
            "game/deep",
            json!({"domains": ["play.example.net"], "number": "京ICP备2021012345号-3"}),
        ),
        ingress("shop/web", &["www.example.com"]),
        ingress("shop/wild", &["*.example.com", "example.com"]),
        ingress("shop/other", &["www.example.org", "192.0.2.1"]),
        ingress("game/play", &["eu.play.example.net"]),
        object(
            "Ingress",
            "shopping/web",
            json!({"ingressClassName": "nginx", "rules": [{"host": "example.cn"}]}),
        ),
    ])
}

/// What is affected, in one line.
fn told(affected: &Affected) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(affected.routes.iter().map(ToString::to_string));
    parts.extend(affected.filings.iter().map(|key| format!("filing {key}")));
    parts.extend(affected.servers.iter().map(|name| format!("server {name}")));
    parts.extend(affected.policies.iter().map(|name| format!("policy {name}")));
    parts.join(", ")
}

const ALL_BUT_GAMES: &str = "shop/other, shop/web, shop/wild, shopping/web";

#[rstest]
#[case::a_filing_touches_the_routes_under_its_domain(filing("fs/com", json!({"stage": "Cancelled"})),
    "shop/web, shop/wild, filing fs/com")]
#[case::old_and_new(filing("fs/com", json!({"domains": ["example.org"]})),
    "shop/other, shop/web, shop/wild, filing fs/com")]
#[case::a_deeper_domain_only_what_is_below(filing("fs/new", json!({"domains": ["www.example.com"], "number": null})),
    "shop/web, filing fs/new")]
#[case::a_domain_that_nothing_serves(filing("fs/new", json!({"domains": ["nothing.cn"], "number": null})), "filing fs/new")]
#[case::a_public_suffix(filing("fs/new", json!({"domains": ["com", "a..b"], "number": null})), "filing fs/new")]
#[case::a_filing_that_can_no_longer_be_read(object("Filing", "fs/net", json!(1)), "game/play, filing fs/net")]
#[case::a_server_touches_those_who_name_it(server("slb-1", json!({"state": "Suspended"})),
    "shop/web, shop/wild, filing fs/com, server slb-1")]
#[case::also_when_it_is_new(server("slb-2", json!({})), "game/play, filing fs/net, server slb-2")]
#[case::also_when_it_cannot_be_read(object("AccessServer", "slb-1", json!(1)),
    "shop/web, shop/wild, filing fs/com, server slb-1")]
#[case::a_server_that_nobody_names(server("slb-3", json!({})), "server slb-3")]
#[case::a_namespace_touches_its_routes(namespace("shop", json!({"team": "a"})), "shop/other, shop/web, shop/wild")]
#[case::and_those_under_its_filings(namespace("fs", json!({"team": "a"})),
    "game/play, shop/web, shop/wild, filing fs/com, filing fs/net")]
#[case::both(namespace("game", json!({})), "game/play, filing game/deep")]
#[case::an_empty_namespace(namespace("empty", json!({"team": "a"})), "")]
#[case::another_default_class_touches_routes_without_one(
    class("a", true, None),
    "game/play, shop/other, shop/web, shop/wild"
)]
#[case::a_class_that_is_not_the_default(class("a", false, None), "")]
#[case::a_second_default_that_is_not_picked(class("z", true, None), "")]
#[case::a_node_in_a_known_place(node("n2", "alicloud://cn-beijing.i-2", Some("cn-beijing")), "")]
#[case::a_node_in_another_touches_policies_without_a_site(
    node("n2", "alicloud://cn-hangzhou.i-2", Some("cn-hangzhou")),
    "game/play, policy games"
)]
#[case::a_node_that_drops_out(node("n2", "alicloud://cn-hongkong.i-2", Some("cn-hongkong")), "")]
#[case::a_node_of_which_nothing_is_known(node("n2", "", None), "")]
#[case::a_policy_touches_what_it_governs(
    policy("games", json!({"match": {"namespaceSelector": {"matchLabels": {"games": "yes"}}}, "precedence": 1})),
    "game/play, policy games")]
#[case::and_what_it_no_longer_does(policy("games", json!({"precedence": -1})), "game/play, policy games")]
#[case::and_what_it_now_does(policy("new", json!({"precedence": 9, "match": {"ingressClasses": ["apache"]}})), "policy new")]
#[case::the_default_one_touches_what_is_judged_under_it(policy("default", json!({"reminders": [7]})),
    &format!("{ALL_BUT_GAMES}, filing fs/com, filing fs/net, filing game/deep, server slb-1, policy default"))]
#[case::a_route_touches_itself(ingress("shop/web", &["www.example.net"]), "shop/web")]
#[case::also_when_it_cannot_be_read(object("Ingress", "shop/web", json!({"rules": 1})), "shop/web")]
fn a_change_touches(#[case] document: Value, #[case] expected: &str) {
    let mut registry = town();
    assert_eq!(told(&registry.apply(change(&document))), expected);
    assert_eq!(
        registry.apply(change(&document)),
        Affected::default(),
        "the same once more"
    );
}

/// Three filings of one number, and three of one domain, in the order of their age; nobody trusts those of `far`.
fn rivals() -> Registry {
    let of_age = |key: &str, day: u32, domain: &str, site: u32| {
        let number = format!("京ICP备2021012345号-{site}");
        let mut filing = filing(key, json!({"domains": [domain], "number": number}));
        filing["metadata"]["creationTimestamp"] = json!(format!("2026-01-0{day}T00:00:00Z"));
        filing
    };
    let trusted = json!({"namespaceSelector": {"matchExpressions":
        [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["far"]}]}});
    registry(&[
        policy("default", json!({"filingsFrom": trusted})),
        of_age("fs/n1", 1, "a.cn", 1),
        of_age("fs/n2", 2, "b.cn", 1),
        of_age("fs/n3", 3, "c.cn", 1),
        of_age("fs/d1", 1, "d.cn", 11),
        of_age("fs/d2", 2, "d.cn", 12),
        of_age("fs/d3", 3, "d.cn", 13),
        of_age("far/d0", 1, "d.cn", 14),
        ingress("shop/c", &["www.c.cn"]),
    ])
}

#[rstest]
#[case::the_oldest_touches_all(filing("fs/n1", json!({"domains": ["a.cn"], "number": null})),
    "shop/c, filing fs/n1, filing fs/n2, filing fs/n3")]
#[case::another_but_itself(filing("fs/n2", json!({"domains": ["b.cn"], "number": null})), "filing fs/n2")]
#[case::so_with_a_domain(filing("fs/d1", json!({"domains": ["e.cn"]})),
    "filing fs/d1, filing fs/d2, filing fs/d3")]
#[case::of_which_the_youngest_touches_nobody(filing("fs/d3", json!({"domains": ["e.cn"], "number": null})),
    "filing fs/d3")]
#[case::nor_does_one_that_nobody_trusts(filing("far/d0", json!({"domains": ["e.cn"]})), "filing far/d0")]
#[case::until_somebody_does(policy("default", json!({})),
    "shop/c, filing far/d0, filing fs/d1, filing fs/d2, filing fs/d3, filing fs/n1, filing fs/n2, filing fs/n3, policy default")]
fn of_filings_that_claim_the_same_the_older_touches_the_younger(#[case] document: Value, #[case] expected: &str) {
    assert_eq!(told(&rivals().apply(change(&document))), expected);
}

#[rstest]
#[case::a_filing(filing("fs/com", json!({})), "shop/web, shop/wild, filing fs/com")]
#[case::a_server(server("slb-1", json!({})), "shop/web, shop/wild, filing fs/com, server slb-1")]
#[case::a_namespace(namespace("game", json!({})), "game/play, filing game/deep")]
#[case::the_default_class(
    class("nginx", true, None),
    "game/play, shop/other, shop/web, shop/wild, shopping/web"
)]
#[case::the_last_node(node("n1", "", None), "game/play, policy games")]
#[case::a_policy(policy("games", json!({})), "game/play, policy games")]
#[case::a_route(ingress("shop/web", &[]), "shop/web")]
fn a_deletion_touches(#[case] document: Value, #[case] expected: &str) {
    let mut registry = town();
    let subject = change(&document).subject();
    assert_eq!(told(&registry.delete(&subject)), expected);
    assert_eq!(registry.delete(&subject), Affected::default(), "it is gone already");
}

#[test]
fn a_filing_that_names_another_server_is_no_longer_touched_by_the_old_one() {
    let mut registry = town();
    let access = json!([{"provider": "alicloud", "stage": "Approved", "servers": ["slb-9"]}]);
    registry.apply(change(&filing("fs/com", json!({"access": access}))));
    assert_eq!(
        told(&registry.apply(change(&server("slb-1", json!({"state": "Released"}))))),
        "server slb-1"
    );
}

#[test]
fn a_registry_that_starts_from_a_snapshot_knows_which_filings_a_server_touches() {
    let mut registry = Registry::new(town().snapshot().clone());
    let affected = registry.apply(change(&server("slb-1", json!({"state": "Suspended"}))));
    assert_eq!(told(&affected), "filing fs/com, server slb-1");
}

#[test]
fn everything_of_a_kind_is_listed_read_or_not() {
    let mut registry = town();
    for unreadable in [
        object("Filing", "fs/bad", json!(1)),
        object("AccessServer", "bad", json!(1)),
        object("FilingPolicy", "bad", json!(1)),
        object("Ingress", "shop/bad", json!(1)),
    ] {
        registry.apply(change(&unreadable));
    }
    let count = |kind| registry.subjects(kind).len();
    assert_eq!(count(SubjectKind::Filing), 4);
    assert_eq!(count(SubjectKind::Server), 2);
    assert_eq!(count(SubjectKind::Policy), 3);
    assert_eq!(count(SubjectKind::Namespace), 2);
    assert_eq!(count(SubjectKind::Class), 1);
    assert_eq!(count(SubjectKind::Node), 1);
    assert_eq!(count(SubjectKind::Route), 6);
}

#[rstest]
#[case::an_empty_selector(json!({"filingsFrom": {"namespaceSelector": {}}}), "spec.filingsFrom.namespaceSelector")]
#[case::a_selector(json!({"match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}}),
    "spec.match.namespaceSelector")]
#[case::a_province(json!({"site": {"provider": "idc", "province": "Atlantis"}}), "spec.site.province")]
#[case::a_bare_star(json!({"exemptions": [{"hosts": ["a.cn", "*"], "reason": "r", "owner": "o", "until": "2027-01-01"}]}),
    "spec.exemptions[0].hosts[1]")]
#[case::a_public_suffix(json!({"exemptions": [{"hosts": ["*.com.cn"], "reason": "r", "owner": "o", "until": "2027-01-01"}]}),
    "spec.exemptions[0].hosts[0]")]
fn what_a_policy_says_in_vain_is_told(#[case] over: Value, #[case] path: &str) {
    let registry = registry(&[policy("default", over)]);
    let problems = &registry.snapshot().default_policy().problems;
    assert_eq!(
        problems.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(),
        [path]
    );
}
