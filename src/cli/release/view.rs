//! What a cluster holds of FilingPolicies and of routes in quarantine, kept current by watches.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};

use super::held::Held;
use crate::api::FilingPolicy;
use crate::api::keys::RELEASE;

type Policy = PartialObjectMeta<FilingPolicy>;

/// The objects of one kind that matter, by namespace and name.
struct Mirror<T> {
    objects: BTreeMap<String, T>,
    /// What a listing has named so far, while there is one.
    listing: Option<BTreeMap<String, T>>,
    is_listed: bool,
}

impl<T> Mirror<T> {
    fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            listing: None,
            is_listed: false,
        }
    }

    /// Takes what a watch saw; `read` gives the key of an object, and what matters of it, if anything does.
    fn see<K>(&mut self, event: Event<K>, read: impl Fn(&K) -> (String, Option<T>)) {
        match event {
            Event::Init => self.listing = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                if let (key, Some(value)) = read(&object) {
                    self.listing.get_or_insert_default().insert(key, value);
                }
            }
            Event::InitDone => {
                self.objects = self.listing.take().unwrap_or_default();
                self.is_listed = true;
            }
            Event::Apply(object) => {
                let (key, value) = read(&object);
                match value {
                    Some(value) => self.objects.insert(key, value),
                    None => self.objects.remove(&key),
                };
            }
            Event::Delete(object) => {
                self.objects.remove(&read(&object).0);
            }
        }
    }
}

/// Both kinds, and the watches that keep them current.
pub(super) struct View {
    held: Mirror<Held>,
    /// Whether each policy is marked.
    policies: Mirror<bool>,
    ingress_events: BoxStream<'static, watcher::Result<Event<Ingress>>>,
    policy_events: BoxStream<'static, watcher::Result<Event<Policy>>>,
    /// Why a watch that had listed its kind has stopped, until it goes on.
    failure: Option<String>,
}

impl View {
    /// Lists both kinds, and goes on watching them.
    ///
    /// # Errors
    /// When one can't be listed. That there are no FilingPolicies because the cluster does not know the kind is none: what
    /// quarantine holds then is still to be let go.
    pub(super) async fn open(client: &Client) -> Result<Self> {
        let ingresses = Api::<Ingress>::all(client.clone());
        // Metadata only: a policy that can't be read counts like any other.
        let policies = Api::<Policy>::all(client.clone());
        let mut view = Self {
            held: Mirror::new(),
            policies: Mirror::new(),
            ingress_events: watcher(ingresses, watcher::Config::default()).default_backoff().boxed(),
            policy_events: watcher(policies, watcher::Config::default()).default_backoff().boxed(),
            failure: None,
        };
        while !(view.held.is_listed && view.policies.is_listed) {
            view.changed().await?;
        }
        Ok(view)
    }

    /// Waits until a watch has seen something, and takes it.
    ///
    /// # Errors
    /// As [`Self::open`], before the first listing is complete. Later failures are kept, for the watch goes on by itself.
    pub(super) async fn changed(&mut self) -> Result<()> {
        tokio::select! {
            event = self.ingress_events.next() => match event.context("the watch of Ingresses has ended")? {
                Ok(event) => self.see_ingress(event),
                Err(error) => self.failed(error, "Ingresses", self.held.is_listed)?,
            },
            event = self.policy_events.next() => match event.context("the watch of FilingPolicies has ended")? {
                Ok(event) => self.see_policy(event),
                Err(error) if is_unknown_kind(&error) => self.policies.is_listed = true,
                Err(error) => self.failed(error, "FilingPolicies", self.policies.is_listed)?,
            },
        }
        Ok(())
    }

    fn see_ingress(&mut self, event: Event<Ingress>) {
        self.failure = None;
        self.held.see(event, |ingress| {
            let key = format!("{}/{}", ingress.namespace().unwrap_or_default(), ingress.name_any());
            (key, Held::of(ingress))
        });
    }

    fn see_policy(&mut self, event: Event<Policy>) {
        self.failure = None;
        self.policies.see(event, |policy| {
            let is_marked = policy.annotations().contains_key(RELEASE);
            (policy.name_any(), Some(is_marked))
        });
    }

    fn failed(&mut self, error: watcher::Error, what: &str, is_listed: bool) -> Result<()> {
        if is_listed {
            self.failure = Some(format!("watching {what}: {error}"));
            return Ok(());
        }
        Err(error).with_context(|| format!("listing {what}"))
    }

    /// The routes that quarantine holds.
    pub(super) fn held(&self) -> impl ExactSizeIterator<Item = &Held> {
        self.held.objects.values()
    }

    /// The policies by name, and whether they are marked.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&str, bool)> {
        self.policies
            .objects
            .iter()
            .map(|(name, marked)| (name.as_str(), *marked))
    }

    /// Notes what has just been written, before the watch tells of it.
    pub(super) fn set_marked(&mut self, name: &str, marked: bool) {
        if let Some(known) = self.policies.objects.get_mut(name) {
            *known = marked;
        }
    }

    /// Why it may be out of date, if it may.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

/// The cluster does not serve the kind at all.
fn is_unknown_kind(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects are numbers here; odd ones do not matter.
    fn see(mirror: &mut Mirror<u32>, events: impl IntoIterator<Item = Event<u32>>) -> Vec<u32> {
        for event in events {
            mirror.see(event, |object| {
                (object.to_string(), (object % 2 == 0).then_some(*object))
            });
        }
        mirror.objects.values().copied().collect()
    }

    #[test]
    fn a_mirror_shows_what_matters_of_what_is_there() {
        let mut mirror = Mirror::new();
        assert!(see(&mut mirror, [Event::Init, Event::InitApply(2), Event::InitApply(3)]).is_empty());
        assert!(!mirror.is_listed, "half a listing is none");
        assert_eq!(see(&mut mirror, [Event::InitDone]), [2]);
        assert!(mirror.is_listed);
        assert_eq!(
            see(&mut mirror, [Event::Apply(4), Event::Apply(5), Event::Delete(2)]),
            [4]
        );
    }

    #[test]
    fn what_a_new_listing_does_not_name_is_gone_once_it_is_complete() {
        let mut mirror = Mirror::new();
        see(
            &mut mirror,
            [Event::Init, Event::InitApply(2), Event::InitApply(4), Event::InitDone],
        );
        assert_eq!(see(&mut mirror, [Event::Init, Event::InitApply(4)]), [2, 4]);
        assert_eq!(see(&mut mirror, [Event::InitDone]), [4]);
    }

    #[test]
    fn an_object_that_ceases_to_matter_is_gone() {
        let mut mirror = Mirror::new();
        let read = |matters: bool| move |_: &u32| ("web".to_owned(), matters.then_some(()));
        mirror.see(Event::Apply(1), read(true));
        assert_eq!(mirror.objects.len(), 1);
        mirror.see(Event::Apply(1), read(false));
        assert_eq!(mirror.objects.len(), 0);
    }
}
