//! The operator as users run it: the built program, beside a test API server.

use std::{
    env,
    ffi::OsString,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    cluster::Account,
    process::{Process, Usage, free_address},
    wait::{PATIENCE, eventually},
};

/// A running `filing-operator run`; killed when dropped, and its log shown if the test fails.
pub(crate) struct Operator {
    args: Vec<OsString>,
    process: Process,
    webhook: SocketAddr,
    http: SocketAddr,
    folder: TempDir,
}

impl Operator {
    /// Starts it as `account` with further arguments, and waits until it is ready.
    pub(crate) async fn start(account: &Account, args: &[&str]) -> Self {
        let mut operator = Self::launch(account, args);
        operator.ready().await;
        operator
    }

    /// Starts it without waiting: for a test of what it does before it is ready.
    pub(crate) fn launch(account: &Account, args: &[&str]) -> Self {
        let folder = TempDir::with_prefix("filing-operator-run-").expect("a temporary folder can be made");
        let (webhook, http) = (free_address(), free_address());
        let mut all: Vec<OsString> = vec!["run".into(), "--kubeconfig".into(), account.kubeconfig.clone().into()];
        all.extend(["--webhook-address".into(), webhook.to_string().into()]);
        all.extend(["--metrics-address".into(), http.to_string().into()]);
        if !args.contains(&"--shutdown-delay") {
            // Nobody has to learn that it goes.
            all.extend(["--shutdown-delay".into(), "0s".into()]);
        }
        all.extend(args.iter().map(OsString::from));
        let process = run(&all, folder.path());
        Self {
            args: all,
            process,
            webhook,
            http,
            folder,
        }
    }

    /// Waits until `/readyz` answers 200.
    pub(crate) async fn ready(&mut self) {
        let Self { process, http, .. } = self;
        eventually("the operator to be ready", PATIENCE, async || {
            if let Some(status) = process.ended() {
                panic!("the operator ended before it was ready ({status})");
            }
            match http_get(*http, "operator", "/readyz") {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("/readyz answers {status}: {body}")),
                Err(error) => Err(format!("/readyz: {error}")),
            }
        })
        .await;
    }

    /// Whether `/livez` answers, and if not why.
    pub(crate) fn alive(&self) -> Result<(), String> {
        http_get(self.http, "operator", "/livez")
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Where its webhook listens.
    pub(crate) fn webhook(&self) -> SocketAddr {
        self.webhook
    }

    /// Where its metrics and its health are.
    #[allow(dead_code, reason = "a benchmark asks there without blocking")]
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// The status and the body of one of its plain pages, such as `/metrics`.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        http_get(self.http, "operator", path)
            .unwrap_or_else(|error| panic!("the operator does not answer {path}: {error}"))
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to stop, as a kubelet does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Sends it the signal of that name, and waits for nothing.
    pub(crate) fn signal(&mut self, signal: &str) {
        self.process.signal(signal);
    }

    /// How it ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let process = &mut self.process;
        eventually("the operator to stop", PATIENCE, async || {
            process.ended().ok_or_else(|| "it still runs".into())
        })
        .await
    }

    /// Stops it where it is, as a machine does that has no time for it, until it is thawed.
    pub(crate) async fn freeze(&mut self) {
        self.process.freeze().await;
    }

    /// Lets it go on after it was frozen.
    pub(crate) async fn thaw(&mut self) {
        self.process.thaw().await;
    }

    /// What it has taken so far.
    pub(crate) fn usage(&self) -> Usage {
        self.process.usage().expect("it runs")
    }

    /// Kills it, as when memory runs out; nothing is given up in order.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with the same arguments and addresses, and waits until it is ready; kills it first if it runs.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(&[]).await;
    }

    /// The same, with further arguments for this once.
    pub(crate) async fn restart_with(&mut self, more: &[&str]) {
        self.process.kill();
        let args: Vec<_> = self
            .args
            .iter()
            .cloned()
            .chain(more.iter().map(OsString::from))
            .collect();
        self.process = run(&args, self.folder.path());
        self.ready().await;
    }
}

impl Drop for Operator {
    #[allow(clippy::print_stderr, reason = "what a failed test prints is what a person reads")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the operator's log ---\n{}", self.process.log());
        }
    }
}

fn run(args: &[OsString], folder: &Path) -> Process {
    Process::start("filing-operator", &program(), args, &folder.join("log"), None)
}

/// The program: the one that was built with this, or the one that `FILING_OPERATOR` names, as a released one.
pub(crate) fn program() -> PathBuf {
    env::var_os("FILING_OPERATOR").map_or_else(|| env!("CARGO_BIN_EXE_filing-operator").into(), PathBuf::from)
}

/// The status and the body that `GET path` for a host answers at a plain HTTP server on loopback.
pub(crate) fn http_get(server: SocketAddr, host: &str, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // HTTP/1.0, so that the body is neither chunked nor followed by another answer.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body.to_owned()))
}
