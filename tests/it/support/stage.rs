//! What a test of the operator in a cluster begins with: the operator under a policy, filings, routes, and what is seen of
//! them with kubectl.

use std::fmt::Write as _;
use std::sync::OnceLock;

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;

use super::cluster::{Account, Cluster, Namespace, Output};
use super::helm::{CHART, SITE, helm_as, render};
use super::operator::Operator;
use super::wait::{PATIENCE, eventually};

/// The namespace of filings and of the operator, as examples/00-filing-system.yaml makes it.
pub(crate) const FILINGS: &str = "filing-system";

/// A policy that denies, and annotates what runs.
pub(crate) const POLICY: &str = "
site: {provider: alicloud, region: cn-beijing}
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
admission: Deny
";

/// The same, which blocks what runs, up to ten routes at once.
pub(crate) const BLOCKING: &str = "
site: {provider: alicloud, region: cn-beijing}
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
admission: Deny
running: Block
brake: {routes: 10, percent: 100, minutes: 10}
";

/// What makes a filing one that covers its domain.
pub(crate) const APPROVED: &str = "stage: Approved, number: 京ICP备2021012345号-1, approvedAt: 2021-02-20,
  access: [{provider: alicloud, stage: Approved}]";

/// The same under a number that no other filing of a test has, where it matters that nothing is found.
pub(crate) fn approved_as(site: u32) -> String {
    APPROVED.replacen("号-1,", &format!("号-{site},"), 1)
}

/// The same at another stage.
pub(crate) fn at_stage(stage: &str) -> String {
    APPROVED.replacen("stage: Approved", &format!("stage: {stage}"), 1)
}

/// Makes the namespace of filings, where it is not there.
pub(crate) fn home(cluster: &Cluster) {
    cluster
        .kubectl("apply -f examples/00-filing-system.yaml", "")
        .succeeds();
}

/// Starts an operator as `account` with a policy to keep, and waits until that is in force. No webhook asks it.
pub(crate) async fn operator(cluster: &Cluster, account: &Account, policy: &str, more: &[&str]) -> Operator {
    let mut operator = launch(cluster, account, policy, more);
    begun(cluster, &mut operator).await;
    operator
}

/// The same as the account that the chart makes, with its rights and no others, and a webhook by which the API server asks it;
/// waits until both know of each other.
pub(crate) async fn operator_that_is_asked(cluster: &Cluster, policy: &str, more: &[&str]) -> Operator {
    home(cluster);
    cluster.kubectl("apply -f -", RIGHTS.get_or_init(rights)).succeeds();
    let account = cluster.service_account(FILINGS, "filing-operator");
    let mut operator = launch(cluster, &account, policy, more);
    let configuration = std::fs::read_to_string("examples/dev/webhook.yaml").unwrap();
    let configuration = configuration.replace("127.0.0.1:9443", &operator.webhook().to_string());
    cluster.kubectl("apply -f -", &configuration).succeeds();
    is_asked(cluster, &mut operator).await;
    operator
}

/// The operator beside a cluster in which the chart is installed, by helm and with its defaults.
pub(crate) async fn operator_by_chart(cluster: &Cluster) -> Operator {
    home(cluster);
    let by_helm = |verb: &str, address: &str| {
        let url = format!("--set crds.enabled=false --set webhook.url=https://{address}");
        let args = format!("{verb} filing-operator {CHART} --namespace {FILINGS} --server-side=true {SITE} {url}");
        helm_as(&cluster.admin, &args).succeeds();
    };
    // Its account is there before the operator, and its address after that.
    by_helm("install", "127.0.0.1:1");
    let account = cluster.service_account(FILINGS, "filing-operator");
    let mut operator = launch(cluster, &account, POLICY, &[]);
    by_helm("upgrade", &operator.webhook().to_string());
    is_asked(cluster, &mut operator).await;
    operator
}

/// What the chart gives the operator's account, and that account.
fn rights() -> String {
    render("--show-only templates/serviceaccount.yaml --show-only templates/rbac.yaml")
}

/// It does not change while the tests run.
static RIGHTS: OnceLock<String> = OnceLock::new();

async fn is_asked(cluster: &Cluster, operator: &mut Operator) {
    begun(cluster, operator).await;
    // Before both are there it is not asked, and the failurePolicy is the API server's default.
    let told = "get validatingwebhookconfiguration filing-operator \
                -o jsonpath={.webhooks[0].clientConfig.caBundle},{.webhooks[0].rules[0].scope}";
    eventually("the operator to hand over its certificate", PATIENCE, async || {
        let told = cluster.kubectl(told, "").succeeds();
        let is_whole = told.split(',').all(|part| !part.is_empty());
        is_whole.then_some(()).ok_or("caBundle or rules are missing".to_owned())
    })
    .await;
}

fn launch(cluster: &Cluster, account: &Account, policy: &str, more: &[&str]) -> Operator {
    home(cluster);
    let policy = cluster.keep("policy.yaml", policy);
    let mut args = vec!["--namespace", FILINGS, "--policy", policy.to_str().unwrap()];
    args.extend(more);
    Operator::launch(account, &args)
}

