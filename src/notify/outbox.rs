//! The way of notices to one channel: gathered, kept through quiet hours, and sent, again and again for a while.
//!
//! Each channel has an outbox and a task of its own, so that one that hangs holds up no other. While a message is
//! tried again, what comes waits in a bounded queue, and makes the next message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::answer::{Verdict, verdict};
use super::channel::Channel;
use super::digest::Digest;
use super::document::Document;
use super::format::{Envelope, outgoing};
use super::gathered::Gathered;
use super::metrics::{Became, Metrics};
use super::secrets::{ReadError, Secrets};
use super::sender::{Sender, causes};
use super::words;
use crate::admission::Clock;
use crate::effects::Notice;

/// How many notices may wait for a channel.
pub(super) const QUEUE: usize = 1024;

/// How patient an outbox is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// A message is sent once nothing more has come for so long.
    pub(super) pause: Duration,
    /// Nothing waits longer for what may still come.
    pub(super) gather: Duration,
    /// The wait before the second try; each further one is four times as long.
    pub(super) first_wait: Duration,
    /// The longest such wait.
    pub(super) last_wait: Duration,
    /// How often a message is tried.
    pub(super) tries: usize,
    /// The longest time between two looks at the clock, so that a clock that was set is noticed.
    pub(super) look: Duration,
}

impl Default for Patience {
    /// Seven tries within eleven minutes: DingTalk silences a robot that was too quick for ten.
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(10),
            gather: Duration::from_mins(1),
            first_wait: Duration::from_secs(1),
            last_wait: Duration::from_mins(5),
            tries: 7,
            look: Duration::from_mins(1),
        }
    }
}

/// What is handed to an outbox.
#[derive(Clone, Debug)]
pub(super) enum Handed {
    Notice(Arc<Notice>, Timestamp),
    Digest(Arc<Digest>),
}

/// The end of an outbox that others hold.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) channel: String,
    to: mpsc::Sender<Handed>,
    is_full: AtomicBool,
    metrics: Metrics,
}

impl Slot {
    /// Hands something over, or drops and counts it where there is no room. Never waits.
    pub(super) fn hand(&self, handed: Handed) {
        match self.to.try_send(handed) {
            Ok(()) => self.is_full.store(false, Ordering::Relaxed),
            Err(TrySendError::Full(_)) => {
                self.metrics.count(&self.channel, Became::Dropped, 1);
                if !self.is_full.swap(true, Ordering::Relaxed) {
                    warn!(
                        channel = self.channel,
                        "notices are dropped: too many wait for the channel"
                    );
                }
            }
            Err(TrySendError::Closed(_)) => self.metrics.count(&self.channel, Became::Dropped, 1),
        }
    }
}

/// The way to one channel.
pub(super) struct Outbox {
    name: String,
    secrets: Secrets,
    sender: Sender,
    clock: Clock,
    patience: Patience,
    metrics: Metrics,
    inbox: mpsc::Receiver<Handed>,
    stop: Shared<BoxFuture<'static, ()>>,
    sent: u64,
}

/// What waits to be sent.
#[derive(Default)]
struct Waiting {
    gathered: Gathered,
    digest: Option<Arc<Digest>>,
}

/// What becomes of a message for now.
enum Delivery {
    /// It is dealt with, one way or the other.
    Over,
    /// It is kept until then.
    Kept(Timestamp),
}

/// A message, before it is known how the channel wants it.
#[derive(Clone, Copy)]
enum Message<'a> {
    Notices(&'a Gathered),
    Digest(&'a Digest),
}

impl Message<'_> {
    /// What a channel is told, and how many notices that are; nothing where it wants none of them.
    fn document(self, channel: &Channel) -> Option<(Document, u32)> {
        let cluster = channel.cluster.as_deref();
        match self {
            Self::Notices(gathered) => {
                let taken = gathered.taken(channel.takes_normal);
                let count = taken.count();
                (count > 0).then(|| (words::notices(&taken, channel.lang, cluster), count))
            }
            Self::Digest(digest) => channel
                .digest
                .then(|| (words::digest(digest, channel.lang, cluster), 1)),
        }
    }

    fn count(self) -> u32 {
        match self {
            Self::Notices(gathered) => gathered.count(),
            Self::Digest(_) => 1,
        }
    }
}

