//! The corpus of the fuzz targets, run as an ordinary test.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/bodies.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod bodies;

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let seeds: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!seeds.is_empty(), "{} holds seeds", folder.display());
    for seed in seeds {
        body(&fs::read(&seed).unwrap());
    }
}

#[test]
fn the_corpus_of_hosts_is_read_or_refused() {
    run("host", bodies::host);
}

#[test]
fn the_corpus_of_numbers_is_read_or_refused() {
    run("number", bodies::number);
}

#[test]
fn the_corpus_of_manifests_is_read_or_refused() {
    run("manifest", bodies::manifest);
}

#[test]
fn the_corpus_of_admission_reviews_is_answered_or_refused() {
    run("review", bodies::review);
}

#[test]
fn the_corpus_of_ingresses_is_read_alike_and_judged() {
    run("ingress", bodies::ingress);
}

#[test]
fn the_corpus_of_connections_is_served_or_ended() {
    run("tls", bodies::tls);
}
