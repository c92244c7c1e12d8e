//! The watches: each object is mapped to what the registry keeps of it as it streams in.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Debug, Display};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{Api, ApiResource, DynamicObject, PartialObjectMeta};
use kube::client::Body;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, DefaultBackoff, Event};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::lean::{Bare, Whole};
use super::shared::Shared;
use crate::admission::Clock;
use crate::api::read::{Misread, read};
use crate::api::{
    AccessServer, AccessServerSpec, DeclarationStatus, Filing, FilingPolicy, FilingPolicySpec, FilingPolicyStatus,
    FilingSpec,
};
use crate::domain::Place;
use crate::effects::{Remembered, changed_since_approval};
use crate::registry::{self, Change, FilingKey, IngressClassFact, Policy, Server, Subject, SubjectKind, Unreadable};
use crate::route::{RouteKey, RouteKind, from_object};

/// The shortest time between two beginnings of one watch.
const PACE: Duration = Duration::from_secs(1);
/// The wait before a listing where the backoff knows none.
const LAST_WAIT: Duration = Duration::from_secs(30);
/// How many objects a listing asks for at once. They are whole objects as JSON until each has been read: with the usual
/// 500, start takes more memory than what is kept of them.
const PAGE: u32 = 100;

/// What a watch saw.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: SubjectKind,
    /// The resource version of the object, or of its deletion; 0 where there is none.
    pub(super) version: u64,
    pub(super) seen: Seen,
}

/// One event of a watch.
#[derive(Debug)]
pub(super) enum Seen {
    /// A listing begins.
    Listing,
    /// An object of the listing.
    Listed(Box<Change>, Beside),
    /// The listing is complete: what it did not name is gone.
    Complete,
    /// An object is new or has changed.
    Changed(Box<Change>, Beside),
    /// An object is gone.
    Gone(Subject),
}

/// What only the writer needs to know of an object.
#[derive(Debug)]
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// The version of a route.
    Version(Box<str>),
    /// The status of a filing or server.
    Declaration(Remembered),
    /// The status of a policy.
    Policy(Box<FilingPolicyStatus>),
}

/// Watches everything, for as long as there is someone to tell.
pub(super) async fn watch_all(client: Client, shared: Arc<Shared>, clock: Clock, to: mpsc::Sender<Message>) {
    let source = |kind| paced(client.clone(), kind, Arc::clone(&shared), Arc::clone(&clock));
    let with_status = |kind, resource: ApiResource| Api::<Whole>::all_with(source(kind), &resource);
    let others = |kind, resource: ApiResource| Api::<Bare>::all_with(source(kind), &resource);
    let mut namespaces = Alike::default();
    let teller = |kind| Teller {
        kind,
        shared: Arc::clone(&shared),
        to: to.clone(),
    };
    tokio::join!(
        watch(
            with_status(SubjectKind::Filing, ApiResource::erase::<Filing>(&())),
            |object: &Whole| filing(&object.0, &mut namespaces),
            teller(SubjectKind::Filing)
        ),
        watch(
            with_status(SubjectKind::Server, ApiResource::erase::<AccessServer>(&())),
            |object: &Whole| server(&object.0),
            teller(SubjectKind::Server)
        ),
        watch(
            with_status(SubjectKind::Policy, ApiResource::erase::<FilingPolicy>(&())),
            |object: &Whole| policy(&object.0),
            teller(SubjectKind::Policy)
        ),
        watch(
            with_status(SubjectKind::Route, ApiResource::erase::<Ingress>(&())),
            |object: &Whole| ingress(&object.0),
            teller(SubjectKind::Route)
        ),
        watch(
            others(SubjectKind::Class, ApiResource::erase::<IngressClass>(&())),
            |object: &Bare| class(&object.0),
            teller(SubjectKind::Class)
        ),
        watch(
            others(SubjectKind::Node, ApiResource::erase::<Node>(&())),
            |object: &Bare| node(&object.0),
            teller(SubjectKind::Node)
        ),
        watch(
            Api::<PartialObjectMeta<Namespace>>::all(source(SubjectKind::Namespace)),
            namespace,
            teller(SubjectKind::Namespace)
        ),
    );
}

