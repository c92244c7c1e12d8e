//! A certificate of an authority of the operator's own. The replicas share the authority in a Secret, which whoever finds
//! something due replaces in the version that was read; the certificate is each replica's own, and its key in memory alone.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use rustls::pki_types::CertificateDer;
use tracing::{debug, info};

use super::{Followed, KeepError, Look};
use crate::admission::authority::end_of;
use crate::admission::certificate::{CertificateError, Pair};
use crate::admission::follow::Live;
use crate::admission::registration::{Heard, Trust};
use crate::admission::rotation::{Kept, Lifetimes, Step, has_settled, later, renewal};
use crate::admission::secret::{parse, to_secret};

pub(super) struct Own {
    secret: Followed,
    names: Vec<String>,
    lifetimes: Lifetimes,
    trust: Arc<Trust>,
    heard: Heard,
    /// The authorities as they were last read.
    kept: Option<Kept>,
    leaf: Option<Leaf>,
}

/// What is served with.
struct Leaf {
    authority: CertificateDer<'static>,
    ends: Timestamp,
}

impl Own {
    pub(super) fn new(secret: Followed, names: Vec<String>, lifetimes: Lifetimes, trust: Arc<Trust>) -> Self {
        Self {
            secret,
            names,
            lifetimes,
            heard: trust.heard(),
            trust,
            kept: None,
            leaf: None,
        }
    }

    pub(super) async fn changed(&mut self) {
        tokio::select! {
            () = self.secret.changed() => {}
            () = self.heard.more() => {}
        }
    }

    pub(super) async fn look(&mut self, now: Timestamp) -> Look {
        let kept = self.keep(now).await;
        if let Some(kept) = &self.kept {
            self.trust.want(Some(kept.bundle()));
        }
        // Whatever is wrong with the Secret, what was known of it goes on.
        let signed = self.sign(now);
        let (pair, trouble) = match (signed, kept) {
            (Ok(pair), kept) => (pair, kept.err()),
            (Err(error), _) => (None, Some(error.into())),
        };
        Look {
            pair,
            trouble,
            authority_ends: self.kept.as_ref().map(|kept| kept.current.ends()),
            next: self.next(now),
        }
    }

    /// Reads the authorities, and does what is due with them. What it writes it reads again.
    async fn keep(&mut self, now: Timestamp) -> Result<(), KeepError> {
        let secret = match self.secret.seen() {
            Live::Unknown => return Ok(()),
            Live::Absent => return self.make(now).await,
            Live::There(secret) => secret,
        };
        let kept = parse(&secret).map_err(|error| KeepError::Foreign {
            secret: self.secret.shown.clone(),
            error,
        })?;
        let told_for = |authority: &crate::admission::Authority| self.trust.told_for(authority.certificate());
        let in_use = self.leaf.as_ref().filter(|leaf| leaf.ends > now);
        let due = kept.due(now, &self.lifetimes, told_for);
        let after = match due {
            Some(step) => Some(kept.after(step, now, &self.lifetimes)?),
            // The Secret was made anew by others, or put back as it once was.
            None => in_use.and_then(|leaf| kept.trusting(&leaf.authority)),
        };
        if due == Some(Step::BeginAnew) {
            // Nothing that is there can be used meanwhile.
            self.kept = None;
        } else {
            self.kept = Some(kept);
        }
        match after {
            Some(after) => self.replace(&secret, &after, due).await,
            None => Ok(()),
        }
    }

    /// Makes the Secret. Who deletes it asks for a new authority; what signs meanwhile goes on.
    async fn make(&mut self, now: Timestamp) -> Result<(), KeepError> {
        let made = match &self.kept {
            Some(kept) if kept.next.is_none() && kept.current.ends() > now => {
                kept.after(Step::Prepare, now, &self.lifetimes)?
            }
            Some(kept) if kept.current.ends() > now => kept.clone(),
            _ => Kept::new(now, &self.lifetimes)?,
        };
        let secret = to_secret(&self.secret.name, None, &made);
        match self.secret.api.create(&PostParams::default(), &secret).await {
            Ok(_) => {
                info!(secret = self.secret.shown, "a certificate authority was made");
                Ok(())
            }
            // Another replica was quicker; it is read when the watch tells of it.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn replace(&self, read: &Secret, kept: &Kept, step: Option<Step>) -> Result<(), KeepError> {
        let (name, secret) = (&self.secret.name, to_secret(&self.secret.name, Some(read), kept));
        match self.secret.api.replace(name, &PostParams::default(), &secret).await {
            Ok(_) => {
                info!(
                    secret = self.secret.shown,
                    ?step,
                    "the certificate authorities were changed"
                );
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                debug!(secret = self.secret.shown, ?step, "another replica was quicker");
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, source: kube::Error) -> KeepError {
        KeepError::Api {
            secret: self.secret.shown.clone(),
            source: Box::new(source),
        }
    }

    /// A new certificate, where one is due.
    fn sign(&mut self, now: Timestamp) -> Result<Option<Pair>, CertificateError> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let current = &kept.current;
        let is_due = match &self.leaf {
            Some(leaf) if leaf.ends > now => {
                if leaf.authority == *current.certificate() {
                    renewal(leaf.ends, self.lifetimes.leaf) <= now && leaf.ends < current.ends()
                } else {
                    // What the API server does not know of yet is not shown to it, while there is something else.
                    has_settled(self.trust.told_for(current.certificate()), self.lifetimes.settle)
                }
            }
            _ => current.ends() > now,
        };
        if !is_due {
            return Ok(None);
        }
        let pair = current.sign(&self.names, now, later(now, self.lifetimes.leaf))?;
        let ends = pair.chain.first().and_then(end_of).unwrap_or(now);
        self.leaf = Some(Leaf {
            authority: current.certificate().clone(),
            ends,
        });
        Ok(Some(pair))
    }

    /// When something is due by time alone.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let kept = self.kept.as_ref()?;
        let leaf = self.leaf.as_ref().map(|leaf| renewal(leaf.ends, self.lifetimes.leaf));
        let is_of_before = |leaf: &Leaf| leaf.authority != *kept.current.certificate();
        let waits = kept.next.is_some() || self.leaf.as_ref().is_some_and(is_of_before);
        let settled = waits.then(|| later(now, self.lifetimes.settle));
        let moments = [leaf, settled, Some(kept.next_moment(&self.lifetimes))];
        moments.into_iter().flatten().min()
    }
}
