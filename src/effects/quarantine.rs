//! The patches that move a route into quarantine and back. Each is a merge patch of the object as it was read, and is
//! refused by the API server if that has changed since.
//!
//! Into quarantine it is one write: the class, in both places that may name it, and the record of what was there and
//! who owned it. Back it is two, since whoever changes a field becomes its owner: the first puts the values back, the
//! second gives their ownership back and takes the record away. What has been done between is seen from the object
//! alone, so that either can be done by another process.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, Time};
use kube::core::{DynamicObject, ObjectMeta};
use serde_json::{Map, Value, json};

use super::declaration::whole_seconds;
use crate::api::keys::{self, managers};
use crate::route::{ClassRef, FieldOwner, MAX_OWNERS, Record};

/// Where `metadata.managedFields` speaks of `spec.ingressClassName`.
const FIELD: [&str; 2] = ["f:spec", "f:ingressClassName"];
/// Where it speaks of the annotation `kubernetes.io/ingress.class`.
const ANNOTATION: [&str; 3] = ["f:metadata", "f:annotations", "f:kubernetes.io/ingress.class"];

/// The patch that puts a route into quarantine. One that was there, and that someone else took out, keeps of its record
/// what they left as it is, and since when it was there.
pub fn blocking(object: &DynamicObject, now: Timestamp) -> Value {
    let class = class_of(object);
    let kept = class.record().cloned().unwrap_or_default();
    let place = |typed: &Option<Arc<str>>, kept: (Option<Arc<str>>, Vec<FieldOwner>), path: &[&str]| match typed {
        Some(name) if **name == *keys::QUARANTINE_CLASS => kept,
        Some(name) => (Some(Arc::clone(name)), owners(&object.metadata, path)),
        None => (None, Vec::new()),
    };
    let (field, field_owners) = place(&class.field, (kept.field, kept.field_owners), &FIELD);
    let (annotation, annotation_owners) = place(
        &class.annotation,
        (kept.annotation, kept.annotation_owners),
        &ANNOTATION,
    );
    let record = Record {
        field,
        field_owners,
        annotation,
        annotation_owners,
    };
    // What is no record, or is of a time that has not come, tells nothing.
    let recorded = class.recorded.filter(|recorded| recorded.class.is_ok());
    let since = recorded
        .and_then(|recorded| recorded.since)
        .filter(|since| *since <= now);
    let since = since.unwrap_or(now);
    let annotations = json!({
        keys::LEGACY_CLASS: keys::QUARANTINE_CLASS,
        keys::QUARANTINED_CLASS: json!(record).to_string(),
        keys::QUARANTINED_AT: whole_seconds(since).to_string(),
    });
    patch(
        object,
        json!({"annotations": annotations}),
        Some(json!(keys::QUARANTINE_CLASS)),
    )
}

/// The patch that puts back what a route had before its quarantine; none where that is done. What someone else has
/// changed since stays as they want it.
pub fn restoring(object: &DynamicObject) -> Option<Value> {
    let class = class_of(object);
    let record = class.to_put_back()?;
    let is_ours = |typed: &Option<Arc<str>>| typed.as_deref() == Some(keys::QUARANTINE_CLASS);
    let annotation = is_ours(&class.annotation).then(|| json!({keys::LEGACY_CLASS: record.annotation}));
    let field = is_ours(&class.field).then(|| json!(record.field));
    if annotation.is_none() && field.is_none() {
        return None;
    }
    let metadata = annotation.map_or_else(|| json!({}), |annotations| json!({"annotations": annotations}));
    Some(patch(object, metadata, field))
}

/// The patch that gives the class back to those who owned it, and takes the record away: the last step.
pub fn handing_back(object: &DynamicObject, now: Timestamp) -> Value {
    let class = class_of(object);
    let empty = Record::default();
    let record = class.record().unwrap_or(&empty);
    let mut managed: Vec<ManagedFieldsEntry> = object
        .metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| entry.manager.as_deref() != Some(managers::QUARANTINE))
        .cloned()
        .collect();
    let places = [
        (&class.field, &record.field, &record.field_owners, FIELD.as_slice()),
        (
            &class.annotation,
            &record.annotation,
            &record.annotation_owners,
            ANNOTATION.as_slice(),
        ),
    ];
    for (is, was, owners, path) in places {
        // What someone else has changed is theirs.
        if is.is_some() && is == was {
            for owner in owners {
                own(&mut managed, owner, path, now);
            }
        }
    }
    let metadata = json!({
        "managedFields": managed,
        "annotations": {keys::QUARANTINED_CLASS: null, keys::QUARANTINED_AT: null},
    });
    patch(object, metadata, None)
}

