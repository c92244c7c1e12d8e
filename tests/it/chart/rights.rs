//! The rights that the chart gives the operator: each is needed. That they are enough is shown by every test whose operator has
//! them and no others.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use filing_operator::api::keys::{QUARANTINE_CLASS, QUARANTINED_CLASS};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Cluster;
use crate::support::cluster::{Account, Output};
use crate::support::helm::render;
use crate::support::operator::Operator;
use crate::support::programs::OPEN_REPORTS;
use crate::support::stage::{
    APPROVED, BLOCKING, FILINGS, POLICY, declare, home, ingress, objects, operator_that_is_asked,
};
use crate::support::wait::{PATIENCE, eventually};

/// The operator's account, by the name of the release.
const OPERATOR: &str = "filing-operator";

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

/// The roles that are bound to an account, with those rights left out that are `taken`.
fn roles(rendered: &[Value], account: &str, taken: &dyn Fn(&Right) -> bool) -> (Vec<Value>, BTreeSet<Right>) {
    let bound: BTreeSet<&str> = rendered
        .iter()
        .filter(|object| object["subjects"][0]["name"] == account)
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
        let (roles, left_out) = roles(&rendered, OPERATOR, &taken);
        assert!(!left_out.is_empty());
        begin_anew(&cluster);
        for role in roles {
            cluster.kubectl("replace -f -", &role.to_string()).succeeds();
        }
        misses(&cluster, &account, &left_out).await;
        shown.extend(left_out);
    }
    let (_, all) = roles(&rendered, OPERATOR, &|_| true);
    assert_eq!(shown, all);
}

/// What a command says that runs as a hook does.
fn hook(account: &Account, args: &[&str]) -> Output {
    let kubeconfig = ["--kubeconfig", account.kubeconfig.to_str().unwrap()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_filing-operator"));
    let command = command.args(args).args(kubeconfig).args(["--timeout", "2s"]);
    command.stdin(Stdio::null()).output().unwrap().into()
}

#[rstest]
#[case::release("release", 6)]
#[case::probe("probe", 3)]
#[tokio::test]
async fn each_right_of_a_hook_is_needed(#[case] name: &str, #[case] count: usize) {
    let cluster = Cluster::own().await;
    home(&cluster);
    let rendered = objects(&render("--set crds.enabled=false"));
    let account_name = format!("{OPERATOR}-{name}");
    // What is asked about: a webhook that answers, or a route that no operator lets go.
    let _operator = if name == "probe" {
        Some(operator_that_is_asked(&cluster, POLICY, &[]).await)
    } else {
        cluster.kubectl("apply -f examples/10-ack-policy.yaml", "").succeeds();
        let mut held: Value = serde_saphyr::from_str(&ingress("held", &["www.example.com"])).unwrap();
        held["metadata"]["annotations"] = json!({QUARANTINED_CLASS: r#"{"field":"nginx"}"#});
        held["spec"]["ingressClassName"] = json!(QUARANTINE_CLASS);
        cluster.kubectl("create -f -", &held.to_string()).succeeds();
        None
    };
    let is_wanted = |object: &&Value| {
        let kind = object["kind"].as_str().unwrap();
        kind != "Job" && kind != "ValidatingWebhookConfiguration"
    };
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": rendered.iter().filter(is_wanted).collect::<Vec<_>>()});
    cluster.kubectl("apply -f -", &list.to_string()).succeeds();
    let account = cluster.service_account(FILINGS, &account_name);

    let (whole, all) = roles(&rendered, &account_name, &|_| true);
    assert_eq!(all.len(), count, "{all:?} of {whole:?}");
    for right in &all {
        let (roles, _) = roles(&rendered, &account_name, &|other| other == right);
        for role in roles {
            cluster.kubectl("replace -f -", &role.to_string()).succeeds();
        }
        eventually(&format!("{right:?} to be missed"), PATIENCE, async || {
            let answer = hook(&account, &[name]);
            let said = answer.stderr.replace("\\\"", "\"");
            let is_missed = answer.code != 0 && said.contains(&right.missed());
            is_missed.then_some(()).ok_or(said)
        })
        .await;
    }
}

/// What the chart gives for what is switched on by a value.
#[tokio::test]
async fn each_right_that_a_value_asks_for_is_needed() {
    let cluster = Cluster::own().await;
    home(&cluster);
    cluster
        .kubectl("apply --server-side -f -", &OPEN_REPORTS.yaml())
        .succeeds();
    let rendered = objects(&render(
        "--set crds.enabled=false --set webhook.url=https://127.0.0.1:1 --set openreports=true --set channels={ops}",
    ));
    let is_wanted = |object: &&Value| {
        object["metadata"]["annotations"]["helm.sh/hook"].is_null()
            && object["kind"] != "ValidatingWebhookConfiguration"
    };
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": rendered.iter().filter(is_wanted).collect::<Vec<_>>()});
    cluster.kubectl("apply -f -", &list.to_string()).succeeds();
    let account = cluster.service_account(FILINGS, OPERATOR);
    cluster
        .kubectl("create -f -", &ingress("bad", &["unfiled.com"]))
        .succeeds();
    let policy = cluster.keep("policy.yaml", POLICY);
    let args = [
        "--namespace",
        FILINGS,
        "--policy",
        policy.to_str().unwrap(),
        "--openreports",
        "--channel",
        "ops",
    ];
    let let_go = |verb: &str| {
        let taken = |right: &Right| is(right, "reports", verb);
        for role in roles(&rendered, OPERATOR, &taken).0 {
            cluster.kubectl("replace -f -", &role.to_string()).succeeds();
        }
    };
    let is_missed = async |operator: &Operator, verb: &str, resource: &str| {
        let due = format!("cannot {verb} resource \"{resource}\"");
        eventually(&due, PATIENCE * 2, async || {
            let log = operator.log().replace("\\\"", "\"");
            log.contains(&due).then_some(()).ok_or(log)
        })
        .await;
    };
    for verb in ["list", "create", "patch"] {
        let_go(verb);
        is_missed(&Operator::launch(&account, &args), verb, "reports").await;
    }
    // With all of them there is a report, and then it is to go.
    let_go("none");
    let operator = Operator::launch(&account, &args);
    eventually("a report", PATIENCE * 2, async || {
        let report = cluster.kubectl("get reports.openreports.io filing-operator", "");
        (report.code == 0).then_some(()).ok_or(report.stderr)
    })
    .await;
    let_go("delete");
    declare(&cluster.admin, "filed", "unfiled.com", APPROVED).succeeds();
    is_missed(&operator, "delete", "reports").await;
    drop(operator);
    // The right on the Secret of a channel is in a rule of its own.
    let mut role = rendered.iter().find(|object| object["kind"] == "Role").unwrap().clone();
    role["rules"]
        .as_array_mut()
        .unwrap()
        .retain(|rule| rule["resourceNames"] != json!(["ops"]));
    cluster.kubectl("replace -f -", &role.to_string()).succeeds();
    is_missed(&Operator::launch(&account, &args), "get", "secrets").await;
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
