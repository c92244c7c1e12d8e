//! Which replica leads. The Lease is only ever replaced in the version that was read, so that of two who reach for it
//! one gets it; and nobody who leads writes on the strength of what was true a while ago.
//!
//! How long someone else's lease has stood still is measured by this replica's own steady clock: what is written in it
//! is another machine's time, and tells people.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::client::{Body, Client};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::admission::Clock;
use crate::api::keys::managers;

/// The name of the lease, in the operator's own namespace.
pub const LEASE: &str = "filing-operator";
/// How long a lease that nobody renews is left to its holder.
const DURATION: Duration = Duration::from_secs(15);
/// How often the holder renews it, and the others look at it.
const RENEW: Duration = Duration::from_secs(5);
/// The wait before a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// How long one renewal may take.
const ATTEMPT: Duration = Duration::from_secs(4);
/// How long after a renewal was sent its holder may still write. With the longest write it is less than [`DURATION`].
const SURE: Duration = Duration::from_secs(8);
/// How long the answer to a write is waited for.
const WRITE: Duration = Duration::from_secs(6);
/// How long giving it up may take.
const RELEASE: Duration = Duration::from_secs(3);

/// Why a write was not sent, or not waited for any longer.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("this replica can't be sure that it leads")]
    NotLeading,
    #[error("there was no answer within {WRITE:?}")]
    NoAnswer,
}

/// A share in the election.
pub(super) struct Lease {
    share: Arc<Share>,
    leads: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

struct Share {
    api: Api<LeaseObject>,
    identity: String,
    clock: Clock,
    leads: watch::Sender<bool>,
    /// Held while a request is under way: there is never more than one.
    known: tokio::sync::Mutex<Known>,
    /// When the last renewal that succeeded was sent.
    renewed: Mutex<Option<Moment>>,
}

/// The lease as it was last seen.
struct Known {
    lease: Option<LeaseObject>,
    /// Since when it is as it is.
    since: Instant,
}

/// A moment by two clocks: one that a person may set, and one that may stand still while the machine sleeps.
#[derive(Clone, Copy)]
struct Moment {
    steady: Instant,
    wall: Timestamp,
}

impl Lease {
    /// Takes part in the election.
    pub(super) fn join(client: Client, namespace: &str, identity: &str, clock: Clock) -> Self {
        let (share, leads) = Share::new(client, namespace, identity, clock);
        let share = Arc::new(share);
        let task = tokio::spawn({
            let share = Arc::clone(&share);
            async move { share.take_part().await }
        });
        Self { share, leads, task }
    }

    /// Waits until this replica begins or ceases to lead, and says which; nothing when the election has ended.
    pub(super) async fn changed(&mut self) -> Option<bool> {
        tokio::select! {
            changed = self.leads.changed() => changed.ok()?,
            _ = &mut self.task => return None,
        }
        Some(*self.leads.borrow_and_update())
    }

    /// A client that sends a request only while this replica is sure to lead. When the last renewal is some seconds
    /// old, as in a process that was stopped and wakes, it renews first.
    pub(super) fn guard(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let share = Arc::clone(&self.share);
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let (client, share) = (client.clone(), Arc::clone(&share));
            async move {
                let refused = |why: Refused| kube::Error::Service(Box::new(why));
                if !share.is_sure_to_lead().await {
                    return Err(refused(Refused::NotLeading));
                }
                let sent = timeout(WRITE, client.send(request)).await;
                sent.unwrap_or_else(|_| Err(refused(Refused::NoAnswer)))
            }
        });
        Client::new(service, namespace)
    }

    /// Gives the lease up, so that another replica need not wait for its end.
    pub(super) async fn give_up(self) {
        if !self.task.is_finished() {
            self.task.abort();
            // It has let go of the lease when it is over.
            drop(self.task.await);
        }
        match timeout(RELEASE, self.share.give_up()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the lease could not be given up; it ends by itself"),
            Err(_) => warn!("the lease could not be given up in time; it ends by itself"),
        }
    }
}

impl Share {
    fn new(client: Client, namespace: &str, identity: &str, clock: Clock) -> (Self, watch::Receiver<bool>) {
        let (leads, receiver) = watch::channel(false);
        let share = Self {
            api: Api::namespaced(client, namespace),
            identity: identity.to_owned(),
            clock,
            leads,
            known: tokio::sync::Mutex::new(Known {
                lease: None,
                since: Instant::now(),
            }),
            renewed: Mutex::default(),
        };
        (share, receiver)
    }

