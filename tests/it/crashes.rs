//! Routes that are blocked while things break: each is blocked once and told of once, no one else's change is lost, and
//! what was begun is finished.
//!
//! Each test wants the only operator on its control plane, so they hand theirs on to each other. Those with two operators
//! are in [`faults`](crate::faults).

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Request;
use filing_operator::api::{Filing, FilingPolicy};
use futures::StreamExt as _;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};

use crate::faults::{cancel, cancelled, filing, marker, once_each, operator, verdicts};
use crate::run::{APPROVED, FILINGS, POLICY, declare, status};
use crate::support::cluster::{Cluster, Namespace};
use crate::support::proxy::{Asked, Fault, Proxy, Spoilt};
use crate::support::wait::{PATIENCE, eventually};

const QUARANTINE: &str = "filing-quarantine";
const RECORD: &str = "filing-operator.io/quarantined-class";
const SINCE: &str = "filing-operator.io/quarantined-at";

/// A control plane of which a test has the only use.
struct Stage(Option<Cluster>);

/// Those that no test uses now: as many are started as tests run at once.
static FREE: Mutex<Vec<Cluster>> = Mutex::new(Vec::new());

/// A control plane with the quarantine class, and without anything of the test before.
async fn stage() -> Stage {
    let free = FREE.lock().unwrap().pop();
    let Some(cluster) = free else {
        let cluster = Cluster::own().await;
        cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
        return Stage(Some(cluster));
    };
    // The API server keeps leases of its own, which come back: to wait for their end would be to wait for ever.
    for what in [
        "ingresses,filings,events --all --all-namespaces",
        "filingpolicies --all",
        "lease filing-operator --ignore-not-found -n filing-system",
    ] {
        cluster.kubectl(&format!("delete {what} --wait=false"), "").succeeds();
    }
    Stage(Some(cluster))
}

impl Deref for Stage {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Cluster {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // One on which a test has failed is in a state that nobody knows.
        if !std::thread::panicking() {
            FREE.lock().unwrap().extend(self.0.take());
        }
    }
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
    let domain = format!("{}.com", namespace.name);
    create(cluster, &namespace, (0..routes).map(|number| route(number, &domain))).await;
    verdicts(cluster, &namespace, "Compliant", routes).await;
    namespace
}

/// What the API server answers is not read: that costs more than to ask it.
async fn create(cluster: &Cluster, namespace: &Namespace, routes: impl Iterator<Item = Ingress>) {
    let client = cluster.client().await;
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses", namespace.name);
    let created = futures::stream::iter(routes).map(|route| {
        let request = Request::post(&path).header("content-type", "application/json");
        let request = request.body(serde_json::to_vec(&route).unwrap()).unwrap();
        let client = client.clone();
        async move { client.request_text(request).await.unwrap() }
    });
    created.buffer_unordered(32).for_each(async |_| {}).await;
}

/// The route `web-number` of the class nginx, with a host under a domain.
fn route(number: usize, domain: &str) -> Ingress {
    let (name, host) = (format!("web-{number}"), format!("{number}.{domain}"));
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    let spec = json!({"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]});
    let route =
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec});
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

/// How many routes of a namespace are in quarantine.
pub(crate) async fn blocked(cluster: &Cluster, namespace: &Namespace) -> usize {
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

/// Waits until so many routes of a namespace are in quarantine and say so; each was moved once, and told of once.
pub(crate) async fn are_blocked_once(cluster: &Cluster, namespace: &Namespace, routes: usize) {
    let api = ingresses(cluster.client().await, namespace);
    let what = format!("{routes} routes of {} to be blocked", namespace.name);
    let all = eventually(&what, PATIENCE * 2, async || {
        let mut all = api
            .list(&ListParams::default())
            .await
            .map_err(|error| error.to_string())?;
        all.items.retain(|route| {
            let says = annotation(route, "filing-operator.io/enforcement");
            class(route) == Some(QUARANTINE) && says == Some("Blocked")
        });
        let done = all.items.len();
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
        let mut route = route(0, &format!("{}.com", namespace.name));
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
        (class(&found) == Some(QUARANTINE))
            .then_some(found.clone())
            .ok_or(format!("{found:?}"))
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
        annotation(&found, RECORD)
            .is_none()
            .then_some(found.clone())
            .ok_or(format!("{found:?}"))
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

#[tokio::test]
async fn a_filing_of_100_domains_with_5000_routes_is_cancelled_and_each_is_written_to_once() {
    const DOMAINS: usize = 100;
    const BLOCKED: usize = 500;
    /// All but those are read, judged and counted, and left alone.
    const ROUTES: usize = 5000;
    let cluster = stage().await;
    let proxy = Proxy::to(&cluster);
    let more = ["--writes-per-second", "1000"];
    let _operator = operator(&cluster, &proxy.account, &blocking(BLOCKED), &more).await;
    let quiet = "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: quiet}, spec: {
  precedence: 10, match: {ingressClasses: [quiet]}, site: {provider: alicloud, region: cn-beijing}, running: Disabled,
  filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}}}";
    cluster.kubectl("apply -f -", quiet).succeeds();
    let namespace = cluster.temp_namespace("many").await;
    let name = namespace.name.clone();
    let domains: Vec<_> = (0..DOMAINS).map(|domain| format!("{name}-{domain}.com")).collect();
    declare(&cluster.admin, &name, &domains.join(", "), APPROVED).succeeds();
    status(&cluster, &filing(&namespace), "/status/observedGeneration", 1.into()).await;

    let routes = (0..ROUTES).map(|number| {
        let mut route = route(number, &domains[number % DOMAINS]);
        if number >= BLOCKED {
            route.spec.as_mut().unwrap().ingress_class_name = Some("quiet".to_owned());
        }
        route
    });
    create(&cluster, &namespace, routes).await;
    let filings = Api::<Filing>::namespaced(cluster.client().await, FILINGS);
    eventually("the filing to count its routes", PATIENCE * 4, async || {
        let found = filings.get(&name).await.map_err(|error| error.to_string())?;
        let counted = found.status.unwrap_or_default().routes;
        (counted == u32::try_from(ROUTES).ok())
            .then_some(())
            .ok_or(format!("{counted:?}"))
    })
    .await;
    let of_routes = || {
        proxy
            .asked(|asked| asked.verb == "patch" && asked.is_of("ingresses"))
            .len()
    };
    eventually("the routes to be annotated", PATIENCE * 2, async || {
        let written = of_routes();
        (written == BLOCKED).then_some(()).ok_or(format!("{written} are"))
    })
    .await;
    // The filing counts its routes while they come, but not one by one.
    let statuses = || proxy.asked(|asked| asked.writes() && asked.is_of("filings")).len();
    let counting = statuses();
    assert!(counting < ROUTES / 20, "{counting} writes of its status");

    declare(&cluster.admin, &name, &domains.join(", "), &cancelled()).succeeds();
    eventually("the routes to be blocked and told of", PATIENCE * 2, async || {
        let written = of_routes();
        (written == 3 * BLOCKED)
            .then_some(())
            .ok_or(format!("{written} writes"))
    })
    .await;
    are_blocked_once(&cluster, &namespace, BLOCKED).await;
    assert_eq!(of_routes(), 3 * BLOCKED, "each is annotated, blocked and annotated");
    assert_eq!(statuses(), counting + 1, "that it is cancelled changes no count");
}
