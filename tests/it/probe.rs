//! `filing-operator probe` on a real API server: it says that the webhook answers only where it does.

use std::process::{Command, Stdio};

use crate::support::Cluster;
use crate::support::cluster::{Account, Output};
use crate::support::stage::{APPROVED, POLICY, declare, fails_closed, operator_that_is_asked};

fn probe(account: &Account, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_filing-operator"))
        .args(["probe", "--kubeconfig", account.kubeconfig.to_str().unwrap()])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into()
}

#[tokio::test]
async fn it_says_whether_the_operator_answers() {
    let cluster = Cluster::own().await;
    let said = |failed: Output| {
        assert_eq!((failed.code, &*failed.stdout), (1, ""), "{}", failed.stderr);
        failed.stderr
    };
    let nobody = said(probe(&cluster.admin, &["--timeout", "0s"]));
    insta::assert_snapshot!(nobody, @"error: there is no ValidatingWebhookConfiguration filing-operator: the API server does not ask the webhook");

    let mut operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    let answered = probe(&cluster.admin, &[]).succeeds();
    insta::assert_snapshot!(answered, @"
    ingresses.filing-operator.io answers; failurePolicy Ignore
    declarations.filing-operator.io answers; failurePolicy Ignore
    ");
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    fails_closed(&cluster).await;
    let answered = probe(&cluster.admin, &[]).succeeds();
    assert!(answered.contains("failurePolicy Fail"), "{answered}");
    // Nothing is left of it.
    for kind in ["filings", "ingresses"] {
        let left = cluster.kubectl(&format!("get {kind} -A -o name"), "").succeeds();
        assert!(!left.contains("probe"), "{left}");
    }
    let stranger = cluster.user("stranger", &[]);
    let refused = said(probe(&stranger, &["--timeout", "0s"]));
    assert!(
        refused.contains("cannot get resource \"validatingwebhookconfigurations\""),
        "{refused}"
    );

    operator.kill();
    let silent = said(probe(&cluster.admin, &["--timeout", "1s"]));
    insta::assert_snapshot!(silent, @"error: asking about a Filing: the API server let it pass without a word of the operator's, as failurePolicy Ignore says");
}
