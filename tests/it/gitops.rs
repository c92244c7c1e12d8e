//! What Argo CD and Flux make of our kinds, and of an Ingress in quarantine: the checks of integrations/argocd and the expressions
//! of docs/gitops.md, run by their own code (tests/programs/gitops/main.go) over what the operator really writes.
//!
//! integrations/argocd/argocd-cm.yaml is made of the scripts; `WRITE_GITOPS=1 cargo test --test it gitops` mends it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use filing_operator::api::keys::{LEGACY_CLASS, QUARANTINE_CLASS, managers};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, Output};
use crate::support::generated;
use crate::support::operator::Operator;
use crate::support::programs::gitops;
use crate::support::stage::{BLOCKING, FILINGS, approved_as, at_stage, filing, home, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

const KINDS: [&str; 3] = ["Filing", "AccessServer", "FilingPolicy"];
const SCRIPTS: &str = "integrations/argocd/filing-operator.io";
const SETTINGS: &str = "integrations/argocd/argocd-cm.yaml";
const PAGE: &str = "docs/gitops.md";

/// What the program answers.
fn asked(question: &Value) -> Value {
    let mut child = Command::new(gitops())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What it does not read it says why of.
    let _ = child.stdin.take().unwrap().write_all(question.to_string().as_bytes());
    let out = Output::from(child.wait_with_output().unwrap()).succeeds();
    serde_json::from_str(&out).unwrap()
}

fn script(kind: &str) -> String {
    fs::read_to_string(format!("{SCRIPTS}/{kind}/health.lua")).unwrap()
}

fn settings() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(SETTINGS).unwrap()).unwrap()
}

/// The blocks of YAML of the page that are about this.
fn on_the_page(about: &str) -> Vec<Value> {
    let page = fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next().filter(|block| block.contains(about)));
    blocks.map(|block| serde_saphyr::from_str(block).unwrap()).collect()
}

/// What the page has Flux ask of a kind.
fn expressions(kind: &str) -> Value {
    let page = on_the_page("healthCheckExprs");
    let entries = page[0]["spec"]["healthCheckExprs"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["kind"] == kind);
    entry.unwrap_or_else(|| panic!("{PAGE} has none for {kind}")).clone()
}

/// An object's health in Argo CD; whether it is as it is to be by kstatus alone, and by the expressions.
fn told(object: &Value) -> [String; 4] {
    let kind = object["kind"].as_str().unwrap();
    let said = asked(&json!({"object": object, "lua": script(kind), "expressions": expressions(kind)}));
    let texts = ["/health/status", "/kstatus", "/expressions", "/health/message"];
    texts.map(|at| said.pointer(at).unwrap().as_str().unwrap().to_owned())
}

#[rstest]
#[case("Filing")]
#[case("AccessServer")]
#[case("FilingPolicy")]
fn every_case_of_the_scripts_holds(#[case] kind: &str) {
    let folder = format!("{SCRIPTS}/{kind}");
    let cases: Value =
        serde_saphyr::from_str(&fs::read_to_string(format!("{folder}/health_test.yaml")).unwrap()).unwrap();
    let cases = cases["tests"].as_array().unwrap();
    for case in cases {
        let path = format!("{folder}/{}", case["inputPath"].as_str().unwrap());
        let object: Value = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(object["kind"], kind, "{path}");
        let health = asked(&json!({"object": object, "lua": script(kind)}))["health"].take();
        assert_eq!(health, case["healthStatus"], "{path}");
    }
    let files = fs::read_dir(format!("{folder}/testdata")).unwrap().count();
    assert_eq!(files, cases.len(), "each file of testdata/ is a case");
}

#[test]
fn the_settings_hold_the_scripts() {
    let mut due = String::from(
        "# Settings of Argo CD, to be merged into its own. Made of the scripts in filing-operator.io/: change those, and then\n\
         # WRITE_GITOPS=1 cargo test --test it gitops\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\ndata:\n",
    );
    for kind in KINDS {
        writeln!(due, "  resource.customizations.health.filing-operator.io_{kind}: |").unwrap();
        for line in script(kind).lines() {
            due.push_str(format!("    {line}").trim_end());
            due.push('\n');
        }
    }
    write!(
        due,
        "  # An Ingress in quarantine has another class than Git says.\n  \
         resource.customizations.ignoreDifferences.networking.k8s.io_Ingress: |\n    \
         managedFieldsManagers:\n      - {}\n",
        managers::QUARANTINE
    )
    .unwrap();
    generated::holds(SETTINGS, &due, "WRITE_GITOPS", "gitops");
    for kind in KINDS {
        let held = &settings()["data"][format!("resource.customizations.health.filing-operator.io_{kind}")];
        assert_eq!(held.as_str(), Some(script(kind).as_str()), "{kind}");
    }
}

