//! How long `check` takes, all included: the built program is started, reads, judges, and writes its answer.
//!
//! `parse` reads the same bytes as YAML and nothing more, on one core: what `check` does beyond it is what to look at.

#![allow(
    clippy::expect_used,
    reason = "a benchmark that can't be set up has nothing to measure"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use divan::counter::BytesCount;
use filing_operator::manifest::{Input, Object, Strictness, discover};
use serde::de::IgnoredAny;

fn main() {
    divan::main();
}

/// So many filings, and so many routes that are served under them; one route in ten violates.
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
    let folder = manifests(size);
    bencher.counter(BytesCount::new(bytes(folder.path()))).bench_local(|| {
        let status = Command::new(env!("CARGO_BIN_EXE_filing-operator"))
            .args([
                "check",
                "--now",
                "2026-11-23",
                "--provider",
                "alicloud",
                "--region",
                "cn-beijing",
            ])
            .args(["-o", format])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the program is built beside the benchmark");
        assert_eq!(status.code(), Some(1));
    });
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn parse(bencher: divan::Bencher<'_, '_>, size: Size) {
    let folder = manifests(size);
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

/// Manifests in files of a hundred documents each.
fn manifests(size: Size) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let filings: Vec<String> = (0..size.filings).map(filing).collect();
    let routes: Vec<String> = (0..size.routes).map(|nth| route(nth, size.filings)).collect();
    for (kind, documents) in [("filings", filings), ("routes", routes)] {
        for (nth, chunk) in documents.chunks(100).enumerate() {
            let path: PathBuf = folder.path().join(format!("{kind}-{nth:04}.yaml"));
            fs::write(path, chunk.join("---\n")).expect("the folder can be written to");
        }
    }
    folder
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
    let host = if nth.is_multiple_of(10) {
        format!("www.site-{site}.example.net")
    } else {
        format!("www.site-{site}.example.com")
    };
    write!(
        text,
        "    - host: {host}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {{name: web, port: {{number: 80}}}}
"
    )
    .expect("a String takes what is written");
    text
}
