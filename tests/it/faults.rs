//! The operator when things break: nothing is lost, doubled or stuck.
//!
//! It reaches the API server by a [`Proxy`], which spoils what the test names and counts what was asked. One operator
//! serves the tests whose faults stay within a namespace or a watch; the others have a control plane of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::ListParams;
use rstest::rstest;
use tokio::sync::{Mutex, OnceCell};

use crate::crashes::{are_blocked_once, blocked, blocking, condition};
use crate::run::{APPROVED, FILINGS, POLICY, declare, events, ingress, status};
use crate::support::cluster::{Account, Cluster, Namespace};
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
    _operator: Operator,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();
/// Held by a test that spoils watches, so that no other meets its faults.
static WATCHES: Mutex<()> = Mutex::const_new(());

async fn stage() -> &'static Stage {
    STAGE
        .get_or_init(|| async {
            let cluster = Cluster::own().await;
            let proxy = Proxy::to(&cluster);
            let operator = operator(&cluster, &proxy.account, POLICY, &["--watch-silence", SILENCE]).await;
            Stage {
                cluster,
                proxy,
                _operator: operator,
            }
        })
        .await
}

/// Starts an operator without its webhook.
pub(crate) async fn operator(cluster: &Cluster, account: &Account, policy: &str, more: &[&str]) -> Operator {
    cluster.kubectl(&format!("create namespace {FILINGS}"), "");
    let policy = cluster.keep("policy.yaml", policy);
    let mut args = vec!["--namespace", FILINGS, "--policy", policy.to_str().unwrap()];
    args.extend(more);
    let operator = Operator::start(account, &args).await;
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
    // The routes come when their filing is known, whatever becomes of its watch meanwhile.
    marker(cluster, name).await;
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

pub(crate) fn filing(namespace: &Namespace) -> String {
    format!("filing -n {FILINGS} {}", namespace.name)
}

/// The rest of a filing that was cancelled.
pub(crate) fn cancelled() -> String {
    APPROVED.replace("stage: Approved, number", "stage: Cancelled, number")
}

pub(crate) fn cancel(cluster: &Cluster, namespace: &Namespace) {
    declare(
        &cluster.admin,
        &namespace.name,
        &format!("{}.com", namespace.name),
        &cancelled(),
    )
    .succeeds();
}

/// Waits until that many routes of a namespace have a verdict.
pub(crate) async fn verdicts(cluster: &Cluster, namespace: &Namespace, verdict: &str, routes: usize) {
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
pub(crate) fn once_each(routes: usize) -> BTreeMap<String, usize> {
    (0..routes).map(|route| (format!("web-{route}"), 1)).collect()
}

/// What is about the namespace, or about the filing of its name.
fn about(namespace: &Namespace) -> impl Fn(&Asked) -> bool + Send + 'static {
    let name = namespace.name.clone();
    move |asked| asked.is_of(&name)
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
    let spoilt = proxy.spoil(4, fault, move |asked| asked.writes() && about(asked));
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
#[case::ends_at_once("ends", Fault::WatchEnds, 3)]
#[case::says_that_its_version_is_gone("expired", Fault::WatchExpired, 2)]
#[case::is_refused("refused", Fault::Refused(500), 2)]
#[case::is_too_many("many", Fault::TooMany(1), 2)]
#[case::gets_no_answer("unanswered", Fault::Silence, 1)]
#[tokio::test]
async fn a_watch_that_breaks_goes_on_and_misses_nothing(
    #[case] prefix: &str,
    #[case] fault: Fault,
    #[case] times: usize,
) {
    let _only = WATCHES.lock().await;
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, prefix, 1).await;
    let deleted = tenant(cluster, prefix, 1).await;
    let begun = Instant::now();
    let spoilt = proxy.spoil(times, fault, |asked| asked.verb == "watch" && asked.is_of("filings"));
    assert_eq!(proxy.end_watches("filings"), 1);
    cancel(cluster, &namespace);
    cluster.kubectl(&format!("delete {}", filing(&deleted)), "").succeeds();
    verdicts(cluster, &namespace, "Violating", 1).await;
    verdicts(cluster, &deleted, "Violating", 1).await;
    eventually("the watch to have met its faults", PATIENCE, async || {
        match spoilt.left() {
            0 => Ok(()),
            left => Err(format!("{left} are left")),
        }
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "it asks without a pause");
    assert_eq!(told(cluster, &namespace).await, once_each(1));
    assert_eq!(told(cluster, &deleted).await, once_each(1));
}

#[tokio::test]
async fn a_watch_that_is_refused_since_its_version_is_gone_lists_anew() {
    let _only = WATCHES.lock().await;
    let Stage { cluster, proxy, .. } = stage().await;
    let namespace = tenant(cluster, "gone", 1).await;
    let lists = || {
        proxy
            .asked(|asked| asked.verb == "list" && asked.is_of("filings"))
            .len()
    };
    let before = lists();
    let spoilt = proxy.spoil(usize::MAX, Fault::Refused(410), |asked| {
        asked.verb == "watch" && asked.is_of("filings")
    });
    proxy.end_watches("filings");
    eventually("filings to be listed", PATIENCE, async || {
        (lists() > before).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    drop(spoilt);
    cancel(cluster, &namespace);
    verdicts(cluster, &namespace, "Violating", 1).await;
    assert_eq!(told(cluster, &namespace).await, once_each(1));
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

/// Waits for two renewals of the lease, and lets nothing else be written meanwhile.
async fn rests(proxy: &Proxy) {
    let renewals = || proxy.asked(|asked| asked.writes() && asked.is_of("leases")).len();
    let (before, until) = (written(proxy), renewals() + 2);
    eventually("the lease to be renewed twice", PATIENCE, async || {
        (renewals() >= until).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    assert_eq!(written(proxy), before);
}

#[tokio::test]
async fn after_an_outage_and_a_compaction_nothing_is_missed_and_then_all_is_at_rest() {
    let mut cluster = Cluster::own().await;
    let proxy = Proxy::to(&cluster);
    let list = |asked: &Asked| asked.verb == "list";
    let _refused = (
        proxy.spoil(3, Fault::Refused(500), list),
        proxy.spoil(3, Fault::TooMany(1), list),
    );
    let operator = operator(&cluster, &proxy.account, POLICY, &[]).await;
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
    rests(&proxy).await;
}

/// What a replica has asked that changes anything but the lease.
fn written(proxy: &Proxy) -> Vec<Asked> {
    proxy.asked(|asked| asked.writes() && !asked.is_of("leases"))
}

async fn leads(operator: &Operator, leads: bool) {
    let line = format!("\nfiling_operator_leader {}\n", u8::from(leads));
    eventually(&format!("a replica's leadership to be {leads}"), TAKEOVER, async || {
        let says = operator.get("/metrics").1.contains(&line);
        says.then_some(()).ok_or("not yet".to_owned())
    })
    .await;
}

/// Two replicas under a policy that blocks that many routes, of which the first leads.
async fn replicas(cluster: &Cluster, limit: usize) -> [(Proxy, Operator); 2] {
    cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
    let policy = blocking(limit);
    let proxies = [Proxy::to(cluster), Proxy::to(cluster)];
    let first = operator(cluster, &proxies[0].account, &policy, &["--identity", "first"]).await;
    let second = operator(cluster, &proxies[1].account, &policy, &["--identity", "second"]).await;
    leads(&first, true).await;
    let [to_first, to_second] = proxies;
    [(to_first, first), (to_second, second)]
}

#[tokio::test]
async fn a_leader_that_is_killed_while_it_blocks_is_followed_by_one_that_repeats_nothing() {
    const ROUTES: usize = 30;
    const BY_FIRST: usize = 10;
    let cluster = Cluster::own().await;
    let [(to_first, mut first), (to_second, second)] = replicas(&cluster, ROUTES).await;
    let namespace = tenant(&cluster, "killed", ROUTES).await;
    let other = tenant(&cluster, "other", 1).await;
    assert_eq!(written(&to_second), [], "the second writes while the first leads");

    let asked = AtomicUsize::new(0);
    let held = to_first.spoil(usize::MAX, Fault::Held, move |request| {
        request.moves() && asked.fetch_add(1, Ordering::SeqCst) >= BY_FIRST
    });
    cancel(&cluster, &namespace);
    eventually("the first to be in the middle", PATIENCE, async || {
        // All that were let through have been carried out: what is on its way dies with the first.
        let done = blocked(&cluster, &namespace).await;
        (held.left() < usize::MAX && done == BY_FIRST)
            .then_some(())
            .ok_or(format!("{done} are blocked"))
    })
    .await;
    first.kill();
    let killed = Instant::now();
    leads(&second, true).await;
    are_blocked_once(&cluster, &namespace, ROUTES).await;
    assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
    let by_second = to_second.asked(Asked::moves);
    assert_eq!(by_second.len(), ROUTES - BY_FIRST, "{by_second:?}");

    // What the first has blocked counts against the limit of the second.
    cancel(&cluster, &other);
    condition(&cluster, "BrakeHeld", "True LimitExceeded").await;
    assert_eq!(to_second.asked(Asked::moves), by_second);
}

#[tokio::test]
async fn a_leader_that_slept_past_its_lease_blocks_nothing_when_it_wakes() {
    const ROUTES: usize = 3;
    let cluster = Cluster::own().await;
    let [(to_first, mut first), (to_second, second)] = replicas(&cluster, ROUTES).await;
    let namespace = tenant(&cluster, "asleep", ROUTES).await;

    // It falls asleep with the blocks begun, and the second can't do what is to be done, so that it is undone when the
    // first wakes.
    let held = to_first.spoil(ROUTES, Fault::Held, |asked| {
        asked.verb == "get" && asked.is_of("ingresses")
    });
    let spoilt = to_second.spoil(usize::MAX, Fault::Refused(500), |asked| {
        asked.writes() && !asked.is_of("leases")
    });
    cancel(&cluster, &namespace);
    eventually("the first to begin to block", PATIENCE, async || {
        (held.left() == 0).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    first.freeze().await;
    leads(&second, true).await;
    let before = written(&to_first);
    drop(held);
    first.thaw().await;
    leads(&first, false).await;
    assert_eq!(written(&to_first), before);

    drop(spoilt);
    are_blocked_once(&cluster, &namespace, ROUTES).await;
    assert_eq!(written(&to_first), before);
}

#[tokio::test]
async fn a_clock_that_jumps_back_a_day_and_forth_says_nothing_twice() {
    let cluster = Cluster::own().await;
    let proxy = Proxy::to(&cluster);
    let mut operator = operator(&cluster, &proxy.account, POLICY, &[]).await;
    let namespace = tenant(&cluster, "clock", 2).await;
    cancel(&cluster, &namespace);
    verdicts(&cluster, &namespace, "Violating", 2).await;
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let today = filing_operator::operator::now().to_zoned(china).date();
    let ends = today.checked_add(jiff::Span::new().days(25)).unwrap();
    let server = format!(
        "{{apiVersion: filing-operator.io/v1alpha1, kind: AccessServer, metadata: {{name: slb}},
  spec: {{provider: alicloud, region: cn-beijing, expiresAt: {ends}}}}}"
    );
    cluster.kubectl("apply -f -", &server).succeeds();
    status(&cluster, "accessserver slb", "/status/observedGeneration", 1.into()).await;
    let said = async || {
        let server = events(&cluster, "default", "AccessServer", "slb").await;
        let conditions = cluster.kubectl(
            "get accessserver,filing -A -o jsonpath={.items[*].status.conditions}",
            "",
        );
        (server, conditions.succeeds(), told(&cluster, &namespace).await)
    };
    let before = said().await;
    assert_eq!(before.0.len(), 1, "one reminder: {before:?}");
    for (round, offset) in ["-1d", "0s", "1d", "-1d"].into_iter().enumerate() {
        // One that stops in order gives its lease up: this is about the clock, and not about waiting.
        operator.stop().await;
        operator.restart_with(&["--now-offset", offset]).await;
        let marker_name = format!("marker-{round}");
        let about = about(&namespace);
        marker(&cluster, &marker_name).await;
        cluster
            .kubectl(&format!("delete filing -n {FILINGS} {marker_name}"), "")
            .succeeds();
        let written = proxy.asked(move |asked| asked.writes() && about(asked));
        assert_eq!(said().await, before, "after {offset}: {written:?}");
    }
}