/// A merge patch of this version of this object.
fn patch(object: &DynamicObject, mut metadata: Value, class: Option<Value>) -> Value {
    let known = &object.metadata;
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("uid".to_owned(), json!(known.uid));
        metadata.insert("resourceVersion".to_owned(), json!(known.resource_version));
    }
    match class {
        Some(class) => json!({"metadata": metadata, "spec": {"ingressClassName": class}}),
        None => json!({"metadata": metadata}),
    }
}

fn class_of(object: &DynamicObject) -> ClassRef {
    let field = object.data.pointer("/spec/ingressClassName").and_then(Value::as_str);
    let annotations = object.metadata.annotations.as_ref();
    ClassRef::of(field, |key| annotations?.get(key).map(String::as_str))
}

/// Who owns a field, the operator aside.
fn owners(metadata: &ObjectMeta, path: &[&str]) -> Vec<FieldOwner> {
    let owns = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        entry.manager.as_deref() != Some(managers::QUARANTINE)
            && fields
                .and_then(|fields| path.iter().try_fold(fields, |at, step| at.get(step)))
                .is_some()
    };
    let entries = metadata.managed_fields.iter().flatten();
    entries
        .filter(owns)
        .filter_map(|entry| {
            Some(FieldOwner {
                manager: entry.manager.clone()?,
                operation: entry.operation.clone()?,
                api_version: entry.api_version.clone(),
            })
        })
        .take(MAX_OWNERS)
        .collect()
}

