//! What is read of an Ingress: that by which it answers for hosts, and its class. All else is passed over, whatever it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::IngressSpec;
use kube::core::ObjectMeta;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::ingress::addresses_in;
use crate::api::keys;
use crate::domain::annotation;

/// An Ingress in JSON. `S` is what its spec is read as.
#[derive(Debug, Deserialize)]
pub struct IngressJson<'a, S = SpecFields<'a>> {
    /// Its metadata.
    #[serde(borrow, default)]
    pub metadata: MetaFields<'a>,
    /// Its spec; none where that is not there.
    pub spec: Option<S>,
    /// Its status, which nobody but its controller writes.
    #[serde(borrow, default)]
    pub status: Option<&'a RawValue>,
}

/// What is read of the metadata of an Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetaFields<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) generate_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    /// The generation of the spec; none in a manifest.
    pub generation: Option<i64>,
    #[serde(borrow)]
    pub(super) annotations: Option<Annotations<'a>>,
}

/// What is read of the spec of an Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecFields<'a> {
    #[serde(borrow)]
    pub(super) ingress_class_name: Option<Text<'a>>,
    #[serde(borrow)]
    rules: Option<Vec<Rule<'a>>>,
    #[serde(borrow)]
    tls: Option<Vec<Tls<'a>>>,
    default_backend: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Rule<'a> {
    #[serde(borrow)]
    host: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Tls<'a> {
    #[serde(borrow)]
    hosts: Option<Vec<Text<'a>>>,
}

/// A text that is copied only where it is escaped.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Those annotations that say something here, by key.
#[derive(Debug, Default)]
pub(super) struct Annotations<'a>(BTreeMap<Cow<'a, str>, Cow<'a, str>>);

impl<S> IngressJson<'_, S> {
    /// The addresses that its load balancer has; none where its status can't be read.
    pub fn addresses(&self) -> Box<[IpAddr]> {
        let status = self.status.and_then(|status| serde_json::from_str(status.get()).ok());
        status.as_ref().map(addresses_in).unwrap_or_default()
    }
}

impl MetaFields<'_> {
    /// Its name; none where the API server is to make one up.
    pub fn name(&self) -> Option<&str> {
        text(self.name.as_ref())
    }

    /// What a name that the API server makes up begins with.
    pub fn generate_name(&self) -> Option<&str> {
        text(self.generate_name.as_ref())
    }
}

impl SpecFields<'_> {
    /// The host of each rule; none of a rule without.
    pub(super) fn rule_hosts(&self) -> impl Iterator<Item = Option<&str>> {
        let rules = self.rules.iter().flatten();
        rules.map(|rule| text(rule.host.as_ref()))
    }

    /// The hosts of each TLS entry.
    pub(super) fn tls_hosts(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        let tls = self.tls.iter().flatten();
        tls.map(|tls| tls.hosts.iter().flatten().map(|host| &*host.0))
    }

    pub(super) fn has_default_backend(&self) -> bool {
        self.default_backend.is_some()
    }
}

impl Annotations<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| &**value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

pub(super) fn text<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(|text| &*text.0)
}

/// Whether an annotation says something here.
fn is_read(key: &str) -> bool {
    matches!(key, keys::LEGACY_CLASS | keys::QUARANTINED_CLASS | keys::QUARANTINED_AT)
        || keys::ROUTE_ANNOTATIONS.contains(&key)
        || annotation::find(key).is_some()
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadAnnotations)
    }
}

struct ReadAnnotations;

impl<'de> Visitor<'de> for ReadAnnotations {
    type Value = Annotations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some(Text(key)) = map.next_key()? {
            if is_read(&key) {
                let Text(value) = map.next_value()?;
                read.insert(key, value);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Annotations(read))
    }
}

impl<'a> FromIterator<(&'a String, &'a String)> for Annotations<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a String, &'a String)>>(all: T) -> Self {
        let read = all.into_iter().filter(|(key, _)| is_read(key));
        Self(read.map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.into())
    }
}

impl<'a> From<&'a ObjectMeta> for MetaFields<'a> {
    fn from(metadata: &'a ObjectMeta) -> Self {
        Self {
            name: metadata.name.as_deref().map(Text::from),
            namespace: metadata.namespace.as_deref().map(Text::from),
            generate_name: metadata.generate_name.as_deref().map(Text::from),
            uid: metadata.uid.as_deref().map(Text::from),
            generation: metadata.generation,
            annotations: metadata.annotations.as_ref().map(|all| all.iter().collect()),
        }
    }
}

impl<'a> From<&'a IngressSpec> for SpecFields<'a> {
    fn from(spec: &'a IngressSpec) -> Self {
        let rule = |host: &'a Option<String>| Rule {
            host: host.as_deref().map(Text::from),
        };
        let tls = |hosts: &'a Option<Vec<String>>| Tls {
            hosts: hosts
                .as_ref()
                .map(|hosts| hosts.iter().map(|host| (&**host).into()).collect()),
        };
        Self {
            ingress_class_name: spec.ingress_class_name.as_deref().map(Text::from),
            rules: spec
                .rules
                .as_ref()
                .map(|all| all.iter().map(|one| rule(&one.host)).collect()),
            tls: spec
                .tls
                .as_ref()
                .map(|all| all.iter().map(|one| tls(&one.hosts)).collect()),
            default_backend: spec.default_backend.as_ref().map(|_| IgnoredAny),
        }
    }
}
