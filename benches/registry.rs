//! What a changed filing costs the operator's memory, and what is kept of each: a company's registry beside one of a
//! hundred times its size. The ratio of the two is what to look at: the cost is to follow the change.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't be set up has nothing to measure; what it measures, it prints"
)]

use std::cell::Cell;
use std::fs;
use std::sync::Arc;

use filing_operator::judge::{judge, judge_until};
use filing_operator::registry::{
    Affected, Change, Filing, FilingKey, IngressClassFact, Kept, Policy, Registry, Snapshot,
};
use filing_operator::route::{Route, RouteKey, RouteKind, from_ingress};
use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How many filings there are, each with a route.
const SIZES: [usize; 2] = [1_000, 100_000];
/// How many routes the filing that changes has.
const ROUTES: usize = 10;

fn main() {
    if std::env::args().any(|arg| arg == "--bench") {
        print_memory();
    }
    divan::main();
}

/// Applies one changed filing while the snapshot of before is still read by others, as the operator does.
#[divan::bench(args = SIZES)]
fn changed_filing(bencher: divan::Bencher<'_, '_>, size: usize) {
    let mut registry = registry(size);
    let published = Cell::new(registry.snapshot().clone());
    let next = alternately(|is_even| filing(size / 2, if is_even { "2037-01-15" } else { "2038-01-15" }));
    bencher.with_inputs(next).bench_local_values(|change| {
        let affected = registry.apply(change);
        published.set(registry.snapshot().clone());
        assert_eq!(affected.routes.len(), ROUTES);
        affected
    });
}

/// The same, and judges its routes anew, each until its answer next changes.
#[divan::bench(args = SIZES)]
fn changed_filing_and_its_routes(bencher: divan::Bencher<'_, '_>, size: usize) {
    let mut registry = registry(size);
    let published = Cell::new(registry.snapshot().clone());
    let next = alternately(|is_even| filing(size / 2, if is_even { "2037-01-15" } else { "2038-01-15" }));
    bencher.with_inputs(next).bench_local_values(|change| {
        let Affected { routes, .. } = registry.apply(change);
        published.set(registry.snapshot().clone());
        let judged = routes.iter().filter_map(|key| {
            let route = read(&registry, key)?;
            judge_until(route, registry.snapshot(), now())
        });
        assert_eq!(judged.count(), ROUTES);
    });
}

/// A namespace gets another label while the snapshot of before is still read: each filing has a namespace of its own
/// here, and none of them is that one.
#[divan::bench(args = SIZES)]
fn changed_namespace(bencher: divan::Bencher<'_, '_>, size: usize) {
    let mut registry = registry(10);
    for nth in 0..size {
        registry.apply(namespace(nth, "old"));
    }
    let published = Cell::new(registry.snapshot().clone());
    let next = alternately(|is_even| namespace(size / 2, if is_even { "a" } else { "b" }));
    bencher.with_inputs(next).bench_local_values(|change| {
        let affected = registry.apply(change);
        published.set(registry.snapshot().clone());
        affected
    });
}

#[divan::bench(args = SIZES)]
fn judge_route(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (registry, route) = with_route(size);
    bencher.bench_local(|| judge(&route, registry.snapshot(), now()));
}

/// As the controller asks, which waits for the next change of the answer: each date on the way is judged.
#[divan::bench(args = SIZES)]
fn judge_route_until(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (registry, route) = with_route(size);
    bencher.bench_local(|| judge_until(&route, registry.snapshot(), now()));
}

#[divan::bench(args = SIZES)]
fn policy_of(bencher: divan::Bencher<'_, '_>, size: usize) {
    let (registry, route) = with_route(size);
    bencher.bench_local(|| registry.snapshot().policy_of(&route).is_some());
}

/// What each filing and each route takes of this process's memory.
fn print_memory() {
    const COUNT: usize = 100_000;
    let mut registry = registry(0);
    let mut before = resident();
    let mut say = |what: &str| {
        let now = resident();
        let taken = now.saturating_sub(before);
        println!(
            "memory: {COUNT} {what}: {} MB, {} bytes each",
            taken / 1_000_000,
            taken / COUNT as u64
        );
        before = now;
    };
    for nth in 0..COUNT {
        registry.apply(filing(nth, "2037-01-15"));
    }
    say("filings");
    for nth in 0..COUNT {
        registry.apply(route(nth, 0));
    }
    say("routes");
    println!(
        "memory: size_of Filing {}, Route {}",
        size_of::<Filing>(),
        size_of::<Route>()
    );
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.expect("it tells the resident memory") * 1024
}

