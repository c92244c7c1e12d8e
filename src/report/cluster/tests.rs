use serde_json::{Value, json};

use super::*;
use crate::api::keys;
use crate::registry::Policy;
use crate::support::{filing, ingress, merge, now, object, policy, registry, routes, server};

/// A cluster with a bit of everything: a route that is well, one in quarantine, one that nobody governs, dates, and an exemption.
fn cluster() -> Registry {
    let mut blocked = ingress("shop/outlet", &["www.example.net", "a.example.net"]);
    merge(
        &mut blocked,
        &json!({
            "metadata": {"annotations": {
                keys::QUARANTINED_CLASS: r#"{"field":"nginx"}"#,
                keys::QUARANTINED_AT: "2026-11-20T02:00:00Z",
            }},
            "spec": {"ingressClassName": keys::QUARANTINE_CLASS},
        }),
    );
    let quarantine = object(
        "IngressClass",
        keys::QUARANTINE_CLASS,
        json!({"controller": keys::QUARANTINE_CONTROLLER}),
    );
    let governed = json!({
        "running": "Block",
        "match": {"namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["free"]},
        ]}},
        "exemptions": [{"hosts": ["*.intra.example.com"], "until": "2027-03-31", "reason": "VPN", "owner": "infra"}],
    });
    registry(&[
        policy("default", governed),
        quarantine,
        filing(
            "filings/example-com",
            json!({"registration": {"expiresAt": "2026-12-20"}, "licence": {"expiresAt": "2027-08-01"}}),
        ),
        filing(
            "filings/cancelled",
            json!({"domains": ["example.org"], "stage": "Cancelled"}),
        ),
        server("slb-1", json!({"expiresAt": "2027-02-01"})),
        ingress("shop/web", &["www.example.com", "wiki.intra.example.com"]),
        ingress("shop/old", &["www.example.org"]),
        ingress("free/any", &["www.example.net"]),
        blocked,
    ])
}

/// The same under a policy that asks for another region and only annotates.
fn elsewhere() -> Policy {
    let spec = json!({"site": {"provider": "tencentcloud", "region": "ap-guangzhou"}, "filingsFrom": {"all": true}});
    Policy::new(
        "default".into(),
        &kube::core::ObjectMeta::default(),
        &serde_json::from_value(spec).unwrap(),
    )
}

#[test]
fn a_cluster_fits_on_a_page() {
    let registry = cluster();
    let of = |lang| Status::of(&registry, &std::collections::BTreeMap::new(), now(), lang);
    insta::assert_snapshot!("status", of(Lang::En).table(None));
    insta::assert_snapshot!("status_zh", of(Lang::Zh).table(Some(100)));
    insta::assert_snapshot!("status_json", view_json(&of(Lang::En)).unwrap());
}

