//! Keeps what the webhook serves with current, wherever it comes from, and who may call it.
//!
//! Nothing sleeps for long: the clock is looked at again and again, so that a machine that was suspended, or whose clock was
//! set, finds what is due.

mod given;
mod own;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use super::certificate::{CertificateError, Pair, Serving, read};
use super::clients::Clients;
use super::follow::{Live, follow};
use super::registration::Trust;
use super::rotation::Lifetimes;
use super::server::Clock;
use given::{Files, Given};
use own::Own;

/// The longest time between two looks.
const LOOK: Duration = Duration::from_secs(10);
/// The shortest, where nothing has changed: what is due and can't be done is not tried without a pause.
const PACE: Duration = Duration::from_secs(1);

/// Where the webhook's certificate comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Two PEM files, which somebody else keeps.
    Files {
        /// The certificate, with its chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// A Secret that somebody else keeps, as cert-manager does. It is only read.
    Secret {
        /// Its name, in the operator's own namespace.
        name: String,
        /// How long the API server is told of an authority before what that has signed is served.
        settle: SignedDuration,
    },
    /// An authority of the operator's own, which the replicas share in a Secret, and which signs for each.
    Own {
        /// The Secret, in the operator's own namespace.
        name: String,
        /// The names and addresses under which the API server reaches the webhook.
        names: Vec<String>,
        /// How long things last.
        lifetimes: Lifetimes,
    },
}

/// Who may call the webhook.
#[derive(Clone, Debug)]
pub struct ClientFile {
    /// A PEM file with the authorities of their certificates.
    pub authorities: PathBuf,
    /// Their names.
    pub names: Vec<String>,
}

/// Why there is nothing to serve with, or nothing new.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The API server said no.
    #[error("secret {secret} can't be written")]
    Api {
        /// Its namespace and name.
        secret: String,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// The Secret is not there, or can't be served with.
    #[error("secret {secret} can't be used: {error}; it is read again when it changes")]
    Unusable {
        /// Its namespace and name.
        secret: String,
        /// What is wrong with it.
        error: String,
    },
    /// The Secret of the authorities holds something else. It is somebody's, so it stays as it is.
    #[error(
        "secret {secret} can't be used: {error}; delete it, and a new one is made, or name another with --tls-secret, or \
         have what is in it served with --tls-mode secret"
    )]
    Foreign {
        /// Its namespace and name.
        secret: String,
        /// What is wrong with it.
        error: String,
    },
    /// No certificate that can be served with.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl KeepError {
    /// Whether only a person can mend it, who is told soonest by an end.
    fn ends_a_start(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Certificate(_))
    }
}

/// Keeps what the webhook serves with.
pub struct Keeper {
    /// Where that comes from.
    pub source: Source,
    /// Who may call; none: everyone.
    pub clients: Option<ClientFile>,
    /// The cluster.
    pub client: Client,
    /// The operator's own namespace.
    pub namespace: String,
    /// What the API server is to trust, and was told.
    pub trust: Arc<Trust>,
    /// The real time, by which the API server looks at certificates.
    pub clock: Clock,
}

/// What is kept current.
#[derive(Debug)]
pub struct Current {
    /// What to serve new connections with.
    pub serving: Serving,
    /// When the authority that signed it ends, where that is the operator's own.
    pub authority_ends: Option<Timestamp>,
}

/// What a look has found.
#[derive(Debug, Default)]
struct Look {
    /// A certificate to serve with in place of the last.
    pair: Option<Pair>,
    /// When the authority ends that has signed it.
    authority_ends: Option<Timestamp>,
    /// When the next look is due at the latest.
    next: Option<Timestamp>,
    /// What went wrong. All else goes on as it was.
    trouble: Option<KeepError>,
}

enum At {
    Files(Files),
    Secret(Box<Given>),
    Own(Box<Own>),
}

