//! What each annotation of the table adds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::domain::annotation;
use crate::route::{Claim, Route, from_ingress, from_object};

/// A route by both ways of reading one, which are to agree.
fn route(annotations: &Value, rules: &[&str]) -> Route {
    let rules: Vec<Value> = rules.iter().map(|host| json!({"host": host})).collect();
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
        "spec": {"rules": rules},
    });
    let typed = from_ingress(&serde_json::from_value(object.clone()).unwrap(), "default");
    let dynamic = from_object(&serde_json::from_value(object).unwrap(), "default").unwrap();
    assert_eq!(typed, dynamic);
    typed
}

/// What annotations claim beside the rule's `www.example.com`.
fn added(annotations: &Value) -> Vec<Claim> {
    let mut claims = route(annotations, &["www.example.com"]).claims;
    assert_eq!(claims.remove(0).path.as_str(), "spec.rules[0].host");
    claims
}

fn told(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|claim| claim.to.to_string()).collect()
}

/// A key, a value of it, and what it adds: for each row of the table what it is for, and what could be got wrong.
const CASES: [(&str, &str, &[&str]); 49] = [
    (
        "nginx.ingress.kubernetes.io/server-alias",
        "a.example.net",
        &["a.example.net"],
    ),
    (
        "nginx.ingress.kubernetes.io/server-alias",
        " A.example.net.,b.example.net c.example.net,, ",
        &["a.example.net", "b.example.net", "c.example.net"],
    ),
    (
        "nginx.ingress.kubernetes.io/server-alias",
        "www.example.com, WWW.Example.com",
        &[],
    ),
    (
        "nginx.ingress.kubernetes.io/server-alias",
        "*.example.net",
        &["*.example.net"],
    ),
    ("nginx.ingress.kubernetes.io/server-alias", "*", &["*"]),
    (
        "nginx.ingress.kubernetes.io/server-alias",
        "shop.*, a..b",
        &["shop.*", "a..b"],
    ),
    (
        "nginx.ingress.kubernetes.io/server-alias",
        r"~^a\d+\.example\.net$",
        &["?"],
    ),
    ("nginx.ingress.kubernetes.io/server-alias", "  ", &[]),
    (
        "nginx.ingress.kubernetes.io/from-to-www-redirect",
        "true",
        &["example.com"],
    ),
    (
        "nginx.ingress.kubernetes.io/from-to-www-redirect",
        "1",
        &["example.com"],
    ),
    ("nginx.ingress.kubernetes.io/from-to-www-redirect", "false", &[]),
    ("nginx.ingress.kubernetes.io/from-to-www-redirect", "yes", &[]),
    (
        "nginx.ingress.kubernetes.io/server-snippet",
        "server_name a.example.net;",
        &["?"],
    ),
    ("nginx.ingress.kubernetes.io/server-snippet", "return 204;", &["?"]),
    ("nginx.ingress.kubernetes.io/server-snippet", "\n", &[]),
    (
        "nginx.ingress.kubernetes.io/stream-snippet",
        "server { listen 8000; proxy_pass 127.0.0.1:80; }",
        &["?"],
    ),
    (
        "nginx.ingress.kubernetes.io/configuration-snippet",
        "proxy_ssl_server_name on; server_name_in_redirect on; add_header A $server_name; add_header B ${server_name};",
        &[],
    ),
    (
        "nginx.ingress.kubernetes.io/configuration-snippet",
        "} } server { server_name a.example.net; location / { return 204;",
        &["?"],
    ),
    (
        "nginx.ingress.kubernetes.io/configuration-snippet",
        "}}server{\"server_name\" a.example.net;location / {",
        &["?"],
    ),
    ("nginx.ingress.kubernetes.io/auth-snippet", "proxy_set_header A b;", &[]),
    (
        "nginx.ingress.kubernetes.io/auth-snippet",
        "}}server{server_name a.example.net;",
        &["?"],
    ),
    (
        "nginx.ingress.kubernetes.io/modsecurity-snippet",
        "SecRuleEngine On",
        &[],
    ),
    (
        "nginx.ingress.kubernetes.io/modsecurity-snippet",
        "';}}server{server_name\ta.example.net;",
        &["?"],
    ),
    ("nginx.org/server-snippets", "location /free { return 204; }", &["?"]),
    ("nginx.org/location-snippets", "add_header A b;", &[]),
    (
        "nginx.org/location-snippets",
        "}}server{listen 80;server_name a.example.net;location /{",
        &["?"],
    ),
    (
        "haproxy-ingress.github.io/server-alias",
        "a.example.net b.example.net",
        &["a.example.net", "b.example.net"],
    ),
    (
        "haproxy-ingress.github.io/server-alias-regex",
        r"^a\.example\.net$",
        &["?"],
    ),
    (
        "haproxy-ingress.github.io/redirect-from",
        "a.example.net",
        &["a.example.net"],
    ),
    ("haproxy-ingress.github.io/redirect-from-regex", "example", &["?"]),
    (
        "ingress.kubernetes.io/server-alias",
        "a.example.net",
        &["a.example.net"],
    ),
    ("ingress.kubernetes.io/server-alias-regex", "example", &["?"]),
    (
        "ingress.kubernetes.io/redirect-from",
        "a.example.net",
        &["a.example.net"],
    ),
    ("ingress.kubernetes.io/redirect-from-regex", "example", &["?"]),
    (
        "alb.ingress.kubernetes.io/conditions.web",
        r#"[{"type": "Host", "hostConfig": {"values": ["a.example.net", "*.b.example.net"]}}]"#,
        &["a.example.net", "*.b.example.net"],
    ),
    (
        "alb.ingress.kubernetes.io/conditions.web",
        r#"[{"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.net"], "RegexValues": ["^b"]}}]"#,
        &["a.example.net", "?"],
    ),
    (
        "alb.ingress.kubernetes.io/conditions.web",
        r#"[{"type": "Host", "hostConfig": {"values": ["a.example.net"]}, "hostConfig": {"x": null}}]"#,
        &["a.example.net"],
    ),
    (
        "alb.ingress.kubernetes.io/conditions.web",
        r#"[{"type": "Header", "headerConfig": {"key": "host", "values": ["a.example.net"]}}, {"type": "Path", "pathConfig": {"values": ["/a"]}}]"#,
        &[],
    ),
    (
        "alb.ingress.kubernetes.io/conditions.web",
        r#"[{"type": "Host", "hostConfig": {"values": ["a.example.net"]}}"#,
        &["a.example.net", "?"],
    ),
    (
        "kubernetes.io/ingress.http-rules",
        r#"[{"host": "a.example.net", "path": "/", "backend": {"serviceName": "web", "servicePort": "80"}}, {"path": "/b"}]"#,
        &["a.example.net"],
    ),
    ("kubernetes.io/ingress.http-rules", "[]", &[]),
    (
        "kubernetes.io/ingress.https-rules",
        r#"[{"HOST": "a.example.net", "port": 443.5, "on": true, "n": -1}] "#,
        &["a.example.net"],
    ),
    ("kubernetes.io/ingress.https-rules", "host: a.example.net", &["?"]),
    (
        "konghq.com/host-aliases",
        "a.example.net,b.example.net",
        &["a.example.net", "b.example.net"],
    ),
    ("traefik.ingress.kubernetes.io/router.pathmatcher", "PathRegexp", &[]),
    (
        "traefik.ingress.kubernetes.io/router.pathmatcher",
        "Host(`a.example.net`) || PathPrefix",
        &["?"],
    ),
    (
        "zalando.org/skipper-routes",
        r#"r: Host("a.example.net") -> <shunt>;"#,
        &["?"],
    ),
    (
        "appgw.ingress.kubernetes.io/hostname-extension",
        "a.example.net, *.b.example.net",
        &["a.example.net", "*.b.example.net"],
    ),
    ("example.com/server-alias", "a.example.net", &[]),
];

