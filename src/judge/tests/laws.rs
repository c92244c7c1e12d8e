//! What holds of every input.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::domain::Day;
use crate::judge::{Declaration, Verdict, judge, judge_filing, judge_server, judge_until};
use crate::registry::{Affected, FilingKey, Kept, Registry, Snapshot};
use crate::route::RouteKey;
use crate::support::{HOME, change, class, filing, ingress, namespace, node, now, object, policy, server};

/// A day around the one on which everything is judged.
fn day() -> impl Strategy<Value = String> {
    (0_u32..220).prop_map(|days| Day::of(now()).minus(100).plus(days).to_string())
}

fn maybe_day() -> impl Strategy<Value = Option<String>> {
    weighted(0.5, day())
}

fn a_filing() -> impl Strategy<Value = Value> {
    let access = (
        select(vec!["alicloud", "tencentcloud"]),
        select(vec!["Approved", "Approved", "Submitted", "Cancelled"]),
        subsequence(vec!["s1", "s2"], 0..=2),
        select(vec![json!([]), json!(["cn-beijing"])]),
    );
    let access = access.prop_map(|(provider, stage, servers, regions)| {
        json!({"provider": provider, "stage": stage, "servers": servers, "regions": regions})
    });
    (
        select(vec!["fs/a", "fs/b", "fs/d", "team/c"]),
        subsequence(
            vec!["example.com", "shop.example.com", "example.net", "com.cn", "a..b"],
            1..=2,
        ),
        select(vec!["Approved", "Approved", "Approved", "Submitted", "Cancelled"]),
        vec(access, 0..3),
        (maybe_day(), maybe_day()),
        select(vec![
            json!({"from": "All"}),
            json!({"from": "Same"}),
            json!({"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}),
        ]),
        select(vec![
            "京ICP备2021012345号-1",
            "京ICP备2021012345-1号",
            "京ICP备2021012345号-3",
            "京ICP备2021012345号",
            "x",
            "京ICP备2021012345号-2A",
        ]),
        select(vec![
            None,
            Some("2026-01-01T00:00:00Z"),
            Some("2026-01-01T00:00:00Z"),
            Some("2026-01-02T00:00:00Z"),
            Some("2026-01-03T00:00:00Z"),
        ]),
    )
        .prop_map(|(key, domains, stage, access, (ends, domain_ends), allowed, number, created)| {
            let over = json!({"domains": domains, "stage": stage, "access": access, "expiresAt": ends, "number": number,
                "registration": {"expiresAt": domain_ends}, "allowedNamespaces": allowed});
            let mut filing = filing(key, over);
            filing["metadata"]["creationTimestamp"] = json!(created);
            filing
        })
}

fn a_server() -> impl Strategy<Value = Value> {
    let states = select(vec!["Active", "Active", "Active", "Suspended"]);
    (
        select(vec!["s1", "s2"]),
        maybe_day(),
        proptest::bool::weighted(0.2),
        states,
    )
        .prop_map(|(name, ends, renews, state)| {
            server(name, json!({"expiresAt": ends, "autoRenew": renews, "state": state}))
        })
}

fn a_policy() -> impl Strategy<Value = Value> {
    let exemption = (select(vec!["*.example.com", "www.example.com", "example.net"]), day())
        .prop_map(|(host, until)| json!({"hosts": [host], "reason": until, "owner": "o", "until": until}));
    (
        select(vec!["default", "strict"]),
        -1..2_i32,
        select(vec![
            json!(null),
            json!({"provider": "alicloud", "region": "cn-beijing"}),
            json!({"provider": "alicloud", "region": "cn-hongkong"}),
            json!({"provider": "idc"}),
        ]),
        (0..5_u32, 0..5_u32, 0..5_u32),
        vec(0..120_u32, 0..4),
        vec(exemption, 0..3),
        select(vec![
            json!({"all": true}),
            json!(null),
            json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "fs"}}}),
            json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}}),
        ]),
        select(vec![
            json!({}),
            json!({"ingressClasses": ["nginx"]}),
            json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}}),
        ]),
        (
            select(vec![
                json!({}),
                json!({"FilingNotShared": "Warning"}),
                json!({"NoAccess": "Disabled"}),
                json!({"DuplicateDomain": "Violation", "SharedNumber": "Violation"}),
            ]),
            weighted(0.2, Just(json!({"provider": "tencentcloud"}))),
        ),
    )
        .prop_map(|(name, precedence, site, grace, reminders, exemptions, from, matches, (rules, cdn))| {
            let over = json!({"precedence": precedence, "site": site, "reminders": reminders, "exemptions": exemptions,
                "grace": {"filing": grace.0, "domain": grace.1, "server": grace.2}, "filingsFrom": from,
                "match": matches, "rules": rules, "mainlandCdn": cdn});
            policy(name, over)
        })
}

