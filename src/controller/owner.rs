//! The one task that owns the registry: takes what the watches saw, publishes, judges, and hands out the writes.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leaky_bucket::RateLimiter;
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};
use tracing::{debug, info, warn};

use super::lease::{LEASE, Lease};
use super::registrar::Registrar;
use super::reports::{Board, Turn, Writer};
use super::shared::{Reached, Shared, Write};
use super::watch::{Beside, Message, Seen, watch_all};
use super::work::Work;
use super::writer::{self, Job, WriteError};
use super::{DefaultPolicyError, Settings, WATCHED};
use crate::api::keys;
use crate::effects::Effect;
use crate::registry::{Change, Registry, Snapshot, Subject, SubjectKind};

/// How many events of the watches may wait. A watch that is ahead waits.
const QUEUE: usize = 256;
/// How many events are taken before a snapshot is published.
const BATCH: usize = 256;
/// How many writes are under way at once.
const WRITES: usize = 8;
/// The longest time between two looks at the clock, so that a clock that was set is noticed.
const LOOK: Duration = Duration::from_secs(30);
/// How long writes may still take when it is told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the controller has ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// Without a share in the election nobody may write.
    #[error("the election over lease {namespace}/{LEASE} has ended")]
    Election {
        /// The namespace of the lease.
        namespace: String,
    },
    /// Without watches all that is known is of the past.
    #[error("the watches have ended")]
    Watches,
}

/// Runs the controller until `stop` resolves. Gives the lease up before it returns.
///
/// # Errors
/// When the election or the watches end by themselves.
pub async fn run(settings: Settings, shared: Arc<Shared>, stop: impl Future<Output = ()>) -> Result<(), Ended> {
    let stop = std::pin::pin!(stop);
    let Settings {
        client,
        namespace,
        identity,
        clock,
        ..
    } = settings.clone();
    let mut lease = Lease::join(client.clone(), &namespace, &identity, Arc::clone(&clock));
    let (to, from) = mpsc::channel(QUEUE);
    let watches = tokio::spawn(watch_all(client.clone(), Arc::clone(&shared), Arc::clone(&clock), to));
    // Whatever is written is written by who is sure to lead.
    let settings = Settings {
        client: lease.guard(client.clone()),
        ..settings
    };
    let registrar = Registrar::new(
        settings.registration.clone(),
        client,
        settings.client.clone(),
        Arc::clone(&shared),
    );
    let registrar = tokio::spawn(registrar.run());
    let reports = settings.open_reports.then(Arc::<Board>::default);
    let report_writer = reports.clone().map(|board| {
        let writer = Writer {
            board,
            client: settings.client.clone(),
            shared: Arc::clone(&shared),
            clock,
        };
        tokio::spawn(writer.run())
    });
    let mut owner = Owner::new(settings, shared);
    owner.work.reports = reports;
    let ended = owner.run(from, &mut lease, stop).await;
    watches.abort();
    for beside in [Some(registrar), report_writer].into_iter().flatten() {
        beside.abort();
    }
    lease.give_up().await;
    match ended {
        None => Ok(()),
        Some(End::Election) => Err(Ended::Election { namespace }),
        Some(End::Watches) => Err(Ended::Watches),
    }
}

/// What has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Election,
    Watches,
}

/// What a task that was spawned has done.
enum Done {
    /// The effects on a subject were carried out, or not.
    Wrote(Result<Vec<Effect>, WriteError>),
    /// The default policy was applied, or not.
    KeptPolicy(Result<(), DefaultPolicyError>),
}

struct Owner {
    settings: Settings,
    shared: Arc<Shared>,
    registry: Registry,
    work: Work,
    /// What listings under way have named, by kind.
    listings: Vec<(SubjectKind, HashSet<Subject>)>,
    /// The kinds that have listed once.
    listed: HashSet<SubjectKind>,
    /// The newest version that was seen of each kind.
    versions: HashMap<SubjectKind, u64>,
    is_leader: bool,
    limit: Arc<RateLimiter>,
    tasks: JoinSet<Done>,
    /// What each task is about; none: the default policy.
    under_way: HashMap<task::Id, Option<Subject>>,
}

impl Owner {
    fn new(settings: Settings, shared: Arc<Shared>) -> Self {
        let registry = Registry::new(Snapshot::new(&settings.namespace, true));
        let limit = writer::limit(settings.writes_per_second);
        Self {
            settings,
            shared,
            registry,
            work: Work::default(),
            listings: Vec::new(),
            listed: HashSet::new(),
            versions: HashMap::new(),
            is_leader: false,
            limit,
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
        }
    }