#[tokio::test]
async fn the_settings_are_merged_into_those_of_argo_cd() {
    let cluster = Cluster::shared().await;
    cluster.kubectl("create namespace argocd", "").succeeds();
    let theirs =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: argocd}, data: {url: theirs}}";
    cluster.kubectl("apply -f -", theirs).succeeds();
    // To apply it as it is would take away what was applied before.
    let applied = format!("apply --dry-run=server -o jsonpath={{.data.url}} -f {SETTINGS}");
    assert_eq!(cluster.kubectl(&applied, "").succeeds(), "");
    let page = fs::read_to_string(PAGE).unwrap();
    let command = page
        .lines()
        .find_map(|line| line.strip_prefix("$ kubectl patch configmap "));
    let command = command.unwrap_or_else(|| panic!("{PAGE} does not say how"));
    cluster.kubectl(&format!("patch configmap {command}"), "").succeeds();
    let merged = cluster
        .kubectl("get configmap argocd-cm -n argocd -o json", "")
        .succeeds();
    let mut merged: Value = serde_json::from_str(&merged).unwrap();
    assert_eq!(merged["data"]["url"].take(), "theirs");
    merged["data"].as_object_mut().unwrap().remove("url");
    assert_eq!(merged["data"], settings()["data"]);
}

/// A cluster of its own, in which an operator blocks in the namespace `shop`.
struct Stage {
    cluster: Cluster,
    operator: Operator,
}

impl Stage {
    async fn set_up() -> Self {
        Self::in_cluster(Cluster::own().await).await
    }

    async fn in_cluster(cluster: Cluster) -> Self {
        cluster.kubectl("create namespace shop", "").succeeds();
        cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
        let operator = operator_that_is_asked(&cluster, BLOCKING, &[]).await;
        Self { cluster, operator }
    }

    fn apply(&self, yaml: &str) {
        self.cluster.kubectl("apply -f -", yaml).succeeds();
    }

    fn file(&self, name: &str, rest: &str) {
        self.apply(&filing(name, &format!("{name}.com"), rest));
    }

    /// An object, with who owns its fields.
    fn get(&self, object: &str) -> Value {
        get(&self.cluster, object)
    }

    /// Waits until an object is told of so: its health in Argo CD, kstatus, Flux' expressions; and what Argo CD says of it contains
    /// this.
    async fn is_told(&self, object: &str, expected: [&str; 3], says: &str) {
        eventually(&format!("{object} to be {expected:?}: {says}"), PATIENCE, async || {
            let object = self.get(object);
            let [health, kstatus, expressions, message] = told(&object);
            let is_so = [health.as_str(), &kstatus, &expressions] == expected && message.contains(says);
            is_so
                .then_some(())
                .ok_or_else(|| format!("{health} {kstatus} {expressions}: {message}\n{}", object["status"]))
        })
        .await;
    }

    /// Waits until a route is in a class, with nothing of a quarantine left on it unless it is that one.
    async fn is_in(&self, ingress: &str, class: &str) {
        eventually(&format!("{ingress} to be in {class}"), PATIENCE, async || {
            let found = self.get(ingress);
            let is_there = found["spec"]["ingressClassName"] == class;
            let has_record = !found["metadata"]["annotations"]["filing-operator.io/quarantined-class"].is_null();
            let is_done = is_there && has_record == (class == QUARANTINE_CLASS);
            is_done.then_some(()).ok_or_else(|| found.to_string())
        })
        .await;
    }
}

fn get(cluster: &Cluster, object: &str) -> Value {
    let found = cluster.kubectl(&format!("get {object} -o json --show-managed-fields"), "");
    serde_json::from_str(&found.succeeds()).unwrap()
}