/// An outbox, and the end that others hold. It ends when that is dropped.
pub(super) fn open(
    name: String,
    secrets: Secrets,
    sender: Sender,
    clock: Clock,
    patience: Patience,
    metrics: Metrics,
    stop: Shared<BoxFuture<'static, ()>>,
) -> (Slot, Outbox) {
    let (to, inbox) = mpsc::channel(QUEUE);
    metrics.begin(&name);
    let slot = Slot {
        channel: name.clone(),
        to,
        is_full: AtomicBool::new(false),
        metrics: metrics.clone(),
    };
    let outbox = Outbox {
        name,
        secrets,
        sender,
        clock,
        patience,
        metrics,
        inbox,
        stop,
        sent: 0,
    };
    (slot, outbox)
}

impl Outbox {
    /// Works until nobody can hand anything over any more, and what was handed over has been tried.
    pub(super) async fn run(mut self) {
        self.look_over().await;
        while let Some(first) = self.inbox.recv().await {
            let mut waiting = Waiting::default();
            waiting.take(first);
            self.pass_on(waiting).await;
        }
    }

    /// Says at once what is wrong with a channel, and not when the first notice is lost.
    async fn look_over(&self) {
        match self.secrets.read(&self.name).await {
            Ok(channel) => info!(channel = self.name, kind = ?channel.kind, "the channel can be used"),
            Err(error) => warn!(
                channel = self.name,
                error = causes(&error),
                "the channel can't be used as it is"
            ),
        }
    }

    /// Gathers what belongs to a message, and sends it when the channel lets it.
    async fn pass_on(&mut self, mut waiting: Waiting) {
        let mut kept = None;
        loop {
            let is_open = self.gather(&mut waiting, kept).await;
            match self.flush(&mut waiting).await {
                Delivery::Over => return,
                Delivery::Kept(until) => {
                    if kept != Some(until) {
                        info!(channel = self.name, %until, "notices are kept until the quiet hours are over");
                    }
                    kept = Some(until);
                }
            }
            if !is_open {
                return;
            }
        }
    }

