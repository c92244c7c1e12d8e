//! The operator at scale, on a real API server: how soon it is ready, how soon a change shows, how many writes and how
//! much memory and time it takes, and what it does when nothing happens.
//!
//! `cargo bench --bench cluster` starts etcd and kube-apiserver as the tests do, fills them, and runs the built program.
//! `cargo bench --bench cluster -- --smoke` is the same within a minute, to see that it works. Everything shares one
//! machine: the figures hold for a cluster that is as slow as that.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark that can't go on has nothing to measure; what it measures, it prints"
)]

mod fill;
mod seen;
#[allow(dead_code, reason = "the harness of the tests has more than is needed here")]
#[path = "../../tests/it/support/mod.rs"]
mod support;
mod writes;

use std::fmt::Display;
use std::time::{Duration, Instant};

use clap::Parser;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;
use tempfile::TempDir;

use fill::{BUSY, CROWDED, Fill};
use seen::{Seen, Told};
use support::Cluster;
use support::operator::Operator;
use support::process::Usage;
use writes::Writes;

/// How long anything may take before it is given up.
const PATIENCE: Duration = Duration::from_mins(20);
/// How fast the operator may write while it tells of everything for the first time: as fast as it can.
const UNLIMITED: &str = "1000";
/// Between two changes: as long as a person takes, and long enough for the limit of writes to be refilled.
const BETWEEN: Duration = Duration::from_millis(500);

#[derive(Parser)]
struct Args {
    /// How many Ingresses there are, those of the busy and the crowded filings included
    #[arg(long, default_value_t = 10_000)]
    ingresses: usize,
    /// How many Filings
    #[arg(long, default_value_t = 5_000)]
    filings: usize,
    /// How many namespaces the Ingresses are in
    #[arg(long, default_value_t = 200)]
    namespaces: usize,
    /// How many of the Ingresses are under one filing, which ends
    #[arg(long, default_value_t = 1_000)]
    crowd: usize,
    /// How many changes of a filing with ten routes are timed
    #[arg(long, default_value_t = 100)]
    changes: usize,
    /// For how many seconds nothing happens
    #[arg(long, default_value_t = 600)]
    idle: u64,
    /// A small run, to see that it works
    #[arg(long)]
    smoke: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    fn read() -> Self {
        let args = Self::parse();
        if !args.smoke {
            return args;
        }
        Self {
            ingresses: 300,
            filings: 100,
            namespaces: 10,
            crowd: 100,
            changes: 5,
            idle: 15,
            ..args
        }
    }
}

fn main() {
    let args = Args::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime can be started").block_on(measure(&args));
}

async fn measure(args: &Args) {
    let mut report = Report::default();
    report.say("ingresses", args.ingresses, "");
    report.say("filings", args.filings, "");
    report.say("namespaces", args.namespaces, "");
    let cluster = Cluster::own().await;
    let client = cluster.client().await;
    let fill = Fill {
        client: client.clone(),
        ingresses: args.ingresses,
        filings: args.filings,
        namespaces: args.namespaces,
        crowd: args.crowd,
    };
    let began = Instant::now();
    fill.everything().await;
    progress(&format!("the cluster is full after {:.0?}", began.elapsed()));
    let seen = Seen::watch(client.clone());
    let all = args.ingresses;
    seen.wait("every Ingress to be watched", |told| told.len() == all).await;

    // The first start: everything is to be told.
    let folder = TempDir::with_prefix("filing-operator-scale-").expect("a temporary folder can be made");
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, fill::POLICY).expect("the folder can be written");
    let policy = policy.to_str().expect("its name is UTF-8");
    let before = Writes::count(&client).await;
    let (began, mut operator) = start(&cluster, policy, UNLIMITED).await;
    report.say("ready", began.elapsed().as_millis(), "ms");
    report.say("resident_at_ready", resident_mb(&operator.usage()), "MB");
    seen.wait("every Ingress to be told of", |told| {
        told.values().all(|told| told.verdict.as_deref() == Some("Compliant"))
    })
    .await;
    fill.until_filings_are_told().await;
    let told_in = began.elapsed();
    let writes = Writes::count(&client).await.since(&before).of_operator();
    report.say("first_told", told_in.as_secs(), "s");
    report.say("first_told_writes", writes, "");
    report.say(
        "first_told_writes_per_second",
        u128::from(writes) * 1000 / told_in.as_millis(),
        "/s",
    );
    operator.stop().await;

    // The second: all has been told.
    let before = Writes::count(&client).await;
    let (began, operator) = start(&cluster, policy, "50").await;
    report.say("ready_again", began.elapsed().as_millis(), "ms");
    Writes::settle(&client).await;
    let usage = operator.usage();
    report.say(
        "ready_again_writes",
        Writes::count(&client).await.since(&before).of_operator(),
        "",
    );
    report.say("cpu_of_start", usage.cpu.as_millis(), "ms");
    report.say("resident", resident_mb(&usage), "MB");

    let mut took = Vec::new();
    for nth in 0..args.changes {
        took.push(change(&client, &seen, nth).await);
        tokio::time::sleep(BETWEEN).await;
        if nth % 10 == 9 {
            progress(&format!("{} changes of {} timed", nth + 1, args.changes));
        }
    }
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_millis();
    report.say("changed_p50", at(50), "ms");
    report.say("changed_p99", at(99), "ms");
    report.say("changed_max", at(100), "ms");

    crowd(&client, &seen, args.crowd, &mut report).await;
    report.say("resident_after_changes", resident_mb(&operator.usage()), "MB");

    // Until what is still to be written has been.
    Writes::settle(&client).await;
    progress(&format!("nothing happens for {} s", args.idle));
    let (usage, writes) = (operator.usage(), Writes::count(&client).await);
    tokio::time::sleep(Duration::from_secs(args.idle)).await;
    let (usage_after, since) = (operator.usage(), Writes::count(&client).await.since(&writes));
    report.say("idle", args.idle, "s");
    report.say("idle_writes", since.of_operator(), "");
    report.say("idle_lease_writes", since.of_leases(), "");
    report.say("idle_cpu", usage_after.cpu.saturating_sub(usage.cpu).as_millis(), "ms");
    report.say("resident_at_end", resident_mb(&usage_after), "MB");
    report.say("resident_peak", usage_after.peak / 1_000_000, "MB");
    report.print();
}

