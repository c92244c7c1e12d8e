//! Container images by buildah, without a container engine or a registry: as archives that containerd imports.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// The image of a Pod's sandbox: it holds the Pod's namespaces, and does nothing.
pub(super) const PAUSE: &str = "localhost/pause:1";
/// The image that holds the operator, as Pods name it.
pub(crate) const OPERATOR: &str = "localhost/filing-operator:test";
/// The image of an ingress data plane.
pub(crate) const SKIPPER: &str = "localhost/skipper:1";

/// Writes the archive of [`PAUSE`].
pub(super) fn pause(archive: &Path) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let source = folder.path().join("pause.c");
    let text = "#include <signal.h>\n#include <unistd.h>\n\
        static void end(int signal) { _exit(0); }\n\
        int main(void) { signal(SIGTERM, end); for (;;) pause(); }\n";
    fs::write(&source, text).expect("a temporary folder can be written");
    let program = folder.path().join("pause");
    run(Command::new("cc")
        .args(["-static", "-O2", "-o"])
        .arg(&program)
        .arg(source));
    of_static_program(&program, PAUSE, archive);
}

/// Writes the archive of an image that runs a program which needs nothing beside it.
pub(super) fn of_static_program(program: &Path, name: &str, archive: &Path) {
    let context = program.parent().expect("a program is in a folder");
    let entry = program.file_name().expect("a program is a file").display();
    let folder = TempDir::new().expect("a temporary folder can be made");
    let dockerfile = folder.path().join("Dockerfile");
    let text = format!("FROM scratch\nCOPY {entry} /{entry}\nENTRYPOINT [\"/{entry}\"]\n");
    fs::write(&dockerfile, text).expect("a temporary folder can be written");
    build(&dockerfile, context, &[], name, archive);
}

/// Writes the archive of [`OPERATOR`] by the project's Dockerfile. This program, with the libraries that it is linked with, stands
/// in for the build stage, whose base can't be had without a registry.
pub(crate) fn of_operator(program: &Path, archive: &Path) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let out = folder.path().join("out");
    let licences = out.join("licenses");
    fs::create_dir_all(&licences).expect("a temporary folder can be written");
    fs::copy("LICENSE", licences.join("LICENSE")).expect("the licence can be copied");
    // What a debugger reads is most of it.
    run(Command::new("strip")
        .arg("--strip-debug")
        .arg("-o")
        .arg(out.join("filing-operator"))
        .arg(program));
    for library in libraries(program) {
        let copy = out.join(library.strip_prefix("/").expect("it is absolute"));
        fs::create_dir_all(copy.parent().expect("it is in a folder")).expect("a temporary folder can be written");
        fs::copy(&library, copy).unwrap_or_else(|error| panic!("can't copy {}: {error}", library.display()));
    }
    let stand_in = format!("--build-context=build={}", folder.path().display());
    let arguments = [
        stand_in.as_str(),
        "--build-arg=VERSION=test",
        "--build-arg=REVISION=test",
    ];
    build(Path::new("Dockerfile"), Path::new("."), &arguments, OPERATOR, archive);
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

fn build(dockerfile: &Path, context: &Path, arguments: &[&str], name: &str, archive: &Path) {
    let store = TempDir::new().expect("a temporary folder can be made");
    let buildah = || {
        let mut buildah = Command::new("buildah");
        buildah
            .args(["--storage-driver", "vfs", "--root"])
            .arg(store.path().join("root"));
        buildah.arg("--runroot").arg(store.path().join("run"));
        buildah
    };
    run(buildah()
        .args(["build", "--isolation", "chroot", "--tag", name])
        .args(arguments)
        .arg("--file")
        .arg(dockerfile)
        .arg(context));
    run(buildah()
        .args(["push", name])
        .arg(format!("oci-archive:{}:{name}", archive.display())));
}

/// Runs a command that has to succeed; gives what it prints.
pub(crate) fn run(command: &mut Command) -> String {
    let out = command
        .output()
        .unwrap_or_else(|error| panic!("can't run {}: {error}", command.get_program().display()));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?} failed: {said}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}
