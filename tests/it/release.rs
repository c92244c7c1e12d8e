//! `filing-operator release` on a real API server: with an operator, which lets everything go, and without one: what it
//! says, and that doing as it says works.
//!
//! It speaks to all policies and routes of a cluster, so each test has a control plane of its own.

use std::process::{Command, Stdio};

use filing_operator::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS, QUARANTINED_AT, QUARANTINED_CLASS, RELEASE};
use serde_json::{Value, json};

use crate::support::{
    Cluster,
    cluster::{Account, Output},
    operator::Operator,
    programs::Programs,
    stage::{FILINGS, home},
    wait::{PATIENCE, eventually},
};

/// Runs the command against a cluster.
fn release(account: &Account, args: &[&str]) -> Output {
    let kubeconfig = account.kubeconfig.to_str().unwrap();
    run(Command::new(env!("CARGO_BIN_EXE_filing-operator"))
        .args(["release", "--kubeconfig", kubeconfig])
        .args(args))
}

/// Runs a script as somebody who has kubectl.
fn shell(script: &str) -> Output {
    let kubectl = Programs::get().kubectl.parent().unwrap();
    let script = format!("PATH={}:$PATH\n{script}", kubectl.display());
    run(Command::new("sh").args(["-ec", &script]))
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// An Ingress as an operator that has gone left it.
fn ingress(name: &str, class: Option<&str>, annotations: &Value) -> String {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"ingressClassName": class, "defaultBackend": backend},
    })
    .to_string()
}

fn policy(name: &str) -> String {
    let spec = json!({"filingsFrom": {"all": true}, "running": "Block"});
    json!({"apiVersion": "filing-operator.io/v1alpha1", "kind": "FilingPolicy", "metadata": {"name": name}, "spec": spec})
        .to_string()
}

fn object(cluster: &Cluster, args: &str) -> Value {
    serde_json::from_str(&cluster.kubectl(&format!("get {args} -o json"), "").succeeds()).unwrap()
}

/// The class field, the older annotation, and whether there is anything of a record.
fn class(cluster: &Cluster, name: &str) -> (Value, Value, bool) {
    let found = object(cluster, &format!("ingress {name}"));
    let annotations = &found["metadata"]["annotations"];
    let is_marked = [QUARANTINED_AT, QUARANTINED_CLASS].map(|key| !annotations[key].is_null());
    (
        found["spec"]["ingressClassName"].clone(),
        annotations[LEGACY_CLASS].clone(),
        is_marked.contains(&true),
    )
}