async fn begun(cluster: &Cluster, operator: &mut Operator) {
    operator.ready().await;
    eventually("the default policy to be in force", PATIENCE, async || {
        let ready = cluster.kubectl(
            "get filingpolicy default -o jsonpath={.status.conditions[0].status}",
            "",
        );
        if ready.stdout == "True" {
            Ok(())
        } else {
            Err(format!("{}{}", ready.stdout, ready.stderr))
        }
    })
    .await;
}

/// Waits until no Ingress is let in without the operator's word.
pub(crate) async fn fails_closed(cluster: &Cluster) {
    let read = "get validatingwebhookconfiguration filing-operator -o jsonpath={.webhooks[0].failurePolicy}";
    eventually("the webhook to fail closed", PATIENCE, async || {
        let policy = cluster.kubectl(read, "").succeeds();
        (policy == "Fail").then_some(()).ok_or(policy)
    })
    .await;
}

/// The objects of a stream of YAML documents; one that holds nothing but comments is none.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    let documents = yaml.split("\n---").map(|text| text.trim_start_matches("---"));
    let documents =
        documents.map(|text| serde_saphyr::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}")));
    documents.filter(|object| !object.is_null()).collect()
}

/// A filing of a domain, in YAML.
pub(crate) fn filing(name: &str, domain: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: Filing, metadata: {{name: {name}, namespace: {FILINGS}}},
  spec: {{domains: [{domain}], subject: {{name: 示例科技有限公司, nature: Enterprise}}, {rest}}}}}\n"
    )
}

/// Applies a filing of a domain.
pub(crate) fn declare(account: &Account, name: &str, domain: &str, rest: &str) -> Output {
    account.kubectl("apply -f -", &filing(name, domain, rest))
}

/// A filing declared, and judged: so the operator has been through everything that was before.
pub(crate) async fn marker(cluster: &Cluster, name: &str) {
    declare(&cluster.admin, name, &format!("{name}.com"), APPROVED).succeeds();
    status(
        cluster,
        &format!("filing -n {FILINGS} {name}"),
        "/status/observedGeneration",
        1.into(),
    )
    .await;
}

/// An Ingress of these hosts, in YAML.
pub(crate) fn ingress(name: &str, hosts: &[&str]) -> String {
    let mut rules = String::new();
    for host in hosts {
        let backend = "{service: {name: web, port: {number: 80}}}";
        write!(
            rules,
            "{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}, "
        )
        .unwrap();
    }
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}}}, spec: {{rules: [{rules}]}}}}\n"
    )
}

/// An object but for what the API server moves by itself at every write: the version, the generation, the times of its
/// managers and with them their order.
pub(crate) fn comparable(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    let managers = metadata["managedFields"].as_array_mut().unwrap();
    for manager in managers.iter_mut() {
        manager.as_object_mut().unwrap().remove("time");
    }
    managers.sort_by_key(ToString::to_string);
    object
}

/// Waits until one of the operator's annotations on an Ingress contains a text.
pub(crate) async fn annotation(cluster: &Cluster, namespace: &Namespace, name: &str, key: &str, says: &str) {
    let api = Api::<Ingress>::namespaced(cluster.client().await, &namespace.name);
    eventually(&format!("{key} of {name} to say {says}"), PATIENCE, async || {
        let found = api.get(name).await.map_err(|error| error.to_string())?;
        let value = found
            .metadata
            .annotations
            .unwrap_or_default()
            .remove(&format!("filing-operator.io/{key}"));
        match value {
            Some(value) if value.contains(says) => Ok(()),
            other => Err(format!("it says {other:?}")),
        }
    })
    .await;
}

/// The Events about an object, as (type, reason, note).
pub(crate) async fn events(
    cluster: &Cluster,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Vec<(String, String, String)> {
    let api = Api::<Event>::namespaced(cluster.client().await, namespace);
    let found = api.list(&ListParams::default()).await.unwrap();
    let mut events: Vec<Event> = found
        .into_iter()
        .filter(|event| {
            let regarding = event.regarding.clone().unwrap_or_default();
            regarding.kind.as_deref() == Some(kind) && regarding.name.as_deref() == Some(name)
        })
        .collect();
    events.sort_by_key(|event| event.event_time.clone().map(|time| time.0));
    events
        .into_iter()
        .map(|event| {
            (
                event.type_.unwrap_or_default(),
                event.reason.unwrap_or_default(),
                event.note.unwrap_or_default(),
            )
        })
        .collect()
}

/// Waits until a value in an object is so.
pub(crate) async fn status(cluster: &Cluster, args: &str, pointer: &str, expected: Value) {
    eventually(&format!("{pointer} of {args} to be {expected}"), PATIENCE, async || {
        let found = cluster.kubectl(&format!("get {args} -o json"), "");
        if found.code != 0 {
            return Err(found.stderr);
        }
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        match found.pointer(pointer) {
            Some(value) if *value == expected => Ok(()),
            other => Err(format!("it is {other:?}")),
        }
    })
    .await;
}
