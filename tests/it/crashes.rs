//! Routes that are blocked while things break: each is blocked once and told of once, no one else's change is lost, and
//! what was begun is finished.
//!
//! The tests take turns on one control plane, for each wants the only operator on it. Those with two operators are in
//! [`faults`](crate::faults).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use filing_operator::api::FilingPolicy;
use futures::StreamExt as _;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::faults::{cancel, marker, once_each, operator, verdicts};
use crate::run::{APPROVED, POLICY, declare};
use crate::support::cluster::{Cluster, Namespace};
use crate::support::proxy::{Asked, Fault, Proxy, Spoilt};
use crate::support::wait::{PATIENCE, eventually};

const QUARANTINE: &str = "filing-quarantine";
const RECORD: &str = "filing-operator.io/quarantined-class";
const SINCE: &str = "filing-operator.io/quarantined-at";

static STAGE: OnceCell<Mutex<Cluster>> = OnceCell::const_new();

/// The control plane, without anything of the test before.
async fn stage() -> MutexGuard<'static, Cluster> {
    let stage = STAGE.get_or_init(|| async { Mutex::new(Cluster::own().await) }).await;
    let cluster = stage.lock().await;
    cluster
        .kubectl("apply -f examples/dev/quarantine.yaml", "")
        .succeeds();
    for kinds in ["ingresses,filings,leases,events --all-namespaces", "filingpolicies"] {
        cluster.kubectl(&format!("delete {kinds} --all"), "").succeeds();
    }
    cluster
}

/// A policy that blocks that many routes without a person's word.
pub(crate) fn blocking(limit: usize) -> String {
    format!("{POLICY}running: Block\nbrake: {{routes: {limit}, percent: 100, minutes: 10}}\n")
}

fn ingresses(client: kube::Client, namespace: &Namespace) -> Api<Ingress> {
    Api::namespaced(client, &namespace.name)
}

/// So many routes of the class nginx under the filing of their namespace's name, all of them judged.
async fn routes(cluster: &Cluster, prefix: &str, routes: usize) -> Namespace {
    let namespace = cluster.temp_namespace(prefix).await;
    marker(cluster, &namespace.name).await;
    let api = ingresses(cluster.client().await, &namespace);
    let created = futures::stream::iter(0..routes).map(|number| {
        let route = route(&format!("web-{number}"), &format!("{number}.{}.com", namespace.name));
        let api = &api;
        async move { api.create(&PostParams::default(), &route).await.unwrap() }
    });
    created.buffer_unordered(16).for_each(async |_| {}).await;
    verdicts(cluster, &namespace, "Compliant", routes).await;
    namespace
}

fn route(name: &str, host: &str) -> Ingress {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    let spec = json!({"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]});
    let route = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec});
    serde_json::from_value(route).unwrap()
}

fn approve(cluster: &Cluster, namespace: &Namespace) {
    let name = &namespace.name;
    declare(&cluster.admin, name, &format!("{name}.com"), APPROVED).succeeds();
}

fn class(route: &Ingress) -> Option<&str> {
    route.spec.as_ref()?.ingress_class_name.as_deref()
}

fn annotation<'a>(route: &'a Ingress, key: &str) -> Option<&'a str> {
    Some(route.metadata.annotations.as_ref()?.get(key)?.as_str())
}

async fn blocked(cluster: &Cluster, namespace: &Namespace) -> usize {
    let api = ingresses(cluster.client().await, namespace);
    let all = api.list(&ListParams::default()).await.unwrap();
    all.iter().filter(|route| class(route) == Some(QUARANTINE)).count()
}

/// How many Events of an action each route of a namespace has.
async fn told(cluster: &Cluster, namespace: &Namespace, action: &str) -> BTreeMap<String, usize> {
    let api = Api::<Event>::namespaced(cluster.client().await, &namespace.name);
    let mut told = BTreeMap::new();
    for event in api.list(&ListParams::default()).await.unwrap() {
        if event.action.as_deref() == Some(action) {
            *told.entry(event.regarding.unwrap().name.unwrap()).or_default() += 1;
        }
    }
    told
}

