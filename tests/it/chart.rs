//! The chart, by real helm: what it renders, what values it refuses, and what the API server says of it.

mod alerts;
mod dashboard;
mod documents;
mod rights;

use std::fs;

use filing_operator::api::keys::{QUARANTINE_CLASS, QUARANTINE_CONTROLLER};
use rstest::rstest;
use serde_json::Value;

use crate::support::Cluster;
use crate::support::helm::{CHART, SITE, helm, helm_as, render};
use crate::support::programs::{CERT_MANAGER, PROMETHEUS_OPERATOR};
use crate::support::stage::{APPROVED, FILINGS, declare, fails_closed, home, objects, operator_by_chart};
use crate::support::wait::{PATIENCE, eventually};

/// The values files of the chart's `ci` folder.
fn matrix() -> Vec<String> {
    let files = fs::read_dir(format!("{CHART}/ci")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path().display().to_string()).collect();
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    files
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn helm_finds_nothing_to_say_against_it() {
    for values in matrix() {
        let said = helm(&format!("lint --strict {CHART} --values {values}")).succeeds();
        assert!(!said.contains("WARNING"), "{values}: {said}");
    }
}

/// What a person reviews, in whole but for the definitions.
#[test]
fn two_values_give_a_complete_installation() {
    let rendered = render(SITE);
    let reviewed: Vec<&str> = rendered
        .split("---\n")
        .filter(|text| !text.contains("kind: CustomResourceDefinition"))
        .collect();
    insta::assert_snapshot!(reviewed.join("---\n"));
    let kinds = objects(&rendered);
    assert_eq!(of_kind(&kinds, "CustomResourceDefinition").len(), 3);
}

#[test]
fn the_same_values_give_the_same_objects() {
    for values in matrix() {
        let args = format!("--values {values}");
        assert_eq!(render(&args), render(&args), "{values}");
    }
}

#[rstest]
#[case::unknown_key("--set replica=3", "replica")]
#[case::unknown_key_below("--set webhook.tls.mod=self", "mod")]
#[case::unknown_field_of_the_policy("--set policy.admision=Deny", "admision")]
#[case::unknown_word("--set policy.admission=Refuse", "/policy/admission")]
#[case::place_without_its_provider("--set policy.site.region=cn-beijing", "provider")]
#[case::number_out_of_range("--set replicas=0", "/replicas")]
#[case::no_digest("--set image.digest=latest", "/image/digest")]
#[case::url_without_tls("--set webhook.url=http://192.0.2.1", "/webhook/url")]
#[case::secret_without_a_name("--set webhook.tls.mode=secret", "webhook.tls.secretName: name the Secret")]
#[case::account_without_a_name("--set serviceAccount.create=false", "serviceAccount.name: name the ServiceAccount")]
fn values_that_mean_nothing_are_refused(#[case] args: &str, #[case] named: &str) {
    let said = helm(&format!("template filing-operator {CHART} {args}")).fails();
    assert!(said.contains(named), "{said}");
}

/// Both are written by hand: one for an API server without helm, one for a cluster.
#[test]
fn what_stands_in_examples_dev_too_is_the_same() {
    let rendered = objects(&render("--set webhook.failurePolicy=Ignore"));
    let read = |file: &str| objects(&fs::read_to_string(format!("examples/dev/{file}.yaml")).unwrap());
    let spec = |objects: &[Value], kind: &str| of_kind(objects, kind)[0]["spec"].clone();
    let example = read("break-glass");
    for kind in ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] {
        assert_eq!(spec(&rendered, kind), spec(&example, kind), "{kind}");
    }
    let class = spec(&rendered, "IngressClass");
    assert_eq!(class, spec(&read("quarantine"), "IngressClass"));
    assert_eq!(class["controller"], QUARANTINE_CONTROLLER);
    assert_eq!(
        of_kind(&rendered, "IngressClass")[0]["metadata"]["name"],
        QUARANTINE_CLASS
    );
    let webhooks = |objects: &[Value]| {
        let mut webhooks = of_kind(objects, "ValidatingWebhookConfiguration")[0]["webhooks"].clone();
        for webhook in webhooks.as_array_mut().unwrap() {
            webhook.as_object_mut().unwrap().remove("clientConfig");
        }
        webhooks
    };
    assert_eq!(webhooks(&rendered), webhooks(&read("webhook")));
}

/// Pods are held to the profile `restricted` where a namespace says so.
#[test]
fn every_pod_is_as_restricted_as_can_be() {
    for values in matrix() {
        for object in objects(&render(&format!("--values {values}"))) {
            let pod = &object["spec"]["template"]["spec"];
            if pod.is_null() || object["kind"] == "CustomResourceDefinition" {
                continue;
            }
            assert_eq!(pod["securityContext"]["runAsUser"], 65532, "{values}");
            assert_eq!(
                pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
                "{values}"
            );
            for container in pod["containers"].as_array().unwrap() {
                let security = &container["securityContext"];
                assert_eq!(security["readOnlyRootFilesystem"], true, "{values}");
                assert_eq!(security["capabilities"]["drop"][0], "ALL", "{values}");
                assert_eq!(security["allowPrivilegeEscalation"], false, "{values}");
            }
        }
    }
}

#[tokio::test]
async fn the_api_server_takes_all_of_it_as_it_is() {
    let cluster = Cluster::own().await;
    home(&cluster);
    for namespace in ["shop", "monitoring"] {
        cluster.kubectl(&format!("create namespace {namespace}"), "").succeeds();
    }
    for others in [CERT_MANAGER, PROMETHEUS_OPERATOR] {
        cluster.kubectl("apply --server-side -f -", &others.yaml()).succeeds();
    }
    let strictly = "apply --server-side --dry-run=server --validate=strict --force-conflicts -f -";
    for values in matrix() {
        let rendered = render(&format!("--values {values}"));
        eventually("all kinds to be served", PATIENCE, async || {
            let taken = cluster.kubectl(strictly, &rendered);
            (taken.code == 0)
                .then_some(())
                .ok_or(format!("{values}: {}", taken.stderr))
        })
        .await;
    }
}

/// helm and the operator write to the same objects: each to what is its own.
#[tokio::test]
async fn helm_and_the_operator_fight_over_no_field() {
    let cluster = Cluster::own().await;
    let operator = operator_by_chart(&cluster).await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    let configuration = || {
        let read = "get validatingwebhookconfiguration filing-operator -o json";
        serde_json::from_str::<Value>(&cluster.kubectl(read, "").succeeds()).unwrap()
    };
    fails_closed(&cluster).await;
    let before = configuration();
    let url = format!("--set webhook.url=https://{}", operator.webhook());
    let upgrade = format!(
        "upgrade filing-operator {CHART} --namespace {FILINGS} --server-side=true --set crds.enabled=false {SITE} {url}"
    );
    for more in ["", "--set webhook.timeoutSeconds=7", "--set commonLabels.team=shop"] {
        helm_as(&cluster.admin, &format!("{upgrade} {more}")).succeeds();
    }
    let after = configuration();
    assert_eq!(after["metadata"]["labels"]["team"], "shop");
    for (old, new) in before["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["webhooks"].as_array().unwrap())
    {
        assert_eq!(old, new);
    }
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);

    // Fixed by a value, it is the chart's.
    let fixed = format!("{upgrade} --set webhook.failurePolicy=Ignore");
    let said = helm_as(&cluster.admin, &fixed).fails();
    assert!(
        said.contains("filing-operator-webhook") && said.contains("failurePolicy"),
        "{said}"
    );
}