    /// Works until it is told to stop, or says what has ended before.
    async fn run(
        mut self,
        mut from: mpsc::Receiver<Message>,
        lease: &mut Lease,
        mut stop: impl Future<Output = ()> + Unpin,
    ) -> Option<End> {
        let mut batch = Vec::with_capacity(BATCH);
        let ended = loop {
            let look = self.time_to_next_look();
            tokio::select! {
                () = &mut stop => break None,
                // The watches end with this task, and not before, unless one of them has panicked.
                count = from.recv_many(&mut batch, BATCH) => match count {
                    0 => break Some(End::Watches),
                    _ => self.take(batch.drain(..)),
                },
                Some(done) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.done(done),
                leads = lease.changed() => match leads {
                    Some(leads) => self.turn(leads),
                    None => break Some(End::Election),
                },
                () = tokio::time::sleep(look) => {}
            }
            self.proceed();
            let waiting = self.work.waiting_writes();
            self.shared.waiting_writes.store(waiting, Ordering::Relaxed);
        };
        self.drain().await;
        ended
    }

    fn done(&mut self, done: Result<(task::Id, Done), task::JoinError>) {
        match done {
            Ok((id, done)) => {
                let what = self.under_way.remove(&id);
                match (done, what) {
                    (Done::Wrote(result), Some(Some(subject))) => self.wrote(&subject, result),
                    (Done::KeptPolicy(result), _) => self.kept_policy(result),
                    (Done::Wrote(_), _) => {}
                }
            }
            Err(error) => {
                // It has panicked; what it was about is not given up for that.
                self.shared.writes.failed(Write::Unknown);
                warn!(%error, "a write ended unexpectedly");
                match self.under_way.remove(&error.id()) {
                    Some(Some(subject)) => drop(self.work.failed(&subject, self.now())),
                    Some(None) => drop(self.work.default_policy_failed(self.now())),
                    None => {}
                }
            }
        }
    }

    fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// The time to the next moment at which something changes by itself; none while there is more to do at once.
    fn time_to_next_look(&self) -> Duration {
        if self.is_synced() && (self.work.has_more_to_judge() || self.work.has_more_to_look_at()) {
            return Duration::ZERO;
        }
        let until = self
            .work
            .next_timer()
            .map(|at| at.duration_since(self.now()).max(SignedDuration::ZERO));
        until
            .and_then(|until| Duration::try_from(until).ok())
            .map_or(LOOK, |until| until.min(LOOK))
    }

    fn is_synced(&self) -> bool {
        self.listed.len() == WATCHED.len()
    }

    /// Takes what the watches saw into the registry.
    fn take(&mut self, messages: impl Iterator<Item = Message>) {
        // Until there is one that others read, a change need not spare it.
        let before = self.is_synced().then(|| self.registry.snapshot().clone());
        for Message { kind, version, seen } in messages {
            let newest = self.versions.entry(kind).or_default();
            *newest = version.max(*newest);
            match seen {
                Seen::Listing => {
                    self.listings.retain(|(listing, _)| *listing != kind);
                    self.listings.push((kind, HashSet::new()));
                }
                Seen::Listed(change, beside) => {
                    if let Some((_, named)) = self.listings.iter_mut().find(|(listing, _)| *listing == kind) {
                        named.insert(change.subject());
                    }
                    self.learn(*change, beside);
                }
                Seen::Complete => self.complete(kind),
                Seen::Changed(change, beside) => self.learn(*change, beside),
                Seen::Gone(subject) => self.forget(&subject),
            }
        }
        let snapshot = self.registry.snapshot();
        if self.is_synced() && !before.as_ref().is_some_and(|before| snapshot.is_same(before)) {
            self.shared.snapshot.store(Some(Arc::new(snapshot.clone())));
            self.shared.news.send_replace(());
        }
        self.tell_how_far();
        if self.is_synced() && before.is_none() {
            info!("every watch has listed once");
        }
    }

    /// Says how far the facts go that are published. In the middle of a listing they do not go anywhere.
    fn tell_how_far(&self) {
        for kind in &self.listed {
            if let Some(watch) = self.shared.watch(*kind)
                && !self.listings.iter().any(|(listing, _)| listing == kind)
            {
                watch.reach(Reached {
                    version: self.versions.get(kind).copied().unwrap_or_default(),
                    known: self.registry.count(*kind),
                });
            }
        }
    }