fn filing_of(name: &str) -> String {
    format!("filing -n {FILINGS} {name}")
}

/// A day so long after an object was made.
fn days_after(object: &Value, days: i64) -> String {
    let made: Timestamp = object["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let day = made.to_zoned(TimeZone::UTC).date().checked_add(days.days()).unwrap();
    day.to_string()
}

fn server(name: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {{name: {name}}},
  spec: {{provider: alicloud, region: cn-beijing{rest}}}}}\n"
    )
}

const WELL: [&str; 3] = ["Healthy", "Current", "Current"];
const BAD: [&str; 3] = ["Degraded", "InProgress", "Failed"];
const CHANGED: [&str; 3] = ["Progressing", "InProgress", "InProgress"];

#[tokio::test]
async fn a_filing_and_a_server_are_told_as_they_are() {
    let cluster = Cluster::own().await;
    home(&cluster);
    cluster
        .kubectl("apply -f -", &filing("early", "early.com", &approved_as(1)))
        .succeeds();
    // Before the operator has looked kstatus alone takes it for done.
    let [health, kstatus, expressions, _] = told(&get(&cluster, &filing_of("early")));
    assert_eq!([health, kstatus, expressions], ["Progressing", "Current", "Unknown"]);

    let mut stage = Stage::in_cluster(cluster).await;
    let early = filing_of("early");
    stage
        .is_told(&early, WELL, "it is approved, and nothing is wrong with it")
        .await;
    let soon = days_after(&stage.get(&early), 60);

    stage.file("pending", "stage: FirstReview");
    let pending = ["Suspended", "InProgress", "Current"];
    stage
        .is_told(&filing_of("pending"), pending, "it is not approved yet")
        .await;
    for (name, words) in [
        ("rejected", "it has been sent back"),
        ("cancelled", "it has been cancelled"),
    ] {
        let (first, rest) = name.split_at(1);
        stage.file(
            name,
            &at_stage(&(first.to_uppercase() + rest)).replace("号-1", &format!("号-{}", name.len())),
        );
        stage.is_told(&filing_of(name), BAD, words).await;
    }
    stage.file("malformed", "stage: Approved, number: 京ICP备2021O12345号-1");
    stage
        .is_told(&filing_of("malformed"), BAD, "copy the number from the notice")
        .await;
    stage.file(
        "ending",
        &format!("{}, registration: {{expiresAt: {soon}}}", approved_as(2)),
    );
    let words = format!("the registration of {FILINGS}/ending's domain ends on {soon}");
    stage.is_told(&filing_of("ending"), WELL, &words).await;

    stage.apply(&server("slb", ""));
    stage
        .is_told("accessserver slb", WELL, "it is in use, and nothing is wrong with it")
        .await;
    stage.apply(&server("ending", &format!(", expiresAt: {soon}")));
    stage
        .is_told(
            "accessserver ending",
            WELL,
            &format!("the server ending ends on {soon}"),
        )
        .await;
    stage.apply(&server("ended", ", expiresAt: 2020-02-20"));
    stage.is_told("accessserver ended", BAD, "2020-02-20").await;
    stage.apply(&server("stopped", ", state: Suspended"));
    stage.is_told("accessserver stopped", BAD, "is suspended").await;

    // What was said is of an older spec.
    stage.operator.kill();
    stage.file("early", &at_stage("Cancelled"));
    stage.apply(&server("slb", ", state: Released"));
    for object in [early.as_str(), "accessserver slb"] {
        stage
            .is_told(object, CHANGED, "waiting for filing-operator to judge it")
            .await;
    }
    stage.operator.restart().await;
    stage.is_told(&early, BAD, "it has been cancelled").await;
    stage.is_told("accessserver slb", BAD, "has been released").await;
}

/// A route of the filing of its name, in YAML.
fn route(namespace: &str, name: &str, class: &str) -> String {
    route_of(namespace, name, json!({"ingressClassName": class}), &json!({}))
}

/// The same, with this beside its rules, and these annotations.
fn route_of(namespace: &str, name: &str, mut spec: Value, annotations: &Value) -> String {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    spec["rules"] = json!([{"host": format!("www.{name}.com"), "http": {"paths": paths}}]);
    let metadata = json!({"name": name, "namespace": namespace, "annotations": annotations});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}).to_string()
}

