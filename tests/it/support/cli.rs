//! The program as it is typed. It says the same on every machine: the developer's locale and cluster are not asked.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::cluster::Output;

/// The program in a folder, without arguments yet.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_filing-operator"));
    command
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("KUBECONFIG", "/nowhere")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Runs a command, with this on its standard input.
pub(crate) fn answer(command: &mut Command, stdin: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut pipe = child.stdin.take().expect("it was asked for");
    thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read it may be gone already.
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output()
    })
    .expect("the program can be waited for")
    .into()
}