/// Starts the operator, and waits until it is ready.
async fn start(cluster: &Cluster, policy: &str, writes_per_second: &str) -> (Instant, Operator) {
    let began = Instant::now();
    let args = [
        "--namespace",
        fill::HOME,
        "--policy",
        policy,
        "--writes-per-second",
        writes_per_second,
    ];
    let mut operator = Operator::launch(&cluster.admin, &args);
    operator.ready().await;
    (began, operator)
}

/// Changes the number of a filing with ten routes, and gives the time until the last of them shows it.
async fn change(client: &kube::Client, seen: &Seen, nth: usize) -> Duration {
    let filing = format!("busy-{}", nth % BUSY);
    let number = format!("京ICP备2021012345号-{}", 9_000 + nth % 1_000);
    let began = Instant::now();
    patch(client, &filing, &json!({"spec": {"number": number}})).await;
    let shows = |told: &Told| told.filing == filing && told.number.as_deref() == Some(&number);
    let last = seen
        .wait("a changed number to show", |all| {
            all.values().filter(|told| shows(told)).count() == fill::ROUTES_OF_BUSY
        })
        .await;
    last.saturating_duration_since(began)
}

/// Ends the filing of the crowd, with a brake that lets all of them be blocked.
async fn crowd(client: &kube::Client, seen: &Seen, crowd: usize, report: &mut Report) {
    let of_crowd = |told: &&Told| told.filing == CROWDED;
    let began = Instant::now();
    patch(client, CROWDED, &json!({"spec": {"stage": "Cancelled"}})).await;
    let is_told = |told: &Told| told.verdict.as_deref() == Some("Violating");
    let last_told = seen
        .wait("the routes of a filing that has ended to be told of", |all| {
            all.values().filter(of_crowd).filter(|told| is_told(told)).count() == crowd
        })
        .await;
    let blocked = seen.read(|all| {
        let blocked = all.values().filter(of_crowd).filter_map(|told| told.blocked_at);
        blocked.collect::<Vec<_>>()
    });
    report.say("crowd", crowd, "");
    report.say("crowd_blocked", blocked.len(), "");
    if let Some(last) = blocked.iter().max() {
        report.say(
            "crowd_blocked_in",
            last.saturating_duration_since(began).as_millis(),
            "ms",
        );
    }
    report.say(
        "crowd_told_in",
        last_told.saturating_duration_since(began).as_millis(),
        "ms",
    );
}

async fn patch(client: &kube::Client, filing: &str, patch: &serde_json::Value) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), fill::HOME, &fill::filings());
    let patched = api.patch(filing, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.expect("the filing can be changed");
}

/// What was measured, in order.
#[derive(Default)]
struct Report(Vec<(&'static str, String, &'static str)>);

impl Report {
    fn say(&mut self, name: &'static str, value: impl Display, unit: &'static str) {
        progress(&format!("{name} {value} {unit}"));
        self.0.push((name, value.to_string(), unit));
    }

    /// As a table for people, and one line for programs.
    fn print(&self) {
        println!();
        for (name, value, unit) in &self.0 {
            println!("{name:<30} {value:>9} {unit}");
        }
        let line: Vec<String> = self
            .0
            .iter()
            .map(|(name, value, unit)| format!("{name}={value}{unit}"))
            .collect();
        println!("\nscale: {}", line.join(" "));
    }
}

fn resident_mb(usage: &Usage) -> u64 {
    usage.resident / 1_000_000
}

fn progress(text: &str) {
    eprintln!("scale: {text}");
}
