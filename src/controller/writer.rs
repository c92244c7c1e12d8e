//! The one that writes: carries out the effects on one object, in their order.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use leaky_bucket::RateLimiter;
use serde::Serialize;
use serde_json::{Value, json};

use super::shared::{Shared, Write};
use crate::admission::create_event;
use crate::api::keys::managers;
use crate::effects::{Effect, Notice, Reference, blocking, handing_back, restoring};
use crate::notify::Teller;

/// A write failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("creating an Event about {kind} {name}")]
    Event {
        kind: &'static str,
        name: String,
        source: Box<kube::Error>,
    },
    #[error("annotating {kind} {name}")]
    Annotate {
        kind: &'static str,
        name: String,
        source: Box<kube::Error>,
    },
    #[error("{kind} {name} has changed since it was judged")]
    Changed { kind: &'static str, name: String },
    #[error("moving {kind} {name} into quarantine or out of it")]
    Move {
        kind: &'static str,
        name: String,
        source: Box<kube::Error>,
    },
    #[error("writing the status of {kind} {name}")]
    Status {
        kind: &'static str,
        name: String,
        source: Box<kube::Error>,
    },
}

/// Lets so many writes a second go to the API server, those that wait in the order in which they came. After a quiet
/// time as many as a second's go at once, so that a small change is told without delay.
pub(super) fn limit(per_second: NonZeroU32) -> Arc<RateLimiter> {
    let burst = usize::try_from(per_second.get()).unwrap_or(usize::MAX);
    // The limiter counts time in milliseconds.
    let interval = (Duration::from_secs(1) / per_second.get()).max(Duration::from_millis(1));
    let limit = RateLimiter::builder()
        .max(burst)
        .initial(burst)
        .interval(interval)
        .build();
    Arc::new(limit)
}

/// What to write about, and as whom.
pub(super) struct Job {
    pub(super) client: Client,
    pub(super) identity: String,
    /// Each write waits for its turn here. Only writes do: whoever reads, answers or keeps the lease asks nobody.
    pub(super) limit: Arc<RateLimiter>,
    pub(super) target: Reference,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Timestamp,
    pub(super) teller: Teller,
    pub(super) shared: Arc<Shared>,
}

impl Job {
    /// Carries out the effects one after the other, and gives them back. It stops at the first that fails: what is left
    /// is found anew.
    pub(super) async fn run(self) -> Result<Vec<Effect>, WriteError> {
        for effect in &self.effects {
            self.limit.acquire_one().await;
            let written = match effect {
                Effect::Event(notice) => self.create_event(notice).await,
                Effect::Annotate(annotations) => self.annotate(annotations).await,
                Effect::Block { version, at } => self.block(version, *at).await,
                Effect::LetGo { version } => self.let_go(version).await,
                Effect::DeclarationStatus(status) => self.write_status(status).await,
                Effect::PolicyStatus(status) => self.write_status(status).await,
            };
            match &written {
                Ok(()) => self.shared.writes.done(Write::of(effect)),
                // Nothing was tried.
                Err(WriteError::Changed { .. }) => {}
                Err(_) => self.shared.writes.failed(Write::of(effect)),
            }
            written?;
        }
        Ok(self.effects)
    }

    async fn create_event(&self, notice: &Notice) -> Result<(), WriteError> {
        match create_event(self.client.clone(), notice, &self.identity, self.now).await {
            Ok(is_new) => {
                if is_new {
                    self.teller.tell(notice, self.now);
                }
                Ok(())
            }
            // A namespace that takes no Events, for its quota say, must not keep what concerns others from being written.
            Err(error) if notice.regarding != self.target && is_refused(&error) => {
                tracing::warn!(%error, about = %notice.regarding, "an Event is not taken, and goes untold");
                Ok(())
            }
            Err(source) => Err(WriteError::Event {
                kind: self.target.kind,
                name: self.name(),
                source: Box::new(source),
            }),
        }
    }

    async fn annotate(&self, annotations: &BTreeMap<&'static str, String>) -> Result<(), WriteError> {
        let patch = self.patch(Some(json!(annotations)), None);
        let params = PatchParams::apply(managers::ROUTES).force();
        let written = self.api().patch(&self.target.name, &params, &Patch::Apply(patch)).await;
        self.unless_gone(written)
            .map(drop)
            .map_err(|source| WriteError::Annotate {
                kind: self.target.kind,
                name: self.name(),
                source: Box::new(source),
            })
    }