    /// Takes what comes until nothing has come for a while, or nothing can come any more: then it says no. What is kept
    /// waits for its time; but whatever comes meanwhile gives it another chance, for the channel may be another by then.
    async fn gather(&mut self, waiting: &mut Waiting, kept: Option<Timestamp>) -> bool {
        if let Some(until) = kept {
            loop {
                let left = until.duration_since((self.clock)()).max(SignedDuration::ZERO);
                let left = Duration::try_from(left).unwrap_or_default();
                match timeout(left.min(self.patience.look), self.inbox.recv()).await {
                    Ok(Some(handed)) => {
                        waiting.take(handed);
                        break;
                    }
                    Ok(None) => return false,
                    Err(_) if until <= (self.clock)() => return true,
                    Err(_) => {}
                }
            }
        }
        let began = Instant::now();
        loop {
            let left = self.patience.gather.saturating_sub(began.elapsed());
            match timeout(left.min(self.patience.pause), self.inbox.recv()).await {
                Ok(Some(handed)) => waiting.take(handed),
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    async fn flush(&mut self, waiting: &mut Waiting) -> Delivery {
        if waiting.gathered.count() > 0 {
            match self.deliver(Message::Notices(&waiting.gathered)).await {
                Delivery::Over => waiting.gathered = Gathered::default(),
                kept @ Delivery::Kept(_) => return kept,
            }
        }
        if let Some(digest) = &waiting.digest {
            match self.deliver(Message::Digest(digest)).await {
                Delivery::Over => waiting.digest = None,
                kept @ Delivery::Kept(_) => return kept,
            }
        }
        Delivery::Over
    }

    /// Sends a message, and tries again as long as there is hope. The Secret is read for each try: whoever mends it
    /// need not wait for the next message. On the way out there is one try more, quiet hours or not.
    async fn deliver(&mut self, message: Message<'_>) -> Delivery {
        self.sent = self.sent.wrapping_add(1);
        let id = format!("{}-{}-{}", self.name, (self.clock)().as_millisecond(), self.sent);
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(self.patience.first_wait)
            .with_max_delay(self.patience.last_wait)
            .with_factor(4.0)
            .with_max_times(self.patience.tries.saturating_sub(1))
            .build();
        loop {
            let is_stopping = self.is_stopping();
            let (count, error, asked) = match self.attempt(message, &id, is_stopping).await {
                Attempt::Over => return Delivery::Over,
                Attempt::Kept(until) => return Delivery::Kept(until),
                Attempt::Again { count, error, asked } => (count, error, asked),
            };
            let Some(wait) = waits.next().filter(|_| !is_stopping) else {
                self.failed(count, &error);
                return Delivery::Over;
            };
            let wait = asked.map_or(wait, |asked| asked.clamp(wait, self.patience.last_wait.max(wait)));
            debug!(channel = self.name, error, again_in = ?wait, "notices could not be sent");
            tokio::select! {
                () = sleep(wait) => {}
                () = self.stop.clone() => {}
            }
        }
    }

    async fn attempt(&self, message: Message<'_>, id: &str, is_stopping: bool) -> Attempt {
        let channel = match self.secrets.read(&self.name).await {
            Ok(channel) => channel,
            Err(error @ ReadError::Api(_)) => {
                return Attempt::Again {
                    count: message.count(),
                    error: causes(&error),
                    asked: None,
                };
            }
            Err(error @ (ReadError::Missing | ReadError::Bad(_))) => {
                self.failed(message.count(), &causes(&error));
                return Attempt::Over;
            }
        };
        let now = (self.clock)();
        let Some((document, count)) = message.document(&channel) else {
            return Attempt::Over;
        };
        if let Some(until) = channel.quiet.and_then(|quiet| quiet.end(now)).filter(|_| !is_stopping) {
            return Attempt::Kept(until);
        }
        let namespace = self.secrets.namespace();
        let request = outgoing(&channel, document, Envelope { id, namespace }, now);
        let (judged, asked) = match self.sender.post(request).await {
            Ok(answered) => (verdict(channel.kind, answered.status, &answered.body), answered.wait),
            Err(error) => (error.into(), None),
        };
        match judged {
            Verdict::Sent => {
                self.metrics.count(&self.name, Became::Sent, count);
                info!(channel = self.name, notices = count, "notices were sent");
                Attempt::Over
            }
            Verdict::Refused(error) => {
                self.failed(count, &error);
                Attempt::Over
            }
            Verdict::Again(error) => Attempt::Again { count, error, asked },
        }
    }

    fn failed(&self, count: u32, error: &str) {
        self.metrics.count(&self.name, Became::Failed, count);
        warn!(channel = self.name, notices = count, error, "notices were not sent");
    }

    fn is_stopping(&self) -> bool {
        self.stop.clone().now_or_never().is_some()
    }
}

/// What became of a try.
enum Attempt {
    Over,
    Kept(Timestamp),
    Again {
        count: u32,
        error: String,
        asked: Option<Duration>,
    },
}

impl Waiting {
    fn take(&mut self, handed: Handed) {
        match handed {
            Handed::Notice(notice, at) => self.gathered.add(notice, at),
            // Of a digest that was kept and a newer one the newer is enough.
            Handed::Digest(digest) => self.digest = Some(digest),
        }
    }
}
