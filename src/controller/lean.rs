//! Objects as they are watched, without what nobody here reads: most of a listing is who wrote what (`managedFields`), and
//! most of a node is its status.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An object with its status.
pub(super) type Whole = Lean<true>;
/// An object without.
pub(super) type Bare = Lean<false>;

/// An object with as much of its metadata as is read, and its spec.
#[derive(Clone, Debug)]
pub(super) struct Lean<const WITH_STATUS: bool>(pub(super) DynamicObject);

#[derive(Deserialize)]
struct WithStatus {
    metadata: Metadata,
    #[serde(default, deserialize_with = "present")]
    spec: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    status: Option<Value>,
}

#[derive(Deserialize)]
struct WithoutStatus {
    metadata: Metadata,
    #[serde(default, deserialize_with = "present")]
    spec: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

/// What is there, a null too: that is no spec.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl<'de, const WITH_STATUS: bool> Deserialize<'de> for Lean<WITH_STATUS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (metadata, spec, status) = if WITH_STATUS {
            let WithStatus { metadata, spec, status } = Deserialize::deserialize(deserializer)?;
            (metadata, spec, status)
        } else {
            let WithoutStatus { metadata, spec } = Deserialize::deserialize(deserializer)?;
            (metadata, spec, None)
        };
        let fields = [("spec", spec), ("status", status)];
        let fields = fields
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Ok(Self(DynamicObject {
            types: None,
            metadata: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                uid: metadata.uid,
                resource_version: metadata.resource_version,
                generation: metadata.generation,
                creation_timestamp: metadata.creation_timestamp,
                labels: metadata.labels,
                annotations: metadata.annotations,
                ..ObjectMeta::default()
            },
            data: Value::Object(fields.collect::<Map<_, _>>()),
        }))
    }
}

impl<const WITH_STATUS: bool> Resource for Lean<WITH_STATUS> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(resource)
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(resource)
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(resource)
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::api_version(resource)
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(resource)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_of_an_object_is_there_and_the_rest_is_not() {
        let whole = json!({
            "apiVersion": "filing-operator.io/v1alpha1", "kind": "Filing",
            "metadata": {
                "name": "a", "namespace": "filings", "uid": "7", "resourceVersion": "12", "generation": 3,
                "creationTimestamp": "2026-01-05T08:00:00Z", "labels": {"a": "b"}, "annotations": {"c": "d"},
                "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
            },
            "spec": null, "status": {"colour": "Blue"},
        });
        let read: DynamicObject = serde_json::from_value(whole.clone()).unwrap();
        let Lean::<true>(lean) = serde_json::from_value(whole.clone()).unwrap();
        let mut metadata = read.metadata;
        metadata.managed_fields = None;
        assert_eq!(lean.metadata, metadata);
        assert_eq!(lean.data, read.data);
        let Lean::<false>(bare) = serde_json::from_value(whole).unwrap();
        assert_eq!(bare.data, json!({"spec": null}));
    }
}