/// Waits until every route of a namespace is in quarantine and says so; each was moved once, and told of once.
pub(crate) async fn are_blocked_once(cluster: &Cluster, namespace: &Namespace, routes: usize) {
    let api = ingresses(cluster.client().await, namespace);
    let what = format!("{routes} routes of {} to be blocked", namespace.name);
    let all = eventually(&what, PATIENCE * 2, async || {
        let all = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let is_done = |route: &&Ingress| {
            let says = annotation(route, "filing-operator.io/enforcement");
            class(route) == Some(QUARANTINE) && says == Some("Blocked")
        };
        let done = all.iter().filter(is_done).count();
        (done == routes).then_some(all).ok_or(format!("{done} are"))
    })
    .await;
    for route in all {
        assert_eq!(route.metadata.generation, Some(2), "{route:?}");
        assert!(annotation(&route, SINCE).is_some(), "{route:?}");
        let findings = annotation(&route, "filing-operator.io/findings").unwrap_or_default();
        assert!(findings.contains("[FilingCancelled]"), "{route:?}");
    }
    assert_eq!(told(cluster, namespace, "Block").await, once_each(routes));
}

/// Waits until a condition of the default policy is so, and gives its message.
pub(crate) async fn condition(cluster: &Cluster, type_: &str, expected: &str) -> String {
    let api = Api::<FilingPolicy>::all(cluster.client().await);
    eventually(&format!("{type_} to be {expected}"), PATIENCE * 2, async || {
        let policy = api.get("default").await.map_err(|error| error.to_string())?;
        let conditions = policy.status.unwrap_or_default().conditions;
        let found = conditions.iter().find(|condition| condition.type_ == type_);
        let found = found.ok_or_else(|| format!("there is none: {conditions:?}"))?;
        let is = format!("{} {}", found.status, found.reason);
        (is == expected)
            .then(|| found.message.clone())
            .ok_or_else(|| format!("{is}: {}", found.message))
    })
    .await
}