/// Lets a manager own a field: in its entry, or in a new one where it had no other.
fn own(managed: &mut Vec<ManagedFieldsEntry>, owner: &FieldOwner, path: &[&str], now: Timestamp) {
    let is_theirs = |entry: &ManagedFieldsEntry| {
        entry.manager.as_ref() == Some(&owner.manager)
            && entry.operation.as_ref() == Some(&owner.operation)
            && entry.subresource.as_deref().is_none_or(str::is_empty)
    };
    let at = managed.iter().position(is_theirs).unwrap_or_else(|| {
        managed.push(ManagedFieldsEntry {
            api_version: Some(
                owner
                    .api_version
                    .clone()
                    .unwrap_or_else(|| "networking.k8s.io/v1".to_owned()),
            ),
            fields_type: Some("FieldsV1".to_owned()),
            fields_v1: Some(FieldsV1(json!({}))),
            manager: Some(owner.manager.clone()),
            operation: Some(owner.operation.clone()),
            subresource: None,
            time: Some(Time(whole_seconds(now))),
        });
        managed.len().saturating_sub(1)
    });
    let Some(entry) = managed.get_mut(at) else { return };
    let mut fields = &mut entry.fields_v1.get_or_insert_with(|| FieldsV1(json!({}))).0;
    for step in path {
        if !fields.is_object() {
            *fields = Value::Object(Map::new());
        }
        let Some(map) = fields.as_object_mut() else { return };
        fields = map.entry(*step).or_insert_with(|| json!({}));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::support::{at, merge, now};

    const QUARANTINE: &str = keys::QUARANTINE_CLASS;

    fn patched(object: &DynamicObject, patch: &Value) -> DynamicObject {
        let mut value = json!(object);
        merge(&mut value, patch);
        serde_json::from_value(value).unwrap()
    }

    fn ingress(field: Option<&str>, annotation: Option<&str>) -> DynamicObject {
        let mut object = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "7",
                "annotations": {"note": "kept"},
                "managedFields": [
                    {"manager": "helm", "operation": "Apply", "apiVersion": "networking.k8s.io/v1", "fieldsType": "FieldsV1",
                     "fieldsV1": {"f:spec": {"f:ingressClassName": {}, "f:rules": {}}}},
                    {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "networking.k8s.io/v1",
                     "fieldsType": "FieldsV1",
                     "fieldsV1": {"f:metadata": {"f:annotations": {"f:kubernetes.io/ingress.class": {}}}}},
                ],
            },
            "spec": {"rules": [{"host": "www.example.com"}]},
        });
        if let Some(class) = field {
            object["spec"]["ingressClassName"] = json!(class);
        }
        if let Some(class) = annotation {
            object["metadata"]["annotations"][keys::LEGACY_CLASS] = json!(class);
        }
        serde_json::from_value(object).unwrap()
    }

    /// What the API server makes of the owners when our patch has changed the class.
    fn taken(mut object: DynamicObject) -> DynamicObject {
        let managed = object.metadata.managed_fields.as_mut().unwrap();
        for entry in managed.iter_mut() {
            let fields = &mut entry.fields_v1.as_mut().unwrap().0;
            if let Some(spec) = fields.pointer_mut("/f:spec").and_then(Value::as_object_mut) {
                spec.remove("f:ingressClassName");
            }
        }
        managed.retain(|entry| entry.manager.as_deref() == Some("helm"));
        let ours = json!({"manager": managers::QUARANTINE, "operation": "Update", "apiVersion": "networking.k8s.io/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:ingressClassName": {}}}});
        managed.push(serde_json::from_value(ours).unwrap());
        object
    }

    #[rstest]
    #[case::the_field(Some("nginx"), None)]
    #[case::the_annotation(None, Some("nginx"))]
    #[case::both(Some("nginx"), Some("nginx"))]
    #[case::both_and_different(Some("nginx"), Some("traefik"))]
    #[case::neither(None, None)]
    fn a_route_comes_back_as_it_went(#[case] field: Option<&str>, #[case] annotation: Option<&str>) {
        let before = ingress(field, annotation);
        let inside = taken(patched(&before, &blocking(&before, now())));
        let class = class_of(&inside);
        assert!(class.is_quarantined());
        assert_eq!(class.recorded.as_ref().unwrap().since, Some(now()));
        assert_eq!(
            (class.field.as_deref(), class.annotation.as_deref()),
            (Some(QUARANTINE), Some(QUARANTINE))
        );
        let value_back = patched(&inside, &restoring(&inside).unwrap());
        assert_eq!(restoring(&value_back), None, "the first step is done once");
        let back = patched(&value_back, &handing_back(&value_back, now()));
        assert_eq!(back.data, before.data);
        assert_eq!(back.metadata.annotations, before.metadata.annotations);
        let owners_of = |object: &DynamicObject, path: &[&str]| owners(&object.metadata, path);
        if field.is_some() {
            assert_eq!(owners_of(&back, &FIELD), owners_of(&before, &FIELD));
        }
        if annotation.is_some() {
            assert_eq!(owners_of(&back, &ANNOTATION), owners_of(&before, &ANNOTATION));
        }
        let managers = back.metadata.managed_fields.iter().flatten();
        assert!(
            !managers
                .into_iter()
                .any(|entry| entry.manager.as_deref() == Some(managers::QUARANTINE))
        );
    }

    #[test]
    fn every_patch_is_of_the_version_that_was_read() {
        let before = ingress(Some("nginx"), None);
        let inside = patched(&before, &blocking(&before, now()));
        for patch in [
            blocking(&before, now()),
            restoring(&inside).unwrap(),
            handing_back(&inside, now()),
        ] {
            assert_eq!(patch["metadata"]["resourceVersion"], "7");
            assert_eq!(patch["metadata"]["uid"], "1");
        }
    }

    #[test]
    fn where_the_record_is_lost_and_the_class_was_set_by_hand_nothing_of_quarantine_is_left() {
        let before = ingress(Some("nginx"), None);
        let mut inside = patched(&before, &blocking(&before, now()));
        inside.data["spec"]["ingressClassName"] = json!("nginx");
        let annotations = inside.metadata.annotations.as_mut().unwrap();
        annotations.insert(keys::QUARANTINED_CLASS.to_owned(), "lost".to_owned());
        let back = patched(&inside, &restoring(&inside).unwrap());
        let back = patched(&back, &handing_back(&back, now()));
        assert_eq!(back.data, before.data);
        assert_eq!(back.metadata.annotations, before.metadata.annotations);
    }

    #[test]
    fn what_someone_else_has_changed_meanwhile_is_theirs() {
        let before = ingress(Some("nginx"), Some("nginx"));
        let mut inside = taken(patched(&before, &blocking(&before, now())));
        inside.data["spec"]["ingressClassName"] = json!("traefik");
        let back = patched(&inside, &restoring(&inside).unwrap());
        assert_eq!(back.data["spec"]["ingressClassName"], "traefik");
        assert_eq!(back.metadata.annotations.as_ref().unwrap()[keys::LEGACY_CLASS], "nginx");
        let back = patched(&back, &handing_back(&back, now()));
        assert_eq!(owners(&back.metadata, &FIELD), []);
    }

    #[test]
    fn a_route_that_is_put_there_again_keeps_since_when_and_what_its_owner_wants_now() {
        let before = ingress(Some("nginx"), Some("old"));
        let mut inside = patched(&before, &blocking(&before, now()));
        inside.data["spec"]["ingressClassName"] = json!("traefik");
        let again = patched(&inside, &blocking(&inside, at("2027-01-01T00:00:00+08:00")));
        let class = class_of(&again);
        let record = class.record().unwrap();
        assert_eq!(record.field.as_deref(), Some("traefik"));
        assert_eq!(record.annotation.as_deref(), Some("old"));
        assert_eq!(class.recorded.unwrap().since, Some(now()));
    }
}
