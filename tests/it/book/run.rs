//! Where the commands of the book are run: an API server with the operator beside it, and a folder for each page.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::{env, iter};

use regex::Regex;
use serde_json::Value;

use super::page::{Block, Command, Mark, Page};
use crate::support::cluster::{Cluster, Output};
use crate::support::helm::render;
use crate::support::operator::Operator;
use crate::support::programs::{Programs, helm};
use crate::support::stage::{home, operator_that_is_asked};

/// The cluster of the book.
pub(super) struct Stage {
    cluster: Cluster,
    _operator: Operator,
    /// The folder with the programs that a reader has.
    programs: PathBuf,
}

impl Stage {
    pub(super) async fn set_up() -> Self {
        let cluster = Cluster::own().await;
        home(&cluster);
        let rights = "--show-only templates/rbac.yaml --show-only templates/break-glass.yaml --show-only templates/quarantine.yaml";
        cluster.kubectl("apply -f -", &render(rights)).succeeds();
        cluster.kubectl("apply -f examples/10-ack-policy.yaml", "").succeeds();
        // Of that file the namespaces are kept: its policy is the default one here, and blocks.
        cluster.kubectl("delete filingpolicy ack-beijing", "").succeeds();
        let text = fs::read_to_string("examples/10-ack-policy.yaml").unwrap();
        let mut policy = text
            .split("\n---\n")
            .map(|document| serde_saphyr::from_str::<Value>(document).unwrap())
            .find(|document| document["kind"] == "FilingPolicy")
            .unwrap();
        policy["spec"]["running"] = "Block".into();
        let operator = operator_that_is_asked(&cluster, &policy["spec"].to_string(), &[]).await;

        let programs = cluster.admin.kubeconfig.with_file_name("programs");
        fs::create_dir(&programs).unwrap();
        let all = Programs::get();
        let ours = Path::new(env!("CARGO_BIN_EXE_filing-operator"));
        for (name, program) in [
            ("filing-operator", ours),
            ("kubectl-filing", ours),
            ("kubectl", all.kubectl.as_path()),
            ("helm", helm()),
        ] {
            symlink(program, programs.join(name)).unwrap();
        }
        Self {
            cluster,
            _operator: operator,
            programs,
        }
    }

    /// Makes the cluster as the pages find it, and a folder for one.
    pub(super) fn reset(&self, page: &Page) {
        let kubectl = |args: &str| self.cluster.kubectl(args, "").succeeds();
        kubectl("delete ingress --all --all-namespaces");
        kubectl("delete filing --all --all-namespaces");
        kubectl("apply -f examples/01-filings.yaml -f examples/02-servers.yaml");
        kubectl("wait --for=condition=Ready filing/example-com -n filing-system --timeout=30s");
        // Some pages change it, and it is put back after a while that grows.
        let policy = "--for=jsonpath={.webhooks[0].failurePolicy}=Fail validatingwebhookconfiguration/filing-operator";
        kubectl(&format!("wait {policy} --timeout=60s"));
        let folder = self.folder(page);
        fs::create_dir_all(&folder).unwrap();
        for shared in ["examples", "charts", "crds"] {
            symlink(env::current_dir().unwrap().join(shared), folder.join(shared)).unwrap();
        }
    }

    fn folder(&self, page: &Page) -> PathBuf {
        let pages = self.cluster.admin.kubeconfig.with_file_name("pages");
        pages.join(page.file.display().to_string().replace('/', "-"))
    }

    /// Runs a page from its beginning, and says what is not as it says.
    pub(super) fn run(&self, page: &Page) -> Vec<String> {
        let mut complaints = Vec::new();
        for (line, block) in &page.blocks {
            let done = match block {
                Block::Yaml { mark, text } => self.yaml(page, mark, text),
                Block::Console {
                    mark: Mark::NotRun { .. },
                    ..
                } => Ok(()),
                Block::Console { mark, commands } => self.console(page, mark, commands),
                Block::File { name, text } => {
                    fs::write(self.folder(page).join(name), text).map_err(|error| error.to_string())
                }
            };
            if let Err(complaint) = done {
                complaints.push(format!("{}:{line}: {complaint}", page.file.display()));
                // What follows builds on it.
                break;
            }
        }
        complaints
    }