/// A client for one watch, which it begins at most once in a while: kube's watcher begins anew at once whenever a watch
/// ends, and would ask without a pause where each ends as soon as it has begun. It notes when anything is heard, bookmarks
/// too, of which kube's watcher does not tell.
fn paced(client: Client, kind: SubjectKind, shared: Arc<Shared>, clock: Clock) -> Client {
    let namespace = client.default_namespace().to_owned();
    let last = Arc::new(Mutex::new(None::<Instant>));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, last) = (client.clone(), Arc::clone(&last));
        let (shared, clock) = (Arc::clone(&shared), Arc::clone(&clock));
        async move {
            if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                let mut last = last.lock().await;
                if let Some(last) = *last {
                    sleep_until(last + PACE).await;
                }
                *last = Some(Instant::now());
            }
            let response = client.send(request).await?;
            let heard = move |frame| {
                if let Some(state) = shared.watch(kind) {
                    state.saw(clock());
                }
                frame
            };
            Ok::<_, kube::Error>(response.map(|body| body.map_frame(heard)))
        }
    });
    Client::new(service, namespace)
}

/// Texts that many objects have alike, each kept once.
#[derive(Default)]
pub(super) struct Alike(HashSet<Arc<str>>);

impl Alike {
    /// How many are kept. What comes when there are more is kept beside those.
    const MOST: usize = 10_000;

    fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        if self.0.len() < Self::MOST {
            self.0.insert(Arc::clone(&new));
        }
        new
    }
}

/// Where a watch tells what it saw.
struct Teller {
    kind: SubjectKind,
    shared: Arc<Shared>,
    to: mpsc::Sender<Message>,
}

async fn watch<K>(api: Api<K>, mut read: impl FnMut(&K) -> (Change, Beside), teller: Teller)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default().page_size(PAGE);
    let mut waits = DefaultBackoff::default();
    loop {
        let events = kube::runtime::watcher(api.clone(), config.clone()).default_backoff();
        match teller.tell_all(events, &mut read).await {
            Ended::Unheard => return,
            Ended::Expired => tokio::time::sleep(waits.next().unwrap_or(LAST_WAIT)).await,
        }
    }
}

/// Why a watch has ended.
enum Ended {
    /// There is nobody to tell any more.
    Unheard,
    /// It can't go on from where it was, and has to list anew.
    Expired,
}

impl Teller {
    async fn tell_all<K: Resource>(
        &self,
        events: impl futures::Stream<Item = Result<Event<K>, watcher::Error>>,
        read: &mut impl FnMut(&K) -> (Change, Beside),
    ) -> Ended {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let (version, seen) = match event {
                Ok(Event::Init) => (0, Seen::Listing),
                Ok(Event::InitApply(object)) => {
                    let (change, beside) = read(&object);
                    (version_of(&object), Seen::Listed(Box::new(change), beside))
                }
                Ok(Event::InitDone) => (0, Seen::Complete),
                Ok(Event::Apply(object)) => {
                    let (change, beside) = read(&object);
                    (version_of(&object), Seen::Changed(Box::new(change), beside))
                }
                Ok(Event::Delete(object)) => (version_of(&object), Seen::Gone(read(&object).0.subject())),
                Err(error) => {
                    // The last view is kept, and the watch begins anew after a while.
                    if let Some(state) = self.shared.watch(self.kind) {
                        state.failed();
                    }
                    warn!(kind = ?self.kind, error = %Chain(&error), "a watch failed");
                    if has_expired(&error) {
                        return Ended::Expired;
                    }
                    continue;
                }
            };
            let kind = self.kind;
            if self.to.send(Message { kind, version, seen }).await.is_err() {
                return Ended::Unheard;
            }
        }
        Ended::Unheard
    }
}

/// The version of an object; 0, which is older than all, where it has none.
fn version_of(object: &impl Resource) -> u64 {
    object
        .meta()
        .resource_version
        .as_deref()
        .and_then(version)
        .unwrap_or_default()
}

