//! The operator when things break: nothing is lost, doubled or stuck.
//!
//! It reaches the API server by a [`Proxy`], which spoils what the test names and counts what was asked. One operator
//! serves the tests whose faults stay within a namespace or a watch; the others have a control plane of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::ListParams;
use rstest::rstest;
use tokio::sync::{Mutex, OnceCell};

use crate::run::{APPROVED, FILINGS, POLICY, declare, events, ingress, status};
use crate::support::cluster::{Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::proxy::{Asked, Fault, Proxy};
use crate::support::wait::{PATIENCE, eventually};

/// How long a silent watch is borne with in these tests.
const SILENCE: &str = "3s";
/// How long another replica may take until it has taken over from one that died.
const TAKEOVER: Duration = Duration::from_secs(30);

/// The operator whose faults stay within a namespace or a watch.
struct Stage {
    cluster: Cluster,
    proxy: Proxy,
    operator: Operator,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();
/// Held by a test that spoils watches, so that no other meets its faults.
static WATCHES: Mutex<()> = Mutex::const_new(());

async fn stage() -> &'static Stage {
    STAGE
        .get_or_init(|| async {
            let cluster = Cluster::own().await;
            let proxy = Proxy::to(&cluster);
            let operator = operator(&cluster, &proxy, &["--watch-silence", SILENCE]).await;
            Stage {
                cluster,
                proxy,
                operator,
            }
        })
        .await
}

/// Starts an operator without its webhook, which goes by the proxy.
async fn operator(cluster: &Cluster, proxy: &Proxy, more: &[&str]) -> Operator {
    cluster.kubectl(&format!("create namespace {FILINGS}"), "");
    let policy = cluster.keep("policy.yaml", POLICY);
    let mut args = vec!["--namespace", FILINGS, "--policy", policy.to_str().unwrap()];
    args.extend(more);
    let operator = Operator::start(&proxy.account, &args).await;
    status(
        cluster,
        "filingpolicy default",
        "/status/conditions/0/status",
        "True".into(),
    )
    .await;
    operator
}

/// A namespace with routes under an approved filing of the same name, all of them annotated so.
async fn tenant(cluster: &Cluster, prefix: &str, routes: usize) -> Namespace {
    let namespace = cluster.temp_namespace(prefix).await;
    let name = &namespace.name;
    declare(&cluster.admin, name, &format!("{name}.com"), APPROVED).succeeds();
    let mut all = String::new();
    for route in 0..routes {
        write!(
            all,
            "---\n{}",
            ingress(&format!("web-{route}"), &[&format!("{route}.{name}.com")])
        )
        .unwrap();
    }
    namespace.kubectl("create -f -", &all).succeeds();
    verdicts(cluster, &namespace, "Compliant", routes).await;
    status(cluster, &filing(&namespace), "/status/routes", routes.into()).await;
    namespace
}

fn filing(namespace: &Namespace) -> String {
    format!("filing -n {FILINGS} {}", namespace.name)
}

fn cancel(cluster: &Cluster, namespace: &Namespace) {
    let cancelled = APPROVED.replace("stage: Approved, number", "stage: Cancelled, number");
    declare(
        &cluster.admin,
        &namespace.name,
        &format!("{}.com", namespace.name),
        &cancelled,
    )
    .succeeds();
}

/// Waits until that many routes of a namespace have a verdict.
async fn verdicts(cluster: &Cluster, namespace: &Namespace, verdict: &str, routes: usize) {
    let api = Api::<Ingress>::namespaced(cluster.client().await, &namespace.name);
    let what = format!("{routes} routes of {} to be {verdict}", namespace.name);
    eventually(&what, PATIENCE * 2, async || {
        let found = api
            .list(&ListParams::default())
            .await
            .map_err(|error| error.to_string())?;
        let says = |route: &&Ingress| {
            let annotations = route.metadata.annotations.as_ref();
            annotations
                .and_then(|annotations| annotations.get("filing-operator.io/verdict"))
                .is_some_and(|says| says == verdict)
        };
        let there = found.items.iter().filter(says).count();
        (there == routes).then_some(()).ok_or(format!("{there} are"))
    })
    .await;
}

/// How many Events each route of a namespace has.
async fn told(cluster: &Cluster, namespace: &Namespace) -> BTreeMap<String, usize> {
    let api = Api::<Event>::namespaced(cluster.client().await, &namespace.name);
    let mut told = BTreeMap::new();
    for event in api.list(&ListParams::default()).await.unwrap() {
        *told.entry(event.regarding.unwrap().name.unwrap()).or_default() += 1;
    }
    told
}

/// One Event for each route.
fn once_each(routes: usize) -> BTreeMap<String, usize> {
    (0..routes).map(|route| (format!("web-{route}"), 1)).collect()
}

/// What is about the namespace, or about the filing of its name.
fn about(namespace: &Namespace) -> impl Fn(&Asked) -> bool + Send + 'static {
    let name = namespace.name.clone();
    move |asked| asked.is_of(&name)
}

