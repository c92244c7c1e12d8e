//! The one that writes: carries out the effects on one object, in their order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::keys::{self, managers};
use crate::effects::{Effect, Notice, Reference};

/// The longest name of who reports an Event, in bytes (events.k8s.io/v1).
const MAX_INSTANCE: usize = 128;

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
    #[error("writing the status of {kind} {name}")]
    Status {
        kind: &'static str,
        name: String,
        source: Box<kube::Error>,
    },
}

/// What to write about, and as whom.
pub(super) struct Job {
    pub(super) client: Client,
    pub(super) identity: String,
    pub(super) target: Reference,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Timestamp,
}

impl Job {
    /// Carries out the effects one after the other, and gives them back. It stops at the first that fails: what is left
    /// is found anew.
    pub(super) async fn run(self) -> Result<Vec<Effect>, WriteError> {
        for effect in &self.effects {
            match effect {
                Effect::Event(notice) => self.create_event(notice).await?,
                Effect::Annotate(annotations) => self.annotate(annotations).await?,
                Effect::DeclarationStatus(status) => self.write_status(status).await?,
                Effect::PolicyStatus(status) => self.write_status(status).await?,
            }
        }
        Ok(self.effects)
    }

    async fn create_event(&self, notice: &Notice) -> Result<(), WriteError> {
        // Events about what has no namespace live in `default`, where kubectl describe looks for them.
        let namespace = notice.regarding.namespace.as_deref().unwrap_or("default");
        let event = event(notice, namespace, &self.identity, self.now);
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        match api.create(&PostParams::default(), &event).await {
            Ok(_) => Ok(()),
            Err(error) if is_already_there(&error) => Ok(()),
            Err(error) => Err(WriteError::Event {
                kind: self.target.kind,
                name: self.name(),
                source: Box::new(error),
            }),
        }
    }

    async fn annotate(&self, annotations: &BTreeMap<&'static str, String>) -> Result<(), WriteError> {
        let patch = self.patch(Some(json!(annotations)), None);
        let params = PatchParams::apply(managers::ROUTES).force();
        let written = self.api().patch(&self.target.name, &params, &Patch::Apply(patch)).await;
        self.unless_gone(written).map_err(|source| WriteError::Annotate {
            kind: self.target.kind,
            name: self.name(),
            source: Box::new(source),
        })
    }

    async fn write_status(&self, status: &impl Serialize) -> Result<(), WriteError> {
        let patch = self.patch(None, Some(json!(status)));
        let params = PatchParams::apply(managers::STATUS).force();
        let written = self
            .api()
            .patch_status(&self.target.name, &params, &Patch::Apply(patch))
            .await;
        self.unless_gone(written).map_err(|source| WriteError::Status {
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
    fn unless_gone<T>(&self, written: Result<T, kube::Error>) -> Result<(), kube::Error> {
        match written {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status))
                if status.code == 404 || (status.code == 409 && is_of_another(&status.message)) =>
            {
                tracing::debug!(kind = self.target.kind, name = %self.name(), "it is gone, so nothing is written");
                Ok(())
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

fn is_already_there(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.reason == "AlreadyExists")
}

fn event(notice: &Notice, namespace: &str, identity: &str, now: Timestamp) -> Event {
    Event {
        metadata: ObjectMeta {
            name: Some(notice.name.clone()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        action: Some(notice.action.to_owned()),
        event_time: Some(MicroTime(now)),
        note: Some(notice.note.clone()),
        reason: Some(notice.reason.clone()),
        regarding: Some(object_reference(&notice.regarding)),
        related: notice.related.as_ref().map(object_reference),
        reporting_controller: Some(keys::CONTROLLER.to_owned()),
        reporting_instance: identity
            .get(..identity.floor_char_boundary(MAX_INSTANCE))
            .map(str::to_owned),
        type_: Some(if notice.is_warning { "Warning" } else { "Normal" }.to_owned()),
        ..Event::default()
    }
}

fn object_reference(reference: &Reference) -> ObjectReference {
    ObjectReference {
        api_version: Some(reference.api_version.to_owned()),
        kind: Some(reference.kind.to_owned()),
        namespace: reference.namespace.clone(),
        name: Some(reference.name.clone()),
        uid: Some(reference.uid.clone()),
        ..ObjectReference::default()
    }
}
