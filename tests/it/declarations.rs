//! What is said to one who declares or deletes, on the real API server.

use std::fmt::Write as _;

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::stage::{
    FILINGS, POLICY, annotation, approved_as, declare, filing, ingress, operator_that_is_asked, status,
};
use crate::support::wait::{PATIENCE, eventually};

/// The number of the first filing, and of those that use it again.
const FIRST: &str = "stage: Approved, number: 京ICP备2022054321号-1, access: [{provider: alicloud, stage: Approved}]";

/// A number that nobody else has.
const UNUSED: &str = "number: 京ICP备2022054321号-7";

/// A cluster of its own: who declares in another test is none of this operator's.
async fn stage() -> (Cluster, Operator) {
    let cluster = Cluster::own().await;
    let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    declare(&cluster.admin, "first", "first.com", FIRST).succeeds();
    let server = "{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {name: slb-1},
  spec: {provider: alicloud, region: cn-beijing}}";
    cluster.kubectl("apply -f -", server).succeeds();
    eventually(
        "the webhook to be asked, and the filing to be known",
        PATIENCE,
        async || {
            let again = filing("again", "again.com", FIRST);
            let said = cluster.kubectl("apply --dry-run=server -f -", &again).stderr;
            if said.contains("[SharedNumber]") {
                Ok(())
            } else {
                Err(said)
            }
        },
    )
    .await;
    (cluster, operator)
}

/// The warnings that kubectl prints.
fn warnings(printed: &str) -> Vec<&str> {
    printed.lines().filter(|line| line.starts_with("Warning: ")).collect()
}

fn server(rest: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {{name: slb-9}},
  spec: {{provider: alicloud, region: cn-beijing, {rest}}}}}"
    )
}

fn policy(rest: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {{name: strict}}, spec: {{{rest}}}}}"
    )
}

#[tokio::test]
async fn a_dry_run_says_what_is_wrong_before_anything_is_stored_and_a_deletion_what_hangs_on_it() {
    let (cluster, operator) = stage().await;
    let approved = |more: &str| format!("stage: Approved, access: [{{provider: alicloud, stage: Approved}}], {more}");
    let cases = [
        ("a filing in good order", filing("new", "new.com", &approved(UNUSED))),
        (
            "a malformed number",
            filing("new", "new.com", &approved("number: 京ICP备2021O12345号-1")),
        ),
        (
            "an irregular number",
            filing("new", "new.com", &approved("number: 备案号 京ICP备2022054321-7号")),
        ),
        (
            "a public-security number",
            filing("new", "new.com", &approved("number: 京公网安备11010502030123号")),
        ),
        ("a public suffix", filing("new", "com.cn", &approved(UNUSED))),
        ("another", filing("new", "政务.cn", &approved(UNUSED))),
        ("a number that is used", filing("new", "new.com", FIRST)),
        (
            "a domain that is claimed",
            filing("new", "first.com", &approved(UNUSED)),
        ),
        (
            "an unknown server",
            filing(
                "new",
                "new.com",
                &format!(
                    "stage: Approved, {UNUSED}, access: [{{provider: alicloud, stage: Approved, servers: [slb-1, slb-2]}}]"
                ),
            ),
        ),
        ("a server that has ended", server("expiresAt: 2020-01-01")),
        ("a server in good order", server("expiresAt: 2099-01-01")),
        ("a policy with an unknown rule", policy("rules: {NoFillings: Warning}")),
        ("a policy in good order", policy("rules: {NoFiling: Warning}")),
    ];
    let mut said = String::new();
    for (name, object) in &cases {
        let printed = cluster.kubectl("apply --dry-run=server -f -", object);
        assert_eq!(printed.code, 0, "{name}: {}", printed.stderr);
        writeln!(said, "{name}").unwrap();
        for warning in warnings(&printed.stderr) {
            writeln!(said, "  {warning}").unwrap();
        }
    }
    insta::assert_snapshot!(said);

    let namespace = cluster.temp_namespace("used").await;
    namespace
        .kubectl("create -f -", &ingress("web", &["www.first.com"]))
        .succeeds();
    annotation(&cluster, &namespace, "web", "verdict", "Compliant").await;
    status(
        &cluster,
        &format!("filing -n {FILINGS} first"),
        "/status/routes",
        1.into(),
    )
    .await;
    status(&cluster, "filingpolicy default", "/status/routes/compliant", 1.into()).await;
    let on_server = FIRST.replace("provider: alicloud,", "provider: alicloud, servers: [slb-1],");
    declare(&cluster.admin, "first", "first.com", &on_server).succeeds();
    let delete = |what: &str| cluster.kubectl(&format!("delete --dry-run=server {what}"), "");
    eventually("the server to be named", PATIENCE, async || {
        let said = delete("accessserver slb-1").stderr;
        if said.contains("first") { Ok(()) } else { Err(said) }
    })
    .await;
    let deletions = [
        delete(&format!("filing -n {FILINGS} first")),
        delete("accessserver slb-1"),
        delete("filingpolicy default"),
    ];
    let said: Vec<&str> = deletions.iter().flat_map(|printed| warnings(&printed.stderr)).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    Warning: 1 route is served under this filing, and without one once it is gone, unless another covers the same hosts
    Warning: Filing filing-system/first names this server in its access; take the name out of it
    Warning: 1 route is governed by this policy (0 violating); once it is gone the next that matches governs, or none does
    ");

    let (_, counted) = operator.get("/metrics");
    let denied = |line: &&str| line.contains("webhook=\"declarations\"") && line.contains("decision=\"denied\"");
    assert!(
        counted.contains("webhook=\"declarations\",decision=\"warned\""),
        "{counted}"
    );
    assert_eq!(counted.lines().find(denied), None);
}

#[tokio::test]
async fn a_filing_is_repaired_whether_the_operator_answers_or_not() {
    let (cluster, mut operator) = stage().await;
    let wrong = approved_as(8).replace("号-8", "-8号");
    let warned = declare(&cluster.admin, "mended", "mended.com", &wrong);
    assert_eq!(
        (warned.code, warnings(&warned.stderr).len()),
        (0, 1),
        "{}",
        warned.stderr
    );

    operator.freeze().await;
    let while_it_hangs = declare(&cluster.admin, "mended", "mended.com", &approved_as(8));
    assert_eq!(
        (while_it_hangs.code, warnings(&while_it_hangs.stderr).len()),
        (0, 0),
        "{}",
        while_it_hangs.stderr
    );
    operator.kill();
    let while_it_is_gone = declare(&cluster.admin, "mended", "mended.com", &approved_as(9));
    assert_eq!(
        (while_it_is_gone.code, warnings(&while_it_is_gone.stderr).len()),
        (0, 0),
        "{}",
        while_it_is_gone.stderr
    );
    cluster
        .kubectl(&format!("delete filing -n {FILINGS} first"), "")
        .succeeds();

    operator.restart().await;
    status(
        &cluster,
        &format!("filing -n {FILINGS} mended"),
        "/status/observedGeneration",
        3.into(),
    )
    .await;
    status(
        &cluster,
        &format!("filing -n {FILINGS} mended"),
        "/status/colour",
        "Blue".into(),
    )
    .await;
}
