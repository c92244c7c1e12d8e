//! What is written about the chart's values, and the definitions in it: each has one source, and the rest is made of that. Where they
//! differ, `WRITE_CHART=1 cargo test --test it chart::documents` mends it.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value};

use crate::support::generated;
use crate::support::helm::CHART;

/// A file of the chart is as it should be; or it is written, where that is asked for.
fn keep(file: &str, due: &str) {
    is_made(&format!("{CHART}/{file}"), due);
}

fn is_made(file: &str, due: &str) {
    generated::holds(file, due, "WRITE_CHART", "chart::documents");
}

fn read(file: &str) -> String {
    fs::read_to_string(format!("{CHART}/{file}")).unwrap()
}

#[test]
fn the_definitions_are_those_of_crds() {
    for file in fs::read_dir("crds").unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        keep(&format!("files/crds/{name}"), &fs::read_to_string(&path).unwrap());
    }
    assert_eq!(
        fs::read_dir("crds").unwrap().count(),
        fs::read_dir(format!("{CHART}/files/crds")).unwrap().count()
    );
}

/// A schema of Kubernetes as one of JSON: without what only Kubernetes says, and without fields that it does not name.
fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut strict_fields = Map::new();
            for (key, value) in fields {
                if key.starts_with("x-kubernetes-") || key == "default" {
                    continue;
                }
                let value = match (key.as_str(), value) {
                    ("properties", Value::Object(named)) => named
                        .iter()
                        .map(|(name, schema)| (name.clone(), strict(schema)))
                        .collect(),
                    _ => strict(value),
                };
                strict_fields.insert(key.clone(), value);
            }
            if strict_fields.contains_key("properties") {
                strict_fields.insert("additionalProperties".into(), false.into());
            }
            Value::Object(strict_fields)
        }
        Value::Array(all) => all.iter().map(strict).collect(),
        plain => plain.clone(),
    }
}

#[test]
fn the_schema_takes_for_a_policy_what_the_definition_does() {
    let definition: Value = serde_saphyr::from_str(&fs::read_to_string("crds/filingpolicies.yaml").unwrap()).unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    schema["properties"]["policy"] = strict(spec);
    keep(
        "values.schema.json",
        &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()),
    );
}

/// A key of values.yaml: its path, and what is said of it.
struct Documented {
    path: Vec<String>,
    says: String,
}

/// Every key that has a line of its own. A key without words ends the test.
fn documented(values: &str) -> Vec<Documented> {
    let mut all: Vec<Documented> = Vec::new();
    let mut says: Option<String> = None;
    for line in values.lines() {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2;
        if let Some(comment) = text.strip_prefix('#') {
            match (comment.strip_prefix(" -- "), &mut says) {
                (Some(first), _) => says = Some(first.to_owned()),
                (None, Some(more)) => more.push_str(comment),
                (None, None) => {}
            }
            continue;
        }
        let Some((key, _)) = text.split_once(':').filter(|_| !text.starts_with('-')) else {
            says = None;
            continue;
        };
        let mut path = all
            .last()
            .map_or_else(Vec::new, |last| last.path[..depth.min(last.path.len())].to_vec());
        // What stands in the value of a key is part of it.
        let is_inside = all.last().is_some_and(|last| depth > last.path.len());
        if is_inside {
            continue;
        }
        path.push(key.to_owned());
        let says = says
            .take()
            .unwrap_or_else(|| panic!("values.yaml says nothing of {}", path.join(".")));
        all.push(Documented { path, says });
    }
    all
}

#[test]
fn every_value_is_described_and_has_a_schema() {
    let text = read("values.yaml");
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut table = String::from("| value | by default | |\n|---|---|---|\n");
    let keys = documented(&text);
    for key in &keys {
        let pointer = |between: &str| {
            key.path
                .iter()
                .fold(String::new(), |at, name| format!("{at}{between}{name}"))
        };
        assert!(
            schema.pointer(&pointer("/properties/")).is_some(),
            "values.schema.json lacks {}",
            pointer(".")
        );
        let value = values.pointer(&pointer("/")).unwrap();
        let holds_keys = keys
            .iter()
            .any(|other| other.path.len() > key.path.len() && other.path.starts_with(&key.path));
        let default = if holds_keys {
            String::new()
        } else {
            format!("`{value}`")
        };
        writeln!(table, "| `{}` | {default} | {} |", key.path.join("."), key.says).unwrap();
    }
    let reference = format!(
        "# Values of the chart\n\n*For platform engineers who install it. Generated from the chart's values.yaml.*\n\n{table}"
    );
    is_made("docs/reference/values.md", &reference);
    let readme = read("README.md");
    let (before, rest) = readme.split_once("<!-- values:begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- values:end -->").unwrap();
    keep(
        "README.md",
        &format!("{before}<!-- values:begin -->\n{table}<!-- values:end -->{after}"),
    );
}
