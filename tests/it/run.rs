//! The operator at work on a real API server: what a user sees with kubectl.
//!
//! One operator serves most tests, each in a namespace and under a domain of its own. What moves the clock, the nodes
//! or the operator itself has a control plane of its own.

use std::net::TcpListener;

use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::DynamicObject;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::support::cluster::{Account, Cluster, Namespace};
use crate::support::operator::Operator;
pub(crate) use crate::support::stage::{
    APPROVED, FILINGS, POLICY, annotation, approved_as, at_stage, declare, events, ingress, status,
};
use crate::support::stage::{filing, home, marker, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// The operator that most tests share.
struct Stage {
    cluster: &'static Cluster,
    operator: Operator,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();

async fn stage() -> &'static Stage {
    STAGE
        .get_or_init(|| async {
            let cluster = Cluster::shared().await;
            let operator = operator_that_is_asked(cluster, POLICY, &[]).await;
            // A filing, so that the policy denies.
            declare(&cluster.admin, "first", "first.example.com", APPROVED).succeeds();
            Stage { cluster, operator }
        })
        .await
}

/// A namespace, and a domain of its own.
async fn tenant(stage: &Stage, prefix: &str) -> (Namespace, String) {
    let namespace = stage.cluster.temp_namespace(prefix).await;
    let domain = format!("{}.com", namespace.name);
    (namespace, domain)
}

#[tokio::test]
async fn an_ingress_without_a_filing_is_denied_in_the_words_of_the_readme() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "denied").await;
    let host = format!("www.{domain}");
    let denied = namespace.kubectl("apply -f -", &ingress("web", &[&host])).fails();
    assert!(
        denied.contains(&format!(
            "admission webhook \"ingresses.filing-operator.io\" denied the request: {host}: no trusted filing covers \
             {domain} [NoFiling]; file {domain} with access at alicloud, and declare it as a Filing"
        )),
        "{denied}"
    );
    let tried = namespace
        .kubectl("apply --dry-run=server -f -", &ingress("web", &[&host]))
        .fails();
    assert!(tried.contains("[NoFiling]"), "{tried}");
}

#[tokio::test]
async fn an_ingress_and_its_filing_in_one_file_pass() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "together").await;
    let host = format!("www.{domain}");
    let both = format!(
        "{}---\n{}",
        filing(&namespace.name, &domain, APPROVED),
        ingress("web", &[&host])
    );
    // kubectl refuses a file with two namespaces where one is given by flag, so the Ingress names its own.
    let both = both.replace(
        "metadata: {name: web}",
        &format!("metadata: {{name: web, namespace: {}}}", namespace.name),
    );
    stage.cluster.kubectl("apply -f -", &both).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Compliant").await;
    annotation(stage.cluster, &namespace, "web", "number", "京ICP备2021012345号-1").await;
    status(
        stage.cluster,
        &format!("filing -n {FILINGS} {}", namespace.name),
        "/status/routes",
        1.into(),
    )
    .await;
}

#[tokio::test]
async fn a_namespace_that_may_not_use_a_filing_is_told_nothing_of_it() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "unshared").await;
    let rest = format!("{APPROVED}, allowedNamespaces: {{from: Same}}");
    declare(&stage.cluster.admin, &namespace.name, &domain, &rest).succeeds();
    let denied = namespace.kubectl("apply -f -", &ingress("web", &[&domain])).fails();
    assert!(denied.contains("[FilingNotShared]"), "{denied}");
    assert!(!denied.contains("京ICP备") && !denied.contains(FILINGS), "{denied}");
}