    async fn take_part(&self) {
        loop {
            let wait = match self.reach(&mut *self.known.lock().await).await {
                Ok(()) => RENEW,
                Err(error) => {
                    warn!(%error, "the lease could not be read or renewed");
                    RETRY
                }
            };
            sleep(wait).await;
        }
    }

    /// Renews the lease, takes it where nobody holds it any longer, or learns who does; says so to all.
    async fn reach(&self, known: &mut Known) -> Result<(), kube::Error> {
        let reached = timeout(ATTEMPT, self.hold(known)).await;
        let leads = match &reached {
            Ok(Ok(leads)) => *leads,
            // Whoever is not sure does not write, but need not begin anew if all is well a moment later.
            Ok(Err(_)) | Err(_) => *self.leads.borrow() && self.age().is_some_and(|age| age < DURATION),
        };
        self.leads
            .send_if_modified(|known| std::mem::replace(known, leads) != leads);
        reached.unwrap_or(Ok(leads)).map(drop)
    }

    async fn hold(&self, known: &mut Known) -> Result<bool, kube::Error> {
        let did_hold = self.holds(known);
        if !did_hold {
            known.see(self.api.get_opt(LEASE).await?);
        }
        for _ in 0..2 {
            if !known.is_free_for(&self.identity) {
                return Ok(false);
            }
            let sent = self.now();
            match self.write(known.lease.as_ref(), Some(sent.wall)).await {
                Ok(lease) => {
                    known.see(Some(lease));
                    self.set_renewed(Some(sent));
                    return Ok(true);
                }
                // Someone was quicker, or an answer to an earlier renewal was lost.
                Err(kube::Error::Api(status))
                    if status.code == 409 || (status.code == 404 && known.lease.is_some()) =>
                {
                    known.see(self.api.get_opt(LEASE).await?);
                    if did_hold && !self.holds(known) {
                        // Even if it is free again: what this replica has in hand may be of before.
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Replaces the lease by one that this replica holds; or that nobody does, without a time of renewal.
    async fn write(&self, lease: Option<&LeaseObject>, renewed: Option<Timestamp>) -> Result<LeaseObject, kube::Error> {
        let before = lease.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let is_mine = before.holder_identity.as_ref() == Some(&self.identity);
        let spec = LeaseSpec {
            holder_identity: renewed.is_some().then(|| self.identity.clone()),
            acquire_time: if is_mine {
                before.acquire_time
            } else {
                renewed.map(MicroTime)
            },
            renew_time: renewed.map(MicroTime),
            lease_duration_seconds: renewed.and_then(|_| i32::try_from(DURATION.as_secs()).ok()),
            lease_transitions: Some(
                before
                    .lease_transitions
                    .unwrap_or(0)
                    .saturating_add(i32::from(!is_mine)),
            ),
            ..before
        };
        let params = PostParams {
            field_manager: Some(managers::LEASE.to_owned()),
            ..PostParams::default()
        };
        if let Some(lease) = lease {
            let lease = LeaseObject {
                metadata: lease.metadata.clone(),
                spec: Some(spec),
            };
            return self.api.replace(LEASE, &params, &lease).await;
        }
        let metadata = ObjectMeta {
            name: Some(LEASE.to_owned()),
            ..ObjectMeta::default()
        };
        let lease = LeaseObject {
            metadata,
            spec: Some(spec),
        };
        self.api.create(&params, &lease).await
    }

    /// Costs nothing but when the last renewal is some seconds old.
    async fn is_sure_to_lead(&self) -> bool {
        if self.is_sure() {
            return true;
        }
        let mut known = self.known.lock().await;
        if !self.is_sure() && self.holds(&known) {
            // The election tells of what fails.
            drop(self.reach(&mut known).await);
        }
        self.is_sure()
    }

    fn is_sure(&self) -> bool {
        *self.leads.borrow() && self.age().is_some_and(|age| age < SURE)
    }

    fn holds(&self, known: &Known) -> bool {
        known.holder() == Some(&self.identity)
    }

    /// How long ago the last renewal was sent, by the clock that says longer.
    fn age(&self) -> Option<Duration> {
        let renewed = (*self.renewed.lock().ok()?)?;
        let now = self.now();
        let wall = now.wall.duration_since(renewed.wall).unsigned_abs();
        Some(now.steady.saturating_duration_since(renewed.steady).max(wall))
    }

    fn set_renewed(&self, at: Option<Moment>) {
        if let Ok(mut renewed) = self.renewed.lock() {
            *renewed = at;
        }
    }

    fn now(&self) -> Moment {
        Moment {
            steady: Instant::now(),
            wall: (self.clock)(),
        }
    }

    async fn give_up(&self) -> Result<(), kube::Error> {
        let mut known = self.known.lock().await;
        self.set_renewed(None);
        for _ in 0..2 {
            if !self.holds(&known) {
                break;
            }
            match self.write(known.lease.as_ref(), None).await {
                Ok(lease) => known.see(Some(lease)),
                Err(kube::Error::Api(status)) if status.code == 409 => known.see(self.api.get_opt(LEASE).await?),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Known {
    fn see(&mut self, lease: Option<LeaseObject>) {
        let version = |lease: Option<&LeaseObject>| lease.and_then(|lease| lease.metadata.resource_version.clone());
        if version(lease.as_ref()) != version(self.lease.as_ref()) {
            self.since = Instant::now();
        }
        self.lease = lease;
    }

    fn holder(&self) -> Option<&String> {
        let spec = self.lease.as_ref()?.spec.as_ref()?;
        spec.holder_identity.as_ref().filter(|holder| !holder.is_empty())
    }

    /// Whether it is this replica's, or nobody's, or was not renewed for as long as it is good for.
    fn is_free_for(&self, identity: &str) -> bool {
        let Some(holder) = self.holder() else { return true };
        let spec = self.lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        let lasts = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let lasts = lasts.map_or(DURATION, Duration::from_secs);
        holder == identity || self.since.elapsed() >= lasts
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use serde_json::{Value, json};

    use super::super::tests::api::{scripted, status};
    use super::*;

    const ME: &str = "me";

    /// A lease in a version, held by someone or by nobody.
    fn lease(version: &str, holder: Option<&str>) -> (u16, Value) {
        let spec = json!({
            "holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 3,
            "acquireTime": "2026-11-23T02:00:00.000000Z", "renewTime": "2026-11-23T02:00:00.000000Z",
        });
        let metadata = json!({"name": LEASE, "namespace": "home", "resourceVersion": version});
        (
            200,
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}),
        )
    }

    fn refused(code: u16, reason: &str) -> (u16, Value) {
        (code, status(code, reason, "no"))
    }

    /// A wall clock that can be set, in seconds.
    #[derive(Clone, Default)]
    struct Wall(Arc<AtomicI64>);

    impl Wall {
        fn set(&self, second: i64) {
            self.0.store(second, Ordering::Relaxed);
        }

        fn clock(&self) -> Clock {
            let second = Arc::clone(&self.0);
            Arc::new(move || Timestamp::from_second(1_795_000_000 + second.load(Ordering::Relaxed)).unwrap())
        }
    }

    /// Runs something with a share in the election whose calls are answered with these; gives the verbs of the calls.
    async fn share<T>(answers: &[(u16, Value)], run: impl AsyncFnOnce(Share, Wall) -> T) -> (T, String) {
        let wall = Wall::default();
        let (outcome, calls) = scripted(answers, async |client| {
            let (share, _leads) = Share::new(client, "home", ME, wall.clock());
            run(share, wall).await
        })
        .await;
        let verbs = calls.lines().filter(|line| line.contains(" /apis/"));
        let verbs: Vec<_> = verbs.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        (outcome, verbs.join(" "))
    }

    async fn reach(share: &Share) -> bool {
        share.reach(&mut *share.known.lock().await).await.unwrap();
        *share.leads.borrow()
    }

    /// As if what is known had been so for that long.
    async fn grow_old(share: &Share, age: Duration) {
        share.known.lock().await.since = Instant::now().checked_sub(age).unwrap();
    }

    #[tokio::test]
    async fn a_lease_that_is_not_there_is_made_and_then_renewed_without_a_look() {
        let answers = [refused(404, "NotFound"), lease("1", Some(ME)), lease("2", Some(ME))];
        let (leads, calls) = share(&answers, async |share, _| (reach(&share).await, reach(&share).await)).await;
        assert_eq!((leads, calls.as_str()), ((true, true), "GET POST PUT"));
    }

    #[tokio::test]
    async fn one_that_was_given_up_is_taken_at_once() {
        let answers = [lease("1", None), lease("2", Some(ME))];
        let (leads, calls) = share(&answers, async |share, _| reach(&share).await).await;
        assert_eq!((leads, calls.as_str()), (true, "GET PUT"));
    }

    #[tokio::test]
    async fn one_of_someone_else_is_taken_when_it_has_stood_still_for_its_time_and_not_before() {
        let old = lease("1", Some("you"));
        let answers = [
            old.clone(),
            old.clone(),
            lease("2", Some("you")),
            old,
            lease("3", Some(ME)),
        ];
        let (leads, calls) = share(&answers, async |share, _| {
            let first = reach(&share).await;
            grow_old(&share, Duration::from_secs(14)).await;
            let second = reach(&share).await;
            grow_old(&share, DURATION).await;
            let renewed_meanwhile = reach(&share).await;
            share
                .known
                .lock()
                .await
                .lease
                .as_mut()
                .unwrap()
                .metadata
                .resource_version = Some("1".to_owned());
            grow_old(&share, DURATION).await;
            [first, second, renewed_meanwhile, reach(&share).await]
        })
        .await;
        // By its renewTime it is long over: whose clock was wrong can't be known.
        assert_eq!(
            (leads, calls.as_str()),
            ([false, false, false, true], "GET GET GET GET PUT")
        );
    }

    #[tokio::test]
    async fn of_two_who_reach_for_it_the_slower_does_not_lead() {
        let answers = [lease("1", None), refused(409, "Conflict"), lease("2", Some("you"))];
        let (leads, calls) = share(&answers, async |share, _| reach(&share).await).await;
        assert_eq!((leads, calls.as_str()), (false, "GET PUT GET"));
    }

    #[tokio::test]
    async fn a_renewal_whose_answer_was_lost_is_made_again() {
        let answers = [
            lease("1", None),
            lease("2", Some(ME)),
            refused(409, "Conflict"),
            lease("3", Some(ME)),
            lease("4", Some(ME)),
        ];
        let (leads, calls) = share(&answers, async |share, _| (reach(&share).await, reach(&share).await)).await;
        assert_eq!((leads, calls.as_str()), ((true, true), "GET PUT PUT GET PUT"));
    }

    #[tokio::test]
    async fn one_that_was_lost_meanwhile_ends_the_leadership_even_if_it_is_free_again() {
        let answers = [
            lease("1", None),
            lease("2", Some(ME)),
            refused(409, "Conflict"),
            lease("9", None),
        ];
        let (leads, calls) = share(&answers, async |share, _| (reach(&share).await, reach(&share).await)).await;
        assert_eq!((leads, calls.as_str()), ((true, false), "GET PUT PUT GET"));
    }

    #[tokio::test]
    async fn without_a_namespace_for_it_nobody_leads_and_that_is_an_error() {
        let answers = [refused(404, "NotFound"), refused(404, "NotFound")];
        let (reached, _) = share(&answers, async |share, _| {
            share.reach(&mut *share.known.lock().await).await
        })
        .await;
        assert!(reached.is_err());
    }

    #[tokio::test]
    async fn whoever_renewed_just_now_is_sure_for_nothing_and_later_renews_first() {
        let answers = [lease("1", None), lease("2", Some(ME)), lease("3", Some(ME))];
        let (sure, calls) = share(&answers, async |share, wall| {
            assert!(!share.is_sure_to_lead().await, "it has not led yet");
            reach(&share).await;
            let now = share.is_sure_to_lead().await;
            wall.set(7);
            let soon = share.is_sure_to_lead().await;
            wall.set(8);
            [now, soon, share.is_sure_to_lead().await, share.is_sure_to_lead().await]
        })
        .await;
        assert_eq!((sure, calls.as_str()), ([true; 4], "GET PUT PUT"));
    }

    #[tokio::test]
    async fn whoever_slept_past_the_lease_is_not_sure_whichever_way_the_clock_went() {
        for second in [3600, -86_400] {
            let answers = [
                lease("1", None),
                lease("2", Some(ME)),
                refused(409, "Conflict"),
                lease("3", Some("you")),
            ];
            let (sure, calls) = share(&answers, async |share, wall| {
                reach(&share).await;
                wall.set(second);
                (share.is_sure_to_lead().await, share.is_sure_to_lead().await)
            })
            .await;
            assert_eq!((sure, calls.as_str()), ((false, false), "GET PUT PUT GET"));
        }
    }

    #[tokio::test]
    async fn it_is_given_up_in_the_version_that_is_known() {
        let answers = [lease("1", None), lease("2", Some(ME)), lease("3", None)];
        let (sure, calls) = share(&answers, async |share, _| {
            reach(&share).await;
            share.give_up().await.unwrap();
            share.is_sure_to_lead().await
        })
        .await;
        assert_eq!((sure, calls.as_str()), (false, "GET PUT PUT"));
    }
}
