//! Which replica leads.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::api::keys::managers;

/// The name of the lease.
const LEASE: &str = "filing-operator";
/// Seconds that a lease holds without being renewed.
const DURATION: u64 = 15;
/// Seconds before its end at which it is renewed.
const GRACE: u64 = 5;
/// How long giving it up may take.
const RELEASE: Duration = Duration::from_secs(3);

/// The lease could not be taken part in.
#[derive(Debug, thiserror::Error)]
#[error("taking part in the election over lease {namespace}/{LEASE}")]
pub struct LeaseError {
    namespace: String,
    source: LeaseManagerError,
}

/// A share in the election.
pub(super) struct Lease {
    leads: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl Lease {
    pub(super) async fn join(client: Client, namespace: &str, identity: &str) -> Result<Self, LeaseError> {
        let manager = LeaseManagerBuilder::new(client, LEASE)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(DURATION)
            .with_grace(GRACE)
            .with_field_manager(managers::LEASE)
            .build()
            .await
            .map_err(|source| LeaseError {
                namespace: namespace.to_owned(),
                source,
            })?;
        let (leads, task) = manager.watch().await;
        Ok(Self { leads, task })
    }

    /// Waits until this replica begins or ceases to lead, and says which. None: the election has ended by itself, and
    /// without it nobody may write.
    pub(super) async fn changed(&mut self) -> Option<bool> {
        if self.leads.changed().await.is_err() {
            warn!("the election has ended by itself");
            return None;
        }
        Some(*self.leads.borrow_and_update())
    }

    /// Gives the lease up, so that another replica need not wait for its end.
    pub(super) async fn give_up(self) {
        let Self { leads, task } = self;
        drop(leads);
        if tokio::time::timeout(RELEASE, task).await.is_err() {
            warn!("the lease could not be given up in time; it ends by itself");
        }
    }
}
