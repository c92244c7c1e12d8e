//! The rights that the chart gives the operator: each is needed. That they are enough is shown by every test whose operator has
//! them and no others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Cluster;
use crate::support::cluster::Account;
use crate::support::helm::render;
use crate::support::operator::Operator;
use crate::support::stage::{APPROVED, BLOCKING, FILINGS, declare, home, ingress, objects};
use crate::support::wait::{PATIENCE, eventually};

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    resource: String,
    verb: String,
}

impl Right {
    /// How the API server names it to one who lacks it.
    fn missed(&self) -> String {
        format!("cannot {} resource \"{}\"", self.verb, self.resource)
    }
}

/// The roles that are bound to the operator's account, with those rights left out that are `taken`.
fn roles(rendered: &[Value], taken: &dyn Fn(&Right) -> bool) -> (Vec<Value>, BTreeSet<Right>) {
    let bound: BTreeSet<&str> = rendered
        .iter()
        .filter(|object| object["subjects"][0]["name"] == "filing-operator")
        .filter_map(|binding| binding["roleRef"]["name"].as_str())
        .collect();
    let is_bound = |role: &&Value| {
        let kind = role["kind"].as_str().unwrap();
        ["Role", "ClusterRole"].contains(&kind) && bound.contains(role["metadata"]["name"].as_str().unwrap())
    };
    let mut left_out = BTreeSet::new();
    let mut roles: Vec<Value> = rendered.iter().filter(is_bound).cloned().collect();
    for role in &mut roles {
        let mut kept_rules = Vec::new();
        for rule in role["rules"].as_array().unwrap() {
            for (resource, verb) in pairs(rule) {
                let right = Right {
                    resource: resource.to_owned(),
                    verb: verb.to_owned(),
                };
                if taken(&right) {
                    left_out.insert(right);
                    continue;
                }
                let mut kept = rule.clone();
                kept["resources"] = json!([resource]);
                kept["verbs"] = json!([verb]);
                kept_rules.push(kept);
            }
        }
        role["rules"] = Value::Array(kept_rules);
    }
    (roles, left_out)
}

fn pairs(rule: &Value) -> impl Iterator<Item = (&str, &str)> {
    let words = |key: &str| rule[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    words("resources").flat_map(move |resource| words("verbs").map(move |verb| (resource, verb)))
}

/// What is taken away at a time: so much as leaves a way to the others.
type Taken = fn(&Right) -> bool;

fn is(right: &Right, resource: &str, verb: &str) -> bool {
    right.resource == resource && right.verb == verb
}

const CASES: [Taken; 16] = [
    |right| right.verb == "list",
    |right| right.verb == "watch",
    |right| is(right, "leases", "get"),
    |right| is(right, "leases", "create"),
    |right| is(right, "leases", "update"),
    |right| is(right, "secrets", "get"),
    |right| is(right, "secrets", "create"),
    |right| is(right, "secrets", "update"),
    |right| is(right, "filingpolicies", "get"),
    |right| is(right, "filingpolicies", "create"),
    |right| is(right, "filingpolicies", "patch"),
    |right| is(right, "validatingwebhookconfigurations", "get"),
    |right| right.resource.ends_with("/status") || is(right, "validatingwebhookconfigurations", "patch"),
    |right| is(right, "ingresses", "get"),
    |right| is(right, "events", "create"),
    |right| is(right, "ingresses", "patch"),
];

#[tokio::test]
async fn each_right_is_needed() {
    let cluster = Cluster::own().await;
    home(&cluster);
    let rendered = objects(&render(
        "--set crds.enabled=false --set webhook.url=https://127.0.0.1:1",
    ));
    let hooks = |object: &&Value| object["metadata"]["annotations"]["helm.sh/hook"].is_null();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": rendered.iter().filter(hooks).collect::<Vec<_>>()});
    cluster.kubectl("apply -f -", &list.to_string()).succeeds();
    let account = cluster.service_account(FILINGS, "filing-operator");

    let mut shown = BTreeSet::new();
    for taken in CASES {
        let (roles, left_out) = roles(&rendered, &taken);
        assert!(!left_out.is_empty());
        begin_anew(&cluster);
        for role in roles {
            cluster.kubectl("replace -f -", &role.to_string()).succeeds();
        }
        misses(&cluster, &account, &left_out).await;
        shown.extend(left_out);
    }
    let (_, all) = roles(&rendered, &|_| true);
    assert_eq!(shown, all);
}

/// Leaves nothing that an operator has written, and something to write about each kind.
fn begin_anew(cluster: &Cluster) {
    let delete = [
        format!("delete --ignore-not-found -n {FILINGS} lease/filing-operator secret/filing-operator-ca"),
        "delete --ignore-not-found filingpolicy/default accessserver/slb ingress/bad".to_owned(),
        format!("delete --ignore-not-found -n {FILINGS} filing/filed"),
    ];
    for delete in delete {
        cluster.kubectl(&delete, "").succeeds();
    }
    // As before an operator came; no webhook is in the way of what is made here.
    let fields = [("failurePolicy", "Ignore"), ("clientConfig/caBundle", "")];
    let patch =
        fields.map(|(field, value)| json!({"op": "add", "path": format!("/webhooks/0/{field}"), "value": value}));
    let patch = json!(patch);
    let patch = format!("patch validatingwebhookconfiguration filing-operator --type=json -p {patch}");
    cluster.kubectl(&patch, "").succeeds();
    let server = "{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {name: slb}, spec: {provider: alicloud}}";
    cluster.kubectl("create -f -", server).succeeds();
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    cluster
        .kubectl("create -f -", &ingress("bad", &["unfiled.com"]))
        .succeeds();
}

/// Runs an operator until it has said what it misses.
async fn misses(cluster: &Cluster, account: &Account, rights: &BTreeSet<Right>) {
    let policy = cluster.keep("policy.yaml", BLOCKING);
    let lifetimes = "30s,20s,1s";
    // Nobody answers the webhook here, so it must not be in the way.
    let others = ["--tls-lifetimes", lifetimes, "--failure-policy", "leave"];
    let args = [
        &["--namespace", FILINGS, "--policy", policy.to_str().unwrap()][..],
        &others,
    ]
    .concat();
    let operator = Operator::launch(account, &args);
    eventually(&format!("{rights:?} to be missed"), PATIENCE, async || {
        // What is quoted in what is quoted is escaped.
        let log = operator.log().replace("\\\"", "\"");
        let unsaid: Vec<_> = rights.iter().filter(|right| !log.contains(&right.missed())).collect();
        unsaid.is_empty().then_some(()).ok_or(format!("{unsaid:?} of\n{log}"))
    })
    .await;
}