    fn learn(&mut self, change: Change, beside: Beside) {
        self.work.observe(change.subject(), beside);
        let affected = self.registry.apply(change);
        self.work.touch(affected);
    }

    fn complete(&mut self, kind: SubjectKind) {
        let Some(at) = self.listings.iter().position(|(listing, _)| *listing == kind) else {
            return;
        };
        let (_, named) = self.listings.swap_remove(at);
        for subject in self.registry.subjects(kind) {
            if !named.contains(&subject) {
                self.forget(&subject);
            }
        }
        self.listed.insert(kind);
        if let Some(watch) = self.shared.watch(kind) {
            watch.listed();
        }
    }

    fn forget(&mut self, subject: &Subject) {
        let affected = self.registry.delete(subject);
        self.work.forget(subject);
        self.work.touch(affected);
    }

    /// Judges what is due, and hands out writes as far as there is room.
    fn proceed(&mut self) {
        if !self.is_synced() {
            return;
        }
        let now = self.now();
        self.work.wake(now);
        if self.work.judge(&self.registry, now) {
            self.shared.standing.store(Arc::new(self.work.standing().clone()));
        }
        if let Some(reports) = &self.work.reports {
            reports.turn(match (self.is_leader, self.work.has_more_to_judge()) {
                (false, _) => Turn::Others,
                (true, true) => Turn::Soon,
                (true, false) => Turn::Now,
            });
        }
        if !self.is_leader {
            return;
        }
        if self.work.must_keep_default_policy()
            && let Some(policy) = self.settings.default_policy.clone()
        {
            let client = self.settings.client.clone();
            let task = self
                .tasks
                .spawn(async move { Done::KeptPolicy(policy.keep(client).await) });
            self.under_way.insert(task.id(), None);
        }
        while self.tasks.len() < WRITES {
            let Some((subject, target, effects)) = self.work.next_write(&self.registry, now) else {
                break;
            };
            debug!(subject = ?subject, "writing what has changed");
            let job = Job {
                client: self.settings.client.clone(),
                identity: self.settings.identity.clone(),
                limit: Arc::clone(&self.limit),
                target,
                effects,
                now,
                teller: self.settings.teller.clone(),
                shared: Arc::clone(&self.shared),
            };
            let task = self.tasks.spawn(async move { Done::Wrote(job.run().await) });
            self.under_way.insert(task.id(), Some(subject));
        }
    }

    fn wrote(&mut self, subject: &Subject, result: Result<Vec<Effect>, WriteError>) {
        match result {
            Ok(effects) => {
                for effect in &effects {
                    tell(subject, effect);
                }
                let now = self.now();
                self.work.succeeded(subject, effects, self.registry.snapshot(), now);
            }
            Err(error @ WriteError::Changed { .. }) => {
                // Others write too; what they wrote is judged when the watch shows it, or after a while.
                let again = self.work.failed(subject, self.now());
                debug!(%error, again_in = ?again, "nothing was written");
            }
            Err(error) => {
                let cause = cause_of(&error);
                let again = self.work.failed(subject, self.now());
                warn!(%error, cause, again_in = ?again, "a write failed");
            }
        }
    }

    fn kept_policy(&mut self, result: Result<(), DefaultPolicyError>) {
        let owner = match result {
            Ok(()) => {
                self.shared.writes.done(Write::Policy);
                debug!(policy = keys::DEFAULT_POLICY, "the operator's own policy is applied");
                None
            }
            Err(DefaultPolicyError::OwnedByOthers { owner }) => {
                warn!(
                    policy = keys::DEFAULT_POLICY,
                    owner, "the operator's own policy is not in force"
                );
                Some(format!("its spec is owned by {owner}"))
            }
            Err(error @ (DefaultPolicyError::Read(_) | DefaultPolicyError::Apply(_))) => {
                self.shared.writes.failed(Write::Policy);
                let cause = cause_of(&error);
                let again = self.work.default_policy_failed(self.now());
                warn!(%error, cause, again_in = ?again, "the default policy could not be kept");
                return;
            }
        };
        self.work.default_policy_is(owner);
    }

