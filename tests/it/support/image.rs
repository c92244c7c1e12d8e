//! Container images out of a program and what it needs to run, without a container engine or a registry.
//!
//! An image is what the OCI image layout says it is: a layer, a configuration and a manifest, each named by its digest, in a
//! tar archive that containerd imports.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The image of a Pod's sandbox: it holds the Pod's namespaces, and does nothing.
pub(super) const PAUSE: &str = "localhost/pause:1";

/// The user whom the operator runs as: nobody in particular, and not root.
const USER: &str = "65532:65532";

/// Writes the archive of [`PAUSE`].
pub(super) fn pause(archive: &Path) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let source = folder.path().join("pause.c");
    let text = "#include <signal.h>\n#include <unistd.h>\n\
        static void end(int signal) { _exit(0); }\n\
        int main(void) { signal(SIGTERM, end); for (;;) pause(); }\n";
    fs::write(&source, text).expect("a temporary folder can be written");
    let root = folder.path().join("root");
    fs::create_dir(&root).expect("a temporary folder can be written");
    run(Command::new("cc")
        .args(["-static", "-O2", "-o"])
        .arg(root.join("pause"))
        .arg(source));
    write(archive, PAUSE, &root, "/pause");
}

/// Writes the archive of an image that runs a program of this machine, with the libraries that it is linked with.
pub(super) fn of_program(program: &Path, name: &str, archive: &Path) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let root = folder.path();
    let entry = PathBuf::from("/").join(program.file_name().expect("a program is a file"));
    // What a debugger reads is most of it.
    run(Command::new("strip")
        .arg("--strip-debug")
        .arg("-o")
        .arg(inside(root, &entry))
        .arg(program));
    for library in libraries(program) {
        let copy = inside(root, &library);
        fs::create_dir_all(copy.parent().expect("it is in a folder")).expect("a temporary folder can be written");
        fs::copy(&library, copy).unwrap_or_else(|error| panic!("can't copy {}: {error}", library.display()));
    }
    write(archive, name, root, &entry.display().to_string());
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").expect("it is absolute"))
}

/// The libraries that a program is linked with, and what loads them; none of one that is linked statically.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let out = Command::new("ldd").arg(program).output().expect("ldd can be run");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        !text.contains("not found"),
        "{} does not run here: {text}",
        program.display()
    );
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).filter(|path| path != program).collect()
}

/// Writes an image of what is below `root`, which runs `entry`.
fn write(archive: &Path, name: &str, root: &Path, entry: &str) {
    let layout = TempDir::new().expect("a temporary folder can be made");
    let blobs = layout.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a temporary folder can be written");
    let tar = layout.path().join("layer");
    run(Command::new("tar")
        .args([
            "--create",
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--mode=a+rX",
            "--file",
        ])
        .arg(&tar)
        .arg("--directory")
        .arg(root)
        .arg("."));
    let layer = fs::read(&tar).expect("tar has written it");
    fs::remove_file(&tar).expect("it can be removed");
    let layer = blob(&blobs, &layer, "application/vnd.oci.image.layer.v1.tar");
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {"User": USER, "Entrypoint": [entry]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = blob(
        &blobs,
        config.to_string().as_bytes(),
        "application/vnd.oci.image.config.v1+json",
    );
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
    let mut manifest = blob(&blobs, manifest.to_string().as_bytes(), kind);
    manifest["annotations"] = json!({"io.containerd.image.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    for (file, value) in [
        ("index.json", index),
        ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
    ] {
        fs::write(layout.path().join(file), value.to_string()).expect("a temporary folder can be written");
    }
    run(Command::new("tar")
        .args(["--create", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(layout.path())
        .arg("."));
}

/// Writes a blob under its digest; gives its descriptor.
fn blob(blobs: &Path, bytes: &[u8], media_type: &str) -> Value {
    let digest = format!("{:x}", Sha256::digest(bytes));
    fs::write(blobs.join(&digest), bytes).expect("a temporary folder can be written");
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()})
}

fn run(command: &mut Command) {
    let out = command
        .output()
        .unwrap_or_else(|error| panic!("can't run {}: {error}", command.get_program().display()));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?} failed: {said}");
}
