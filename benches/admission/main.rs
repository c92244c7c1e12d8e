//! The webhook beside a floor: the same server with a handler that lets everything pass. What they take of each other is
//! what reading, judging and answering cost.
//!
//! `cargo bench --bench admission` runs the program with 10,000 and with 100,000 filings, which a stand-in for the API
//! server lists, and asks both by HTTPS as an API server does, in turns. `-- --smoke` is the same within seconds, and
//! `-- --cluster` asks both by way of a real API server. Only ratios within one run mean something.

#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark that can't go on has nothing to measure; what it measures, it prints"
)]

mod api;
mod cluster;
#[path = "../cluster/fill.rs"]
mod fill;
mod floor;
mod load;
mod reviews;
#[allow(dead_code, reason = "the harness of the tests has more than is needed here")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;

use load::{Calls, Connections, Round, median};
use reviews::Expected;
use support::cluster::Account;
use support::operator::{Operator, http_get};
use support::process::{Process, Usage, free_address};
use support::wait::eventually;

/// How long anything may take before it is given up.
const PATIENCE: Duration = Duration::from_mins(20);
/// How the bench tells itself to be the floor.
const FLOOR: &str = "floor";

#[derive(Parser)]
struct Args {
    /// How many filings there are, one run each
    #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
    filings: Vec<usize>,
    /// Over how many connections both are asked, one run each
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    connections: Vec<usize>,
    /// How many turns each of the two has
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// How many milliseconds a turn takes
    #[arg(long, default_value_t = 1000)]
    round: u64,
    /// How many creations go to a real API server, by each way
    #[arg(long, default_value_t = 3000)]
    creates: usize,
    /// Asks by way of a real API server
    #[arg(long)]
    cluster: bool,
    /// A small run, to see that it works
    #[arg(long)]
    smoke: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    fn read() -> Self {
        let args = Self::parse();
        if !args.smoke {
            return args;
        }
        Self {
            filings: vec![1_000],
            rounds: 3,
            round: 200,
            creates: 100,
            ..args
        }
    }
}

fn main() {
    let mut own = std::env::args().skip(1);
    if own.next().as_deref() == Some(FLOOR) {
        floor::run(&own.collect::<Vec<_>>());
        return;
    }
    let args = Args::read();
    // One thread asks, so that one processor is left for who is asked.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be started");
    if args.cluster {
        let filings = args.filings.first().copied().unwrap_or_default();
        runtime.block_on(cluster::measure(args.creates, filings));
    } else {
        runtime.block_on(measure(&args));
    }
}

/// What both serve with: a certificate and its key, in files.
pub(crate) struct Certificate {
    folder: TempDir,
    pub(crate) pem: String,
}

