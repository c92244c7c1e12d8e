//! Keeps the webhook's configuration as it should be: when policies change what becomes of calls that are not answered, when
//! the authority of its certificate changes, and when somebody else has changed either.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::shared::Shared;
use crate::admission::{FailurePolicy, Live, Trust, Wanted, follow, own_webhooks, register};

/// The shortest wait between two writes.
const PACE: Duration = Duration::from_secs(1);
/// The longest wait before the same is written once more. It doubles each time: whoever else keeps the object as he wants it
/// is not fought over it.
const LAST_WAIT: Duration = Duration::from_mins(10);

/// How the API server is told of the webhook.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// The ValidatingWebhookConfiguration, which somebody else has made or will make.
    pub configuration: String,
    /// Whom the API server is to trust.
    pub trust: Arc<Trust>,
    /// Whether the failurePolicy follows the policies, or is left as it is.
    pub follows_policies: bool,
}

pub(super) struct Registrar {
    registration: Registration,
    /// Reads whether or not this replica leads.
    reader: Client,
    /// Writes while it does.
    writer: Client,
    shared: Arc<Shared>,
    written: Option<Written>,
}

/// What was last written, or should have been.
struct Written {
    patch: Value,
    at: Instant,
    /// How long to wait before that is written once more.
    wait: Duration,
}

impl Registrar {
    pub(super) fn new(registration: Registration, reader: Client, writer: Client, shared: Arc<Shared>) -> Self {
        Self {
            registration,
            reader,
            writer,
            shared,
            written: None,
        }
    }

    /// Works until it is dropped.
    pub(super) async fn run(mut self) {
        let (to, live) = watch::channel(Live::Unknown);
        let api = Api::<ValidatingWebhookConfiguration>::all(self.reader.clone());
        let name = self.registration.configuration.clone();
        tokio::join!(follow(api, &name, &to), self.keep(live));
    }

    async fn keep(&mut self, mut live: watch::Receiver<Live<ValidatingWebhookConfiguration>>) {
        let mut news = self.shared.news.subscribe();
        let mut wanted = self.registration.trust.wanted();
        let mut is_missing = false;
        loop {
            let seen = live.borrow_and_update().clone();
            self.registration.trust.see(&seen);
            let trusted = wanted.borrow_and_update().clone();
            let again = match &seen {
                Live::There(seen) => self.mend(seen, trusted).await,
                Live::Unknown | Live::Absent => None,
            };
            self.miss(&seen, &mut is_missing);
            let retry = async {
                match again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // What these hear of outlives this.
            tokio::select! {
                _ = live.changed() => {}
                _ = news.changed() => {}
                _ = wanted.changed() => {}
                () = retry => {}
            }
        }
    }

    /// Says once that nobody asks.
    fn miss(&self, seen: &Live<ValidatingWebhookConfiguration>, is_missing: &mut bool) {
        let misses = match seen {
            Live::Unknown => return,
            Live::Absent => true,
            Live::There(seen) => own_webhooks(seen).next().is_none(),
        };
        if misses && !*is_missing {
            warn!(
                configuration = self.registration.configuration,
                "the API server does not call the webhook: its configuration is missing"
            );
        }
        *is_missing = misses;
    }

    /// Writes what is not as it should be, while this replica leads. Gives the moment to look again, if it is not then.
    async fn mend(&mut self, live: &ValidatingWebhookConfiguration, trusted: Option<Arc<str>>) -> Option<Instant> {
        if !self.shared.is_leader.load(Ordering::Relaxed) {
            self.written = None;
            return None;
        }
        let facts = self.shared.snapshot.load_full();
        let follows = facts.as_deref().filter(|_| self.registration.follows_policies);
        let wanted = Wanted {
            ca_bundle: trusted,
            failure_policy: follows.map(FailurePolicy::of),
        };
        let patch = wanted.patch(live)?;
        let now = Instant::now();
        let wait = match &self.written {
            Some(written) => {
                let is_same = written.patch == patch;
                let due = written.at + if is_same { written.wait } else { PACE };
                if now < due {
                    return Some(due);
                }
                // After a long rest it is no fight.
                let goes_on = is_same && now - written.at < 2 * LAST_WAIT;
                if goes_on {
                    (2 * written.wait).min(LAST_WAIT)
                } else {
                    PACE
                }
            }
            None => PACE,
        };
        let configuration = &self.registration.configuration;
        match register(self.writer.clone(), configuration, &patch).await {
            Ok(()) => {
                let failure_policy = wanted.failure_policy.map(FailurePolicy::as_str);
                info!(configuration, failure_policy, "the webhook's configuration was written");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                warn!(%error, cause, "the webhook's configuration could not be written");
            }
        }
        self.written = Some(Written { patch, at: now, wait });
        // If all is well the watch has told of it by then.
        Some(now + wait)
    }
}
