//! What the API server itself accepts and refuses of this project's kinds, and in which words.

use axum::http::Request;
use futures::{StreamExt as _, stream};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::Cluster;
use crate::support::programs::kubernetes_is_chosen;

/// A row of shapes/*.yaml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: String,
    object: Value,
    /// A part of the refusal; in right.yaml there is none.
    #[serde(default)]
    says: String,
}

#[tokio::test]
async fn right_objects_are_accepted() {
    each_shape("right", |shape, answer| {
        answer.map_err(|refusal| {
            format!(
                "{}: it should be accepted, and the answer was\n    {refusal}",
                shape.name
            )
        })
    })
    .await;
}

#[tokio::test]
async fn wrong_objects_are_refused_with_what_to_write_instead() {
    let count = each_shape("wrong", |shape, answer| {
        let Err(refusal) = answer else {
            return Err(format!("{}: it should be refused", shape.name));
        };
        let found = !shape.says.is_empty()
            && (refusal.contains(&shape.says)
                || (kubernetes_is_chosen() && refusal.contains(&in_older_words(&shape.says))));
        found.then_some(()).ok_or_else(|| {
            format!(
                "{}: the answer should say\n    {}\n  and was\n    {refusal}",
                shape.name, shape.says
            )
        })
    })
    .await;
    assert!(count >= 40, "{count} wrong objects are too few to trust the schemas");
}

/// kubectl takes a category for the kinds in it before it takes a plural for its kind: one by that name would let `kubectl delete
/// filings --all` delete every policy.
#[tokio::test]
async fn a_plural_names_its_own_kind_and_no_other() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.temp_namespace("plural").await;
    let server = json!({"apiVersion": "filing-operator.io/v1alpha1", "kind": "AccessServer",
        "metadata": {"name": namespace.name}, "spec": {"provider": "alicloud"}});
    cluster.kubectl("apply -f -", &server.to_string()).succeeds();
    let filing = json!({"apiVersion": "filing-operator.io/v1alpha1", "kind": "Filing", "metadata": {"name": "site"},
        "spec": {"domains": ["example.com"], "subject": {"name": "示例科技有限公司", "nature": "Enterprise"}}});
    namespace.kubectl("apply -f -", &filing.to_string()).succeeds();
    for plural in ["filings", "accessservers", "filingpolicies"] {
        let named = namespace.kubectl(&format!("get {plural} -o name"), "").succeeds();
        let kind = plural.replace("ies", "y");
        let kind = kind.trim_end_matches('s');
        assert!(
            named
                .lines()
                .all(|name| name.starts_with(&format!("{kind}.filing-operator.io/"))),
            "{plural}: {named}"
        );
    }
    let all = namespace.kubectl("get filing-operator -o name", "").succeeds();
    assert!(
        all.contains("filing.filing-operator.io/site") && all.contains(&namespace.name),
        "{all}"
    );
}

/// Sends every object of the file to the API server, which stores none, and fails with all that `judge` complains of.
async fn each_shape(file: &str, judge: impl Fn(&Shape, Result<(), String>) -> Result<(), String>) -> usize {
    let path = format!("tests/it/shapes/{file}.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("can't read {path}: {error}"));
    let shapes: Vec<Shape> = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let client = Cluster::shared().await.client().await;
    let complaints: Vec<String> = stream::iter(&shapes)
        .map(async |shape| judge(shape, create(&client, file, &shape.object).await).err())
        .buffered(16)
        .filter_map(async |complaint| complaint)
        .collect()
        .await;
    assert!(
        complaints.is_empty(),
        "{} of {}:\n\n{}",
        complaints.len(),
        shapes.len(),
        complaints.join("\n\n")
    );
    shapes.len()
}

/// How the oldest API server that is supported says the same: it does not tell a value that a rule refuses, and tells one that
/// comes twice as Go has it.
fn in_older_words(says: &str) -> String {
    let duplicate = says.replace("Duplicate value: {", "Duplicate value: map[string]interface {}{");
    match duplicate.split_once("Invalid value: \"") {
        Some((before, rest)) => {
            let (_, after) = rest.split_once('"').unwrap();
            format!("{before}Invalid value: \"string\"{after}")
        }
        None => duplicate,
    }
}

/// Creates the object as a dry run, as strict about unknown fields as kubectl is.
async fn create(client: &Client, name: &str, object: &Value) -> Result<(), String> {
    let mut object = object.clone();
    object["apiVersion"] = json!("filing-operator.io/v1alpha1");
    if object["metadata"].is_null() {
        object["metadata"] = json!({"name": name});
    }
    let kinds = match object["kind"].as_str() {
        Some("Filing") => "namespaces/default/filings",
        Some("AccessServer") => "accessservers",
        Some("FilingPolicy") => "filingpolicies",
        other => panic!("{other:?} is no kind of ours"),
    };
    let path = format!("/apis/filing-operator.io/v1alpha1/{kinds}?dryRun=All&fieldValidation=Strict");
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(object.to_string().into_bytes()).expect("it is a request");
    client
        .request_text(request)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}
