//! No denial is stale: a Filing and, as soon as that is answered, its Ingress, which is let through each time.

use std::sync::atomic::{AtomicUsize, Ordering};

use filing_operator::api::Filing;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::{Client, Resource as _};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::task::JoinSet;

use crate::support::cluster::{Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::review;
use crate::support::stage::{APPROVED, FILINGS, POLICY, declare, ingress, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// How many filings each test declares, with as many Ingresses.
const PAIRS: usize = 200;

/// A cluster of its own: other tests' writes would show the operator what it would else have to ask for.
async fn stage() -> (&'static Cluster, MutexGuard<'static, ()>) {
    static STAGE: OnceCell<(Cluster, Operator)> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let stage = STAGE.get_or_init(|| async {
        let cluster = Cluster::own().await;
        let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
        declare(&cluster.admin, "first", "first.com", APPROVED).succeeds();
        let namespace = cluster.temp_namespace("first").await;
        let client = cluster.client().await;
        eventually("the webhook to deny", PATIENCE, async || {
            match open(&client, &namespace.name, "unfiled", "unfiled.com").await {
                Err(kube::Error::Api(status)) if status.message.contains("[NoFiling]") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        (cluster, operator)
    });
    (&stage.await.0, turn)
}

async fn file(client: &Client, name: &str, domain: &str) -> Result<(), kube::Error> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let resource = ApiResource::erase::<Filing>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), FILINGS, &resource);
    let filing = json!({
        "apiVersion": Filing::api_version(&()), "kind": Filing::kind(&()), "metadata": {"name": name},
        "spec": {
            "domains": [domain], "stage": "Approved", "approvedAt": "2021-02-20",
            "number": format!("京ICP备2021{number:06}号-1"),
            "subject": {"name": "示例科技有限公司", "nature": "Enterprise"},
            "access": [{"provider": "alicloud", "stage": "Approved"}],
        },
    });
    let filing = serde_json::from_value(filing).unwrap();
    api.create(&PostParams::default(), &filing).await.map(|_| ())
}

async fn open(client: &Client, namespace: &str, name: &str, host: &str) -> Result<(), kube::Error> {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = json!({
        "metadata": {"name": name},
        "spec": {"rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
    });
    let api: Api<Ingress> = Api::namespaced(client.clone(), namespace);
    let ingress = serde_json::from_value(ingress).unwrap();
    api.create(&PostParams::default(), &ingress).await.map(|_| ())
}

/// So many writers, each of which declares filings and their Ingresses one after the other, and one who all the while wants
/// what is not filed.
async fn each_ingress_works_the_first_time(cluster: &Cluster, namespace: &Namespace, writers: usize) {
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let client = cluster.client().await;
        let namespace = namespace.name.clone();
        tasks.spawn(async move {
            for at in 0..PAIRS / writers {
                let name = format!("{namespace}-{writer}-{at}");
                file(&client, &name, &format!("{name}.com")).await.unwrap();
                let opened = open(&client, &namespace, &name, &format!("www.{name}.com")).await;
                opened.unwrap_or_else(|error| panic!("{name}.com had been filed: {error}"));
            }
        });
    }
    let client = cluster.client().await;
    let mut denied = 0;
    while !tasks.is_empty() || denied == 0 {
        let error = open(&client, &namespace.name, "unfiled", "unfiled.com")
            .await
            .unwrap_err()
            .to_string();
        // A machine that is busy otherwise may keep it waiting: then it must not say what it can't be sure of.
        assert!(
            error.contains("[NoFiling]") || error.contains("could not make sure within 2 s"),
            "{error}"
        );
        denied += usize::from(error.contains("[NoFiling]"));
        while let Some(ended) = tasks.try_join_next() {
            ended.unwrap();
        }
    }
}

#[tokio::test]
async fn the_version_that_is_looked_for_is_printed_of_each_filing() {
    let (cluster, _turn) = stage().await;
    let get = |output: &str| cluster.kubectl(&format!("get filing first -n {FILINGS} -o {output}"), "");
    let version = get("jsonpath={.metadata.resourceVersion}").succeeds();
    let printed = get("wide").succeeds();
    assert!(
        printed.contains("VERSION") && printed.contains(version.trim()),
        "{printed}"
    );
}

#[tokio::test]
async fn an_ingress_that_follows_its_filing_is_never_denied() {
    let (cluster, _turn) = stage().await;
    let namespace = cluster.temp_namespace("alone").await;
    each_ingress_works_the_first_time(cluster, &namespace, 1).await;
}

#[tokio::test]
async fn nor_with_six_writers_at_once() {
    let (cluster, _turn) = stage().await;
    let namespace = cluster.temp_namespace("six").await;
    each_ingress_works_the_first_time(cluster, &namespace, 6).await;
}

/// What the webhook answers, asked without the API server: whether the host may be served, or the message of a Status.
async fn asked(cluster: &Cluster, operator: &Operator, host: &str) -> Result<bool, String> {
    let webhook = cluster.by_way_of(operator.webhook()).client_that_asks_once().await;
    match review::ask(&webhook, &review::ingress(host)).await {
        Ok(answer) => Ok(answer["response"]["allowed"].as_bool().unwrap()),
        Err(kube::Error::Api(status)) if status.code == 503 => Err(status.message),
        Err(error) => panic!("it answers neither yes nor no nor that it can't tell: {error}"),
    }
}

async fn knows(cluster: &Cluster, operator: &Operator, host: &str, expected: bool) {
    eventually(
        &format!("the answer to {host} to be {expected}"),
        // A watch that has failed for a while begins again after 30 s at most.
        PATIENCE * 2,
        async || {
            let answer = asked(cluster, operator, host).await;
            if answer == Ok(expected) {
                Ok(())
            } else {
                Err(format!("{answer:?}"))
            }
        },
    )
    .await;
}

/// When the API server was last heard of on the watch of filings.
fn last_heard(operator: &Operator) -> u64 {
    let (_, metrics) = operator.get("/metrics");
    let series = "filing_operator_watch_last_seen_timestamp_seconds{kind=\"filing\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
    line.parse().unwrap()
}

#[tokio::test]
async fn while_the_api_server_is_away_what_is_known_is_served_and_nothing_is_denied_that_might_be_filed() {
    let mut cluster = Cluster::own().await;
    let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    knows(&cluster, &operator, "www.filed.com", true).await;
    knows(&cluster, &operator, "unfiled.com", false).await;
    let before = last_heard(&operator);

    cluster.stop_api_server();
    assert_eq!(asked(&cluster, &operator, "www.filed.com").await, Ok(true));
    assert_eq!(
        asked(&cluster, &operator, "*").await,
        Ok(false),
        "no filing could mend that"
    );
    let unsure = asked(&cluster, &operator, "unfiled.com").await.unwrap_err();
    assert!(unsure.contains("the newest filings; try again"), "{unsure}");
    assert_eq!(operator.get("/readyz").0, 200);

    cluster.start_api_server().await;
    declare(&cluster.admin, "new", "new.com", APPROVED).succeeds();
    knows(&cluster, &operator, "www.new.com", true).await;
    knows(&cluster, &operator, "unfiled.com", false).await;
    let namespace = cluster.temp_namespace("back").await;
    namespace
        .kubectl("create -f -", &ingress("web", &["www.new.com"]))
        .succeeds();
    assert!(last_heard(&operator) > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_with_four_writers_over_thousands_of_filings() {
    let (cluster, _turn) = stage().await;
    // Ten thousand, where there is time for it (`.ci/full`).
    let each = if std::env::var_os("FULL").is_some() { 1250 } else { 250 };
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let client = cluster.client().await;
        tasks.spawn(async move {
            for at in 0..each {
                let name = format!("many-{writer}-{at}");
                file(&client, &name, &format!("{name}.com")).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let namespace = cluster.temp_namespace("four").await;
    let client = cluster.client().await;
    eventually("the operator to have seen them", PATIENCE * 2, async || {
        let last = open(&client, &namespace.name, "last", &format!("many-7-{}.com", each - 1)).await;
        last.map_err(|error| error.to_string())
    })
    .await;
    each_ingress_works_the_first_time(cluster, &namespace, 4).await;
}
