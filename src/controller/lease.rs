//! Which replica leads.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::api::keys::managers;

/// The name of the lease, in the operator's own namespace.
pub const LEASE: &str = "filing-operator";
/// Seconds that a lease holds without being renewed.
const DURATION: u64 = 15;
/// Seconds before its end at which it is renewed.
const GRACE: u64 = 5;
/// How long giving it up may take.
const RELEASE: Duration = Duration::from_secs(3);

/// Without a share in the election nobody may write.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// It could not be taken part in.
    #[error("taking part in the election over lease {namespace}/{LEASE}")]
    Join {
        /// The namespace of the lease.
        namespace: String,
        /// Why.
        source: LeaseManagerError,
    },
    /// It ended by itself.
    #[error("the election over lease {namespace}/{LEASE} has ended")]
    Ended {
        /// The namespace of the lease.
        namespace: String,
    },
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
            .map_err(|source| LeaseError::Join {
                namespace: namespace.to_owned(),
                source,
            })?;
        let (leads, task) = manager.watch().await;
        Ok(Self { leads, task })
    }

    /// Waits until this replica begins or ceases to lead, and says which; nothing when the election has ended.
    pub(super) async fn changed(&mut self) -> Option<bool> {
        self.leads.changed().await.ok()?;
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