/// A policy of the namespace `shop`, in YAML.
fn policy(rest: &str) -> String {
    format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {{name: shop}}, spec: {{precedence: 1,
  match: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: shop}}}}}},
  filingsFrom: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {FILINGS}}}}}}}, {rest}}}}}\n"
    )
}

#[tokio::test]
async fn a_policy_is_told_as_it_is() {
    let mut stage = Stage::set_up().await;
    let blocks = |routes: u32, more: &str| {
        let brake = format!("brake: {{routes: {routes}, percent: 100, minutes: 10}}");
        policy(&format!(
            "site: {{provider: alicloud, region: cn-beijing}}, running: Block, {brake}{more}"
        ))
    };
    let suspended = ["Suspended", "Current", "Current"];
    let shop = "filingpolicy shop";
    stage.apply(&blocks(10, ""));
    stage.is_told(shop, WELL, "it is in force").await;
    stage.is_told("filingpolicy default", WELL, "it is in force").await;

    stage.file("alpha", &approved_as(1));
    stage.apply(&route("shop", "alpha", "alb"));
    eventually("the route to be judged", PATIENCE, async || {
        let found = stage.get("ingress -n shop alpha");
        let verdict = &found["metadata"]["annotations"]["filing-operator.io/verdict"];
        (verdict == "Compliant").then_some(()).ok_or_else(|| found.to_string())
    })
    .await;
    stage
        .cluster
        .kubectl("delete -f examples/dev/quarantine.yaml", "")
        .succeeds();
    stage.file("alpha", &at_stage("Cancelled"));
    let missing = ["Degraded", "Current", "Current"];
    stage
        .is_told(shop, missing, "without an IngressClass filing-quarantine")
        .await;

    stage.apply(&blocks(0, ", blockExcept: [ingress.k8s.aws/alb]"));
    stage
        .cluster
        .kubectl("apply -f examples/dev/quarantine.yaml", "")
        .succeeds();
    stage
        .is_told(shop, WELL, "blockExcept names the controllers of these")
        .await;

    stage.apply(&blocks(0, ""));
    stage
        .is_told(shop, suspended, "if that is right, kubectl annotate filingpolicy shop")
        .await;

    stage
        .cluster
        .kubectl("label namespace shop filing-operator.io/break-glass=true", "")
        .succeeds();
    stage.is_told(shop, suspended, "keep these from being blocked").await;
    stage
        .cluster
        .kubectl("label namespace shop filing-operator.io/break-glass-", "")
        .succeeds();

    stage.apply(&blocks(10, ""));
    stage.is_in("ingress -n shop alpha", QUARANTINE_CLASS).await;
    stage.is_told(shop, WELL, "it is in force").await;
    stage
        .cluster
        .kubectl("annotate filingpolicy shop filing-operator.io/release=now", "")
        .succeeds();
    stage
        .is_told(shop, suspended, "it is marked filing-operator.io/release")
        .await;
    stage
        .cluster
        .kubectl("annotate filingpolicy shop filing-operator.io/release-", "")
        .succeeds();
    stage.is_told(shop, WELL, "it is in force").await;

    stage.operator.kill();
    stage.apply(&policy("site: {provider: alicloud, region: nowhere}"));
    stage
        .is_told(shop, CHANGED, "waiting for filing-operator to put it into force")
        .await;
    stage.operator.restart().await;
    stage.is_told(shop, BAD, "has no region \"nowhere\"").await;

    // Who keeps the policy `default` in Git takes it from the operator, whose own is not in force then.
    let patch =
        r#"patch filingpolicy default --type merge --field-manager=argocd-controller -p {"spec":{"precedence":-1}}"#;
    stage.cluster.kubectl(patch, "").succeeds();
    stage.is_told("filingpolicy default", BAD, "argocd-controller").await;
}

/// Who applies, and how.
const BY_ARGO_CD: &str = "apply --server-side --force-conflicts --field-manager=argocd-controller -f -";
const BY_FLUX: &str = "apply --server-side --force-conflicts --field-manager=kustomize-controller -f -";
const DRY: &str = "--dry-run=server";