fn a_route() -> impl Strategy<Value = Value> {
    let hosts = vec![
        "www.example.com",
        "shop.example.com",
        "*.example.com",
        "example.net",
        "a.example.com.cn",
        "*",
        "web.svc",
        "a_b",
        "www.example.io",
    ];
    let classes = select(vec![None, Some("nginx"), Some("other")]);
    (select(vec!["shop/web", "team/app"]), subsequence(hosts, 1..=3), classes).prop_map(|(key, hosts, class)| {
        let mut route = ingress(key, &hosts);
        route["spec"]["ingressClassName"] = json!(class);
        route
    })
}

fn a_document() -> impl Strategy<Value = Value> {
    let unreadable = select(vec![
        object("Filing", "fs/a", json!({"domains": 1})),
        object("AccessServer", "s1", json!(1)),
        object("FilingPolicy", "strict", json!([])),
        object("Ingress", "shop/web", json!({"rules": 1})),
    ]);
    let surroundings = select(vec![
        namespace("shop", json!({"team": "shop"})),
        namespace("shop", json!({})),
        namespace("team", json!({"team": "shop"})),
        namespace("fs", json!({"team": "shop"})),
        class("nginx", true, None),
        class("nginx", false, None),
        class("other", true, Some("2026-01-01T00:00:00Z")),
        node("n1", "alicloud://cn-beijing.i-1", Some("cn-beijing")),
        node("n1", "alicloud://cn-hongkong.i-1", Some("cn-hongkong")),
        node("n2", "alicloud://cn-beijing.i-2", Some("cn-beijing")),
        node("n2", "", None),
        node("n2", "qcloud:///100003/ins-1", Some("gz")),
    ]);
    prop_oneof![
        4 => a_filing(),
        2 => a_server(),
        2 => a_policy(),
        3 => a_route(),
        3 => surroundings,
        1 => unreadable,
    ]
}

/// Everything that is judged.
#[derive(Debug, PartialEq)]
struct Answers {
    routes: BTreeMap<RouteKey, Option<Verdict>>,
    filings: BTreeMap<FilingKey, Option<Declaration>>,
    servers: BTreeMap<String, Option<Declaration>>,
}

fn answers(registry: &Registry, now: Timestamp) -> Answers {
    let facts = registry.snapshot();
    Answers {
        routes: registry
            .routes()
            .map(|(key, kept)| {
                let verdict = match kept {
                    Kept::Read(route) => judge(route, facts, now),
                    Kept::Unreadable(_) => None,
                };
                (key.clone(), verdict)
            })
            .collect(),
        filings: facts
            .filings()
            .map(|(key, kept)| match kept {
                Kept::Read(filing) => (key.clone(), Some(judge_filing(filing, facts, now))),
                Kept::Unreadable(_) => (key.clone(), None),
            })
            .collect(),
        servers: facts
            .servers()
            .map(|(name, kept)| match kept {
                Kept::Read(server) => (name.to_string(), Some(judge_server(server, facts, now))),
                Kept::Unreadable(_) => (name.to_string(), None),
            })
            .collect(),
    }
}

/// What differs, or is in one alone.
fn differing<'a, K: Ord, V: PartialEq>(before: &'a BTreeMap<K, V>, after: &'a BTreeMap<K, V>) -> Vec<&'a K> {
    let changed = before.iter().filter(|(key, value)| after.get(*key) != Some(*value));
    let new = after.keys().filter(|key| !before.contains_key(*key));
    changed.map(|(key, _)| key).chain(new).collect()
}

fn check_affected(affected: &Affected, before: &Answers, after: &Answers) -> Result<(), TestCaseError> {
    for key in differing(&before.routes, &after.routes) {
        prop_assert!(affected.routes.contains(key), "{} is answered differently", key);
    }
    for key in differing(&before.filings, &after.filings) {
        prop_assert!(affected.filings.contains(key), "{} is answered differently", key);
    }
    for name in differing(&before.servers, &after.servers) {
        prop_assert!(
            affected.servers.contains(name.as_str()),
            "{} is answered differently",
            name
        );
    }
    Ok(())
}

fn empty() -> Registry {
    Registry::new(Snapshot::new(HOME, true))
}

fn filled(documents: &[Value]) -> Registry {
    let mut registry = empty();
    for document in documents {
        registry.apply(change(document));
    }
    registry
}

fn before(moment: Timestamp) -> Timestamp {
    moment - jiff::SignedDuration::from_nanos(1)
}