    fn turn(&mut self, leads: bool) {
        if leads == self.is_leader {
            return;
        }
        if leads {
            info!("this replica leads");
        } else {
            info!("this replica does not lead any more");
        }
        self.is_leader = leads;
        self.shared.is_leader.store(leads, Ordering::Relaxed);
        self.shared.news.send_replace(());
        self.work.turn(leads);
    }

    /// Lets writes end that are under way.
    async fn drain(&mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            warn!("writes were still under way when the time to stop was over");
        }
    }
}

/// Says in the log what takes sites off the net, or back: Events last an hour.
fn tell(subject: &Subject, effect: &Effect) {
    match (subject, effect) {
        (Subject::Route(route), Effect::Block { .. }) => info!(%route, "a route was put into quarantine"),
        (Subject::Route(route), Effect::LetGo { .. }) => info!(%route, "a route was let go from quarantine"),
        (Subject::Policy(policy), Effect::Event(notice)) if notice.is_warning => {
            warn!(%policy, reason = notice.reason, note = notice.note, "a policy needs a person");
        }
        _ => {}
    }
}

/// What an error names as its cause.
fn cause_of(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::super::Registration;
    use super::super::watch::Beside;
    use super::*;
    use crate::support::{HOME, at, change, filing, ingress, now, policy};

    /// An owner without a cluster, whose watches are told by hand.
    fn owner() -> Owner {
        let (service, _) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        let settings = Settings {
            client: kube::Client::new(service, HOME),
            namespace: HOME.to_owned(),
            identity: "a-pod".to_owned(),
            default_policy: None,
            open_reports: false,
            registration: Registration::default(),
            writes_per_second: std::num::NonZeroU32::MIN,
            clock: Arc::new(now),
            teller: crate::notify::Teller::default(),
        };
        Owner::new(settings, Arc::default())
    }

    fn message(kind: SubjectKind, seen: Seen) -> Message {
        let version = 0;
        Message { kind, version, seen }
    }

    /// A whole listing of a kind.
    fn listing(kind: SubjectKind, documents: &[Value]) -> Vec<Message> {
        let listed = documents
            .iter()
            .map(|document| Seen::Listed(Box::new(change(document)), Beside::Nothing));
        let all = std::iter::once(Seen::Listing).chain(listed).chain([Seen::Complete]);
        all.map(|seen| message(kind, seen)).collect()
    }

    fn filings(owner: &Owner) -> Vec<String> {
        owner
            .registry
            .subjects(SubjectKind::Filing)
            .iter()
            .map(|subject| match subject {
                Subject::Filing(key) => key.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// An owner that knows two filings, a route and a policy.
    fn synced() -> Owner {
        let mut owner = owner();
        for kind in WATCHED {
            let documents = match kind {
                SubjectKind::Filing => vec![
                    filing("filings/a", json!({})),
                    filing("filings/b", json!({"domains": ["example.net"]})),
                ],
                SubjectKind::Policy => vec![policy("default", json!({}))],
                SubjectKind::Route => vec![ingress("shop/web", &["www.example.com"])],
                _ => Vec::new(),
            };
            owner.take(listing(kind, &documents).into_iter());
        }
        owner
    }

    #[tokio::test]
    async fn nothing_is_published_judged_or_written_before_every_watch_has_listed_once() {
        let mut owner = owner();
        owner.turn(true);
        let (last, others) = WATCHED.split_last().unwrap();
        for kind in others {
            owner.take(listing(*kind, &[]).into_iter());
            owner.proceed();
        }
        let web = ingress("shop/web", &["www.example.com"]);
        owner.take(
            [
                message(*last, Seen::Listing),
                message(*last, Seen::Listed(Box::new(change(&web)), Beside::Nothing)),
            ]
            .into_iter(),
        );
        owner.proceed();
        assert!(!owner.shared.is_synced() && owner.tasks.is_empty());
        assert!(owner.work.has_more_to_judge());
        owner.take([message(*last, Seen::Complete)].into_iter());
        owner.proceed();
        assert!(owner.shared.is_synced() && !owner.work.has_more_to_judge());
    }

    #[tokio::test]
    async fn what_a_new_listing_does_not_name_is_gone_and_not_before_the_listing_is_complete() {
        let mut owner = synced();
        assert_eq!(filings(&owner), ["filings/a", "filings/b"]);
        let kept = filing("filings/b", json!({"domains": ["example.net"]}));
        let mut messages = listing(SubjectKind::Filing, &[kept]).into_iter();
        owner.take(messages.by_ref().take(2));
        assert_eq!(filings(&owner), ["filings/a", "filings/b"]);
        owner.take(messages);
        assert_eq!(filings(&owner), ["filings/b"]);
        assert!(owner.work.has_more_to_judge(), "the route under it is judged anew");
        assert!(owner.listings.is_empty());
    }

    #[tokio::test]
    async fn how_far_the_facts_go_is_told_after_each_batch_and_not_in_the_middle_of_a_listing() {
        let mut owner = synced();
        let reached = |owner: &Owner| {
            let Reached { version, known } = owner.shared.watch(SubjectKind::Filing).unwrap().reached();
            (version, known)
        };
        assert_eq!(reached(&owner), (0, 2));
        let at = |version, seen| Message {
            kind: SubjectKind::Filing,
            version,
            seen,
        };
        let a = filing("filings/a", json!({}));
        let changed = Seen::Changed(Box::new(change(&a)), Beside::Nothing);
        owner.take([at(7, changed)].into_iter());
        assert_eq!(reached(&owner), (7, 2));
        let gone = Seen::Gone(change(&a).subject());
        owner.take([at(9, gone)].into_iter());
        assert_eq!(reached(&owner), (9, 1));
        let listed = Seen::Listed(Box::new(change(&a)), Beside::Nothing);
        owner.take([at(0, Seen::Listing), at(12, listed)].into_iter());
        assert_eq!(reached(&owner), (9, 1));
        owner.take([at(0, Seen::Complete)].into_iter());
        assert_eq!(reached(&owner), (12, 1));
    }

    #[tokio::test]
    async fn a_listing_that_breaks_off_takes_nothing_away() {
        let mut owner = synced();
        let named = Seen::Listed(Box::new(change(&filing("filings/a", json!({})))), Beside::Nothing);
        owner.take(
            [
                message(SubjectKind::Filing, Seen::Listing),
                message(SubjectKind::Filing, named),
            ]
            .into_iter(),
        );
        owner.take(listing(SubjectKind::Filing, &[filing("filings/b", json!({}))]).into_iter());
        assert_eq!(
            filings(&owner),
            ["filings/b"],
            "what the broken listing named does not count"
        );
        owner.take([message(SubjectKind::Filing, Seen::Listing)].into_iter());
        assert_eq!(filings(&owner), ["filings/b"]);
    }

    #[tokio::test]
    async fn a_snapshot_is_published_when_the_facts_change_and_only_then() {
        let mut owner = synced();
        let published = |owner: &Owner| owner.shared.snapshot.load_full().unwrap();
        let first = published(&owner);
        owner.take(listing(SubjectKind::Namespace, &[]).into_iter());
        assert!(Arc::ptr_eq(&first, &published(&owner)));
        owner.take(
            [message(
                SubjectKind::Filing,
                Seen::Gone(change(&filing("filings/a", json!({}))).subject()),
            )]
            .into_iter(),
        );
        assert!(!Arc::ptr_eq(&first, &published(&owner)));
    }

    #[tokio::test]
    async fn a_task_that_panics_leaves_its_subject_to_be_tried_again() {
        let mut owner = synced();
        owner.proceed();
        let subject = change(&filing("filings/a", json!({}))).subject();
        let task = owner.tasks.spawn(async { panic!("a slip") });
        owner.under_way.insert(task.id(), Some(subject));
        let done = owner.tasks.join_next_with_id().await.unwrap();
        owner.done(done);
        assert!(owner.under_way.is_empty());
        let again = owner.work.next_timer().unwrap();
        assert!(again > now() && again <= at("2026-11-23T00:00:02+08:00"), "{again}");
        let failed = owner
            .shared
            .writes
            .counts()
            .find(|(write, ..)| *write == Write::Unknown);
        assert_eq!(failed, Some((Write::Unknown, 0, 1)));
    }

    #[tokio::test]
    async fn the_next_look_is_at_the_next_moment_at_once_or_before_long() {
        let mut owner = synced();
        assert_eq!(owner.time_to_next_look(), Duration::ZERO, "there is more to judge");
        owner.proceed();
        assert_eq!(owner.time_to_next_look(), LOOK);
        owner
            .work
            .failed(&change(&filing("filings/a", json!({}))).subject(), now());
        assert!(owner.time_to_next_look() <= Duration::from_secs(2));
    }
}
