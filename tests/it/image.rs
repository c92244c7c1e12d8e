//! The image that the Dockerfile makes, with the program that was built here in place of the build stage's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::image::{self, run};
use crate::support::node;
use crate::support::operator;

/// The image's configuration, and the files of its only layer.
fn unpacked(archive: &Path) -> (Value, BTreeSet<String>) {
    let folder = TempDir::new().unwrap();
    let tar = |args: &[&str], archive: &Path| run(Command::new("tar").args(args).arg("--file").arg(archive));
    tar(&["--extract", "--directory", folder.path().to_str().unwrap()], archive);
    let blob = |digest: &Value| {
        let digest = digest.as_str().unwrap().replace(':', "/");
        folder.path().join("blobs").join(digest)
    };
    let read = |path: &Path| serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap();
    let index = read(&folder.path().join("index.json"));
    let manifest = read(&blob(&index["manifests"][0]["digest"]));
    let [layer] = manifest["layers"].as_array().unwrap().as_slice() else {
        panic!("it has several layers: {manifest}")
    };
    let listed = tar(&["--list"], &blob(&layer["digest"]));
    let files = listed.lines().filter(|path| !path.ends_with('/'));
    let files = files.map(|path| path.trim_start_matches("./").to_owned()).collect();
    (read(&blob(&manifest["config"]["digest"])), files)
}

#[test]
fn it_holds_the_program_and_licences_for_a_user_that_is_nobody() {
    if !node::can_be_had() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let archive = folder.path().join("operator.tar");
    image::of_operator(&operator::program(), &archive);
    let (config, files) = unpacked(&archive);
    let config = &config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/filing-operator"]));
    assert_eq!(config["Cmd"], serde_json::json!(["run"]));
    let label = |key: &str| config["Labels"][format!("org.opencontainers.image.{key}")].clone();
    assert_eq!(label("title"), "filing-operator");
    assert_eq!(label("licenses"), "Apache-2.0");
    assert_eq!(label("version"), "test");
    assert_eq!(label("revision"), "test");
    // A program that was not built for the image comes with what it is linked with.
    let linked = |path: &&String| !path.starts_with("lib") || path.starts_with("licenses/");
    let files: Vec<&String> = files.iter().filter(linked).collect();
    assert_eq!(files, ["filing-operator", "licenses/LICENSE"]);
}

/// What is linked into the program is named with its licence, whatever that is.
#[test]
fn the_licence_of_each_crate_is_told() {
    let target = "x86_64-unknown-linux-gnu";
    let told = run(Command::new("scripts/third-party-licences.sh").arg(target));
    let tree = [
        "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", target,
    ];
    let crates = run(Command::new("cargo").args(tree));
    let untold: Vec<_> = crates
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .filter(|name| !name.starts_with("filing-operator ") && !told.contains(name.as_str()))
        .collect();
    assert!(untold.is_empty(), "{untold:?}");
}