fn with_route(size: usize) -> (Registry, Arc<Route>) {
    let registry = registry(size);
    let Change::Route(key, _) = route(size / 2, 0) else {
        unreachable!("it is a route");
    };
    let route = Arc::clone(read(&registry, &key).expect("it has been put in"));
    (registry, route)
}

fn read<'a>(registry: &'a Registry, key: &RouteKey) -> Option<&'a Arc<Route>> {
    match registry.route(key)? {
        Kept::Read(route) => Some(route),
        Kept::Unreadable(_) => None,
    }
}

/// Gives one of two changes after the other, made in advance.
fn alternately(make: impl Fn(bool) -> Change) -> impl FnMut() -> Change {
    let changes = [make(false), make(true)];
    let mut both = changes.into_iter().cycle();
    move || both.next().expect("it never ends")
}

/// So many filings in one namespace, each with a route, the one in the middle with ten, and two policies.
fn registry(size: usize) -> Registry {
    let mut registry = Registry::new(Snapshot::new("filing-system", true));
    let beijing = json!({"site": {"provider": "alicloud", "region": "cn-beijing"}});
    let elsewhere = json!({
        "site": {"provider": "tencentcloud", "region": "ap-beijing"},
        "match": {"namespaceSelector": {"matchLabels": {"cloud": "tencent"}}},
        "precedence": 1,
    });
    for (name, spec) in [("default", beijing), ("elsewhere", elsewhere)] {
        registry.apply(Change::Policy(
            name.into(),
            Ok(Policy::new(name.into(), &ObjectMeta::default(), &typed(spec))),
        ));
    }
    let marked = [(
        "ingressclass.kubernetes.io/is-default-class".to_owned(),
        "true".to_owned(),
    )];
    let metadata = ObjectMeta {
        annotations: Some(marked.into()),
        ..ObjectMeta::default()
    };
    registry.apply(Change::Class(
        "nginx".into(),
        IngressClassFact::of(&metadata, Some("k8s.io/ingress-nginx")),
    ));
    for nth in 0..size {
        registry.apply(filing(nth, "2037-01-15"));
        registry.apply(route(nth, 0));
    }
    for more in 1..ROUTES {
        registry.apply(route(size / 2, more));
    }
    registry
}

fn filing(nth: usize, expires: &str) -> Change {
    let metadata = metadata(nth);
    let key = FilingKey::new("filing-system", format!("site-{nth}"));
    let spec = typed(json!({
        "domains": [format!("site-{nth}.cn")],
        "number": format!("京ICP备2021012345号-{}", nth + 1),
        "stage": "Approved",
        "subject": {"name": "示例科技有限公司", "nature": "Enterprise", "province": "CN-BJ",
            "mainNumber": "京ICP备2021012345号"},
        "service": {"name": "示例商城", "kind": "Website"},
        "registration": {"holder": "示例科技有限公司", "expiresAt": expires, "verified": true},
        "access": [{"provider": "alicloud", "regions": ["cn-beijing"], "servers": [], "stage": "Approved"}],
        "approvedAt": "2021-02-20",
    }));
    Change::Filing(key.clone(), Ok(Filing::new(key, &metadata, &spec)))
}

fn route(nth: usize, more: usize) -> Change {
    let name = format!("route-{nth}-{more}");
    let namespace = format!("team-{}", nth % 200);
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = typed(json!({
        "metadata": {"name": name, "namespace": namespace, "uid": uid(nth), "annotations": {
            "filing-operator.io/verdict": "Compliant",
            "filing-operator.io/number": format!("京ICP备2021012345号-{}", nth + 1),
        }},
        "spec": {"ingressClassName": "nginx", "rules": [{
            "host": format!("www{more}.site-{nth}.cn"),
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
        }]},
    }));
    let key = RouteKey {
        kind: RouteKind::Ingress,
        namespace: namespace.into(),
        name: name.into(),
    };
    Change::Route(key, Ok(from_ingress(&ingress, "default")))
}

fn namespace(nth: usize, team: &str) -> Change {
    let labels = [("team", team), ("environment", "production")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Change::Namespace(format!("empty-{nth}").into(), labels.into())
}

fn metadata(nth: usize) -> ObjectMeta {
    typed(json!({"uid": uid(nth), "generation": 3, "creationTimestamp": "2026-01-05T08:00:00Z"}))
}

fn uid(nth: usize) -> String {
    format!("5b0c8e1c-0f5c-4d29-9f0e-{nth:012}")
}

fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("it is what it is read as")
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_363_200).expect("it is in range")
}
