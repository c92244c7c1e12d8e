//! How long `check` takes, all included: the built program is started, reads, judges, and writes its answer.
//!
//! `parse` reads the same bytes as YAML and nothing more, on one core: what `check` does beyond it is what to look at.
//!
//! Every rule of the catalogue is on, also those that are off by default. Before the benchmarks it is told how the time grows
//! from 1,000 to 100,000 routes, and what memory the program takes for these: it ends with an error where the time does not grow
//! with the input, or the memory is above the goal.
//!
//! `FILING_OPERATOR` names another program to run in place of the one that was built beside it.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't be set up has nothing to measure; what it measures, it prints"
)]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use filing_operator::manifest::{Input, Object, Strictness, discover};
use filing_operator::rules::{CATALOGUE, Severity};
use serde::de::IgnoredAny;

/// A hundred times as many routes may take so many times as long for each; as one machine is never quiet, not 1.
const MOST_GROWTH: f64 = 1.5;
/// The goal for 100,000 routes, in bytes.
const MOST_MEMORY: u64 = 300_000_000;

fn main() {
    if std::env::args().any(|arg| arg == "--bench") {
        tell_growth();
        tell_memory();
    }
    divan::main();
}

/// How many documents a file has: as a team writes them, or all in one.
#[derive(Clone, Copy)]
enum Files {
    Many,
    One,
}

/// Three sizes, each ten times the one before. Of each the best of a few runs counts: what else runs makes none faster.
fn tell_growth() {
    let mut first = None;
    for (routes, runs) in [(1_000, 20), (10_000, 7), (100_000, 3)] {
        let size = Size {
            filings: routes / 10,
            routes,
        };
        let folder = manifests(size, Files::Many);
        let taken = (0..runs).map(|_| timed(folder.path())).min().unwrap_or_default();
        let each = taken.as_secs_f64() * 1e6 / f64::from(u32::try_from(routes).unwrap_or(u32::MAX));
        let growth = each / *first.get_or_insert(each);
        println!(
            "growth: {size}, {:.1} MB: {:.3} s, {each:.1} µs a route, {growth:.2} times the first",
            megabytes(bytes(folder.path())),
            taken.as_secs_f64()
        );
        assert!(growth <= MOST_GROWTH, "the time grows faster than the input");
    }
}

fn timed(folder: &Path) -> Duration {
    let started = Instant::now();
    let status = program(folder, "table")
        .stdout(Stdio::null())
        .status()
        .expect("the program is built beside the benchmark");
    assert_eq!(status.code(), Some(1));
    started.elapsed()
}