/// A filing declared, and judged: so the operator has been through everything that was before.
async fn marker(cluster: &Cluster, name: &str) {
    declare(&cluster.admin, name, &format!("{name}.com"), APPROVED).succeeds();
    status(
        cluster,
        &format!("filing -n {FILINGS} {name}"),
        "/status/observedGeneration",
        1.into(),
    )
    .await;
}

#[rstest]
#[case::too_many_requests("too-many", Fault::TooMany(1))]
#[case::an_error_of_the_server("error", Fault::Refused(500))]
#[case::a_conflict("conflict", Fault::Refused(409))]
#[case::a_lost_answer("lost", Fault::AnswerLost)]
#[case::no_answer("no-answer", Fault::Silence)]
#[case::a_slow_answer("slow", Fault::Slow(Duration::from_secs(1)))]
#[tokio::test]
async fn writes_that_fail_are_made_in_the_end_and_once(#[case] prefix: &str, #[case] fault: Fault) {
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, prefix, 2).await;
    let about = about(&namespace);
    let spoilt = proxy.spoil(6, fault, move |asked| asked.writes() && about(asked));
    cancel(cluster, &namespace);
    verdicts(cluster, &namespace, "Violating", 2).await;
    status(cluster, &filing(&namespace), "/status/colour", "Red".into()).await;
    assert_eq!(spoilt.left(), 0);
    assert_eq!(told(cluster, &namespace).await, once_each(2));
    let filing = events(cluster, FILINGS, "Filing", &namespace.name).await;
    let reasons: Vec<_> = filing.iter().map(|(_, reason, _)| reason.as_str()).collect();
    assert_eq!(reasons, ["Cancelled"]);
}

#[rstest]
#[case::ends_at_once("ends", Fault::WatchEnds)]
#[case::says_that_its_version_is_gone("expired", Fault::WatchExpired)]
#[case::is_refused_since_its_version_is_gone("gone", Fault::Refused(410))]
#[case::is_refused("refused", Fault::Refused(500))]
#[case::is_too_many("many", Fault::TooMany(1))]
#[case::gets_no_answer("unanswered", Fault::Silence)]
#[tokio::test]
async fn a_watch_that_breaks_goes_on_and_misses_nothing(#[case] prefix: &str, #[case] fault: Fault) {
    let _only = WATCHES.lock().await;
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, prefix, 1).await;
    let deleted = tenant(cluster, prefix, 1).await;
    let begun = Instant::now();
    let spoilt = proxy.spoil(3, fault, |asked| asked.verb == "watch" && asked.is_of("filings"));
    assert_eq!(proxy.end_watches("filings"), 1);
    cancel(cluster, &namespace);
    cluster.kubectl(&format!("delete {}", filing(&deleted)), "").succeeds();
    verdicts(cluster, &namespace, "Violating", 1).await;
    verdicts(cluster, &deleted, "Violating", 1).await;
    assert_eq!(spoilt.left(), 0);
    assert!(begun.elapsed() >= Duration::from_secs(1), "it asks without a pause");
    assert_eq!(told(cluster, &namespace).await, once_each(1));
    assert_eq!(told(cluster, &deleted).await, once_each(1));
}