#[tokio::test]
async fn an_update_is_denied_only_when_it_makes_things_worse() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "update").await;
    let (www, api) = (format!("www.{domain}"), format!("api.{domain}"));
    declare(&stage.cluster.admin, &namespace.name, &domain, APPROVED).succeeds();
    namespace.kubectl("apply -f -", &ingress("web", &[&www])).succeeds();

    let worse = namespace
        .kubectl("apply -f -", &ingress("web", &[&www, "www.elsewhere.net"]))
        .fails();
    assert!(
        worse.contains("www.elsewhere.net: no trusted filing covers elsewhere.net [NoFiling]"),
        "{worse}"
    );
    namespace
        .kubectl("apply -f -", &ingress("web", &[&www, &api]))
        .succeeds();

    let cancelled = at_stage("Cancelled");
    declare(&stage.cluster.admin, &namespace.name, &domain, &cancelled).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Violating").await;
    namespace.kubectl("label ingress web team=shop", "").succeeds();
    namespace.kubectl("apply -f -", &ingress("web", &[&www])).succeeds();
    let worse = namespace.kubectl("apply -f -", &ingress("web", &[&www, &api])).fails();
    assert!(worse.contains("[FilingCancelled]"), "{worse}");
    namespace.kubectl("delete ingress web", "").succeeds();
}

#[tokio::test]
async fn a_filing_that_is_cancelled_shows_on_its_ingress_and_so_does_its_return() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "cancelled").await;
    let approved = approved_as(101);
    declare(&stage.cluster.admin, &namespace.name, &domain, &approved).succeeds();
    namespace.kubectl("apply -f -", &ingress("web", &[&domain])).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Compliant").await;

    let cancelled = at_stage("Cancelled");
    declare(&stage.cluster.admin, &namespace.name, &domain, &cancelled).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Violating").await;
    annotation(stage.cluster, &namespace, "web", "findings", "[FilingCancelled]").await;
    let object = format!("filing -n {FILINGS} {}", namespace.name);
    status(stage.cluster, &object, "/status/conditions/0/status", "False".into()).await;
    status(stage.cluster, &object, "/status/colour", "Red".into()).await;

    declare(&stage.cluster.admin, &namespace.name, &domain, &approved).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Compliant").await;
    status(stage.cluster, &object, "/status/conditions/0/status", "True".into()).await;
    status(stage.cluster, &object, "/status/colour", "Blue".into()).await;

    let told: Vec<_> = events(stage.cluster, &namespace.name, "Ingress", "web").await;
    let told: Vec<_> = told
        .iter()
        .map(|(type_, reason, _)| (type_.as_str(), reason.as_str()))
        .collect();
    assert_eq!(told, [("Warning", "FilingCancelled"), ("Normal", "Compliant")]);
}

#[tokio::test]
async fn a_broken_filing_is_shown_as_invalid_and_stops_no_other() {
    let mut cluster = Cluster::own().await;
    // An older definition that let anything through.
    let definition = cluster
        .kubectl("get crd filings.filing-operator.io -o json", "")
        .succeeds();
    let mut loose: Value = serde_json::from_str(&definition).unwrap();
    loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
        serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    cluster.kubectl("replace -f -", &loose.to_string()).succeeds();
    let broken = "{apiVersion: filing-operator.io/v1alpha1, kind: Filing, metadata: {name: broken, namespace: default},
  spec: {domains: [broken.com], stage: 7, subject: {name: x, nature: Enterprise}}}";
    eventually("the looser definition to be in force", PATIENCE, async || {
        let applied = cluster.kubectl("apply -f -", broken);
        if applied.code == 0 { Ok(()) } else { Err(applied.stderr) }
    })
    .await;
    let policy = POLICY.replace(
        "kubernetes.io/metadata.name: filing-system",
        "kubernetes.io/metadata.name: default",
    );
    let operator = operator_that_is_asked(&cluster, &policy, &[]).await;
    status(
        &cluster,
        "filing -n default broken",
        "/status/conditions/0/reason",
        "Unreadable".into(),
    )
    .await;

    let good = filing("good", "good.com", APPROVED).replace(FILINGS, "default");
    cluster.kubectl("apply -f -", &good).succeeds();
    status(
        &cluster,
        "filing -n default good",
        "/status/conditions/0/status",
        "True".into(),
    )
    .await;
    let denied = cluster
        .kubectl("apply -f -", &ingress("web", &["www.broken.com"]))
        .fails();
    assert!(denied.contains("[NoFiling]"), "{denied}");
    cluster
        .kubectl("apply -f -", &ingress("web", &["www.good.com"]))
        .succeeds();
    let (_, metrics) = operator.get("/metrics");
    assert!(
        metrics.contains("filing_operator_filings{readable=\"false\"} 1"),
        "{metrics}"
    );
    cluster.stop_api_server();
}