#[test]
fn each_rule_answers_for_each_host() {
    let registry = cluster();
    let routes = routes(&registry);
    let texts = routes.iter().map(|route| {
        let explanation = Explanation::of(route, registry.snapshot(), now(), Lang::En);
        explanation.text(Some(100))
    });
    insta::assert_snapshot!("explanation", texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_rule_about_hosts_is_in_one_list_of_an_explanation() {
    let registry = cluster();
    for route in routes(&registry) {
        let explanation = Explanation::of(&route, registry.snapshot(), now(), Lang::En);
        let told = serde_json::to_value(explanation).unwrap();
        let counts: Vec<usize> = told["hosts"].as_array().unwrap().iter().map(rules_of).collect();
        assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "{told}");
    }
}

fn rules_of(host: &Value) -> usize {
    let list = |key: &str| host[key].as_array().unwrap().iter().map(Value::to_string);
    let found = host["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["rule"].to_string());
    let all = found
        .chain(list("passed"))
        .chain(list("notAsked"))
        .chain(list("disabled"));
    let mut rules: Vec<String> = all.collect();
    let count = rules.len();
    rules.sort();
    rules.dedup();
    assert_eq!(rules.len(), count, "{host}");
    count
}

#[test]
fn domains_that_are_served_are_listed_with_skeletons_of_the_filings_that_are_missing() {
    let registry = cluster();
    let hosts = Hosts::of(&registry, "filing-system", None, now());
    insta::assert_snapshot!("hosts", hosts.table(None));
    insta::assert_snapshot!("skeletons", hosts.skeletons().unwrap());
    let of_free = Hosts::of(&registry, "filing-system", Some("free"), now());
    assert_eq!(of_free.missing(), 0, "nobody governs it");
}

#[test]
fn skeletons_of_domains_that_would_have_one_name_keep_apart() {
    let registry = registry(&[
        policy("default", json!({})),
        ingress("shop/web", &["www.a-com.cn", "www.a.com.cn"]),
    ]);
    let skeletons = Hosts::of(&registry, "filing-system", None, now()).skeletons().unwrap();
    assert!(
        skeletons.contains("name: a-com-cn\n") && skeletons.contains("name: a.com.cn\n"),
        "{skeletons}"
    );
}

#[test]
fn a_policy_is_tried_on_the_routes_that_run() {
    let registry = cluster();
    let tried = Simulation::of(&registry, &elsewhere(), None, now(), Lang::En);
    insta::assert_snapshot!("simulation", tried.table(None));
    let mut strict = elsewhere();
    strict.running = crate::api::Running::Block;
    let tried = Simulation::of(&registry, &strict, None, now(), Lang::Zh);
    insta::assert_snapshot!("simulation_zh", tried.table(None));
}

#[test]
fn what_only_warns_is_not_told_to_be_denied() {
    let break_glass = json!({keys::BREAK_GLASS: "true"});
    let registry = registry(&[
        policy("default", json!({"admission": "Warn"})),
        ingress("shop/web", &["www.example.net"]),
        ingress("open/web", &["www.example.net"]),
        crate::support::namespace("open", break_glass),
    ]);
    let mut denying = Policy::clone(registry.snapshot().policies().next().unwrap());
    denying.admission = crate::api::Admission::Deny;
    let tried = Simulation::of(&registry, &denying, None, now(), Lang::En);
    assert!(tried.table(None).contains(": 0 more denied"), "no Filing is there yet");
    let mut registry = registry;
    registry.apply(crate::support::change(&filing("filings/a", json!({}))));
    let tried = Simulation::of(&registry, &denying, None, now(), Lang::En);
    assert!(
        tried.table(None).contains(": 1 more denied"),
        "one namespace breaks the glass"
    );
}

#[test]
fn a_policy_that_is_in_force_changes_nothing() {
    let registry = cluster();
    let same = registry.snapshot().policies().next().unwrap();
    let tried = Simulation::of(&registry, same, None, now(), Lang::En);
    assert_eq!(
        tried.table(None),
        "policy default would govern 3 routes: 0 more denied if applied anew, 0 more blocked, 0 let go\n"
    );
}

#[test]
fn a_year_is_drawn_with_a_bar_for_each_object() {
    let registry = cluster();
    let year = Timeline::of(&registry, now(), Lang::En);
    insta::assert_snapshot!("timeline", year.table(None));
    let picture = year.svg().unwrap();
    for object in [
        "Filing filings/example-com",
        "AccessServer slb-1",
        "FilingPolicy default",
    ] {
        assert_eq!(picture.matches(object).count(), 1, "{object}");
    }
    assert_eq!(picture.matches("<circle").count(), 4, "a mark at each end");
    assert!(picture.contains("2026-12-20 (27 days)"));
}

#[test]
fn a_picture_shows_a_hundred_and_counts_the_others() {
    let servers: Vec<Value> = (0..103)
        .map(|nth| server(&format!("slb-{nth}"), json!({"expiresAt": "2027-02-01"})))
        .collect();
    let picture = Timeline::of(&registry(&servers), now(), Lang::En).svg().unwrap();
    assert_eq!(picture.matches("AccessServer slb-").count(), 100);
    assert!(picture.contains("3 more that end later are not shown"));
}

#[test]
fn what_a_tenant_typed_neither_moves_the_cursor_nor_breaks_the_picture() {
    let registry = registry(&[
        server("slb<&>", json!({"expiresAt": "2027-02-01"})),
        ingress("shop/web", &["\u{1b}[2J<script>"]),
    ]);
    let hosts = Hosts::of(&registry, "filing-system", None, now());
    assert!(!hosts.table(None).contains('\u{1b}'));
    let route = routes(&registry).remove(0);
    let explanation = Explanation::of(&route, registry.snapshot(), now(), Lang::En);
    assert!(!explanation.text(None).contains('\u{1b}'));
    let picture = Timeline::of(&registry, now(), Lang::En).svg().unwrap();
    assert!(picture.contains("slb&lt;&amp;&gt;") && !picture.contains("slb<"));
}