impl Certificate {
    fn make() -> Self {
        let folder = TempDir::with_prefix("filing-operator-bench-").expect("a temporary folder can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
        let pem = made.cert.pem();
        fs::write(folder.path().join("tls.crt"), &pem).expect("the folder can be written");
        fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("the folder can be written");
        Self { folder, pem }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments by which the program serves with it.
    pub(crate) fn args(&self) -> [String; 4] {
        let path = |name| self.file(name).display().to_string();
        [
            "--tls-cert".into(),
            path("tls.crt"),
            "--tls-key".into(),
            path("tls.key"),
        ]
    }
}

/// Starts the floor: this program once more.
pub(crate) async fn start_floor(certificate: &Certificate) -> (Process, SocketAddr) {
    let address = free_address();
    let [_, pem, _, key] = certificate.args();
    let process = Process::start(
        FLOOR,
        &std::env::current_exe().expect("it runs"),
        [FLOOR, &pem, &key, &address.to_string()],
        &certificate.file("floor.log"),
        None,
    );
    eventually("the floor to listen", PATIENCE, async || {
        let connected = tokio::net::TcpStream::connect(address).await;
        connected.map(drop).map_err(|error| error.to_string())
    })
    .await;
    (process, address)
}

/// Waits until the operator has seen everything. Whoever it asks runs in this thread, so that it must not be blocked.
async fn ready(operator: &Operator) {
    let address = operator.http();
    eventually("the operator to be ready", PATIENCE, async || {
        let asked = tokio::task::spawn_blocking(move || http_get(address, "operator", "/readyz"));
        match asked.await.expect("it does not panic") {
            Ok((200, _)) => Ok(()),
            Ok((status, body)) => Err(format!("/readyz answers {status}: {body}")),
            Err(error) => Err(format!("/readyz: {error}")),
        }
    })
    .await;
}

async fn measure(args: &Args) {
    let certificate = Certificate::make();
    let (floor, floor_address) = start_floor(&certificate).await;
    let mut rows = Vec::new();
    for &filings in &args.filings {
        let stand_in = api::serve(filings).await;
        let folder = TempDir::with_prefix("filing-operator-bench-").expect("a temporary folder can be made");
        let account = Account::without_tls(stand_in, folder.path());
        let tls = certificate.args();
        let mut more = vec!["--namespace", fill::HOME, "--watch-silence", "1h"];
        more.extend(tls.iter().map(String::as_str));
        let operator = Operator::launch(&account, &more);
        ready(&operator).await;
        let at_ready = operator.usage();
        progress(&format!("{filings} filings: ready with {} MiB", mib(at_ready.resident)));
        for &connections in &args.connections {
            for expected in [Expected::Allowed, Expected::Denied] {
                let calls = Calls::new(reviews::make(filings, expected));
                let mut at_floor = Connections::open(&certificate, floor_address, connections).await;
                let mut at_operator = Connections::open(&certificate, operator.webhook(), connections).await;
                let mut turns = Turns::default();
                for round in 0..=args.rounds {
                    let length = Duration::from_millis(args.round);
                    // Who goes first changes, and the first round only warms up.
                    let (low, high) = if round % 2 == 0 {
                        let low = turn(&mut at_floor, &calls, None, length, || floor.usage().expect("it runs")).await;
                        let high = turn(&mut at_operator, &calls, Some(expected), length, || operator.usage()).await;
                        (low, high)
                    } else {
                        let high = turn(&mut at_operator, &calls, Some(expected), length, || operator.usage()).await;
                        let low = turn(&mut at_floor, &calls, None, length, || floor.usage().expect("it runs")).await;
                        (low, high)
                    };
                    if round > 0 {
                        turns.floor.push(low);
                        turns.operator.push(high);
                    }
                }
                let row = Row {
                    filings,
                    connections,
                    expected,
                    body: calls.mean_length(),
                    floor: Figures::of(&turns.floor),
                    operator: Figures::of(&turns.operator),
                    resident: operator.usage().resident,
                };
                progress(&row.to_string());
                rows.push(row);
            }
        }
        let usage = operator.usage();
        println!(
            "memory: {filings} filings: {} MiB when ready, {} MiB at last, {} MiB at most, {} bytes for each",
            mib(at_ready.resident),
            mib(usage.resident),
            mib(usage.peak),
            usage.resident / filings as u64,
        );
    }
    print(&rows);
}

/// One turn of one of the two, with what it took of a processor.
async fn turn(
    connections: &mut Connections,
    calls: &Calls,
    expected: Option<Expected>,
    length: Duration,
    usage: impl Fn() -> Usage,
) -> Round {
    let before = usage().cpu;
    let mut round = connections
        .ask(calls, expected.unwrap_or(Expected::Allowed), length)
        .await;
    round.cpu = usage().cpu.saturating_sub(before);
    round
}

#[derive(Default)]
struct Turns {
    floor: Vec<Round>,
    operator: Vec<Round>,
}

/// The medians of some rounds.
struct Figures {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    /// On a processor, for each call of all rounds together: what the clock tells of it comes in steps of 10 ms.
    cpu: Duration,
}

impl Figures {
    fn of(rounds: &[Round]) -> Self {
        let calls: usize = rounds.iter().map(|round| round.calls).sum();
        let cpu: Duration = rounds.iter().map(|round| round.cpu).sum();
        Self {
            per_second: median(rounds.iter().map(Round::per_second)),
            p50: Duration::from_secs_f64(median(rounds.iter().map(|round| round.p50.as_secs_f64()))),
            p99: Duration::from_secs_f64(median(rounds.iter().map(|round| round.p99.as_secs_f64()))),
            cpu: cpu.div_f64(calls as f64),
        }
    }
}

struct Row {
    filings: usize,
    connections: usize,
    expected: Expected,
    body: usize,
    floor: Figures,
    operator: Figures,
    resident: u64,
}

impl Row {
    fn throughput(&self) -> f64 {
        self.operator.per_second / self.floor.per_second
    }

    fn p99(&self) -> f64 {
        self.operator.p99.as_secs_f64() / self.floor.p99.as_secs_f64()
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { floor, operator, .. } = self;
        let micros = |time: Duration| time.as_micros();
        write!(
            f,
            "{:>7} {:>4} {:<7} {:>6} | {:>6.0} {:>6.0} {:>5.2} | {:>5} {:>5} | {:>6} {:>6} {:>5.2} | {:>4} {:>4} | {:>4}",
            self.filings,
            self.connections,
            self.expected.as_str(),
            self.body,
            floor.per_second,
            operator.per_second,
            self.throughput(),
            micros(floor.p50),
            micros(operator.p50),
            micros(floor.p99),
            micros(operator.p99),
            self.p99(),
            micros(floor.cpu),
            micros(operator.cpu),
            mib(self.resident),
        )
    }
}

/// A table for people, and a line for programs: the worse of what was let through and what was denied, where there were
/// the most filings and connections.
fn print(rows: &[Row]) {
    println!();
    println!(
        "                             |     calls a second  |   p50, µs   |       p99, µs        | cpu, µs   | MiB"
    );
    println!("filings conn answer    bytes |  floor webhk ratio  | floor webhk |  floor  webhk  ratio | flr  whk  |");
    for row in rows {
        println!("{row}");
    }
    let most = rows
        .iter()
        .map(|row| (row.filings, row.connections))
        .max()
        .expect("there are rows");
    let last: Vec<_> = rows
        .iter()
        .filter(|row| (row.filings, row.connections) == most)
        .collect();
    let throughput = last.iter().map(|row| row.throughput()).fold(f64::INFINITY, f64::min);
    let p99 = last.iter().map(|row| row.p99()).fold(0.0, f64::max);
    let resident = last.iter().map(|row| row.resident).max().unwrap_or_default();
    let (filings, connections) = most;
    println!(
        "\nratio throughput={throughput:.2} p99={p99:.2} filings={filings} connections={connections} rss_mib={}",
        mib(resident)
    );
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

pub(crate) fn progress(text: &str) {
    eprintln!("admission: {text}");
}