/// What Argo CD compares with the settings that we give: the object in the cluster, and that in Git.
fn compared(live: &Value, git: &str) -> (Value, Value) {
    let ours = &settings()["data"]["resource.customizations.ignoreDifferences.networking.k8s.io_Ingress"];
    let ours: Value = serde_saphyr::from_str(ours.as_str().unwrap()).unwrap();
    assert_eq!(ours.as_object().unwrap().len(), 1, "{ours}");
    let git: Value = serde_json::from_str(git).unwrap();
    let question = json!({"object": live, "target": git, "managers": ours["managedFieldsManagers"]});
    let mut said = asked(&question);
    (said["live"].take(), said["target"].take())
}

#[tokio::test]
async fn argo_cd_lets_a_route_be_in_quarantine_and_sees_every_other_difference() {
    let stage = Stage::set_up().await;
    stage.file("alpha", &approved_as(1));
    stage.file("beta", &approved_as(2));
    let in_git = |class: &str, more: &str| {
        let annotations = json!({LEGACY_CLASS: class, "example.com/team": more});
        route_of("shop", "alpha", json!({"ingressClassName": class}), &annotations)
    };
    let (git, alpha, beta) = (in_git("nginx", "a"), "ingress -n shop alpha", "ingress -n shop beta");
    stage.cluster.kubectl(BY_ARGO_CD, &git).succeeds();
    // The way of Argo CD unless it is told otherwise.
    let by_client = "apply --field-manager=argocd-controller -f -";
    stage
        .cluster
        .kubectl(by_client, &route("shop", "beta", "nginx"))
        .succeeds();
    stage.file("alpha", &at_stage("Cancelled"));
    stage.file("beta", &at_stage("Cancelled"));
    stage.is_in(alpha, QUARANTINE_CLASS).await;
    stage.is_in(beta, QUARANTINE_CLASS).await;

    // What is sent as it is in Git is refused: by a sync, and by the dry run of a server-side diff.
    let refused = stage.cluster.kubectl(&format!("{BY_ARGO_CD} {DRY}"), &git).fails();
    assert!(refused.contains("this route is in quarantine"), "{refused}");
    let refused = stage
        .cluster
        .kubectl(by_client, &route("shop", "beta", "nginx"))
        .fails();
    assert!(refused.contains("this route is in quarantine"), "{refused}");
    // Replace=true has no record in it, whatever the class.
    let refused = stage
        .cluster
        .kubectl("replace -f -", &in_git(QUARANTINE_CLASS, "a"))
        .fails();
    assert!(refused.contains("this route is in quarantine"), "{refused}");

    // With our settings the class is no difference, and all else is.
    let live = stage.get(alpha);
    let changed = in_git("nginx", "b");
    let (live_compared, target) = compared(&live, &changed);
    for object in [&live_compared, &target] {
        assert!(object["spec"]["ingressClassName"].is_null(), "{object}");
        assert!(object["metadata"]["annotations"][LEGACY_CLASS].is_null(), "{object}");
    }
    assert_eq!(target["metadata"]["annotations"]["example.com/team"], "b");
    assert_eq!(live_compared["metadata"]["annotations"]["example.com/team"], "a");
    assert_eq!(live_compared["spec"]["rules"], target["spec"]["rules"]);
    stage
        .cluster
        .kubectl(&format!("{BY_ARGO_CD} {DRY}"), &target.to_string())
        .succeeds();

    // RespectIgnoreDifferences=true: what is ignored is sent as it is in the cluster.
    let sent = in_git(QUARANTINE_CLASS, "b");
    stage.cluster.kubectl(BY_ARGO_CD, &sent).succeeds();
    stage
        .cluster
        .kubectl(by_client, &route("shop", "beta", QUARANTINE_CLASS))
        .succeeds();
    let live = stage.get(alpha);
    assert_eq!(live["metadata"]["annotations"]["example.com/team"], "b");
    let (_, target) = compared(&live, &changed);
    assert!(target["spec"]["ingressClassName"].is_null(), "{target}");

    // It is let go, though Git never said anything else, and the class is Git's again.
    stage.file("alpha", &approved_as(1));
    stage.file("beta", &approved_as(2));
    stage.is_in(alpha, "nginx").await;
    stage.is_in(beta, "nginx").await;
    let (live, target) = compared(&stage.get(alpha), &changed);
    assert_eq!(live["spec"], target["spec"]);
    assert_eq!(live["metadata"]["annotations"][LEGACY_CLASS], "nginx");
    let (live, target) = compared(&stage.get(alpha), &in_git("traefik", "b"));
    assert_eq!(live["spec"]["ingressClassName"], "nginx", "{live}");
    assert_eq!(target["spec"]["ingressClassName"], "traefik", "{target}");
    stage.cluster.kubectl(BY_ARGO_CD, &in_git("traefik", "b")).succeeds();
    stage
        .cluster
        .kubectl(by_client, &route("shop", "beta", "traefik"))
        .succeeds();
    for ingress in [alpha, beta] {
        assert_eq!(stage.get(ingress)["spec"]["ingressClassName"], "traefik");
    }
}