    async fn block(&self, version: &str, at: Timestamp) -> Result<(), WriteError> {
        match self.read(version).await? {
            Some(object) => self.merge(&blocking(&object, at)).await.map(drop),
            None => Ok(()),
        }
    }

    /// Both steps, or the second alone where the first is done.
    async fn let_go(&self, version: &str) -> Result<(), WriteError> {
        let Some(mut object) = self.read(version).await? else {
            return Ok(());
        };
        if let Some(patch) = restoring(&object) {
            match self.merge(&patch).await? {
                Some(restored) => object = restored,
                None => return Ok(()),
            }
        }
        // The effect was let through as one write, and is two.
        self.limit.acquire_one().await;
        self.merge(&handing_back(&object, self.now)).await.map(drop)
    }

    /// The object as it is, if it is still the one that was judged; none when that is gone.
    async fn read(&self, version: &str) -> Result<Option<DynamicObject>, WriteError> {
        let read = self.api().get_opt(&self.target.name).await;
        let read = read.map_err(|error| self.cant_move(error))?;
        let same = read.filter(|object| object.metadata.uid.as_deref() == Some(self.target.uid.as_str()));
        match same {
            Some(object) if object.metadata.resource_version.as_deref() != Some(version) => Err(WriteError::Changed {
                kind: self.target.kind,
                name: self.name(),
            }),
            same => Ok(same),
        }
    }

    async fn merge(&self, patch: &Value) -> Result<Option<DynamicObject>, WriteError> {
        let params = PatchParams {
            field_manager: Some(managers::QUARANTINE.to_owned()),
            ..PatchParams::default()
        };
        let written = self.api().patch(&self.target.name, &params, &Patch::Merge(patch)).await;
        self.unless_gone(written).map_err(|error| self.cant_move(error))
    }

    fn cant_move(&self, source: kube::Error) -> WriteError {
        match &source {
            kube::Error::Api(status) if status.code == 409 => WriteError::Changed {
                kind: self.target.kind,
                name: self.name(),
            },
            _ => WriteError::Move {
                kind: self.target.kind,
                name: self.name(),
                source: Box::new(source),
            },
        }
    }

    async fn write_status(&self, status: &impl Serialize) -> Result<(), WriteError> {
        let patch = self.patch(None, Some(json!(status)));
        let params = PatchParams::apply(managers::STATUS).force();
        let written = self
            .api()
            .patch_status(&self.target.name, &params, &Patch::Apply(patch))
            .await;
        self.unless_gone(written)
            .map(drop)
            .map_err(|source| WriteError::Status {
                kind: self.target.kind,
                name: self.name(),
                source: Box::new(source),
            })
    }

    /// What is to be, with the identity of what it is to be of: server-side apply would otherwise create anew what has
    /// been deleted meanwhile.
    fn patch(&self, annotations: Option<Value>, status: Option<Value>) -> Value {
        let mut metadata = json!({"uid": self.target.uid});
        let mut patch = json!({"apiVersion": self.target.api_version, "kind": self.target.kind});
        let add = |to: &mut Value, key: &str, value: Option<Value>| {
            if let (Some(fields), Some(value)) = (to.as_object_mut(), value) {
                fields.insert(key.to_owned(), value);
            }
        };
        add(&mut metadata, "annotations", annotations);
        add(&mut patch, "metadata", Some(metadata));
        add(&mut patch, "status", status);
        patch
    }