/// A resource version as a number, which is greater for what is newer of one kind: the API server promises that since 1.35,
/// and was never otherwise over etcd.
pub(super) fn version(typed: &str) -> Option<u64> {
    typed.parse().ok()
}

/// Whether a watch was refused since its version is too old. As an event of the watch kube's watcher knows that, and
/// lists anew; of a request that is refused it tries the same version again, for ever.
fn has_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

/// An error with all its causes in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

pub(super) fn filing(object: &DynamicObject, namespaces: &mut Alike) -> (Change, Beside) {
    let namespace = namespaces.one(object.metadata.namespace.as_deref().unwrap_or_default());
    let key = FilingKey::new(namespace, object.metadata.name.as_deref().unwrap_or_default());
    let mut read = spec::<FilingSpec>(object).map(|spec| registry::Filing::new(key.clone(), &object.metadata, &spec));
    let status: DeclarationStatus = status(object);
    if let Ok(filing) = &mut read {
        filing.changed = changed_since_approval(filing, &status);
    }
    let remembered = Remembered::of_filing(status, read.as_ref().ok());
    (Change::Filing(key, read), Beside::Declaration(remembered))
}

pub(super) fn server(object: &DynamicObject) -> (Change, Beside) {
    let name = name_of(object);
    let read = spec::<AccessServerSpec>(object).map(|spec| Server::new(Arc::clone(&name), &object.metadata, &spec));
    (
        Change::Server(name, read),
        Beside::Declaration(Remembered::of(status(object))),
    )
}

pub(super) fn policy(object: &DynamicObject) -> (Change, Beside) {
    let name = name_of(object);
    let read = spec::<FilingPolicySpec>(object).map(|spec| Policy::new(Arc::clone(&name), &object.metadata, &spec));
    (Change::Policy(name, read), Beside::Policy(Box::new(status(object))))
}

pub(super) fn ingress(object: &DynamicObject) -> (Change, Beside) {
    let key = RouteKey {
        kind: RouteKind::Ingress,
        namespace: namespace_of(object),
        name: name_of(object),
    };
    let read = from_object(object, &key.namespace).map_err(|error| unreadable(object, &error));
    (
        Change::Route(key, read),
        Beside::Version(object.resource_version().unwrap_or_default().into()),
    )
}

pub(super) fn class(object: &DynamicObject) -> (Change, Beside) {
    let controller = object.data.pointer("/spec/controller").and_then(Value::as_str);
    let class = IngressClassFact::of(&object.metadata, controller);
    (Change::Class(name_of(object), class), Beside::Nothing)
}

pub(super) fn node(object: &DynamicObject) -> (Change, Beside) {
    let provider_id = object.data.pointer("/spec/providerID").and_then(|value| value.as_str());
    let place = Place::from_node(provider_id, object.labels());
    (Change::Node(name_of(object), place), Beside::Nothing)
}

pub(super) fn namespace(object: &PartialObjectMeta<Namespace>) -> (Change, Beside) {
    let labels: BTreeMap<String, String> = object.labels().clone();
    (Change::Namespace(object.name_any().into(), labels), Beside::Nothing)
}

fn name_of(object: &DynamicObject) -> Arc<str> {
    object.metadata.name.as_deref().unwrap_or_default().into()
}

fn namespace_of(object: &DynamicObject) -> Arc<str> {
    object.metadata.namespace.as_deref().unwrap_or_default().into()
}

/// The spec, or why it can't be read, with the path of the field.
fn spec<T: DeserializeOwned>(object: &DynamicObject) -> Result<T, Unreadable> {
    read(object.data.get("spec").unwrap_or(&Value::Null)).map_err(|error| unreadable(object, &error))
}

fn unreadable(object: &DynamicObject, error: &Misread) -> Unreadable {
    Unreadable::new(&object.metadata, format!("spec.{error}"))
}

/// The status; one that can't be read was not written by this version, and is written anew.
fn status<T: DeserializeOwned + Default>(object: &DynamicObject) -> T {
    object
        .data
        .get("status")
        .and_then(|status| read(status).ok())
        .unwrap_or_default()
}