#[test]
fn each_annotation_adds_what_the_table_says() {
    for (key, value, expected) in CASES {
        let claims = added(&json!({key: value}));
        assert_eq!(told(&claims), expected, "{key}: {value}");
        for claim in claims {
            assert_eq!(claim.path.as_str(), format!("metadata.annotations[{key}]"), "{value}");
        }
    }
}

#[test]
fn every_row_of_the_table_has_a_case_that_adds_something() {
    let with_case: BTreeSet<_> = CASES
        .iter()
        .filter(|(_, _, expected)| !expected.is_empty())
        .filter_map(|(key, ..)| annotation::find(key))
        .map(|fact| fact.annotation)
        .collect();
    let all: BTreeSet<_> = annotation::all().map(|fact| fact.annotation).collect();
    assert_eq!(with_case, all);
}

#[rstest]
#[case::with_it(&["www.example.com"], &["www.example.com", "example.com"])]
#[case::without_it(&["shop.example.com"], &["shop.example.com", "www.shop.example.com"])]
#[case::both_are_there(&["www.example.com", "example.com"], &["www.example.com", "example.com"])]
#[case::a_wildcard_has_none(&["*.example.com"], &["*.example.com"])]
#[case::nothing_but_www(&["www.com"], &["www.com", "com"])]
#[case::in_another_case(&["WWW.Example.com"], &["www.example.com", "example.com"])]
#[case::no_host_has_none(&["a..b"], &["a..b"])]
fn the_twin_of_a_host_has_www_or_has_it_not(#[case] rules: &[&str], #[case] expected: &[&str]) {
    let route = route(
        &json!({"nginx.ingress.kubernetes.io/from-to-www-redirect": "true"}),
        rules,
    );
    assert_eq!(told(&route.claims), expected);
}

