//! What the operator takes of the machine, and of the API server.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Request;
use kube::Client;

use super::PATIENCE;
use super::support::operator::{Operator, program};
use super::support::wait::eventually;

/// What the operator's process has taken so far.
pub(crate) struct Usage {
    /// Time of all its threads on a processor, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// In bytes.
    resident: u64,
    /// In bytes, the most that it ever was.
    peak: u64,
}

impl Usage {
    pub(crate) fn of(operator: &Operator) -> Self {
        let process = process(operator);
        let read = |file: &str| fs::read_to_string(process.join(file)).expect("the operator runs");
        let status = read("status");
        let bytes = |field: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(field))
                .expect("Linux tells it");
            let kilobytes: u64 = line
                .trim_matches([':', ' ', '\t'])
                .trim_end_matches(" kB")
                .parse()
                .expect("a number");
            kilobytes * 1024
        };
        // The second field, the name, may have blanks; behind it the times are the 12th and 13th (proc(5)), in ticks
        // of 1/100 s.
        let stat = read("stat");
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        Self {
            cpu: Duration::from_millis(ticks * 10),
            resident: bytes("VmRSS"),
            peak: bytes("VmHWM"),
        }
    }

    pub(crate) fn resident_mb(&self) -> u64 {
        self.resident / 1_000_000
    }

    pub(crate) fn peak_mb(&self) -> u64 {
        self.peak / 1_000_000
    }
}

/// The operator's folder in /proc: the process of the program that listens where this one does. The shell beside it has
/// the same arguments, but is another program.
fn process(operator: &Operator) -> PathBuf {
    let program = program().canonicalize().expect("it has been built");
    let webhook = operator.webhook().to_string();
    let all = fs::read_dir("/proc")
        .expect("this is Linux")
        .flatten()
        .map(|entry| entry.path());
    let mut all = all.filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program));
    let listens = |process: &PathBuf| {
        let args = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
        args.split('\0').any(|arg| arg == webhook)
    };
    all.find(listens).expect("the operator runs")
}

/// How many writes of each resource the API server has answered, its own included.
pub(crate) struct Writes(BTreeMap<String, u64>);

/// What the operator writes. Leases aside, which the API server also keeps for itself.
const OPERATORS: [&str; 7] = [
    "accessservers",
    "events",
    "filingpolicies",
    "filings",
    "ingresses",
    "secrets",
    "validatingwebhookconfigurations",
];
const VERBS: [&str; 5] = ["APPLY", "DELETE", "PATCH", "POST", "PUT"];

impl Writes {
    pub(crate) async fn count(client: &Client) -> Self {
        let request = Request::get("/metrics").body(Vec::new()).expect("it is a request");
        let metrics = client
            .request_text(request)
            .await
            .expect("the API server tells its metrics");
        let mut counts = BTreeMap::new();
        for line in metrics
            .lines()
            .filter(|line| line.starts_with("apiserver_request_total{"))
        {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                rest.split('"').next()
            };
            let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
            if let (Some(verb), Some(resource), Some(count)) = (label(",verb"), label(",resource"), count)
                && VERBS.contains(&verb)
            {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it counts")]
                let count = count as u64;
                *counts.entry(resource.to_owned()).or_default() += count;
            }
        }
        Self(counts)
    }

    /// Those since an earlier count.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let since = self.0.iter().map(|(resource, count)| {
            let before = earlier.0.get(resource).copied().unwrap_or_default();
            (resource.clone(), count - before)
        });
        Self(since.collect())
    }

    /// Of what the operator writes, its lease aside.
    pub(crate) fn of_operator(&self) -> u64 {
        OPERATORS.iter().filter_map(|resource| self.0.get(*resource)).sum()
    }

    /// Of leases, of which the API server keeps one for itself.
    pub(crate) fn of_leases(&self) -> u64 {
        self.0.get("leases").copied().unwrap_or_default()
    }

    /// Waits until the operator has written nothing for a while.
    pub(crate) async fn settle(client: &Client) {
        eventually("the writes to end", PATIENCE, async || {
            let before = Self::count(client).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            match Self::count(client).await.since(&before).of_operator() {
                0 => Ok(()),
                count => Err(format!("{count} in 3 s")),
            }
        })
        .await;
    }
}
