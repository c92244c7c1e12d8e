//! How an Ingress gives a route: its rules, the hosts of its TLS entries, its default backend, and its annotations.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::Ingress;
use kube::core::DynamicObject;
use serde_json::Value;

use super::claims::Claims;
use super::fields::{Annotations, MetaFields, SpecFields, text};
use super::{Claim, Claimed, ClassRef, Marks, Route, RouteKey, RouteKind, annotations};
use crate::api::keys;
use crate::api::read::{Misread, read};
use crate::domain::FieldPath;

/// The route that an Ingress is. An object without a namespace is taken to be in `default_namespace`.
pub fn from_ingress(ingress: &Ingress, default_namespace: &str) -> Route {
    let spec = ingress.spec.as_ref().map(SpecFields::from);
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let points = balancer
        .iter()
        .filter_map(|balancer| balancer.ingress.as_ref())
        .flatten();
    Route {
        addresses: addresses(points.filter_map(|point| point.ip.as_deref())),
        ..from_fields(&MetaFields::from(&ingress.metadata), spec.as_ref(), default_namespace)
    }
}

/// The route that an object of kind Ingress is.
///
/// # Errors
/// Where what is read of its spec is not an Ingress's, with the path of the field in it.
pub fn from_object(object: &DynamicObject, default_namespace: &str) -> Result<Route, Misread> {
    let spec = object
        .data
        .get("spec")
        .map(read::<Option<SpecFields<'_>>>)
        .transpose()?
        .flatten();
    Ok(Route {
        addresses: object.data.get("status").map(addresses_in).unwrap_or_default(),
        ..from_fields(&MetaFields::from(&object.metadata), spec.as_ref(), default_namespace)
    })
}

/// What can be told of a route by its metadata and class alone: enough to find its policy.
pub fn without_spec(metadata: &MetaFields<'_>, class: Option<&str>, default_namespace: &str) -> Route {
    Route {
        key: key(metadata, default_namespace),
        uid: text(metadata.uid.as_ref()).unwrap_or_default().into(),
        class: ClassRef::of(class, |key| metadata.annotations.as_ref()?.get(key)),
        claims: Vec::new(),
        addresses: Box::default(),
        marks: Marks::default(),
    }
}

/// The addresses of a load balancer, as the status of an Ingress names them. What is none is passed over: others write it, and
/// no route is unreadable for it.
pub(super) fn addresses_in(status: &Value) -> Box<[IpAddr]> {
    let points = status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    let points = points.into_iter().flatten();
    addresses(points.filter_map(|point| point.get("ip")?.as_str()))
}

/// The most addresses of one route that are kept.
const MAX_ADDRESSES: usize = 64;

fn addresses<'a>(typed: impl Iterator<Item = &'a str>) -> Box<[IpAddr]> {
    // In one order, whatever order the controller writes them in.
    let addresses: BTreeSet<IpAddr> = typed.filter_map(|typed| typed.parse().ok()).collect();
    addresses.into_iter().take(MAX_ADDRESSES).collect()
}

/// The route that an Ingress is of which this was read.
pub fn from_fields(metadata: &MetaFields<'_>, spec: Option<&SpecFields<'_>>, default_namespace: &str) -> Route {
    let class = spec.and_then(|spec| text(spec.ingress_class_name.as_ref()));
    Route {
        claims: claims(spec, metadata.annotations.as_ref()),
        marks: metadata.annotations.as_ref().map(marks).unwrap_or_default(),
        ..without_spec(metadata, class, default_namespace)
    }
}

fn key(metadata: &MetaFields<'_>, default_namespace: &str) -> RouteKey {
    let name = metadata.name().or_else(|| metadata.generate_name());
    RouteKey {
        kind: RouteKind::Ingress,
        namespace: text(metadata.namespace.as_ref()).unwrap_or(default_namespace).into(),
        name: name.unwrap_or_default().into(),
    }
}

fn claims(spec: Option<&SpecFields<'_>>, annotations: Option<&Annotations<'_>>) -> Vec<Claim> {
    let mut claims = Claims::default();
    if let Some(spec) = spec {
        claim(&mut claims, spec);
    }
    if let Some(annotations) = annotations {
        annotations::claim(&mut claims, annotations.iter(), spec);
    }
    claims.into_vec()
}

fn claim(claims: &mut Claims, spec: &SpecFields<'_>) {
    for (at, host) in spec.rule_hosts().enumerate() {
        claims.add(Claimed::by_field(host), || match host {
            Some(_) => FieldPath::from(format!("spec.rules[{at}].host")),
            None => FieldPath::from(format!("spec.rules[{at}]")),
        });
    }
    for (at, hosts) in spec.tls_hosts().enumerate() {
        for (host_at, host) in hosts.enumerate() {
            // An empty TLS host is the wildcard certificate's, not a catch-all: what answers are the rules.
            if !host.is_empty() {
                claims.add(Claimed::by_field(Some(host)), || {
                    FieldPath::from(format!("spec.tls[{at}].hosts[{host_at}]"))
                });
            }
        }
    }
    if spec.has_default_backend() {
        claims.add(Claimed::Anything, || FieldPath::fixed("spec.defaultBackend"));
    }
}