#[test]
fn what_cant_be_told_is_the_same_only_while_it_says_the_same() {
    let snippet = |text: &str| added(&json!({"nginx.ingress.kubernetes.io/server-snippet": text}));
    assert_eq!(snippet("return 204;"), snippet("return 204;"));
    assert_ne!(snippet("return 204;"), snippet("return 205;"));
    // However long: what is shown of it is only its beginning.
    let long = "a".repeat(200);
    let alias = |end: &str| added(&json!({"nginx.ingress.kubernetes.io/server-alias": format!("~{long}{end}")}));
    assert_ne!(alias("b"), alias("c"));
}

#[test]
fn more_hosts_than_annotations_may_add_count_as_any() {
    let names = |count: usize| (0..count).map(|at| format!("h{at}.example.com")).collect::<Vec<_>>();
    let alias = "nginx.ingress.kubernetes.io/server-alias";
    let just = added(&json!({alias: names(MAX_HOSTS).join(",")}));
    assert_eq!(just.len(), MAX_HOSTS);
    assert!(!just.iter().any(|claim| claim.to == Claimed::Anything));

    let more = added(&json!({alias: names(MAX_HOSTS + 100).join(",")}));
    assert_eq!(more.len(), MAX_HOSTS + 1);
    assert_eq!(more.last().unwrap().to, Claimed::Anything);

    // One that is said over and over counts once, and hides nothing behind it.
    let again = added(&json!({alias: "a.example.net,".repeat(10_000) + "b.example.net"}));
    assert_eq!(told(&again), ["a.example.net", "b.example.net"]);

    // Of all annotations together, and of those that hold JSON.
    let rules: Vec<Value> = names(MAX_HOSTS).iter().map(|host| json!({"host": host})).collect();
    let both = added(&json!({
        "kubernetes.io/ingress.http-rules": json!(rules).to_string(),
        alias: "one.example.net",
    }));
    assert_eq!(told(&both).last().map(String::as_str), Some("*"));
}

#[test]
fn a_text_that_is_no_host_is_kept_in_part() {
    let claims = added(&json!({"nginx.ingress.kubernetes.io/server-alias": "é_".repeat(50_000)}));
    assert!(claims[0].to.to_string().chars().count() <= 300);
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a.example.net",
        ",",
        " ",
        "~",
        "*",
        "[",
        "]",
        "{",
        "}",
        "\"host\"",
        ":",
        "\"",
        "\\ud800",
        "\\",
        "hostConfig",
        "values",
        "server_name",
        "${",
        ";",
        "true",
        "null",
        "1e999",
        "\u{feff}",
        "\0",
        "ſ",
        "www.",
        ".",
        "-",
        "_",
        "'",
    ]);
    let soup = prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat());
    prop_oneof![soup, any::<String>()]
}

proptest! {
    #[test]
    fn no_value_makes_it_panic_or_adds_more_than_it_has_bytes(
        rows in prop::collection::vec((0..CASES.len(), hostile()), 0..4),
        hosts in prop::collection::vec(hostile(), 0..3),
    ) {
        let annotations: serde_json::Map<_, _> = rows.iter()
            .map(|(row, value)| (CASES[*row].0.to_owned(), json!(value)))
            .collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let bytes: usize = annotations.values().filter_map(Value::as_str).map(str::len).sum();
        let annotated = route(&json!(annotations), &hosts);
        let bare = route(&json!({}), &hosts);
        prop_assert!(annotated.claims.starts_with(&bare.claims));
        prop_assert!(annotated.claims.len() <= 2 * bare.claims.len() + bytes + annotations.len());
        for claim in &annotated.claims {
            prop_assert!(claim.to.to_string().chars().count() <= 300);
        }
    }
}

#[rstest]
#[case::deep("[".repeat(250_000))]
#[case::deep_fields("{\"a\":".repeat(50_000))]
#[case::many_fields(format!("{{{}\"z\": 1}}", "\"host\": \"a.example.net\",".repeat(10_000)))]
fn json_that_is_made_to_hurt_adds_one_thing(#[case] value: String) {
    let claims = added(&json!({"kubernetes.io/ingress.http-rules": value}));
    assert_eq!(claims.len(), 1, "{claims:?}");
}