    fn api(&self) -> Api<DynamicObject> {
        let (group, version) = self
            .target
            .api_version
            .split_once('/')
            .unwrap_or(("", self.target.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, self.target.kind));
        match &self.target.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// What is gone, or is another object of the same name by now, needs nothing more.
    fn unless_gone<T>(&self, written: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
        match written {
            Ok(written) => Ok(Some(written)),
            Err(kube::Error::Api(status))
                if status.code == 404 || (status.code == 409 && is_of_another(&status.message)) =>
            {
                tracing::debug!(kind = self.target.kind, name = %self.name(), "it is gone, so nothing is written");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn name(&self) -> String {
        match &self.target.namespace {
            Some(namespace) => format!("{namespace}/{}", self.target.name),
            None => self.target.name.clone(),
        }
    }
}

/// The API server's words for a patch whose identity is not that of the object, or whose object is gone.
fn is_of_another(message: &str) -> bool {
    message.contains("uid mismatch") || message.contains("UID in precondition")
}

fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 403 | 422))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rstest::rstest;

    use super::super::tests::api::{scripted, status};
    use super::*;
    use crate::api::keys;
    use crate::api::{Colour, DeclarationStatus, FilingPolicyStatus};

    const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();

    fn reference(kind: &'static str, namespace: Option<&str>, name: &str) -> Reference {
        let api_version = if kind == "Ingress" {
            "networking.k8s.io/v1"
        } else {
            keys::API_VERSION
        };
        Reference {
            api_version,
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            uid: "5b0c".to_owned(),
        }
    }

    fn notice(regarding: Reference) -> Effect {
        let mut notice = Notice::new(regarding, "NoFiling".to_owned(), "Judge", "no filing covers it", &["1"]);
        notice.is_warning = true;
        Effect::Event(Box::new(notice))
    }

    fn annotate() -> Effect {
        Effect::Annotate(BTreeMap::from([(keys::VERDICT, "Violating".to_owned())]))
    }

    fn declaration() -> Effect {
        Effect::DeclarationStatus(Box::new(DeclarationStatus {
            observed_generation: Some(2),
            colour: Some(Colour::Red),
            ..DeclarationStatus::default()
        }))
    }

    fn policy() -> Effect {
        Effect::PolicyStatus(Box::new(FilingPolicyStatus {
            observed_generation: Some(2),
            ..FilingPolicyStatus::default()
        }))
    }

    /// Carries effects out, and answers each call with one of these.
    async fn written(
        target: Reference,
        effects: Vec<Effect>,
        answers: &[(u16, Value)],
    ) -> (Result<(), WriteError>, String) {
        let job = |client| Job {
            client,
            identity: "a-pod-".repeat(30),
            limit: limit(PER_SECOND),
            target,
            effects,
            now: "2026-11-23T02:00:00.123456Z".parse().unwrap(),
            shared: Arc::default(),
            teller: Teller::default(),
        };
        scripted(answers, async |client| job(client).run().await.map(drop)).await
    }

    fn done() -> (u16, Value) {
        (
            200,
            json!({"apiVersion": "v1", "kind": "Any", "metadata": {"name": "any"}}),
        )
    }

    fn told() -> (u16, Value) {
        (
            201,
            json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "any"}}),
        )
    }

    fn refused(code: u16, reason: &str, message: &str) -> (u16, Value) {
        (code, status(code, reason, message))
    }

    #[tokio::test]
    async fn a_route_gets_an_event_and_then_its_annotations() {
        let web = reference("Ingress", Some("shop"), "web");
        let effects = vec![notice(web.clone()), annotate()];
        let (result, calls) = written(web, effects, &[told(), done()]).await;
        result.unwrap();
        insta::assert_snapshot!(calls);
    }

    #[rstest]
    #[case::it_is_new(told(), true)]
    #[case::it_is_there_already(refused(409, "AlreadyExists", "events \"web.1\" already exists"), false)]
    #[case::its_namespace_is_gone(refused(404, "NotFound", "namespaces \"shop\" not found"), false)]
    #[tokio::test]
    async fn an_event_is_news_to_people_only_when_it_is_new(#[case] answer: (u16, Value), #[case] is_new: bool) {
        let Effect::Event(notice) = notice(reference("Ingress", Some("shop"), "web")) else {
            unreachable!("it is an Event");
        };
        let moment = Timestamp::UNIX_EPOCH;
        let create = async |client| create_event(client, &notice, "a-pod", moment).await.unwrap();
        let (created, _) = scripted(&[answer], create).await;
        assert_eq!(created, is_new);
    }

    #[tokio::test]
    async fn what_has_no_namespace_gets_its_events_in_the_default_one() {
        let server = reference("AccessServer", None, "beijing-slb");
        let effects = vec![notice(server.clone()), declaration()];
        let (result, calls) = written(server, effects, &[told(), done()]).await;
        result.unwrap();
        insta::assert_snapshot!(calls);
    }

    #[rstest]
    #[case(
        "Filing",
        Some("filing-system"),
        "/apis/filing-operator.io/v1alpha1/namespaces/filing-system/filings/it/status?"
    )]
    #[case("FilingPolicy", None, "/apis/filing-operator.io/v1alpha1/filingpolicies/it/status?")]
    #[tokio::test]
    async fn a_status_is_written_where_it_is_one(
        #[case] kind: &'static str,
        #[case] namespace: Option<&str>,
        #[case] path: &str,
    ) {
        let effect = if kind == "Filing" { declaration() } else { policy() };
        let (result, calls) = written(reference(kind, namespace, "it"), vec![effect], &[done()]).await;
        result.unwrap();
        assert!(calls.starts_with(&format!("PATCH {path}")), "{calls}");
        assert_eq!(calls.matches("PATCH").count(), 1);
    }

    #[tokio::test]
    async fn writes_beyond_the_limit_wait_and_none_is_lost() {
        let web = reference("Ingress", Some("shop"), "web");
        let beyond = 10;
        let count = PER_SECOND.get() + beyond;
        let writes = vec![annotate(); usize::try_from(count).unwrap()];
        let answers = vec![done(); writes.len()];
        let began = Instant::now();
        let (result, calls) = written(web, writes, &answers).await;
        result.unwrap();
        assert_eq!(calls.matches("PATCH").count(), answers.len());
        // One is refilled while the first go.
        let least = Duration::from_secs(1) * (beyond - 1) / PER_SECOND.get();
        assert!(began.elapsed() >= least, "{count} writes took {:?}", began.elapsed());
    }

    #[tokio::test]
    async fn taking_every_annotation_away_is_applying_none() {
        let web = reference("Ingress", Some("shop"), "web");
        let (result, calls) = written(web, vec![Effect::Annotate(BTreeMap::new())], &[done()]).await;
        result.unwrap();
        assert!(calls.contains("\"annotations\": {}"), "{calls}");
    }

    #[rstest]
    #[case::an_event_that_is_there(refused(409, "AlreadyExists", "events \"web.1\" already exists"), done())]
    #[case::a_namespace_that_is_gone(refused(404, "NotFound", "namespaces \"shop\" not found"), done())]
    #[case::a_namespace_that_ends(
        refused(
            403,
            "Forbidden",
            "events.events.k8s.io \"web.1\" is forbidden: unable to \
        create new content in namespace shop because it is being terminated"
        ),
        done()
    )]
    #[case::gone(told(), refused(404, "NotFound", "ingresses \"web\" not found"))]
    #[case::another_of_its_name(
        told(),
        refused(
            409,
            "Conflict",
            "Operation cannot be fulfilled on ingresses \"web\": uid \
        mismatch: the provided object specified uid 5b0c, and no existing object was found"
        )
    )]
    #[case::gone_meanwhile(
        told(),
        refused(
            409,
            "Conflict",
            "Operation cannot be fulfilled: Precondition failed: UID in \
        precondition: 5b0c, UID in object meta: 77aa"
        )
    )]
    #[tokio::test]
    async fn what_needs_no_write_any_more_is_no_error(#[case] first: (u16, Value), #[case] second: (u16, Value)) {
        let web = reference("Ingress", Some("shop"), "web");
        let (result, calls) = written(web.clone(), vec![notice(web), annotate()], &[first, second]).await;
        result.unwrap();
        assert_eq!(calls.matches("(application/").count(), 2, "{calls}");
    }

    #[rstest]
    #[case::server_error(refused(500, "InternalError", "etcd is away"))]
    #[case::forbidden(refused(403, "Forbidden", "not allowed"))]
    #[tokio::test]
    async fn what_comes_after_a_failed_event_is_not_written(#[case] answer: (u16, Value)) {
        let web = reference("Ingress", Some("shop"), "web");
        let (result, calls) = written(web.clone(), vec![notice(web), annotate()], &[answer]).await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "creating an Event about Ingress shop/web"
        );
        assert!(!calls.contains("PATCH"), "{calls}");
    }

    #[rstest]
    #[case::quota_of_a_tenant(403, true)]
    #[case::a_server_error_passes(500, false)]
    #[tokio::test]
    async fn a_namespace_that_takes_no_events_holds_nothing_up(#[case] code: u16, #[case] goes_on: bool) {
        let target = reference("Filing", Some("filing-system"), "example-com");
        let on_route = notice(reference("Ingress", Some("shop"), "web"));
        let answers = [refused(code, "Forbidden", "exceeded quota: count/events"), done()];
        let (result, calls) = written(target, vec![on_route, declaration()], &answers).await;
        assert_eq!(result.is_ok(), goes_on);
        assert_eq!(calls.contains("PATCH"), goes_on, "{calls}");
    }

    #[rstest]
    #[case::server_error(refused(500, "InternalError", "etcd is away"))]
    #[case::another_conflict(refused(409, "Conflict", "the object has been modified"))]
    #[case::invalid(refused(422, "Invalid", "status.colour: Unsupported value"))]
    #[tokio::test]
    async fn a_status_that_is_refused_is_an_error(#[case] answer: (u16, Value)) {
        let target = reference("Filing", Some("filing-system"), "example-com");
        let (result, _) = written(target, vec![declaration()], &[answer]).await;
        let expected = "writing the status of Filing filing-system/example-com";
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
}