impl Keeper {
    /// Tells what to serve with, at first and whenever that changes.
    ///
    /// # Errors
    /// Where there is nothing to begin with, and waiting would not help.
    pub async fn run(self, publish: impl Fn(Current)) -> Result<Infallible, KeepError> {
        let mut at = self.at();
        let mut clients = self.clients.map(|file| Allowed { file, read: None });
        let mut pair: Option<Pair> = None;
        let mut trouble = String::new();
        loop {
            let now = (self.clock)();
            let mut look = at.look(now).await;
            let mut is_new = look.pair.is_some();
            pair = look.pair.or(pair);
            if let Some(clients) = &mut clients {
                match clients.look() {
                    Ok(has_changed) => is_new |= has_changed,
                    Err(error) => look.trouble = look.trouble.or(Some(error.into())),
                }
            }
            let may_call = clients.as_ref().map(|clients| clients.read.as_ref());
            let may_call = may_call.map(|read| read.map(|(_, clients)| clients));
            // Nobody is let in before it is known who may be.
            let serves = pair.as_ref().filter(|_| !matches!(may_call, Some(None)));
            match look.trouble {
                Some(error) if serves.is_none() && error.ends_a_start() => return Err(error),
                Some(error) => tell(&error, &mut trouble),
                None => trouble.clear(),
            }
            if let Some(pair) = serves.filter(|_| is_new) {
                let serving = Serving::new(pair.clone(), may_call.flatten()).map_err(CertificateError::Tls)?;
                info!(
                    ends = serving.ends.map(tracing::field::display),
                    "the webhook's certificate is new"
                );
                publish(Current {
                    serving,
                    authority_ends: look.authority_ends,
                });
            }
            let wait = look.next.map_or(LOOK, |next| until(now, next).clamp(PACE, LOOK));
            tokio::select! {
                () = at.changed() => {}
                () = sleep(wait) => {}
            }
        }
    }

    fn at(&self) -> At {
        let follow = |name: &str| Followed::new(self.client.clone(), &self.namespace, name);
        match &self.source {
            Source::Files { certificate, key } => At::Files(Files::new(certificate, key)),
            Source::Secret { name, settle } => {
                At::Secret(Box::new(Given::new(follow(name), *settle, Arc::clone(&self.trust))))
            }
            Source::Own { name, names, lifetimes } => At::Own(Box::new(Own::new(
                follow(name),
                names.clone(),
                *lifetimes,
                Arc::clone(&self.trust),
            ))),
        }
    }
}

impl At {
    async fn look(&mut self, now: Timestamp) -> Look {
        match self {
            Self::Files(files) => files.look(),
            Self::Secret(given) => given.look(now),
            Self::Own(own) => own.look(now).await,
        }
    }

    /// Waits for what need not be looked for.
    async fn changed(&mut self) {
        match self {
            Self::Files(_) => std::future::pending().await,
            Self::Secret(given) => given.changed().await,
            Self::Own(own) => own.changed().await,
        }
    }
}

/// Says what is wrong, once.
fn tell(error: &KeepError, last: &mut String) {
    let said = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    if *last != said {
        warn!(error = said, "the webhook's certificate can't be kept current");
        *last = said;
    }
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now).max(SignedDuration::ZERO)).unwrap_or_default()
}

/// Who may call, as far as that was read.
struct Allowed {
    file: ClientFile,
    read: Option<(Vec<u8>, Clients)>,
}

impl Allowed {
    /// Reads the file again, and says whether it holds something new.
    fn look(&mut self) -> Result<bool, CertificateError> {
        let found = read(&self.file.authorities)?;
        if self.read.as_ref().is_some_and(|(known, _)| *known == found) {
            return Ok(false);
        }
        let place = self.file.authorities.display().to_string();
        let clients = Clients::new(&place, &found, self.file.names.clone())?;
        self.read = Some((found, clients));
        Ok(true)
    }
}

/// A Secret that is followed.
struct Followed {
    api: Api<Secret>,
    name: String,
    /// Its namespace and name, for people.
    shown: String,
    live: watch::Receiver<Live<Secret>>,
    /// Ends with this.
    _following: JoinSet<()>,
}

impl Followed {
    fn new(client: Client, namespace: &str, name: &str) -> Self {
        let api = Api::namespaced(client, namespace);
        let (to, live) = watch::channel(Live::Unknown);
        let mut following = JoinSet::new();
        following.spawn({
            let (api, name) = (api.clone(), name.to_owned());
            async move { follow(api, &name, &to).await }
        });
        Self {
            api,
            name: name.to_owned(),
            shown: format!("{namespace}/{name}"),
            live,
            _following: following,
        }
    }

    fn seen(&mut self) -> Live<Secret> {
        self.live.borrow_and_update().clone()
    }

    async fn changed(&mut self) {
        if self.live.changed().await.is_err() {
            // Whoever follows has panicked; what is there is served on.
            std::future::pending::<()>().await;
        }
    }
}