    fn yaml(&self, page: &Page, mark: &Mark, text: &str) -> Result<(), String> {
        match mark {
            Mark::ReadOnly => read(text),
            Mark::In(_) | Mark::Values => Ok(()),
            Mark::File(name) => {
                fs::write(self.folder(page).join(name), text).map_err(|error| error.to_string())?;
                // What a later command applies may be meant to be denied.
                self.is_valid(text, true)
            }
            _ => self.is_valid(text, false),
        }
    }

    /// Whether the API server takes it, whatever the webhook says where that may deny it.
    fn is_valid(&self, text: &str, may_be_denied: bool) -> Result<(), String> {
        let dry_run = "apply --server-side --force-conflicts --validate=strict --dry-run=server -f -";
        let answer = self.cluster.kubectl(dry_run, text);
        let is_denied = answer
            .stderr
            .contains("admission webhook \"ingresses.filing-operator.io\" denied");
        if answer.code == 0 || (may_be_denied && is_denied) {
            return Ok(());
        }
        Err(answer.stderr)
    }

    fn console(&self, page: &Page, mark: &Mark, commands: &[Command]) -> Result<(), String> {
        for (nth, command) in commands.iter().enumerate() {
            let due = match mark {
                Mark::Exits(code) if nth + 1 == commands.len() => *code,
                _ => 0,
            };
            let answer = self.shell(page, &command.typed);
            let printed = &answer.stdout;
            if answer.code != due {
                return Err(format!("$ {}\nexits with {}:\n{printed}", command.typed, answer.code));
            }
            if !command.prints.is_empty() && !is_as_said(&command.prints, printed) {
                let said = command.prints.join("\n");
                return Err(format!("$ {}\nprints\n{printed}\nand not\n{said}", command.typed));
            }
        }
        Ok(())
    }

    /// Runs a command as a reader would, with both streams as one.
    fn shell(&self, page: &Page, typed: &str) -> Output {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = iter::once(self.programs.clone()).chain(env::split_paths(&path));
        Program::new("bash")
            .args(["-c", &format!("set -o pipefail\nexec 2>&1\n{typed}")])
            .current_dir(self.folder(page))
            .env("PATH", env::join_paths(folders).unwrap())
            .env("KUBECONFIG", &self.cluster.admin.kubeconfig)
            .env("LC_ALL", "C.UTF-8")
            .env(
                "KUBECACHEDIR",
                self.cluster.admin.kubeconfig.with_file_name("kubectl-cache"),
            )
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into()
    }
}

/// Whether it is YAML at all.
fn read(text: &str) -> Result<(), String> {
    let mut read = text.split("\n---\n").map(serde_saphyr::from_str::<Value>);
    read.try_for_each(|read| read.map(drop).map_err(|error| error.to_string()))
}

/// Whether that was printed: `…` stands for anything in its line, and alone for any lines.
fn is_as_said(said: &[String], printed: &str) -> bool {
    let mut pattern = String::from(r"\A");
    for line in said {
        let line = line.trim_end();
        if line == "…" {
            pattern.push_str(r"(?:[^\n]*\n)*?");
        } else {
            let parts: Vec<String> = line.split('…').map(regex::escape).collect();
            pattern.push_str(&parts.join("[^\n]*"));
            pattern.push('\n');
        }
    }
    pattern.push_str(r"\z");
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let printed = printed.join("\n") + "\n";
    Regex::new(&pattern).unwrap().is_match(&printed)
}

#[test]
fn three_dots_stand_for_what_differs() {
    let is = |said: &[&str], printed: &str| {
        let said: Vec<String> = said.iter().map(|line| (*line).to_owned()).collect();
        is_as_said(&said, printed)
    };
    assert!(is(&["a … c", "…", "z"], "a b c\nx\ny\nz\n"));
    assert!(is(&["…", "z"], "z\n"));
    assert!(!is(&["a"], "a\nb\n"));
    assert!(!is(&["a … c"], "a b\nc\n"));
}
