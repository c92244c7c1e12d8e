//! What helm does on a whole node, and what a person sees of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::kubectl;
use crate::support::cluster::{Account, Namespace};
use crate::support::helm::{CHART, SITE, helm_as};
use crate::support::image::OPERATOR;
use crate::support::node::Node;
use crate::support::operator::http_get;
use crate::support::stage::{APPROVED, FILINGS, at_stage, declare, fails_closed, filing};
use crate::support::wait::{PATIENCE, eventually};

/// The port of the data plane, as skipper.yaml says.
const DATA_PLANE: u16 = 9999;

/// Runs `helm install` or `helm upgrade` as the chart's README says, with the image of this node, and no limit to what is
/// blocked at once.
pub(super) fn by(node: &Node, verb: &str, chart: &Path) {
    let (repository, tag) = OPERATOR.rsplit_once(':').unwrap();
    let chart = chart.display();
    let create = if verb == "install" { "--create-namespace" } else { "" };
    let args = format!(
        "{verb} filing-operator {chart} --namespace {FILINGS} {create} --wait --timeout 3m {SITE} \
         --set image.repository={repository} --set image.tag={tag} --set image.pullPolicy=Never \
         --set policy.running=Block --set policy.brake.routes=10 --set policy.brake.percent=100 --set policy.brake.minutes=10"
    );
    helm_as(&node.cluster.admin, &args).succeeds();
}

/// The chart as an older version: none has been released yet, so it is this one, without a field of Filings.
pub(super) fn older_chart(node: &Node) -> PathBuf {
    let folder = node.cluster.keep("older", "").with_file_name("older-chart");
    let copied = Command::new("cp").args(["-r", CHART]).arg(&folder).status();
    assert!(copied.is_ok_and(|status| status.success()));
    let change = |file: &str, change: &dyn Fn(String) -> String| {
        let path = folder.join(file);
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    };
    change("Chart.yaml", &|text| {
        text.replace("\nversion: 0.1.0\n", "\nversion: 0.0.9\n")
    });
    change("files/crds/filings.yaml", &|text| {
        let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
        let service = definition.pointer_mut(&format!("{spec}/properties/service/properties"));
        let removed = service.unwrap().as_object_mut().unwrap().remove("remark");
        assert!(removed.is_some());
        definition.to_string()
    });
    folder
}

/// Whether the definition of Filings has the field that an older one lacks.
fn knows_remarks(node: &Node) -> bool {
    let read = "get crd filings.filing-operator.io -o json";
    node.cluster.kubectl(read, "").succeeds().contains("\"remark\"")
}

/// Who has just installed it has stopped nobody's work.
pub(super) fn before_a_first_filing_nothing_is_denied(zhang: &Account) {
    let made = zhang.kubectl("apply -f examples/12-ack-unfiled.yaml", "");
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        made.stderr.contains("Warning: ") && made.stderr.contains("[NoFiling]"),
        "{made:?}"
    );
    zhang.kubectl("delete -f examples/12-ack-unfiled.yaml", "").succeeds();
}

pub(super) fn a_filing_and_its_ingress_pass_in_one_file(node: &Node, namespace: &Namespace) {
    let filing = filing("both", "both.com", APPROVED);
    let both = format!("{filing}---\n{}", served(namespace, "both", "www.both.com"));
    node.cluster.kubectl("create -f -", &both).succeeds();
}

/// An Ingress of the data plane's class.
fn served(namespace: &Namespace, name: &str, host: &str) -> String {
    let backend = "{service: {name: web, port: {number: 80}}}";
    let path = format!("{{path: /, pathType: Prefix, backend: {backend}}}");
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, namespace: {}}},
  spec: {{ingressClassName: skipper, rules: [{{host: {host}, http: {{paths: [{path}]}}}}]}}}}\n",
        namespace.name
    )
}

/// Waits until a visitor of a host is answered so.
async fn answers(host: &str, status: u16) {
    eventually(
        &format!("{host} to answer {status}"),
        PATIENCE,
        async || match http_get(Node::address(DATA_PLANE), host, "/") {
            Ok((found, _)) if found == status => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

/// Real requests, by way of an ingress controller in the cluster, before and after a filing is cancelled.
pub(super) async fn a_host_goes_dark_with_its_filing(node: &Node, namespace: &Namespace) {
    let cluster = &node.cluster;
    cluster.kubectl("apply -f tests/it/node/skipper.yaml", "").succeeds();
    namespace.kubectl("apply -f tests/it/node/web.yaml", "").succeeds();
    answers("www.both.com", 200).await;
    let file = |stage: &str| declare(&cluster.admin, "both", "both.com", &at_stage(stage)).succeeds();
    for (stage, status) in [("Cancelled", 404), ("Approved", 200), ("Cancelled", 404)] {
        file(stage);
        answers("www.both.com", status).await;
    }
}

/// One route is in quarantine all the while, for its filing is still cancelled.
pub(super) async fn it_can_be_upgraded_rolled_back_removed_and_installed_again(node: &Node, namespace: &Namespace) {
    let cluster = &node.cluster;
    let filings = || {
        let read = "get filings -A -o jsonpath={.items[*].metadata.uid}";
        cluster.kubectl(read, "").succeeds()
    };
    let before = filings();
    assert!(!knows_remarks(node));
    by(node, "upgrade", Path::new(CHART));
    assert!(knows_remarks(node));
    fails_closed(cluster).await;

    let helm = |args: &str| {
        let args = format!("{args} --namespace {FILINGS} --wait --timeout 3m");
        helm_as(&cluster.admin, &args).succeeds()
    };
    helm("rollback filing-operator 1");
    assert!(!knows_remarks(node));
    fails_closed(cluster).await;

    answers("www.both.com", 404).await;
    helm("uninstall filing-operator");
    answers("www.both.com", 200).await;
    assert_eq!(filings(), before, "the filings stay");
    let class = "get ingress both -o jsonpath={.spec.ingressClassName}";
    assert_eq!(namespace.kubectl(class, "").succeeds(), "skipper");
    let kinds = "validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,\
                 ingressclasses,clusterroles,clusterrolebindings";
    let left = cluster.kubectl(&format!("get {kinds} -o name"), "").succeeds();
    assert!(!left.contains("filing"), "{left}");
    let kinds = "deployments,jobs,services,configmaps,serviceaccounts,poddisruptionbudgets,roles,rolebindings";
    let left = kubectl(node, &format!("get {kinds} -o name"));
    assert!(!left.contains("filing"), "{left}");

    by(node, "install", Path::new(CHART));
    assert_eq!(filings(), before);
    fails_closed(cluster).await;
    let unfiled = served(namespace, "never", "www.never.com");
    let denied = namespace.kubectl("create -f -", &unfiled).fails();
    assert!(denied.contains("[NoFiling]"), "{denied}");
}