proptest! {
    #[test]
    fn what_a_change_does_not_affect_is_answered_as_before(
        steps in vec((a_document(), proptest::bool::weighted(0.25)), 1..30)
    ) {
        let mut registry = empty();
        let mut answered = answers(&registry, now());
        for (document, is_deleted) in &steps {
            let change = change(document);
            let affected = if *is_deleted { registry.delete(&change.subject()) } else { registry.apply(change.clone()) };
            let after = answers(&registry, now());
            check_affected(&affected, &answered, &after)?;
            let again = if *is_deleted { registry.delete(&change.subject()) } else { registry.apply(change) };
            prop_assert_eq!(again, Affected::default(), "the same once more affects something");
            answered = after;
        }
    }

    #[test]
    fn ways_that_end_alike_are_alike(
        steps in vec((a_document(), proptest::bool::weighted(0.25)), 1..30), backwards in any::<bool>()
    ) {
        let mut registry = empty();
        let mut last = BTreeMap::new();
        for (document, is_deleted) in &steps {
            let change = change(document);
            let subject = change.subject();
            if *is_deleted {
                registry.delete(&subject);
                last.remove(&subject);
            } else {
                registry.apply(change.clone());
                last.insert(subject, change);
            }
        }
        let mut fresh = empty();
        let mut changes: Vec<_> = last.into_values().collect();
        if backwards {
            changes.reverse();
        }
        for change in changes {
            fresh.apply(change);
        }
        prop_assert_eq!(registry.snapshot(), fresh.snapshot());
        prop_assert!(registry.routes().eq(fresh.routes()));
        prop_assert_eq!(answers(&registry, now()), answers(&fresh, now()));
        // What is forgotten leaves nothing behind that a later change could stumble over.
        for (document, _) in &steps {
            let change = change(document);
            prop_assert_eq!(registry.apply(change.clone()), fresh.apply(change));
        }
    }

    #[test]
    fn a_verdict_holds_until_the_moment_that_it_names(documents in vec(a_document(), 1..16), later in 0_u32..300) {
        let registry = filled(&documents);
        let facts = registry.snapshot();
        for (_, kept) in registry.routes() {
            let Kept::Read(route) = kept else { continue };
            let Some((verdict, next)) = judge_until(route, facts, now()) else { continue };
            prop_assert_eq!(&judge(route, facts, now()).unwrap(), &verdict);
            let hosts_at = |moment| judge(route, facts, moment).unwrap().hosts;
            if let Some(next) = next {
                prop_assert!(next > now());
                prop_assert_eq!(&verdict.hosts, &hosts_at(before(next)));
                prop_assert_ne!(&verdict.hosts, &hosts_at(next));
                let between = Day::of(now()).plus(later).start();
                if between < next {
                    prop_assert_eq!(&verdict.hosts, &hosts_at(between));
                }
            } else {
                prop_assert_eq!(&verdict.hosts, &hosts_at(Day::new(2100, 1, 1).start()));
            }
        }
    }

    #[test]
    fn so_does_the_answer_about_a_declaration(documents in vec(a_document(), 1..16)) {
        let registry = filled(&documents);
        let told = |answer: &Declaration| (answer.findings.clone(), answer.colour, answer.is_ready);
        let now_answers = answers(&registry, now());
        let check = |answer: &Declaration, at: &dyn Fn(Timestamp) -> Declaration| {
            if let Some(next) = answer.next {
                prop_assert_eq!(told(answer), told(&at(before(next))));
                prop_assert_ne!(told(answer), told(&at(next)));
            } else {
                prop_assert_eq!(told(answer), told(&at(Day::new(2100, 1, 1).start())));
            }
            Ok(())
        };
        let facts = registry.snapshot();
        for (key, answer) in &now_answers.filings {
            if let (Some(Kept::Read(filing)), Some(answer)) = (facts.filing(key), answer) {
                check(answer, &|moment| judge_filing(filing, facts, moment))?;
            }
        }
        for (name, answer) in &now_answers.servers {
            if let (Some(Kept::Read(server)), Some(answer)) = (facts.server(name), answer) {
                check(answer, &|moment| judge_server(server, facts, moment))?;
            }
        }
    }

    #[test]
    fn no_text_makes_the_judge_panic(
        typed in ".*", host in "[-*._a-z0-9:\\[\\]京示例。]{0,40}", number in "[京粤]?(ICP|公网安备)?[备证号0-9AXK-]{0,30}"
    ) {
        let mut registry = empty();
        for text in [&typed, &host, &number] {
            let exemption = json!({"hosts": [text], "namespaces": [text], "reason": text, "owner": text, "until": "2026-12-01"});
            let over = json!({"exemptions": [exemption], "site": {"provider": text, "region": text, "province": text},
                "mainlandCdn": {"provider": text}, "rules": {text: "Warning"}});
            let filed = json!({"domains": [text, "example.com"], "number": text, "licence": {"number": text},
                "publicSecurity": {"number": text}, "access": [{"provider": text, "regions": [text], "servers": [text]}],
                "subject": {"name": text, "nature": "Enterprise", "mainNumber": text, "province": text}});
            let mut route = ingress("shop/web", &[text, "www.example.com"]);
            route["spec"]["tls"] = json!([{"hosts": [text]}]);
            route["spec"]["ingressClassName"] = json!(text);
            for document in [policy("default", over), filing("fs/a", filed), route, node("n1", text, Some(text))] {
                registry.apply(change(&document));
            }
            for verdict in answers(&registry, now()).routes.into_values().flatten() {
                for (_, finding) in verdict.findings() {
                    finding.sentence(crate::rules::Lang::En);
                    finding.sentence(crate::rules::Lang::Zh);
                }
            }
        }
    }
}