#[tokio::test]
async fn what_no_operator_lets_go_is_put_back_by_the_commands_it_prints() {
    let cluster = Cluster::own().await;
    for name in ["default", "shop"] {
        cluster.kubectl("apply -f -", &policy(name)).succeeds();
    }
    let record = |record: &str| json!({QUARANTINED_CLASS: record, QUARANTINED_AT: "2026-11-24T00:00:00Z"});
    let legacy = json!({
        LEGACY_CLASS: QUARANTINE_CLASS, QUARANTINED_CLASS: r#"{"field":"nginx","annotation":"it's"}"#,
        QUARANTINED_AT: "2026-11-24T00:00:00Z",
    });
    for held in [
        ingress("field", Some(QUARANTINE_CLASS), &record(r#"{"field":"nginx"}"#)),
        ingress("both", Some(QUARANTINE_CLASS), &legacy),
        ingress("neither", Some(QUARANTINE_CLASS), &record("{}")),
        ingress("half-way", Some("nginx"), &record(r#"{"field":"nginx"}"#)),
        ingress("free", Some("nginx"), &json!({})),
    ] {
        cluster.kubectl("create -f -", &held).succeeds();
    }

    let looked = release(&cluster.admin, &["--dry-run"]);
    assert_eq!(looked.code, 0, "{looked:?}");
    insta::assert_snapshot!(format!("{}--\n{}", looked.stdout, looked.stderr), @r"
    default/both  spec.ingressClassName: nginx, kubernetes.io/ingress.class: it's
    default/field  spec.ingressClassName: nginx
    default/half-way  out of quarantine already; what is left of its record goes
    default/neither  spec.ingressClassName: none
    --
    note: 4 routes would be let go, 2 FilingPolicies marked; nothing was changed
    ");
    let found = object(&cluster, "filingpolicy default");
    assert!(
        found["metadata"]["annotations"][RELEASE].is_null(),
        "a dry run marked it"
    );

    let waited = release(&cluster.admin, &["--timeout", "1s"]);
    assert_eq!(waited.code, 1, "{waited:?}");
    insta::assert_snapshot!(waited.stderr, @r"
    note: 2 FilingPolicies are marked: nothing is blocked until `filing-operator release --undo`
    note: no operator has led here; --namespace says where its lease is (lease filing-system/filing-operator); waiting for an operator that lets them go
    error: 4 routes still in quarantine after 1s, 0 let go: no operator has led here; --namespace says where its lease is (lease filing-system/filing-operator)
    note: standard output has the commands that put back by hand what is left. The marks stay: an operator that starts lets go what is left then. Where no operator runs and the API server can't do without its webhook, delete the ValidatingWebhookConfiguration first
    ");
    for name in ["default", "shop"] {
        let found = object(&cluster, &format!("filingpolicy {name}"));
        assert!(found["metadata"]["annotations"][RELEASE].is_string(), "{found}");
    }
    assert_eq!(waited.stdout.lines().count(), 4, "{}", waited.stdout);

    shell(&waited.stdout).succeeds();
    assert_eq!(class(&cluster, "field"), (json!("nginx"), Value::Null, false));
    assert_eq!(class(&cluster, "both"), (json!("nginx"), json!("it's"), false));
    assert_eq!(class(&cluster, "neither"), (Value::Null, Value::Null, false));
    assert_eq!(class(&cluster, "half-way"), (json!("nginx"), Value::Null, false));

    let done = release(&cluster.admin, &[]);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (0, "0 routes let go; none is in quarantine\n"),
        "{}",
        done.stderr
    );

    let undone = release(&cluster.admin, &["--undo"]).succeeds();
    assert_eq!(undone, "2 FilingPolicies unmarked\n");
    let found = object(&cluster, "filingpolicy default");
    assert!(found["metadata"]["annotations"][RELEASE].is_null(), "{found}");
}

#[tokio::test]
async fn the_operator_that_leads_lets_all_go_and_blocks_again_once_the_marks_are_off() {
    let cluster = Cluster::own().await;
    home(&cluster);
    cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
    cluster.kubectl("apply -f -", &policy("default")).succeeds();
    // It answers for any domain that is pointed at it.
    let open = ingress("open", Some("nginx"), &json!({}));
    cluster.kubectl("create -f -", &open).succeeds();
    let _operator = Operator::start(&cluster.admin, &["--namespace", FILINGS]).await;
    let blocked = async || {
        eventually("the route to be blocked", PATIENCE, async || {
            match class(&cluster, "open") {
                (field, annotation, true) if field == QUARANTINE_CLASS && annotation == QUARANTINE_CLASS => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    };
    blocked().await;

    let released = release(&cluster.admin, &["--timeout", "30s"]);
    let told = (released.code, released.stdout.as_str());
    assert_eq!(
        told,
        (0, "1 route let go; none is in quarantine\n"),
        "{}",
        released.stderr
    );
    assert_eq!(class(&cluster, "open"), (json!("nginx"), Value::Null, false));

    release(&cluster.admin, &["--undo"]).succeeds();
    blocked().await;
}

#[tokio::test]
async fn a_class_that_nobody_knows_is_asked_for_and_a_policy_that_appears_is_marked() {
    let cluster = Cluster::own().await;
    let lost = ingress("lost", Some(QUARANTINE_CLASS), &json!({QUARANTINED_CLASS: "nginx"}));
    cluster.kubectl("create -f -", &lost).succeeds();
    let admin = cluster.admin.clone();
    let waiting = tokio::task::spawn_blocking(move || release(&admin, &["--timeout", "20s"]));

    // Made once it waits, or before that: it is marked either way, and nobody but the command does it.
    cluster.kubectl("create -f -", &policy("late")).succeeds();
    cluster
        .kubectl(
            &format!(
                "wait --for=jsonpath={{.metadata.annotations.{}}} filingpolicy late --timeout=15s",
                RELEASE.replace('.', "\\.")
            ),
            "",
        )
        .succeeds();
    // It ends before its time once somebody else has put the route back.
    cluster.kubectl("delete ingress lost", "").succeeds();
    let ended = waiting.await.unwrap();
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "1 route let go; none is in quarantine\n"),
        "{}",
        ended.stderr
    );

    cluster.kubectl("create -f -", &lost).succeeds();
    let left = release(&cluster.admin, &["--timeout", "0s"]);
    assert_eq!(left.code, 1);
    assert!(
        left.stdout
            .starts_with("# default/lost: the annotation filing-operator.io/quarantined-class can't be read: "),
        "{}",
        left.stdout
    );
    shell(&left.stdout).succeeds();
    assert_eq!(class(&cluster, "lost").0, QUARANTINE_CLASS, "a comment was run");
}

#[tokio::test]
async fn whoever_may_not_list_is_told_in_the_words_of_the_api_server() {
    let cluster = Cluster::own().await;
    let refused = release(&cluster.user("zhang", &[]), &["--timeout", "1s"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.starts_with("error: listing ") && refused.stderr.contains("User \"zhang\" cannot list resource"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn where_the_definitions_are_gone_already_it_still_tells_what_is_left() {
    let cluster = Cluster::own().await;
    let held = ingress(
        "held",
        Some(QUARANTINE_CLASS),
        &json!({QUARANTINED_CLASS: r#"{"field":"nginx"}"#}),
    );
    cluster.kubectl("create -f -", &held).succeeds();
    cluster
        .kubectl("delete crd filingpolicies.filing-operator.io", "")
        .succeeds();
    let left = release(&cluster.admin, &["--timeout", "0s"]);
    assert_eq!(left.code, 1, "{left:?}");
    shell(&left.stdout).succeeds();
    assert_eq!(class(&cluster, "held"), (json!("nginx"), Value::Null, false));
}
