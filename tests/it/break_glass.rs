//! The break-glass label on a real API server: who may set it, and what it lifts.

use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use serde_json::{Value, json};

use crate::support::cluster::{Account, Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::stage::{
    APPROVED, BLOCKING, annotation, at_stage, declare, events, ingress, operator_that_is_asked, status,
};
use crate::support::wait::{PATIENCE, eventually};

const LABEL: &str = "filing-operator.io/break-glass";

/// A user who may do everything with namespaces, and what more `roles` gives.
fn user(cluster: &Cluster, name: &str, roles: &[&str]) -> Account {
    for role in roles {
        cluster
            .kubectl(
                &format!("create clusterrolebinding {name}-{role} --clusterrole={role} --user={name}"),
                "",
            )
            .succeeds();
    }
    cluster.user(name, &["system:authenticated"])
}

/// A namespace as JSON, with labels.
fn labelled(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// Sends a namespace as it is read, with the label, to one of its subresources.
fn put(account: &Account, namespace: &str, subresource: &str, value: &str) -> (i32, String) {
    let read = account
        .kubectl(&format!("get namespace {namespace} -o json"), "")
        .succeeds();
    let mut object: Value = serde_json::from_str(&read).unwrap();
    object["metadata"]["labels"][LABEL] = json!(value);
    let path = format!("/api/v1/namespaces/{namespace}/{subresource}");
    let answer = account.kubectl(&format!("replace --raw {path} -f -"), &object.to_string());
    (answer.code, answer.stderr)
}

#[tokio::test]
async fn only_who_has_the_verb_may_set_the_label() {
    let cluster = Cluster::own().await;
    let role = "create clusterrole namespaces --verb=* --resource=namespaces,namespaces/status,namespaces/finalize";
    cluster.kubectl(role, "").succeeds();
    cluster.kubectl("apply -f examples/dev/break-glass.yaml", "").succeeds();
    let tenant = user(&cluster, "tenant", &["namespaces"]);
    let on_call = user(&cluster, "on-call", &["namespaces", "filing-operator-break-glass"]);
    cluster.kubectl("create namespace shop", "").succeeds();
    let set =
        |account: &Account, label: &str| account.kubectl(&format!("label namespace shop --overwrite {label}"), "");
    let refused = |answer: String| {
        assert!(answer.contains("is forbidden: ValidatingAdmissionPolicy"), "{answer}");
        assert!(
            answer.contains("only those may set it who have the verb breakglass"),
            "{answer}"
        );
    };
    // A policy is in force a moment after it is stored.
    eventually("the label to be refused", PATIENCE, async || {
        let tried = tenant.kubectl(&format!("label namespace shop --dry-run=server {LABEL}=true"), "");
        if tried.code == 0 { Err(tried.stdout) } else { Ok(()) }
    })
    .await;

    refused(set(&tenant, &format!("{LABEL}=true")).fails());
    refused(set(&tenant, &format!("{LABEL}=false")).fails());
    let made = labelled("made", &json!({LABEL: "true"})).to_string();
    refused(tenant.kubectl("create -f -", &made).fails());
    refused(tenant.kubectl("apply --server-side -f -", &made).fails());
    for subresource in ["status", "finalize"] {
        let (code, said) = put(&tenant, "shop", subresource, "true");
        assert_ne!(code, 0, "{subresource}");
        refused(said);
    }
    let labels = cluster
        .kubectl("get namespace shop -o jsonpath={.metadata.labels}", "")
        .succeeds();
    assert!(!labels.contains(LABEL), "{labels}");

    set(&tenant, "team=shop").succeeds();
    tenant.kubectl("create namespace other", "").succeeds();
    tenant.kubectl("delete namespace other --wait=false", "").succeeds();
    set(&on_call, &format!("{LABEL}=true")).succeeds();
    on_call.kubectl("create -f -", &made).succeeds();
    // The API server takes labels by these ways, too, from who may set them.
    for subresource in ["status", "finalize"] {
        set(&tenant, &format!("{LABEL}-")).succeeds();
        let (code, said) = put(&on_call, "shop", subresource, "true");
        assert_eq!(code, 0, "{said}");
        let labels = cluster
            .kubectl("get namespace shop -o jsonpath={.metadata.labels}", "")
            .succeeds();
        assert!(labels.contains(LABEL), "{subresource}: {labels}");
    }
    // While it is there, all else of the namespace is its owner's as before.
    set(&tenant, "team=games").succeeds();
    refused(set(&tenant, &format!("{LABEL}=yes")).fails());
    set(&tenant, &format!("{LABEL}-")).succeeds();
    refused(set(&tenant, &format!("{LABEL}=true")).fails());
}

/// A cluster in which an operator denies and blocks, and a filing of alpha.com is cancelled.
async fn stage() -> (Cluster, Operator) {
    let cluster = Cluster::own().await;
    cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
    let operator = operator_that_is_asked(&cluster, BLOCKING, &[]).await;
    declare(&cluster.admin, "alpha", "alpha.com", APPROVED).succeeds();
    (cluster, operator)
}

async fn is_in(cluster: &Cluster, namespace: &Namespace, name: &str, class: Option<&str>) {
    let api: Api<Ingress> = Api::namespaced(cluster.client().await, &namespace.name);
    eventually(&format!("{name} to be in {class:?}"), PATIENCE, async || {
        let found = json!(api.get(name).await.map_err(|error| error.to_string())?);
        let is_there = found["spec"]["ingressClassName"].as_str() == class;
        is_there.then_some(()).ok_or_else(|| found.to_string())
    })
    .await;
}

/// Waits until the metrics have this line.
async fn counts(operator: &Operator, line: &str) {
    eventually(&format!("{line} to be told"), PATIENCE, async || {
        let (_, metrics) = operator.get("/metrics");
        let is_told = metrics.lines().any(|told| told.starts_with(line));
        is_told.then_some(()).ok_or(metrics)
    })
    .await;
}

const INSIDE: Option<&str> = Some("filing-quarantine");

#[tokio::test]
async fn the_label_lifts_denial_and_quarantine_and_both_come_back_when_it_goes() {
    let (cluster, operator) = stage().await;
    let shop = cluster.temp_namespace("shop").await;
    let games = cluster.temp_namespace("games").await;
    let unfiled = |name: &str| ingress(name, &[&format!("{name}.net")]);
    for namespace in [&shop, &games] {
        eventually("the filing to be known", PATIENCE, async || {
            let made = namespace.kubectl("apply -f -", &ingress("web", &["www.alpha.com"]));
            if made.code == 0 { Ok(()) } else { Err(made.stderr) }
        })
        .await;
    }
    declare(&cluster.admin, "alpha", "alpha.com", &at_stage("Cancelled")).succeeds();
    is_in(&cluster, &shop, "web", INSIDE).await;
    is_in(&cluster, &games, "web", INSIDE).await;
    assert!(
        shop.kubectl("create -f -", &unfiled("new"))
            .fails()
            .contains("[NoFiling]")
    );
    counts(&operator, "filing_operator_break_glass_namespaces 0").await;

    let label = |value: &str| {
        let args = format!("label namespace {} {LABEL}{value}", shop.name);
        cluster.kubectl(&args, "").succeeds();
    };
    label("=true");
    is_in(&cluster, &shop, "web", None).await;
    let made = shop.kubectl("create -f -", &unfiled("new"));
    assert!(
        made.stderr.contains(&format!(
            "Warning: namespace {} has the label {LABEL}=true, so this is let through",
            shop.name
        )),
        "{made:?}"
    );
    assert!(
        made.stderr
            .contains("Warning: new.net: no trusted filing covers new.net [NoFiling]"),
        "{made:?}"
    );
    made.succeeds();
    counts(&operator, "filing_operator_break_glass_namespaces 1").await;
    counts(
        &operator,
        "filing_operator_admission_decisions_total{webhook=\"ingresses\",decision=\"break_glass\",verdict=\"Violating\",\
         operation=\"CREATE\",dry_run=\"false\"} 1",
    )
    .await;
    let lifted = "filing_operator_routes_enforced{policy=\"default\",state=\"break_glass\"} 2";
    counts(&operator, lifted).await;
    for name in ["web", "new"] {
        annotation(&cluster, &shop, name, "verdict", "Violating").await;
    }
    eventually("it to be told why the route is let go", PATIENCE, async || {
        let told = events(&cluster, &shop.name, "Ingress", "web").await;
        let is_so = |(kind, reason, note): &(String, String, String)| {
            kind == "Warning" && reason == "BreakGlass" && note.contains(LABEL)
        };
        let times = told.iter().filter(|event| is_so(event)).count();
        if times == 1 { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    let is_first = "get filingpolicy default -o jsonpath={.status.conditions[?(@.type==\"Enforced\")].reason}";
    eventually("the policy to tell of it", PATIENCE, async || {
        let reason = cluster.kubectl(is_first, "").succeeds();
        if reason == "BreakGlass" { Ok(()) } else { Err(reason) }
    })
    .await;
    // Nothing of it holds elsewhere.
    assert!(
        games
            .kubectl("create -f -", &unfiled("new"))
            .fails()
            .contains("[NoFiling]")
    );
    is_in(&cluster, &games, "web", INSIDE).await;

    label("-");
    is_in(&cluster, &shop, "web", INSIDE).await;
    is_in(&cluster, &shop, "new", INSIDE).await;
    assert!(
        shop.kubectl("create -f -", &unfiled("newer"))
            .fails()
            .contains("[NoFiling]")
    );
    // What came in meanwhile can be changed like what turned bad by itself.
    shop.kubectl("label ingress new team=shop", "").succeeds();
    counts(&operator, "filing_operator_break_glass_namespaces 0").await;
    status(&cluster, "filingpolicy default", "/status/routes/violating", 3.into()).await;
}
