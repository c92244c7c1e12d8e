//! What the controller lets others see: the snapshot, how its watches are, and how the routes stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use tokio::sync::watch;

use super::WATCHED;
use crate::api::Colour;
use crate::effects::{Effect, Tally};
use crate::registry::{Snapshot, SubjectKind};
use crate::rules::Severity;

/// Shared between the controller, admission and telemetry.
#[derive(Debug)]
pub struct Shared {
    /// The facts; none until every watch has listed once.
    pub snapshot: Arc<ArcSwapOption<Snapshot>>,
    /// How the routes stand.
    pub standing: ArcSwap<Standing>,
    /// Whether this replica leads.
    pub is_leader: AtomicBool,
    /// The writes to the cluster that have been tried.
    pub writes: Writes,
    /// How many objects wait to be written about, or are being written about.
    pub waiting_writes: AtomicUsize,
    /// How often the API server was asked for what is new, and the facts were made to hold it.
    pub looks: AtomicU64,
    /// How often it was asked, and that could not be told.
    pub failed_looks: AtomicU64,
    /// Sent to whenever there is another snapshot, or another leader.
    pub(super) news: watch::Sender<()>,
    watches: Vec<(SubjectKind, WatchState)>,
}

/// What of the operator's is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// An Event.
    Event,
    /// A route's annotations.
    Annotations,
    /// A route, into quarantine or out of it.
    Quarantine,
    /// A status.
    Status,
    /// The FilingPolicy `default`.
    Policy,
    /// A Report of OpenReports.
    Report,
    /// Any of the first four, where it can't be told which.
    Unknown,
}

impl Write {
    /// All of them, in order.
    const ALL: [Self; 7] = [
        Self::Event,
        Self::Annotations,
        Self::Quarantine,
        Self::Status,
        Self::Policy,
        Self::Report,
        Self::Unknown,
    ];

    /// What an effect writes.
    pub(super) fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Event(_) => Self::Event,
            Effect::Annotate(_) => Self::Annotations,
            Effect::Block { .. } | Effect::LetGo { .. } => Self::Quarantine,
            Effect::DeclarationStatus(_) | Effect::PolicyStatus(_) => Self::Status,
        }
    }

    /// Its name as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Annotations => "annotations",
            Self::Quarantine => "quarantine",
            Self::Status => "status",
            Self::Policy => "policy",
            Self::Report => "report",
            Self::Unknown => "unknown",
        }
    }
}

/// How many writes were done, and how many have failed.
#[derive(Debug, Default)]
pub struct Writes([(AtomicU64, AtomicU64); Write::ALL.len()]);

impl Writes {
    /// How many of each were done, and how many have failed.
    pub fn counts(&self) -> impl Iterator<Item = (Write, u64, u64)> {
        let counts = Write::ALL.into_iter().zip(&self.0);
        counts.map(|(write, (done, failed))| (write, done.load(Ordering::Relaxed), failed.load(Ordering::Relaxed)))
    }

    pub(super) fn done(&self, write: Write) {
        if let Some((done, _)) = self.0.get(write as usize) {
            done.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self, write: Write) {
        if let Some((_, failed)) = self.0.get(write as usize) {
            failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How a watch is.
#[derive(Debug, Default)]
pub struct WatchState {
    has_listed: AtomicBool,
    last_seen: AtomicI64,
    failures: AtomicU64,
    reached: watch::Sender<Reached>,
}

/// How far the published facts go in one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// The newest resource version of an object of the kind, or of its deletion, that is known. All before it are too.
    pub(super) version: u64,
    /// How many objects of the kind are known.
    pub(super) known: usize,
}

/// How the running routes stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Routes by policy and outcome.
    pub policies: BTreeMap<Arc<str>, Tally>,
    /// Routes on which something is enforced, by policy and how that stands.
    pub enforced: BTreeMap<(Arc<str>, &'static str), u32>,
    /// Findings on hosts of running routes, those on exempt ones aside, by rule and severity.
    pub findings: BTreeMap<(&'static str, Severity), u32>,
    /// Violations among them by namespace and rule.
    pub violations: Arc<BTreeMap<(Arc<str>, &'static str), u32>>,
    /// Filings by their light.
    pub filings: BTreeMap<Colour, u32>,
    /// AccessServers by their light.
    pub servers: BTreeMap<Colour, u32>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            snapshot: Arc::default(),
            standing: ArcSwap::default(),
            is_leader: AtomicBool::new(false),
            writes: Writes::default(),
            waiting_writes: AtomicUsize::new(0),
            looks: AtomicU64::new(0),
            failed_looks: AtomicU64::new(0),
            news: watch::Sender::new(()),
            watches: WATCHED.into_iter().map(|kind| (kind, WatchState::default())).collect(),
        }
    }
}

impl Shared {
    /// The watches, each with its kind.
    pub fn watches(&self) -> impl Iterator<Item = (SubjectKind, &WatchState)> {
        self.watches.iter().map(|(kind, state)| (*kind, state))
    }

    /// Whether every watch has listed once and a snapshot is published.
    pub fn is_synced(&self) -> bool {
        self.snapshot.load().is_some()
    }

    pub(super) fn watch(&self, kind: SubjectKind) -> Option<&WatchState> {
        self.watches
            .iter()
            .find(|(watched, _)| *watched == kind)
            .map(|(_, state)| state)
    }
}

impl WatchState {
    /// Whether it has listed everything once.
    pub fn has_listed(&self) -> bool {
        self.has_listed.load(Ordering::Relaxed)
    }

    /// When the API server last sent anything on it; it sends a bookmark once a minute where nothing changes.
    pub fn last_seen(&self) -> Option<Timestamp> {
        let second = self.last_seen.load(Ordering::Relaxed);
        (second > 0).then(|| Timestamp::from_second(second).ok()).flatten()
    }

    /// How often it has failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn reached(&self) -> Reached {
        *self.reached.borrow()
    }

    pub(super) fn reach(&self, reached: Reached) {
        self.reached
            .send_if_modified(|before| std::mem::replace(before, reached) != reached);
    }

    /// Waits until the published facts go so far.
    pub(super) async fn until(&self, is_enough: impl FnMut(&Reached) -> bool) {
        // An error means that the sender is gone, and it lives as long as this.
        drop(self.reached.subscribe().wait_for(is_enough).await);
    }

    pub(crate) fn saw(&self, now: Timestamp) {
        self.last_seen.store(now.as_second(), Ordering::Relaxed);
    }

    pub(super) fn listed(&self) {
        self.has_listed.store(true, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}