#[tokio::test]
async fn a_watch_that_goes_silent_is_given_up_within_the_bound() {
    let _only = WATCHES.lock().await;
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, "silent", 1).await;
    for resource in ["filings", "ingresses"] {
        assert_eq!(proxy.silence_watches(resource), 1, "{resource}");
    }
    cancel(cluster, &namespace);
    namespace
        .kubectl(
            "create -f -",
            &ingress("web-1", &[&format!("1.{}.com", namespace.name)]),
        )
        .succeeds();
    verdicts(cluster, &namespace, "Violating", 2).await;
    assert_eq!(told(cluster, &namespace).await, once_each(2));
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_told_nothing_and_holds_nothing_up() {
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, "ending", 2).await;
    // It stays: there is nobody here who empties a namespace.
    cluster
        .kubectl(&format!("delete namespace {} --wait=false", namespace.name), "")
        .succeeds();
    cancel(cluster, &namespace);
    verdicts(cluster, &namespace, "Violating", 2).await;
    namespace.kubectl("delete ingress web-0", "").succeeds();
    status(cluster, &filing(&namespace), "/status/routes", 1.into()).await;
    assert_eq!(told(cluster, &namespace).await, BTreeMap::new());
    let about = about(&namespace);
    let tried = proxy.asked(move |asked| asked.verb == "create" && about(asked));
    assert_eq!(tried.len(), 2, "one for each route, and no more: {tried:?}");
}

#[tokio::test]
async fn an_operator_at_rest_writes_its_lease_and_nothing_else() {
    let cluster = Cluster::own().await;
    let proxy = Proxy::to(&cluster);
    let _operator = operator(&cluster, &proxy, &["--watch-silence", SILENCE]).await;
    let _namespace = tenant(&cluster, "rest", 3).await;
    let renewals = || proxy.asked(|asked| asked.writes() && asked.is_of("leases")).len();
    let others = || proxy.asked(|asked| asked.writes() && !asked.is_of("leases"));
    let (before, until) = (others(), renewals() + 2);
    eventually("the lease to be renewed twice", PATIENCE, async || {
        (renewals() >= until).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    assert_eq!(others(), before);
}

#[tokio::test]
async fn an_outage_of_the_api_server_and_a_compacted_store_are_survived() {
    let mut cluster = Cluster::own().await;
    let proxy = Proxy::to(&cluster);
    let list = |asked: &Asked| asked.verb == "list";
    let _refused = (
        proxy.spoil(3, Fault::Refused(500), list),
        proxy.spoil(3, Fault::TooMany(1), list),
    );
    let operator = operator(&cluster, &proxy, &[]).await;
    let namespace = tenant(&cluster, "outage", 2).await;
    let deleted = tenant(&cluster, "deleted", 1).await;

    let lists = || {
        proxy
            .asked(|asked| asked.verb == "list" && asked.is_of("filings"))
            .len()
    };
    let before = lists();
    // The watch is left behind, and what it has missed is forgotten by the time that it asks for it.
    assert_eq!(proxy.silence_watches("filings"), 1);
    cancel(&cluster, &namespace);
    cluster.kubectl(&format!("delete {}", filing(&deleted)), "").succeeds();
    cluster.compact().await;
    cluster.stop_api_server();
    assert_eq!(operator.get("/livez").0, 200);
    assert_eq!(operator.get("/readyz").0, 200, "it still answers from what it knows");
    cluster.start_api_server().await;
    proxy.end_watches("filings");
    verdicts(&cluster, &namespace, "Violating", 2).await;
    verdicts(&cluster, &deleted, "Violating", 1).await;
    assert!(
        lists() > before,
        "the version was still to be had, and nothing was put to the test"
    );
    assert_eq!(told(&cluster, &namespace).await, once_each(2));
    assert_eq!(told(&cluster, &deleted).await, once_each(1));
}