#[tokio::test]
async fn reminders_come_once_each_also_after_a_restart() {
    let cluster = Cluster::own().await;
    let today = filing_operator::operator::now()
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)))
        .date();
    let ends = today.checked_add(jiff::Span::new().days(100)).unwrap();
    let server = format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {{name: slb}},
  spec: {{provider: alicloud, region: cn-beijing, expiresAt: {ends}}}}}"
    );
    let mut operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    cluster.kubectl("apply -f -", &server).succeeds();
    let on_slb = APPROVED.replace("provider: alicloud,", "provider: alicloud, servers: [slb],");
    declare(&cluster.admin, "shop", "shop.com", &on_slb).succeeds();
    cluster
        .kubectl("apply -f -", &ingress("web", &["www.shop.com"]))
        .succeeds();
    status(&cluster, "accessserver slb", "/status/colour", "Blue".into()).await;
    status(
        &cluster,
        &format!("filing -n {FILINGS} shop"),
        "/status/routes",
        1.into(),
    )
    .await;
    assert_eq!(reminders(&cluster, "AccessServer", "slb").await, Vec::<String>::new());

    let mut expected = Vec::new();
    for days in [90, 30, 20, 15, 10] {
        operator.stop().await;
        // A day more than is needed, so that 09:00 in China is past whatever the time is here.
        let ahead = format!("{}d", 100 - days + 1);
        let args = ["--namespace", FILINGS, "--now-offset", &ahead];
        operator = Operator::start(&cluster.admin, &args).await;
        expected.push(format!("ServerExpiringIn{days}Days"));
        eventually(&format!("the reminder of {days} days"), PATIENCE, async || {
            let told = reminders(&cluster, "AccessServer", "slb").await;
            if told == expected {
                Ok(())
            } else {
                Err(format!("{told:?}"))
            }
        })
        .await;
        operator.stop().await;
        operator = Operator::start(&cluster.admin, &args).await;
        marker(&cluster, &format!("restarted-{days}")).await;
        assert_eq!(reminders(&cluster, "AccessServer", "slb").await, expected);
        assert_eq!(reminders(&cluster, "Ingress", "web").await, expected);
    }
    // One that is killed has not given its lease up; the next one waits for its end, and says nothing twice.
    operator.restart().await;
    marker(&cluster, "killed").await;
    assert_eq!(reminders(&cluster, "AccessServer", "slb").await, expected);
    assert_eq!(reminders(&cluster, "Ingress", "web").await, expected);
    let ready = cluster
        .kubectl("get accessserver slb -o jsonpath={.status.conditions[0].status}", "")
        .succeeds();
    assert_eq!(ready, "True", "expiring is still ready");
}