fn tell_memory() {
    let size = Size {
        filings: 10_000,
        routes: 100_000,
    };
    for (files, named) in [(Files::Many, "files of 100 documents"), (Files::One, "two files")] {
        let folder = manifests(size, files);
        for format in ["table", "json"] {
            let peak = peak(folder.path(), format);
            println!(
                "memory: {size}, {:.1} MB in {named}, {format}: at most {:.0} MB",
                megabytes(bytes(folder.path())),
                megabytes(peak)
            );
            assert!(
                peak <= MOST_MEMORY,
                "it takes more than {:.0} MB",
                megabytes(MOST_MEMORY)
            );
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is shown to one place")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The most memory that the program had resident until it had written its answer. It can't end before that is read, so it is
/// there to be asked.
fn peak(folder: &Path, format: &str) -> u64 {
    let mut child = program(folder, format)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is built beside the benchmark");
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let mut buffer = vec![0; 1 << 16];
    let mut peak = None;
    loop {
        let told = fs::read_to_string(&status).ok();
        peak = told.as_deref().and_then(high_water).or(peak);
        if stdout.read(&mut buffer).expect("the program writes") == 0 {
            break;
        }
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    peak.expect("this is Linux")
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// So many filings, and so many routes of two hosts that are served under them; one route in ten violates.
#[derive(Clone, Copy)]
struct Size {
    filings: usize,
    routes: usize,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} filings, {} routes", self.filings, self.routes)
    }
}

/// What a company has, and what a platform has.
const SIZES: [Size; 2] = [
    Size {
        filings: 2_000,
        routes: 2_000,
    },
    Size {
        filings: 10_000,
        routes: 50_000,
    },
];

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn check(bencher: divan::Bencher<'_, '_>, size: Size) {
    run(bencher, size, "table");
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn check_json(bencher: divan::Bencher<'_, '_>, size: Size) {
    run(bencher, size, "json");
}

fn run(bencher: divan::Bencher<'_, '_>, size: Size, format: &str) {
    let folder = manifests(size, Files::Many);
    bencher.counter(BytesCount::new(bytes(folder.path()))).bench_local(|| {
        let status = program(folder.path(), format)
            .stdout(Stdio::null())
            .status()
            .expect("the program is built beside the benchmark");
        assert_eq!(status.code(), Some(1));
    });
}

/// The program as a pipeline runs it.
fn program(folder: &Path, format: &str) -> Command {
    let named = std::env::var_os("FILING_OPERATOR");
    let program = named.unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_filing-operator")));
    let mut command = Command::new(program);
    command
        .args(["check", "--now", "2026-11-23", "-o", format])
        .arg(folder)
        .stderr(Stdio::null());
    command
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn parse(bencher: divan::Bencher<'_, '_>, size: Size) {
    let folder = manifests(size, Files::Many);
    let (inputs, _) = discover(&[folder.path()]);
    bencher
        .counter(BytesCount::new(bytes(folder.path())))
        .bench_local(|| inputs.iter().flat_map(objects).filter(is_well_formed).count());
}

fn objects(input: &Input) -> Vec<Object> {
    let source = input.load().expect("it has just been written");
    let documents = source.documents().into_iter().flatten();
    documents.flat_map(|document| document.objects()).flatten().collect()
}

fn is_well_formed(object: &Object) -> bool {
    object.read::<IgnoredAny>(Strictness::Lenient).is_ok()
}

fn bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("it has just been made");
    files
        .flatten()
        .filter_map(|file| file.metadata().ok())
        .map(|about| about.len())
        .sum()
}

/// Manifests in files of a hundred documents each, or one for each kind; and a policy that has every rule on.
fn manifests(size: Size, files: Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    fs::write(folder.path().join("policy.yaml"), policy()).expect("the folder can be written to");
    let filings: Vec<String> = (0..size.filings).map(filing).collect();
    let routes: Vec<String> = (0..size.routes).map(|nth| route(nth, size.filings)).collect();
    for (kind, documents) in [("filings", filings), ("routes", routes)] {
        let chunk = match files {
            Files::Many => 100,
            Files::One => documents.len(),
        };
        for (nth, chunk) in documents.chunks(chunk).enumerate() {
            let path: PathBuf = folder.path().join(format!("{kind}-{nth:04}.yaml"));
            fs::write(path, chunk.join("---\n")).expect("the folder can be written to");
        }
    }
    folder
}

/// What is off by default is a warning here; the rest is as severe as it is by itself.
fn policy() -> String {
    let mut text = "apiVersion: filing-operator.io/v1alpha1
kind: FilingPolicy
metadata:
  name: default
spec:
  site: {provider: alicloud, region: cn-beijing}
  filingsFrom: {all: true}
  rules:
"
    .to_owned();
    for rule in CATALOGUE {
        let level = rule.severity.unwrap_or(Severity::Warning);
        writeln!(text, "    {}: {level:?}", rule.id).expect("a String takes what is written");
    }
    text
}

fn filing(nth: usize) -> String {
    format!(
        "apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata:
  name: site-{nth}
  namespace: filing-system
spec:
  domains: [site-{nth}.example.com]
  number: 京ICP备2021012345号-{}
  stage: Approved
  subject: {{name: 示例科技有限公司, nature: Enterprise, province: CN-BJ}}
  registration: {{holder: 示例科技有限公司, expiresAt: 2037-01-15}}
  access:
    - provider: alicloud
      stage: Approved
",
        nth + 1
    )
}

fn route(nth: usize, filings: usize) -> String {
    let site = nth % filings;
    let mut text = format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: route-{nth}
  namespace: team-{}
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: \"true\"
spec:
  ingressClassName: nginx
  rules:
",
        nth % 97
    );
    let domain = if nth.is_multiple_of(10) { "net" } else { "com" };
    for host in ["www", "m"] {
        write!(
            text,
            "    - host: {host}.site-{site}.example.{domain}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {{name: web, port: {{number: 80}}}}
"
        )
        .expect("a String takes what is written");
    }
    text
}
