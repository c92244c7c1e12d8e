//! How the webhook asks whether its view is current, before it denies what a newer view might allow.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How many denials may wait for an answer.
const WAITING: usize = 1024;
/// How long a denial may wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks whoever watches the cluster to make sure that the view is current.
#[derive(Clone, Debug)]
pub struct Freshness {
    to: mpsc::Sender<Question>,
}

/// One who wants to know that the facts hold all that was so when he asked.
pub type Question = oneshot::Sender<Result<(), Unsure>>;

/// Why it is not sure that the view is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsure {
    /// It took too long.
    #[error("the operator could not make sure within 2 s that it knows the newest filings; try again")]
    Late,
    /// The API server could not be asked.
    #[error("the operator could not ask the API server whether it knows the newest filings; try again")]
    Failed,
    /// Too many wait already.
    #[error("more denials than there is room for wait for the newest filings; try again in a second")]
    Crowded,
}

impl Unsure {
    /// A stable word for its kind.
    pub fn category(self) -> &'static str {
        match self {
            Self::Late => "view_late",
            Self::Failed => "view_unknown",
            Self::Crowded => "overloaded",
        }
    }
}

impl Freshness {
    /// One that asks, and what it asks, to be answered in any order.
    pub fn new() -> (Self, mpsc::Receiver<Question>) {
        let (to, from) = mpsc::channel(WAITING);
        (Self { to }, from)
    }

    /// Waits until the facts hold all that was so when this was called, for 2 s at most.
    ///
    /// # Errors
    /// Where that is not sure.
    pub async fn make_sure(&self) -> Result<(), Unsure> {
        let (answer, answered) = oneshot::channel();
        self.to.try_send(answer).map_err(|_| Unsure::Crowded)?;
        match timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unsure::Failed),
            Err(_) => Err(Unsure::Late),
        }
    }
}
