//! The part that watches the cluster, owns the registry, and alone writes. What it writes is decided by the judge and
//! the effects; here is only when, in what order, and what happens when it fails.
//!
//! One task owns the registry. It takes what the watches saw in batches, publishes an immutable [`Snapshot`](crate::registry::Snapshot) after
//! each, judges what a batch affects, and, while it leads, carries out the effects. Nothing polls: what changes by
//! time alone has a timer at the moment that its verdict names.

mod default_policy;
mod freshness;
mod lean;
mod lease;
mod look;
mod owner;
mod registrar;
mod reports;
mod shared;
#[cfg(test)]
mod tests;
mod watch;
mod work;
mod writer;

use std::num::NonZeroU32;

use kube::Client;

pub use default_policy::{DefaultPolicy, DefaultPolicyError};
pub use freshness::keep_fresh;
pub use lease::LEASE;
pub use look::{Look, list_all, look};
pub use registrar::Registration;
pub use shared::{Shared, Standing, WatchState, Write, Writes};

use crate::admission::Clock;
use crate::notify::Teller;
use crate::registry::SubjectKind;

/// Every kind that is watched.
pub const WATCHED: [SubjectKind; 7] = [
    SubjectKind::Filing,
    SubjectKind::Server,
    SubjectKind::Policy,
    SubjectKind::Namespace,
    SubjectKind::Class,
    SubjectKind::Node,
    SubjectKind::Route,
];

/// What the controller needs to know to run.
#[derive(Clone)]
pub struct Settings {
    /// The cluster.
    pub client: Client,
    /// The operator's own namespace: its lease lives there, and filings there count where a policy does not say whose.
    pub namespace: String,
    /// Who this replica is, in the lease and in Events.
    pub identity: String,
    /// The policy to keep as the FilingPolicy `default`, if any.
    pub default_policy: Option<DefaultPolicy>,
    /// Whether what fails is written as Reports of OpenReports, where their definition is installed.
    pub open_reports: bool,
    /// How many writes go to the API server in a second, the lease's and the default policy's aside.
    pub writes_per_second: NonZeroU32,
    /// How the API server is told of the webhook.
    pub registration: Registration,
    /// The time.
    pub clock: Clock,
    /// Tells people of each Event that is created.
    pub teller: Teller,
}

pub use owner::{Ended, run};