fn marks(annotations: &Annotations<'_>) -> Marks {
    keys::ROUTE_ANNOTATIONS
        .iter()
        .filter_map(|key| annotations.get(key).map(|value| (*key, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::super::IngressJson;
    use super::*;
    use crate::domain::annotation;

    fn ingress(spec: &Value) -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "shop", "uid": "1"}, "spec": spec})
    }

    fn by_type(object: &Value) -> Route {
        from_ingress(&serde_json::from_value(object.clone()).unwrap(), "default")
    }

    fn by_object(object: &Value) -> Route {
        from_object(&serde_json::from_value(object.clone()).unwrap(), "default").unwrap()
    }

    fn by_text(object: &str) -> Route {
        let read: IngressJson<'_> = serde_json::from_str(object).unwrap();
        from_fields(&read.metadata, read.spec.as_ref(), "default")
    }

    fn claimed(route: &Route) -> Vec<(String, String)> {
        route
            .claims
            .iter()
            .map(|claim| (claim.to.to_string(), claim.path.to_string()))
            .collect()
    }

    #[rstest]
    #[case::a_rule(json!({"rules": [{"host": "a.example.com"}]}), &[("a.example.com", "spec.rules[0].host")])]
    #[case::the_same_host_twice(
        json!({"rules": [{"host": "A.example.com"}, {"host": "a.example.com."}], "tls": [{"hosts": ["a.example.com"]}]}),
        &[("a.example.com", "spec.rules[0].host")])]
    #[case::a_tls_host_that_no_rule_has(
        json!({"rules": [{"host": "a.example.com"}], "tls": [{"hosts": ["a.example.com", "b.example.com"]}]}),
        &[("a.example.com", "spec.rules[0].host"), ("b.example.com", "spec.tls[0].hosts[1]")])]
    #[case::a_rule_without_host(json!({"rules": [{"http": {"paths": []}}]}), &[("*", "spec.rules[0]")])]
    #[case::an_empty_host(json!({"rules": [{"host": ""}]}), &[("*", "spec.rules[0].host")])]
    #[case::a_default_backend(json!({"defaultBackend": {"service": {"name": "web"}}}), &[("*", "spec.defaultBackend")])]
    #[case::an_empty_tls_host(json!({"rules": [{"host": "a.example.com"}], "tls": [{"hosts": [""]}]}),
        &[("a.example.com", "spec.rules[0].host")])]
    #[case::no_host_name(json!({"rules": [{"host": "a..b"}]}), &[("a..b", "spec.rules[0].host")])]
    #[case::nothing(json!({}), &[])]
    fn every_host_that_an_ingress_answers_for_is_claimed_once(#[case] spec: Value, #[case] expected: &[(&str, &str)]) {
        let claims = claimed(&by_type(&ingress(&spec)));
        let claims: Vec<_> = claims
            .iter()
            .map(|(host, path)| (host.as_str(), path.as_str()))
            .collect();
        assert_eq!(claims, expected);
    }

    fn host() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!("www.example.com")),
            Just(json!("*.示例.中国")),
            Just(json!("")),
            Just(json!("a\"..b\\\u{1f}")),
            Just(Value::Null),
            "[a-z]{1,5}\\.cn".prop_map(Value::from),
        ]
    }

    fn annotations() -> impl Strategy<Value = Value> {
        let known = annotation::all().map(|fact| fact.annotation.replace('*', "x"));
        let ours = keys::ROUTE_ANNOTATIONS.into_iter().map(str::to_owned);
        let more = [
            keys::LEGACY_CLASS,
            keys::QUARANTINED_CLASS,
            keys::QUARANTINED_AT,
            "example.com/team",
        ];
        let keys: Vec<String> = known.chain(ours).chain(more.map(str::to_owned)).collect();
        let value = prop_oneof!["a\\.cn|true|\\PC{0,20}", Just(r#"{"field":"nginx"}"#.to_owned())];
        prop::option::of(prop::collection::btree_map(prop::sample::select(keys), value, 0..6))
            .prop_map(|all| json!(all))
    }

    prop_compose! {
        /// What stands in an Ingress, and what a newer version of it may bring.
        fn any_ingress()(
            rules in prop::option::of(prop::collection::vec(host(), 0..4)),
            tls in prop::option::of(prop::collection::vec(prop::collection::vec(host(), 0..3), 0..3)),
            class in prop::option::of("nginx|filing-quarantine|a\\\\b"),
            backend in prop::bool::ANY,
            annotations in annotations(),
            named in prop::bool::ANY,
        ) -> Value {
            let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web"}}});
            let rule = |host: Value| json!({"host": host, "http": {"paths": [path]}});
            let entry = |hosts: Vec<Value>| json!({"hosts": hosts.into_iter().filter(Value::is_string).collect::<Vec<_>>()});
            let mut object = ingress(&json!({
                "ingressClassName": class,
                "rules": rules.map(|all| all.into_iter().map(rule).collect::<Vec<_>>()),
                "tls": tls.map(|all| all.into_iter().map(entry).collect::<Vec<_>>()),
                "defaultBackend": backend.then(|| json!({"service": {"name": "web"}})),
            }));
            object["metadata"]["annotations"] = annotations;
            if !named {
                object["metadata"]["name"] = Value::Null;
                object["metadata"]["generateName"] = json!("web-");
            }
            object["metadata"]["managedFields"] = json!([{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]);
            object["status"] = json!({"loadBalancer": {}});
            object
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_read_from_it_is_the_same_route(object in any_ingress()) {
            let route = by_type(&object);
            prop_assert_eq!(&by_object(&object), &route);
            prop_assert_eq!(&by_text(&object.to_string()), &route);
        }
    }
}