#[tokio::test]
async fn flux_is_refused_what_takes_a_route_out_of_quarantine_and_goes_on_with_the_rest() {
    let stage = Stage::set_up().await;
    stage.cluster.kubectl("create namespace lenient", "").succeeds();
    let lenient = BLOCKING
        .replace("admission: Deny", "admission: Warn")
        .replace('\n', "\n  ");
    stage.apply(&format!(
        "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {{name: lenient}}\nspec:
  precedence: 1
  match: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: lenient}}}}}}{}\n",
        lenient.trim_end()
    ));
    stage.is_told("filingpolicy lenient", WELL, "it is in force").await;
    stage.file("alpha", &approved_as(1));
    for namespace in ["shop", "lenient"] {
        stage
            .cluster
            .kubectl(BY_FLUX, &route(namespace, "alpha", "nginx"))
            .succeeds();
    }
    stage.file("alpha", &at_stage("Cancelled"));
    for namespace in ["shop", "lenient"] {
        stage
            .is_in(&format!("ingress -n {namespace} alpha"), QUARANTINE_CLASS)
            .await;
    }

    // Its dry run is of all that is in Git, whatever it is told to ignore, and comes before anything is applied.
    let refused = stage
        .cluster
        .kubectl(&format!("{BY_FLUX} {DRY}"), &route("shop", "alpha", "nginx"));
    let refused = refused.fails();
    assert!(refused.contains("this route is in quarantine"), "{refused}");
    // Without the class it passes.
    let without = route_of("shop", "alpha", json!({}), &json!({}));
    stage.cluster.kubectl(BY_FLUX, &without).succeeds();
    assert_eq!(
        stage.get("ingress -n shop alpha")["spec"]["ingressClassName"],
        QUARANTINE_CLASS
    );
    // Where the policy warns it passes as it is; what is to be ignored is then sent as it is in the cluster.
    let warned = stage
        .cluster
        .kubectl(&format!("{BY_FLUX} {DRY}"), &route("lenient", "alpha", "nginx"));
    assert!(warned.stderr.contains("in quarantine"), "{}", warned.stderr);
    warned.succeeds();
    stage
        .cluster
        .kubectl(BY_FLUX, &route("lenient", "alpha", QUARANTINE_CLASS))
        .succeeds();
    assert_eq!(
        stage.get("ingress -n lenient alpha")["spec"]["ingressClassName"],
        QUARANTINE_CLASS
    );
    // The page says so of the class, in both places that it may stand in.
    let ignore = &on_the_page("ignore:")[0]["spec"]["ignore"][0];
    assert_eq!(
        ignore["paths"],
        json!([
            "/spec/ingressClassName",
            "/metadata/annotations/kubernetes.io~1ingress.class"
        ])
    );

    // Once the filing is mended it is let go, and what is in Git is what is there.
    stage.file("alpha", &approved_as(1));
    for namespace in ["shop", "lenient"] {
        stage.is_in(&format!("ingress -n {namespace} alpha"), "nginx").await;
        let unforced = BY_FLUX.replace("--force-conflicts ", "");
        stage
            .cluster
            .kubectl(&unforced, &route(namespace, "alpha", "nginx"))
            .succeeds();
        assert_eq!(
            stage.get(&format!("ingress -n {namespace} alpha"))["spec"]["ingressClassName"],
            "nginx"
        );
    }
    // It has its class from Flux again: one that leaves it out now takes it away.
    stage.cluster.kubectl(BY_FLUX, &without).succeeds();
    assert!(stage.get("ingress -n shop alpha")["spec"]["ingressClassName"].is_null());
}