/// Waits until a fault has met at least one request.
async fn is_met(spoilt: &Spoilt, of: usize) {
    eventually("the fault to be met", PATIENCE, async || {
        (spoilt.left() < of).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
}

/// Lets so many of what is asked so pass before the others are spoilt.
fn after(count: usize, spoils: fn(&Asked) -> bool) -> impl Fn(&Asked) -> bool + Send + 'static {
    let asked = AtomicUsize::new(0);
    move |request| spoils(request) && asked.fetch_add(1, Ordering::SeqCst) >= count
}

#[rstest]
#[case::that_was_not_made("unmade", Fault::Silence)]
#[case::that_was_made_without_an_answer("unheard", Fault::AnswerLost)]
#[tokio::test]
async fn an_operator_killed_between_a_block_and_its_event_leaves_one_event(#[case] prefix: &str, #[case] fault: Fault) {
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let mut operator = operator(&cluster, &proxy.account, &blocking(10), &["--identity", "one"]).await;
    let namespace = routes(&cluster, prefix, 2).await;
    let name = namespace.name.clone();
    let lost = proxy.spoil(usize::MAX, fault, move |asked| {
        asked.verb == "create" && asked.is_of("events") && asked.is_of(&name)
    });
    cancel(&cluster, &namespace);
    is_met(&lost, usize::MAX).await;
    operator.kill();
    assert!(blocked(&cluster, &namespace).await > 0);
    drop(lost);
    operator.restart().await;
    are_blocked_once(&cluster, &namespace, 2).await;
}

#[tokio::test]
async fn a_restore_that_was_cut_short_by_a_kill_is_finished_at_the_next_start() {
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let mut operator = operator(&cluster, &proxy.account, &blocking(10), &["--identity", "one"]).await;
    let namespace = routes(&cluster, "halfway", 0).await;
    let typed = |class: &str| {
        let mut route = route("web-0", &format!("0.{}.com", namespace.name));
        route.spec.as_mut().unwrap().ingress_class_name = Some(class.to_owned());
        serde_json::to_string(&route).unwrap()
    };
    let apply = "apply --server-side --field-manager=gitops -f -";
    namespace.kubectl(apply, &typed("nginx")).succeeds();
    cancel(&cluster, &namespace);
    are_blocked_once(&cluster, &namespace, 1).await;

    let held = proxy.spoil(usize::MAX, Fault::Held, after(1, Asked::moves));
    approve(&cluster, &namespace);
    is_met(&held, usize::MAX).await;
    operator.kill();
    let api = ingresses(cluster.client().await, &namespace);
    let halfway = api.get("web-0").await.unwrap();
    assert_eq!(class(&halfway), Some("nginx"));
    assert!(annotation(&halfway, RECORD).is_some(), "{halfway:?}");
    drop(held);
    let conflict = namespace.kubectl(apply, &typed("traefik")).fails();
    assert!(conflict.contains("conflict"), "{conflict}");

    operator.restart().await;
    eventually("the restore to be finished", PATIENCE, async || {
        let found = api.get("web-0").await.map_err(|error| error.to_string())?;
        let is_finished = annotation(&found, RECORD).is_none() && annotation(&found, SINCE).is_none();
        is_finished.then_some(()).ok_or(format!("{found:?}"))
    })
    .await;
    eventually("it to be told of", PATIENCE, async || {
        let told = told(&cluster, &namespace, "Restore").await;
        (told == once_each(1)).then_some(()).ok_or(format!("{told:?}"))
    })
    .await;
    namespace.kubectl(apply, &typed("traefik")).succeeds();
    assert_eq!(class(&api.get("web-0").await.unwrap()), Some("traefik"));
}

#[tokio::test]
async fn an_api_server_that_restarts_and_refuses_in_the_middle_gets_each_route_blocked_once() {
    const ROUTES: usize = 100;
    let mut cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let more = ["--writes-per-second", "500"];
    let _operator = operator(&cluster, &proxy.account, &blocking(ROUTES), &more).await;
    let namespace = routes(&cluster, "outage", ROUTES).await;
    let refused = [
        proxy.spoil(3, Fault::Refused(500), Asked::moves),
        proxy.spoil(3, Fault::TooMany(1), Asked::moves),
        proxy.spoil(3, Fault::Refused(409), Asked::moves),
        proxy.spoil(3, Fault::AnswerLost, Asked::moves),
    ];
    let held = proxy.spoil(usize::MAX, Fault::Silence, after(40, Asked::moves));
    cancel(&cluster, &namespace);
    is_met(&held, usize::MAX).await;
    cluster.stop_api_server();
    drop(held);
    cluster.start_api_server().await;
    are_blocked_once(&cluster, &namespace, ROUTES).await;
    assert!(refused.iter().all(|fault| fault.left() == 0));
    condition(&cluster, "BrakeHeld", "False WithinLimit").await;
}

#[tokio::test]
async fn what_others_write_while_a_route_is_being_blocked_and_let_go_is_kept() {
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let _operator = operator(&cluster, &proxy.account, &blocking(10), &[]).await;
    let namespace = routes(&cluster, "conflict", 1).await;
    let api = ingresses(cluster.client().await, &namespace);
    let edit = async |to: Value| {
        let written = api.patch("web-0", &PatchParams::default(), &Patch::Merge(to)).await;
        written.unwrap().metadata.generation.unwrap()
    };

    let held = proxy.spoil(1, Fault::Held, Asked::moves);
    cancel(&cluster, &namespace);
    is_met(&held, 1).await;
    let theirs = json!({"metadata": {"labels": {"team": "shop"}}, "spec": {"ingressClassName": "traefik"}});
    assert_eq!(edit(theirs).await, 2);
    drop(held);
    let moved = eventually("it to be blocked after that", PATIENCE, async || {
        let found = api.get("web-0").await.map_err(|error| error.to_string())?;
        (class(&found) == Some(QUARANTINE)).then_some(found.clone()).ok_or(format!("{found:?}"))
    })
    .await;
    assert_eq!(moved.metadata.generation, Some(3));
    assert_eq!(moved.metadata.labels.as_ref().unwrap()["team"], "shop");
    let record: Value = serde_json::from_str(annotation(&moved, RECORD).unwrap()).unwrap();
    assert_eq!(record["field"], "traefik");

    // The same between the two writes of the way back.
    let held = proxy.spoil(1, Fault::Held, after(1, Asked::moves));
    approve(&cluster, &namespace);
    is_met(&held, 1).await;
    edit(json!({"metadata": {"labels": {"team": "books"}}})).await;
    drop(held);
    let back = eventually("it to be let go after that", PATIENCE, async || {
        let found = api.get("web-0").await.map_err(|error| error.to_string())?;
        annotation(&found, RECORD).is_none().then_some(found.clone()).ok_or(format!("{found:?}"))
    })
    .await;
    assert_eq!(class(&back), Some("traefik"));
    assert_eq!(back.metadata.labels.as_ref().unwrap()["team"], "books");
    assert_eq!(back.metadata.generation, Some(4));
}

#[tokio::test]
async fn a_word_for_a_brake_whose_status_could_not_be_written_is_asked_for_again() {
    const ROUTES: usize = 11;
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let _operator = operator(&cluster, &proxy.account, &blocking(ROUTES - 1), &[]).await;
    let namespace = routes(&cluster, "unshown", ROUTES).await;
    let is_status = |asked: &Asked| asked.writes() && asked.is_of("filingpolicies") && asked.is_of("status");
    let statuses = || proxy.asked(is_status).len();
    let give = |message: &str| {
        let (_, word) = message.split_once("release-brake=").unwrap();
        let word = word.split(' ').next().unwrap();
        let command = format!("annotate filingpolicy default filing-operator.io/release-brake={word} --overwrite");
        cluster.kubectl(&command, "").succeeds();
    };

    let refused = proxy.spoil(usize::MAX, Fault::Refused(500), is_status);
    cancel(&cluster, &namespace);
    let events = Api::<Event>::namespaced(cluster.client().await, "default");
    let held = async || {
        let all = events.list(&ListParams::default()).await.unwrap();
        let mut held = all.into_iter().filter(|event| event.action.as_deref() == Some("Hold"));
        held.next().and_then(|event| event.note)
    };
    let shown = eventually("the Event", PATIENCE, async || held().await.ok_or("none".to_owned())).await;
    let before = statuses();
    give(&shown);
    eventually("the status to be tried again", PATIENCE, async || {
        (statuses() > before).then_some(()).ok_or("not yet".to_owned())
    })
    .await;
    assert_eq!(blocked(&cluster, &namespace).await, 0);
    drop(refused);
    let message = condition(&cluster, "BrakeHeld", "True LimitExceeded").await;
    assert!(message.contains("was for another set"), "{message}");
    assert_eq!(proxy.asked(Asked::moves), []);

    // The word for what is shown counts, whatever becomes of the status while that is done.
    let refused = proxy.spoil(1, Fault::Refused(500), is_status);
    let conflicts = proxy.spoil(1, Fault::Refused(409), is_status);
    give(&message);
    are_blocked_once(&cluster, &namespace, ROUTES).await;
    condition(&cluster, "BrakeHeld", "False WithinLimit").await;
    assert_eq!((refused.left(), conflicts.left()), (0, 0));
    assert_eq!(proxy.asked(Asked::moves).len(), ROUTES);
}

#[tokio::test]
async fn a_namespace_that_is_deleted_in_the_middle_of_blocking_holds_nothing_up() {
    const ROUTES: usize = 20;
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let _operator = operator(&cluster, &proxy.account, &blocking(ROUTES + 1), &[]).await;
    let namespace = routes(&cluster, "ending", ROUTES).await;
    let other = routes(&cluster, "staying", 1).await;
    let held = proxy.spoil(usize::MAX, Fault::Held, after(5, Asked::moves));
    cancel(&cluster, &namespace);
    is_met(&held, usize::MAX).await;
    let delete = format!("delete namespace {} --wait=false", namespace.name);
    cluster.kubectl(&delete, "").succeeds();
    // As the controllers of a real cluster do, which empty it.
    namespace.kubectl("delete ingresses --all", "").succeeds();
    drop(held);
    cancel(&cluster, &other);
    are_blocked_once(&cluster, &other, 1).await;
    let enforced = async || condition(&cluster, "Enforced", "True Enforced").await;
    eventually("what is gone to count no more", PATIENCE, async || {
        let says = condition(&cluster, "Enforced", "True Enforced").await;
        (says == "1 route is blocked").then_some(()).ok_or(says)
    })
    .await;
    let told = told(&cluster, &namespace, "Block").await;
    assert!(told.len() <= 5, "{told:?}");
}

#[tokio::test]
async fn a_clock_that_jumps_back_a_day_moves_nothing_while_routes_are_blocked_and_held() {
    const BLOCKED: usize = 5;
    const HELD: usize = 6;
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let identity = ["--identity", "one"];
    let mut operator = operator(&cluster, &proxy.account, &blocking(BLOCKED + HELD - 1), &identity).await;
    let there = routes(&cluster, "there", BLOCKED).await;
    let waiting = routes(&cluster, "waiting", HELD).await;
    cancel(&cluster, &there);
    are_blocked_once(&cluster, &there, BLOCKED).await;
    cancel(&cluster, &waiting);
    let message = condition(&cluster, "BrakeHeld", "True LimitExceeded").await;
    verdicts(&cluster, &waiting, "Violating", HELD).await;
    let before = proxy.asked(Asked::moves);
    for (round, offset) in ["-1d", "0s", "-1d"].into_iter().enumerate() {
        operator.restart_with(&["--now-offset", offset]).await;
        let name = format!("clock-{round}");
        marker(&cluster, &name).await;
        are_blocked_once(&cluster, &there, BLOCKED).await;
        let says = condition(&cluster, "BrakeHeld", "True LimitExceeded").await;
        assert_eq!(says, message, "after {offset}");
        assert_eq!(proxy.asked(Asked::moves), before, "after {offset}");
    }
    assert_eq!(told(&cluster, &waiting, "Judge").await, once_each(HELD));
}
