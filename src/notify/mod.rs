//! Notices to people: what the operator has told the cluster in Events, told where people read it too, in DingTalk,
//! Feishu or WeCom or whatever takes CloudEvents; and once a day a digest.
//!
//! The writer hands over each Event that it has really created ([`Teller::tell`]), without ever waiting for anyone. What
//! is said, in which form and when is decided by pure files (`gathered`, `digest`, `words`, `document`, `format`, `quiet`,
//! `answer`); `outbox` and `sender` carry it out. Nothing here judges anything, and nothing is read from the network but
//! whether a message has arrived.

mod answer;
mod channel;
mod daily;
mod digest;
mod document;
#[cfg(test)]
mod fixture;
mod format;
mod gathered;
mod metrics;
mod outbox;
mod quiet;
mod secrets;
mod sender;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use kube::Client;
use tokio::task::JoinSet;
use tracing::warn;

pub use daily::daily;
pub use metrics::Metrics;
pub(crate) use sender::{WebClient, web_client};

use self::outbox::{Handed, Patience, Slot};
use self::secrets::{ReadError, Secrets};
use self::sender::{Sender, causes};
use crate::admission::Clock;
use crate::effects::Notice;

/// How long a try may take, to the last byte of the answer.
const TRY: Duration = Duration::from_secs(5);
/// How long what is left may take when the operator stops: a try, and a moment.
const DRAIN: Duration = Duration::from_secs(6);

/// To whom notices go.
#[derive(Clone)]
pub struct Settings {
    /// The cluster.
    pub client: Client,
    /// The operator's own namespace, where the Secrets are.
    pub namespace: String,
    /// The names of the Secrets, each a channel.
    pub channels: BTreeSet<String>,
    /// The time.
    pub clock: Clock,
}

/// Takes what is to be told. Without channels it takes and forgets.
#[derive(Clone, Default)]
pub struct Teller {
    slots: Arc<[Slot]>,
    secrets: Option<Secrets>,
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

impl Teller {
    /// Tells of a notice whose Event was created at a moment. It never waits: what a channel has no room for is counted.
    pub fn tell(&self, notice: &Notice, at: Timestamp) {
        if !self.is_silent() {
            self.hand(&Handed::Notice(Arc::new(notice.clone()), at));
        }
    }

    /// Whether there is nobody to tell.
    fn is_silent(&self) -> bool {
        self.slots.is_empty()
    }

    fn hand(&self, handed: &Handed) {
        for slot in self.slots.iter() {
            slot.hand(handed.clone());
        }
    }

    /// Whether any channel wants the digest; nothing where that can't be told now.
    async fn wants_digest(&self) -> Option<bool> {
        let mut is_known = true;
        for slot in self.slots.iter() {
            match self.secrets.as_ref()?.read(&slot.channel).await {
                Ok(channel) if channel.digest => return Some(true),
                Ok(_) | Err(ReadError::Missing | ReadError::Bad(_)) => {}
                Err(error @ ReadError::Api(_)) => {
                    warn!(
                        channel = slot.channel,
                        error = causes(&error),
                        "it can't be told whether the channel wants the digest"
                    );
                    is_known = false;
                }
            }
        }
        is_known.then_some(false)
    }
}

/// The channels at work.
#[derive(Debug)]
pub struct Outboxes(JoinSet<()>);

impl Outboxes {
    /// Waits until what was told is sent, for some seconds. Every [`Teller`] has to be dropped before: until then more may
    /// come.
    pub async fn drain(mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            warn!("notices were still under way when the time to stop was over");
        }
    }
}

/// Sets the channels to work. When `stop` resolves, nothing is waited for any more, and what is left is tried once.
pub fn open(
    settings: Settings,
    metrics: &Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (Teller, Outboxes) {
    let mut tasks = JoinSet::new();
    if settings.channels.is_empty() {
        return (Teller::default(), Outboxes(tasks));
    }
    let stop = stop.boxed().shared();
    let secrets = Secrets::new(settings.client, &settings.namespace);
    let sender = Sender::new(TRY);
    let mut slots = Vec::new();
    for name in settings.channels {
        let (slot, outbox) = outbox::open(
            name,
            secrets.clone(),
            sender.clone(),
            Arc::clone(&settings.clock),
            Patience::default(),
            metrics.clone(),
            stop.clone(),
        );
        slots.push(slot);
        tasks.spawn(outbox.run());
    }
    let teller = Teller {
        slots: slots.into(),
        secrets: Some(secrets),
    };
    (teller, Outboxes(tasks))
}