#[tokio::test]
async fn a_filing_that_ends_at_midnight_in_china_ends_its_routes_verdicts_then() {
    let cluster = Cluster::own().await;
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let now = filing_operator::operator::now();
    let last_day = now.to_zoned(china.clone()).date().tomorrow().unwrap();
    // The operator begins 20 s before that day is over.
    let midnight = last_day.tomorrow().unwrap().to_zoned(china).unwrap().timestamp();
    let ahead = midnight.duration_since(now).as_secs() - 20;
    let _operator = operator_that_is_asked(&cluster, POLICY, &["--now-offset", &format!("{ahead}s")]).await;

    let ending = format!("{APPROVED}, expiresAt: {last_day}");
    declare(&cluster.admin, "ending", "ending.com", &ending).succeeds();
    let object = format!("filing -n {FILINGS} ending");
    status(&cluster, &object, "/status/conditions/0/status", "True".into()).await;
    cluster
        .kubectl("create -f -", &ingress("web", &["ending.com"]))
        .succeeds();
    let verdict = async |says: &str| {
        let api = Api::<Ingress>::namespaced(cluster.client().await, "default");
        eventually(&format!("the verdict to be {says}"), PATIENCE, async || {
            let found = api.get("web").await.map_err(|error| error.to_string())?;
            let annotations = found.metadata.annotations.unwrap_or_default();
            match annotations.get("filing-operator.io/verdict") {
                Some(verdict) if verdict == says => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    };
    verdict("Warned").await;
    verdict("Violating").await;
    status(&cluster, &object, "/status/conditions/0/reason", "FilingExpired".into()).await;
}

async fn reminders(cluster: &Cluster, kind: &str, name: &str) -> Vec<String> {
    let told = events(cluster, "default", kind, name).await;
    told.into_iter()
        .map(|(_, reason, _)| reason)
        .filter(|reason| reason.starts_with("ServerExpiringIn"))
        .collect()
}

#[tokio::test]
async fn kubectl_shows_a_filing_and_waits_for_it() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "waited").await;
    let kubectl = |args: &str| stage.cluster.kubectl(&format!("{args} -n {FILINGS}"), "");
    let name = &namespace.name;
    let wait = |condition: &str| {
        let told = kubectl(&format!("wait --for={condition} filing/{name} --timeout=30s")).succeeds();
        assert!(told.contains("condition met"), "{told}");
    };
    let declare = |rest: &str| declare(&stage.cluster.admin, name, &domain, rest).succeeds();

    let approved = approved_as(102);
    declare("stage: Submitted");
    wait("condition=Ready=false");
    declare(&format!("{approved}, expiresAt: 2093-02-20"));
    wait("condition=Ready");
    wait("condition=Expiring=false");
    wait("jsonpath={.status.observedGeneration}=2");
    let today = filing_operator::operator::now()
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)))
        .date();
    let soon = today.checked_add(jiff::Span::new().days(60)).unwrap();
    declare(&format!(
        "{approved}, expiresAt: 2093-02-20, registration: {{expiresAt: {soon}}}"
    ));
    wait("condition=Expiring");
    // kubectl looks at a condition only once it speaks of the generation that was declared last.
    wait("condition=Ready");

    let shown = kubectl(&format!("get filing {name}")).succeeds();
    let row: Vec<&str> = shown.lines().last().unwrap().split_whitespace().collect();
    let soon = soon.to_string();
    let expected = [
        name,
        "京ICP备2021012345号-102",
        domain.as_str(),
        "Approved",
        "True",
        "Blue",
        &soon,
    ];
    assert_eq!(row[..expected.len()], expected, "{shown}");
    let shown = kubectl(&format!("get filing {name} -o json")).succeeds();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let changes: Vec<String> = shown["status"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| format!("{} {} {}", change["field"], change["from"], change["to"]))
        .collect();
    assert_eq!(
        changes,
        [
            r#""spec.access[alicloud].stage" null "Approved""#,
            r#""spec.stage" "Submitted" "Approved""#,
        ]
    );
    let holder = |name: &str| declare(&format!("{approved}, registration: {{holder: {name}}}"));
    holder("示例科技有限公司");
    wait("jsonpath={.status.changes[0].to}=示例科技有限公司");
    holder("示例集团有限公司");
    wait("jsonpath={.status.changes[0].from}=示例科技有限公司");
    let approved_holder =
        "get filing/NAME -o jsonpath={.status.approved[?(@.field==\"spec.registration.holder\")].value}";
    let told = kubectl(&approved_holder.replace("NAME", name)).succeeds();
    assert_eq!(told, "", "it had none when it was approved");
    declare(&at_stage("Cancelled"));
    wait("condition=Ready=false");
    wait("condition=Expiring=false");
}

const REGION: &str = "topology.kubernetes.io/region";

#[tokio::test]
async fn the_site_is_found_from_the_nodes_of_each_provider() {
    let cluster = Cluster::own().await;
    let policy = POLICY.replace("site: {provider: alicloud, region: cn-beijing}\n", "");
    let _operator = operator_that_is_asked(&cluster, &policy, &[]).await;
    one_provider_after_the_other(&cluster).await;
    two_regions(&cluster).await;
    no_nodes(&cluster).await;
}

const OLD_REGION: &str = "failure-domain.beta.kubernetes.io/region";

/// Nodes of each provider: name, providerID, label, its value; then provider, region, province and whether on the mainland.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    bool,
);

