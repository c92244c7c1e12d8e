//! That the threat model names tests that there are, and what of it only a real API server can show.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::support::Cluster;

#[test]
fn every_threat_names_a_test_and_every_test_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let named = Regex::new(r"\[`([a-z0-9_]+)`\]\(https://[^)]*/blob/main/((?:src|tests)/[a-z_/]+\.rs)\)").unwrap();
    let (_, threats) = page.split_once("## What each could try").unwrap();
    let mut rows = 0;
    for row in threats
        .lines()
        .filter(|line| line.starts_with("| ") && line.ends_with(" |"))
    {
        if row.ends_with("| test |") {
            continue;
        }
        rows += 1;
        let mut tests = named.captures_iter(row).peekable();
        assert!(tests.peek().is_some(), "this threat names no test:\n{row}");
        for test in tests {
            let source = fs::read_to_string(root.join(&test[2])).unwrap_or_default();
            let is_there = source.contains(&format!("fn {}(", &test[1]));
            assert!(
                is_there,
                "docs/threat-model.md names {}, which is not in {}",
                &test[1], &test[2]
            );
        }
    }
    assert!(rows > 20, "{rows} threats");
}

/// So a policy that selects by this label trusts that namespace and no other, whoever may label his own.
#[tokio::test]
async fn a_namespace_takes_no_name_but_its_own() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.temp_namespace("forger").await;
    let forged = "kubernetes.io/metadata.name=filing-system";
    let _ = cluster.kubectl(&format!("label --overwrite namespace {} {forged}", namespace.name), "");
    let label = "jsonpath={.metadata.labels['kubernetes\\.io/metadata\\.name']}";
    let name = cluster
        .kubectl(&format!("get namespace {} -o {label}", namespace.name), "")
        .succeeds();
    assert_eq!(name, namespace.name);
}

/// Of the schema by which Ingresses are made up for the fuzz target, and the API server's own.
#[tokio::test]
async fn ingresses_are_made_up_by_the_schema_that_the_api_server_has() {
    let cluster = Cluster::shared().await;
    let served = cluster
        .kubectl("get --raw /openapi/v3/apis/networking.k8s.io/v1", "")
        .succeeds();
    let mut served: serde_json::Value = serde_json::from_str(&served).unwrap();
    let kept: serde_json::Value = serde_json::from_str(include_str!("../../fuzz/schema/ingress.json")).unwrap();
    for (name, schema) in kept["components"]["schemas"].as_object().unwrap() {
        let (served, mut schema) = (&mut served["components"]["schemas"][name], schema.clone());
        as_published(served);
        as_published(&mut schema);
        assert_eq!(*served, schema, "{name}; its source is in fuzz/schema/ingress.json");
    }
}

/// Without what the API server adds to the schema that is published, the enums, and without descriptions.
fn as_published(schema: &mut serde_json::Value) {
    match schema {
        // A reference is wrapped where a default stands beside it, which not every version says.
        serde_json::Value::Object(fields) if fields.contains_key("allOf") => {
            if let Some(reference) = fields["allOf"].get(0).cloned() {
                *schema = reference;
            }
        }
        serde_json::Value::Object(fields) => {
            // Nor do all versions publish the default of a text.
            let is_left_out = |key: &str, value: &serde_json::Value| match key {
                "enum" => true,
                "description" | "default" => value.is_string(),
                _ => false,
            };
            fields.retain(|key, value| !is_left_out(key, value));
            fields.values_mut().for_each(as_published);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(as_published),
        _ => {}
    }
}
