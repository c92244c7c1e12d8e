//! How an Ingress gives a route: its rules, the hosts of its TLS entries, its default backend, and its annotations.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{Ingress, IngressSpec};
use kube::core::{DynamicObject, ObjectMeta};

use super::claims::Claims;
use super::{Claim, Claimed, ClassRef, Marks, Route, RouteKey, RouteKind, annotations};
use crate::api::keys;
use crate::api::read::{Misread, read};
use crate::domain::FieldPath;

/// The route that an Ingress is. An object without a namespace is taken to be in `default_namespace`.
pub fn from_ingress(ingress: &Ingress, default_namespace: &str) -> Route {
    from_parts(&ingress.metadata, ingress.spec.as_ref(), default_namespace)
}

/// The route that an object of kind Ingress is.
///
/// # Errors
/// Where its spec is not an Ingress's, with the path of the field in it.
pub fn from_object(object: &DynamicObject, default_namespace: &str) -> Result<Route, Misread> {
    let spec: Option<IngressSpec> = object.data.get("spec").map(read).transpose()?;
    Ok(from_parts(&object.metadata, spec.as_ref(), default_namespace))
}

fn from_parts(metadata: &ObjectMeta, spec: Option<&IngressSpec>, default_namespace: &str) -> Route {
    let annotations = metadata.annotations.as_ref();
    let key = RouteKey {
        kind: RouteKind::Ingress,
        namespace: metadata.namespace.as_deref().unwrap_or(default_namespace).into(),
        name: metadata
            .name
            .as_deref()
            .or(metadata.generate_name.as_deref())
            .unwrap_or_default()
            .into(),
    };
    let field = spec.and_then(|spec| spec.ingress_class_name.as_deref());
    Route {
        key,
        uid: metadata.uid.as_deref().unwrap_or_default().into(),
        class: ClassRef::of(field, annotations),
        claims: claims(spec, metadata),
        marks: annotations.map(marks).unwrap_or_default(),
    }
}

fn claims(spec: Option<&IngressSpec>, metadata: &ObjectMeta) -> Vec<Claim> {
    let mut claims = Claims::default();
    if let Some(spec) = spec {
        claim(&mut claims, spec);
    }
    if let Some(annotations) = &metadata.annotations {
        annotations::claim(&mut claims, annotations, spec);
    }
    claims.into_vec()
}

fn claim(claims: &mut Claims, spec: &IngressSpec) {
    for (at, rule) in spec.rules.iter().flatten().enumerate() {
        claims.add(Claimed::by_field(rule.host.as_deref()), || match rule.host {
            Some(_) => FieldPath::from(format!("spec.rules[{at}].host")),
            None => FieldPath::from(format!("spec.rules[{at}]")),
        });
    }
    for (at, tls) in spec.tls.iter().flatten().enumerate() {
        for (host_at, host) in tls.hosts.iter().flatten().enumerate() {
            // An empty TLS host is the wildcard certificate's, not a catch-all: what answers are the rules.
            if !host.is_empty() {
                claims.add(Claimed::by_field(Some(host)), || {
                    FieldPath::from(format!("spec.tls[{at}].hosts[{host_at}]"))
                });
            }
        }
    }
    if spec.default_backend.is_some() {
        claims.add(Claimed::Anything, || FieldPath::fixed("spec.defaultBackend"));
    }
}

fn marks(annotations: &BTreeMap<String, String>) -> Marks {
    keys::ROUTE_ANNOTATIONS
        .iter()
        .filter_map(|key| annotations.get(*key).map(|value| (*key, value.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn route(spec: &serde_json::Value) -> Route {
        let ingress = serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}));
        from_ingress(&ingress.unwrap(), "default")
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
    fn every_host_that_an_ingress_answers_for_is_claimed_once(
        #[case] spec: serde_json::Value,
        #[case] expected: &[(&str, &str)],
    ) {
        let claims = claimed(&route(&spec));
        let claims: Vec<_> = claims
            .iter()
            .map(|(host, path)| (host.as_str(), path.as_str()))
            .collect();
        assert_eq!(claims, expected);
    }
}