const PROVIDERS: [Case; 9] = [
    (
        "ack",
        "cn-hangzhou.i-bp1abc",
        REGION,
        "cn-hangzhou",
        "alicloud",
        "cn-hangzhou",
        Some("CN-ZJ"),
        true,
    ),
    (
        "ack-hk",
        "cn-hongkong.i-bp1abc",
        REGION,
        "cn-hongkong",
        "alicloud",
        "cn-hongkong",
        None,
        false,
    ),
    (
        "tke",
        "qcloud:///100003/ins-abc",
        OLD_REGION,
        "gz",
        "tencentcloud",
        "ap-guangzhou",
        Some("CN-GD"),
        true,
    ),
    (
        "cce",
        "7c1f3b1e-0000-4000-8000-000000000001",
        REGION,
        "cn-north-4",
        "huaweicloud",
        "cn-north-4",
        Some("CN-BJ"),
        true,
    ),
    (
        "vke",
        "volcengine://i-abc",
        REGION,
        "cn-shanghai",
        "volcengine",
        "cn-shanghai",
        Some("CN-SH"),
        true,
    ),
    (
        "eks",
        "aws:///cn-north-1a/i-0abc",
        REGION,
        "cn-north-1",
        "aws",
        "cn-north-1",
        Some("CN-BJ"),
        true,
    ),
    (
        "aks",
        "azure:///subscriptions/x/resourceGroups/y",
        REGION,
        "chinanorth3",
        "azure",
        "chinanorth3",
        Some("CN-HE"),
        true,
    ),
    (
        "baidu",
        "cce://i-abc",
        REGION,
        "bj",
        "baiducloud",
        "bj",
        Some("CN-BJ"),
        true,
    ),
    (
        "gke",
        "gce://project/asia-east2-a/node",
        REGION,
        "asia-east2",
        "gcp",
        "asia-east2",
        None,
        false,
    ),
];

async fn one_provider_after_the_other(cluster: &Cluster) {
    for (name, provider_id, label, value, provider, found, province, mainland) in PROVIDERS {
        node(cluster, name, provider_id, label, value);
        status(
            cluster,
            "filingpolicy default",
            "/status/site/0/provider",
            provider.into(),
        )
        .await;
        status(cluster, "filingpolicy default", "/status/site/0/region", found.into()).await;
        status(
            cluster,
            "filingpolicy default",
            "/status/site/0/mainland",
            mainland.into(),
        )
        .await;
        if let Some(province) = province {
            status(
                cluster,
                "filingpolicy default",
                "/status/site/0/province",
                province.into(),
            )
            .await;
        }
        cluster.kubectl(&format!("delete node {name}"), "").succeeds();
        no_site(cluster).await;
    }
}

/// Each place needs access, but for those off the mainland where there is one on it.
async fn two_regions(cluster: &Cluster) {
    node(cluster, "abroad", "ap-southeast-1.i-3", REGION, "ap-southeast-1");
    status(
        cluster,
        "filingpolicy default",
        "/status/site/0/region",
        "ap-southeast-1".into(),
    )
    .await;
    node(cluster, "one", "cn-beijing.i-1", REGION, "cn-beijing");
    node(cluster, "two", "cn-shanghai.i-2", REGION, "cn-shanghai");
    status(
        cluster,
        "filingpolicy default",
        "/status/site/1/region",
        "cn-shanghai".into(),
    )
    .await;
    let site = cluster
        .kubectl("get filingpolicy default -o jsonpath={.status.site[*].region}", "")
        .succeeds();
    assert_eq!(site, "cn-beijing cn-shanghai");
    let one_region = APPROVED.replace("provider: alicloud", "provider: alicloud, regions: [cn-beijing]");
    declare(&cluster.admin, "shop", "shop.com", &one_region).succeeds();
    status(
        cluster,
        &format!("filing -n {FILINGS} shop"),
        "/status/observedGeneration",
        1.into(),
    )
    .await;
    let denied = cluster.kubectl("create -f -", &ingress("shop", &["shop.com"])).fails();
    assert!(
        denied.contains("[RegionMismatch]") && denied.contains("cn-shanghai"),
        "{denied}"
    );
    assert!(!denied.contains("ap-southeast-1"), "{denied}");
}

