//! For tests: facts and routes out of manifests as people write them.
#![allow(
    clippy::needless_pass_by_value,
    reason = "so that cases read as json!({…}), without an ampersand each"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::Ingress;
use kube::core::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain::Place;
use crate::effects::changed_since_approval;
use crate::registry::{
    Change, Filing, FilingKey, IngressClassFact, Kept, Policy, Registry, Server, Snapshot, Unreadable,
};
use crate::route::{Route, RouteKey, RouteKind, from_ingress};

/// Asserts that a file, by its path in the repository, holds what was made for it; or writes it, where that is asked for.
pub(crate) fn is_generated(file: &str, due: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, due).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    for (at, (held, due)) in held.lines().zip(due.lines()).enumerate() {
        assert_eq!(
            held,
            due,
            "{file}:{}; mend it with: WRITE_DOCS=1 cargo test --lib",
            at + 1
        );
    }
    assert_eq!(held, due, "{file}; mend it with: WRITE_DOCS=1 cargo test --lib");
}

/// The operator's own namespace in tests.
pub(crate) const HOME: &str = "filing-operator";

/// The moment at which examples are judged: 2026-11-23 begins in China.
pub(crate) fn now() -> Timestamp {
    at("2026-11-23T00:00:00+08:00")
}

pub(crate) fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

/// The documents of a stream.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let documents = yaml.split("---\n").filter(|text| !text.trim().is_empty());
    documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

/// A registry of these documents, under a policy that trusts everyone and serves from alicloud cn-beijing where there is
/// none among them.
pub(crate) fn registry(documents: &[Value]) -> Registry {
    let mut registry = Registry::new(Snapshot::new(HOME, true));
    if !documents.iter().any(|document| document["kind"] == "FilingPolicy") {
        registry.apply(change(&policy("default", json!({}))));
    }
    for document in documents {
        registry.apply(change(document));
    }
    registry
}

/// The routes that can be read.
pub(crate) fn routes(registry: &Registry) -> Vec<Arc<Route>> {
    let routes = registry.routes().filter_map(|(_, kept)| match kept {
        Kept::Read(route) => Some(Arc::clone(route)),
        Kept::Unreadable(_) => None,
    });
    routes.collect()
}

/// A filing in good order for example.com, but for what is said.
pub(crate) fn filing(key: &str, over: Value) -> Value {
    let spec = json!({
        "domains": ["example.com"],
        "number": "京ICP备2021012345号-1",
        "stage": "Approved",
        "subject": {"name": "示例科技有限公司", "nature": "Enterprise"},
        "access": [{"provider": "alicloud", "stage": "Approved"}],
    });
    object("Filing", key, merged(spec, over))
}

/// A policy that trusts everyone and serves from alicloud cn-beijing, but for what is said.
pub(crate) fn policy(name: &str, over: Value) -> Value {
    let spec = json!({"filingsFrom": {"all": true}, "site": {"provider": "alicloud", "region": "cn-beijing"}});
    object("FilingPolicy", name, merged(spec, over))
}

pub(crate) fn server(name: &str, over: Value) -> Value {
    object("AccessServer", name, merged(json!({"provider": "alicloud"}), over))
}

/// The key of a route in the namespace `shop`.
pub(crate) fn route_key(name: &str) -> RouteKey {
    RouteKey {
        kind: RouteKind::Ingress,
        namespace: "shop".into(),
        name: name.into(),
    }
}

/// An Ingress with a rule for each host.
pub(crate) fn ingress(key: &str, hosts: &[&str]) -> Value {
    let rules: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
    object("Ingress", key, json!({"rules": rules}))
}

pub(crate) fn namespace(name: &str, labels: Value) -> Value {
    json!({"kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

pub(crate) fn node(name: &str, provider_id: &str, region: Option<&str>) -> Value {
    let labels = region.map(|region| json!({"topology.kubernetes.io/region": region}));
    json!({"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {"providerID": provider_id}})
}

pub(crate) fn class(name: &str, is_default: bool, created: Option<&str>) -> Value {
    let annotations = json!({"ingressclass.kubernetes.io/is-default-class": is_default.to_string()});
    json!({"kind": "IngressClass", "metadata": {"name": name, "annotations": annotations, "creationTimestamp": created}})
}

/// An object by its kind, its name or `namespace/name`, and its spec.
pub(crate) fn object(kind: &str, key: &str, spec: Value) -> Value {
    let metadata = match key.split_once('/') {
        Some((namespace, name)) => json!({"namespace": namespace, "name": name}),
        None => json!({"name": key}),
    };
    json!({"kind": kind, "metadata": metadata, "spec": spec})
}

/// The fields of the first, with those of the second in their place; null takes one away.
fn merged(mut spec: Value, over: Value) -> Value {
    let Value::Object(over) = over else { panic!("{over}") };
    let fields = spec.as_object_mut().unwrap();
    for (name, value) in over {
        if value.is_null() {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    spec
}

/// Carries out a merge patch as the API server does (RFC 7386).
pub(crate) fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let fields = into.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What the registry is told of an object.
pub(crate) fn change(document: &Value) -> Change {
    let metadata: ObjectMeta = serde_json::from_value(document["metadata"].clone()).unwrap();
    let name: Arc<str> = metadata.name.as_deref().unwrap().into();
    let namespace: Arc<str> = metadata.namespace.as_deref().unwrap_or("default").into();
    let labels: BTreeMap<String, String> = metadata.labels.clone().unwrap_or_default();
    match document["kind"].as_str().unwrap() {
        "Filing" => {
            let key = FilingKey::new(namespace, &*name);
            let mut read = spec(document).map(|spec| Filing::new(key.clone(), &metadata, &spec));
            if let (Ok(filing), Ok(status)) = (&mut read, serde_json::from_value(document["status"].clone())) {
                filing.changed = changed_since_approval(filing, &status);
            }
            Change::Filing(key, read)
        }
        "AccessServer" => {
            let read = spec(document).map(|spec| Server::new(Arc::clone(&name), &metadata, &spec));
            Change::Server(name, read)
        }
        "FilingPolicy" => {
            let read = spec(document).map(|spec| Policy::new(Arc::clone(&name), &metadata, &spec));
            Change::Policy(name, read)
        }
        "Ingress" => {
            let key = RouteKey {
                kind: RouteKind::Ingress,
                namespace,
                name,
            };
            let read = spec(document).map(|spec| {
                let spec = Some(spec);
                from_ingress(
                    &Ingress {
                        metadata,
                        spec,
                        ..Ingress::default()
                    },
                    "default",
                )
            });
            Change::Route(key, read)
        }
        "Namespace" => Change::Namespace(name, labels),
        "IngressClass" => {
            let fact = IngressClassFact::of(&metadata, document["spec"]["controller"].as_str());
            Change::Class(name, fact)
        }
        "Node" => {
            let place = Place::from_node(document["spec"]["providerID"].as_str(), &labels);
            Change::Node(name, place)
        }
        other => panic!("{other} is no kind that tests know"),
    }
}

fn spec<T: DeserializeOwned>(document: &Value) -> Result<T, Unreadable> {
    serde_path_to_error::deserialize(document["spec"].clone()).map_err(|error| Unreadable {
        error: format!("spec.{error}"),
        uid: "".into(),
        generation: 0,
    })
}
