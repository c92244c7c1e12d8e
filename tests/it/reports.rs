//! Reports of OpenReports on a real API server.

use serde_json::Value;

use crate::support::cluster::{Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::programs::OPEN_REPORTS;
use crate::support::stage::{APPROVED, POLICY, declare, ingress, operator};
use crate::support::wait::{PATIENCE, eventually};

/// The operator with its reports, without a webhook: what it would deny can be made.
async fn reporting(cluster: &Cluster) -> Operator {
    operator(cluster, &cluster.admin, POLICY, &["--openreports"]).await
}

fn install(cluster: &Cluster) {
    cluster
        .kubectl("apply --server-side -f -", &OPEN_REPORTS.yaml())
        .succeeds();
    let wait = "wait --for=condition=Established --timeout=30s crd/reports.openreports.io";
    cluster.kubectl(wait, "").succeeds();
}

/// Waits for the report of a namespace. It is looked for less and less often while there are none, hence the patience.
async fn report(namespace: &Namespace) -> Value {
    eventually("a report", PATIENCE * 3, async || {
        let got = namespace.kubectl(
            "get reports.openreports.io filing-operator -o json --show-managed-fields",
            "",
        );
        serde_json::from_str(&got.stdout).map_err(|_| got.stderr)
    })
    .await
}

async fn no_report(namespace: &Namespace) {
    eventually("the report to be gone", PATIENCE, async || {
        let got = namespace.kubectl("get reports.openreports.io -o name", "");
        match (got.code, got.stdout.trim()) {
            (0, "") => Ok(()),
            _ => Err(format!("{}{}", got.stdout, got.stderr)),
        }
    })
    .await;
}

#[tokio::test]
async fn reports_come_with_their_definition_and_go_with_what_they_tell_of() {
    let cluster = Cluster::own().await;
    let operator = reporting(&cluster).await;
    let bad = cluster.temp_namespace("bad").await;
    let good = cluster.temp_namespace("good").await;
    bad.kubectl("apply -f -", &ingress("web", &["www.bad.com", "api.bad.com"]))
        .succeeds();
    good.kubectl("apply -f -", &ingress("web", &["www.good.com"]))
        .succeeds();
    declare(&cluster.admin, "good", "good.com", APPROVED).succeeds();

    // Without the definition it does all else.
    for (namespace, verdict) in [(&bad, "Violating"), (&good, "Compliant")] {
        eventually(&format!("the verdict {verdict}"), PATIENCE, async || {
            let path = "get ingress web -o jsonpath={.metadata.annotations.filing-operator\\.io/verdict}";
            let said = namespace.kubectl(path, "").succeeds();
            if said == verdict { Ok(()) } else { Err(said) }
        })
        .await;
    }
    operator.alive().unwrap();

    install(&cluster);
    let found = report(&bad).await;
    assert_eq!(found["summary"]["fail"], 2, "{found:#}");
    let owners = found["metadata"]["managedFields"].as_array().unwrap();
    assert!(
        owners.iter().all(|owner| owner["manager"] == "filing-operator-reports"),
        "{owners:?}"
    );
    let result = &found["results"][0];
    assert_eq!(
        (&result["rule"], &result["result"]),
        (&"NoFiling".into(), &"fail".into())
    );
    assert_eq!(result["resources"][0]["name"], "web");
    let shown = bad.kubectl("get reports.openreports.io", "").succeeds();
    let columns: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().take(6).collect();
    assert_eq!(columns, ["filing-operator", "0", "2", "0", "0", "0"], "{shown}");
    no_report(&good).await;

    declare(&cluster.admin, "bad", "bad.com", APPROVED).succeeds();
    no_report(&bad).await;
}

#[tokio::test]
async fn one_that_begins_to_lead_tidies_up_and_writes_nothing_that_is_there() {
    let cluster = Cluster::own().await;
    install(&cluster);
    let mut operator = reporting(&cluster).await;
    let mended = cluster.temp_namespace("mended").await;
    let bad = cluster.temp_namespace("bad").await;
    mended
        .kubectl("apply -f -", &ingress("web", &["www.mended.com"]))
        .succeeds();
    bad.kubectl("apply -f -", &ingress("web", &["www.bad.com"])).succeeds();
    report(&mended).await;
    let before = report(&bad).await;
    let others = "{apiVersion: openreports.io/v1alpha1, kind: Report, metadata: {name: of-another-tool}}";
    mended.kubectl("apply -f -", others).succeeds();

    operator.stop().await;
    declare(&cluster.admin, "mended", "mended.com", APPROVED).succeeds();
    operator.restart().await;
    eventually(
        "the report of what was mended meanwhile to be gone",
        PATIENCE,
        async || {
            let got = mended.kubectl("get reports.openreports.io -o name", "").succeeds();
            if got.trim() == "report.openreports.io/of-another-tool" {
                Ok(())
            } else {
                Err(got)
            }
        },
    )
    .await;
    // Reports are looked at in the order of their namespaces, so `bad` has been by now.
    assert!(bad.name < mended.name);
    assert_eq!(report(&bad).await["metadata"], before["metadata"]);
}