async fn no_nodes(cluster: &Cluster) {
    for name in ["one", "two", "abroad"] {
        cluster.kubectl(&format!("delete node {name}"), "").succeeds();
    }
    no_site(cluster).await;
    cluster
        .kubectl("create -f -", &ingress("nowhere", &["shop.com"]))
        .succeeds();
    let api = Api::<Ingress>::namespaced(cluster.client().await, "default");
    eventually("the route to be warned of", PATIENCE, async || {
        let found = api.get("nowhere").await.map_err(|error| error.to_string())?;
        let findings = found
            .metadata
            .annotations
            .unwrap_or_default()
            .remove("filing-operator.io/findings");
        match findings {
            Some(findings) if findings.contains("[RegionUnknown]") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

async fn no_site(cluster: &Cluster) {
    let api = Api::<DynamicObject>::all_with(
        cluster.client().await,
        &kube::api::ApiResource::erase::<filing_operator::api::FilingPolicy>(&()),
    );
    eventually("the site to be unknown again", PATIENCE, async || {
        let policy = api.get("default").await.map_err(|error| error.to_string())?;
        match policy.data.pointer("/status/site") {
            None => Ok(()),
            Some(site) if site.as_array().is_some_and(Vec::is_empty) => Ok(()),
            Some(site) => Err(site.to_string()),
        }
    })
    .await;
}

fn node(cluster: &Cluster, name: &str, provider_id: &str, label: &str, value: &str) {
    let node = format!(
        "{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{{label}: {value}}}}}, spec: {{providerID: \"{provider_id}\"}}}}"
    );
    cluster.kubectl("create -f -", &node).succeeds();
}

#[tokio::test]
async fn an_operator_that_has_not_seen_the_cluster_is_not_ready_and_says_no_yes() {
    let cluster = Cluster::own().await;
    // Without the definition of Filings, one watch can't list.
    cluster.kubectl("delete crd filings.filing-operator.io", "").succeeds();
    home(&cluster);
    let mut operator = Operator::launch(&cluster.admin, &["--namespace", FILINGS]);
    let configuration = std::fs::read_to_string("examples/dev/webhook.yaml").unwrap();
    let configuration = configuration
        .replace("127.0.0.1:9443", &operator.webhook().to_string())
        .replacen("failurePolicy: Ignore", "failurePolicy: Fail", 1);
    cluster.kubectl("apply -f -", &configuration).succeeds();
    eventually("the webhook to be asked", PATIENCE, async || {
        let denied = cluster.kubectl("create -f -", &ingress("web", &["www.example.com"]));
        if denied.code != 0 && denied.stderr.contains("has not seen") {
            Ok(())
        } else {
            Err(denied.stderr)
        }
    })
    .await;
    let (code, body) = operator.get("/readyz");
    assert_eq!(code, 503);
    assert!(body.contains("filing"), "{body}");
    assert_eq!(operator.get("/livez").0, 200);

    cluster.kubectl("apply --server-side -f crds/", "").succeeds();
    operator.ready().await;
    assert!(operator.stop().await.success());
}

#[tokio::test]
async fn the_operator_stops_cleanly_and_gives_its_lease_up() {
    let cluster = Cluster::own().await;
    let mut first = operator_that_is_asked(&cluster, POLICY, &[]).await;
    let holder = || {
        cluster.kubectl(
            &format!("get lease -n {FILINGS} filing-operator -o jsonpath={{.spec.holderIdentity}}"),
            "",
        )
    };
    assert!(!holder().succeeds().is_empty());
    assert!(first.stop().await.success());
    assert_eq!(holder().succeeds(), "");
}

#[tokio::test]
async fn an_operator_that_is_to_stop_works_on_until_those_who_call_it_know() {
    let cluster = Cluster::own().await;
    let mut operator = operator_that_is_asked(&cluster, POLICY, &["--shutdown-delay", "1h"]).await;
    let namespace = cluster.temp_namespace("late").await;
    operator.signal("TERM");
    eventually("it to say that it stops", PATIENCE, async || {
        let (code, body) = operator.get("/readyz");
        (code == 503 && body == "it is stopping\n").then_some(()).ok_or(body)
    })
    .await;

    // It is asked for the first time, so the connection is a new one; and what is new is still learnt.
    declare(&cluster.admin, "late", "late.com", APPROVED).succeeds();
    namespace
        .kubectl("create -f -", &ingress("late", &["late.com"]))
        .succeeds();
    annotation(&cluster, &namespace, "late", "verdict", "Compliant").await;
    let denied = namespace
        .kubectl("create -f -", &ingress("never", &["never.com"]))
        .fails();
    assert!(denied.contains("[NoFiling]"), "{denied}");

    // A second signal is meant for now.
    operator.signal("TERM");
    assert!(operator.ended().await.success());
}

#[tokio::test]
async fn a_person_who_stops_the_operator_does_not_wait() {
    let cluster = Cluster::own().await;
    let mut operator = operator_that_is_asked(&cluster, POLICY, &["--shutdown-delay", "1h"]).await;
    operator.signal("INT");
    assert!(operator.ended().await.success());
}

#[tokio::test]
async fn an_operator_that_waits_for_an_answer_stops_when_it_is_told_to() {
    let folder = TempDir::new().unwrap();
    // It takes connections, as any listener does, and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let account = Account::at(silent.local_addr().unwrap(), folder.path());
    let mut operator = Operator::launch(&account, &["--namespace", FILINGS]);
    eventually("the operator to be alive", PATIENCE, async || operator.alive()).await;
    assert_eq!(operator.get("/readyz").0, 503);
    assert!(operator.stop().await.success());
}

#[tokio::test]
async fn a_default_policy_that_someone_else_wrote_is_theirs() {
    let cluster = Cluster::own().await;
    // Nothing in it clashes with the operator's own, which says more.
    let theirs = "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: default},
  spec: {admission: Deny}}";
    cluster
        .kubectl("apply --server-side --field-manager=them -f -", theirs)
        .succeeds();
    home(&cluster);
    let spec = || {
        cluster
            .kubectl("get filingpolicy default -o jsonpath={.spec}", "")
            .succeeds()
    };
    let before = spec();
    let file = cluster.keep("policy.yaml", POLICY);
    let args = ["--namespace", FILINGS, "--policy", file.to_str().unwrap()];
    let _operator = Operator::start(&cluster.admin, &args).await;
    status(
        &cluster,
        "filingpolicy default",
        "/status/conditions/0/reason",
        "OwnedByOthers".into(),
    )
    .await;
    assert_eq!(spec(), before);
}

#[tokio::test]
async fn an_idle_cluster_costs_no_write_but_the_leases() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "idle").await;
    declare(&stage.cluster.admin, &namespace.name, &domain, APPROVED).succeeds();
    namespace.kubectl("apply -f -", &ingress("web", &[&domain])).succeeds();
    annotation(stage.cluster, &namespace, "web", "verdict", "Compliant").await;
    status(
        stage.cluster,
        &format!("filing -n {FILINGS} {}", namespace.name),
        "/status/routes",
        1.into(),
    )
    .await;
    let version = || {
        let filing = stage.cluster.kubectl(
            &format!(
                "get filing -n {FILINGS} {} -o jsonpath={{.metadata.resourceVersion}}",
                namespace.name
            ),
            "",
        );
        let route = namespace.kubectl("get ingress web -o jsonpath={.metadata.resourceVersion}", "");
        (filing.succeeds(), route.succeeds())
    };
    let before = version();
    // Another tenant's change goes through judge and writer after anything that is left over of this one's.
    let (other, other_domain) = tenant(stage, "busy").await;
    declare(&stage.cluster.admin, &other.name, &other_domain, APPROVED).succeeds();
    status(
        stage.cluster,
        &format!("filing -n {FILINGS} {}", other.name),
        "/status/observedGeneration",
        1.into(),
    )
    .await;
    assert_eq!(version(), before);
    assert_eq!(stage.operator.get("/livez").0, 200);
}
