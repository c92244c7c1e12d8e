//! What is known at one time.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use kube::core::ObjectMeta;

use super::filing::{Filing, FilingKey};
use super::index::FilingIndex;
use super::map::Map;
use super::policy::{Policy, labels_of};
use super::server::Server;
use crate::api::{FilingPolicySpec, keys};
use crate::domain::{Domain, Site};
use crate::route::Route;

/// The labels of a namespace.
pub(super) type Labels = BTreeMap<String, String>;

/// The label that the API server gives every namespace: its own name.
pub(super) const HOME_LABEL: &str = "kubernetes.io/metadata.name";

/// An object that is there and can't be read as its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why.
    pub error: String,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Arc<str>,
    /// The generation of its spec; 0 in a manifest.
    pub generation: i64,
}

impl Unreadable {
    /// An object of which the metadata could be read, and why the rest could not.
    pub fn new(metadata: &ObjectMeta, error: String) -> Self {
        Self {
            error,
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            generation: metadata.generation.unwrap_or_default(),
        }
    }
}

/// An object, read or not: what can't be read is never left out, and never counts as valid.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept<T> {
    /// It was read.
    Read(Arc<T>),
    /// It is there, and that is all that is known.
    Unreadable(Arc<Unreadable>),
}

/// What is known of an IngressClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressClassFact {
    /// The controller that serves it.
    pub controller: Option<String>,
    /// Whether it is marked as the default.
    pub is_default: bool,
    /// When the API server took it; none in a manifest.
    pub created: Option<Timestamp>,
}

impl IngressClassFact {
    /// What matters of an IngressClass. Only `"true"` makes it the default, as for the API server.
    pub fn of(metadata: &ObjectMeta, controller: Option<&str>) -> Self {
        let annotations = metadata.annotations.as_ref();
        let marked = annotations.and_then(|all| all.get(keys::DEFAULT_CLASS));
        Self {
            controller: controller.map(str::to_owned),
            is_default: marked.is_some_and(|marked| marked == "true"),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
        }
    }
}

/// Which node.
pub type NodeKey = Arc<str>;

/// The facts at one time. Cloning it copies pointers; a change copies only the part that it touches.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub(super) filings: FilingIndex,
    pub(super) servers: Map<Arc<str>, Kept<Server>>,
    pub(super) policies: Arc<Policies>,
    pub(super) namespaces: Map<Arc<str>, Labels>,
    pub(super) classes: Arc<BTreeMap<Arc<str>, IngressClassFact>>,
    pub(super) classes_are_complete: bool,
    pub(super) site: Arc<Site>,
    pub(super) home: Arc<str>,
}

/// The policies, in the order in which they govern, and those that can't be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Policies {
    pub(super) in_order: Vec<Arc<Policy>>,
    pub(super) unreadable: BTreeMap<Arc<str>, Arc<Unreadable>>,
}

impl Policies {
    /// Puts a policy in the place of what was known under its name.
    pub(super) fn set(&mut self, name: &Arc<str>, policy: Option<Result<Policy, Unreadable>>) {
        self.in_order.retain(|known| known.name != *name);
        self.unreadable.remove(name);
        match policy {
            None => {}
            Some(Err(unreadable)) => {
                self.unreadable.insert(Arc::clone(name), Arc::new(unreadable));
            }
            Some(Ok(new)) => {
                let rank = |policy: &Policy| (std::cmp::Reverse(policy.precedence), Arc::clone(&policy.name));
                let at = self.in_order.partition_point(|known| rank(known) < rank(&new));
                self.in_order.insert(at, Arc::new(new));
            }
        }
    }
}

/// What filings and servers are judged under where no policy is named `default`.
static BUILT_IN: LazyLock<Policy> = LazyLock::new(|| {
    Policy::new(
        keys::DEFAULT_POLICY.into(),
        &ObjectMeta::default(),
        &FilingPolicySpec::default(),
    )
});

impl Snapshot {
    /// Knows nothing. `home` is the operator's own namespace, whose filings count where a policy does not say whose.
    /// `classes_are_complete`: whether a class that is not known does not exist, as in a cluster, or may, as where
    /// only some manifests are at hand.
    pub fn new(home: &str, classes_are_complete: bool) -> Self {
        Self {
            filings: FilingIndex::default(),
            servers: Map::default(),
            policies: Arc::default(),
            namespaces: Map::default(),
            classes: Arc::default(),
            classes_are_complete,
            site: Arc::new(Site::of([])),
            home: home.into(),
        }
    }

    /// Whether another is this one, so that nothing need be published. A look at pointers.
    pub fn is_same(&self, other: &Self) -> bool {
        self.filings.is_same(&other.filings)
            && self.servers.is_same(&other.servers)
            && Arc::ptr_eq(&self.policies, &other.policies)
            && self.namespaces.is_same(&other.namespaces)
            && Arc::ptr_eq(&self.classes, &other.classes)
            && Arc::ptr_eq(&self.site, &other.site)
    }

    /// The facts as they would be if a filing were so.
    #[must_use]
    pub fn with_filing(&self, filing: Filing) -> Self {
        let mut supposed = self.clone();
        supposed.filings.insert(filing);
        supposed
    }

    /// The policy that governs a route, if any does: the highest precedence, then the first by name.
    pub fn policy_of(&self, route: &Route) -> Option<&Arc<Policy>> {
        let class = route.class.name().or_else(|| self.default_class());
        let is_known = class.is_some() || self.classes_are_complete;
        self.with_labels(&route.key.namespace, |labels| {
            let mut policies = self.policies.in_order.iter();
            policies.find(|policy| policy.governs(labels, class.map(AsRef::as_ref), is_known))
        })
    }

    /// The policy under which filings and servers are judged.
    pub fn default_policy(&self) -> &Policy {
        let named = self
            .policies
            .in_order
            .iter()
            .find(|policy| *policy.name == *keys::DEFAULT_POLICY);
        named.map_or(&*BUILT_IN, |policy| policy)
    }

    /// Every policy, in the order in which they govern.
    pub fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.in_order.iter()
    }

    /// Every policy that can't be read.
    pub fn unreadable_policies(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Unreadable>)> {
        self.policies.unreadable.iter()
    }

    /// What is known of a class.
    pub fn class(&self, name: &str) -> Option<&IngressClassFact> {
        self.classes.get(name)
    }

    /// The class of routes that ask for none, as the API server picks it: of those marked, the newest, then by name.
    pub fn default_class(&self) -> Option<&Arc<str>> {
        let marked = self.classes.iter().filter(|(_, class)| class.is_default);
        marked
            .min_by_key(|(name, class)| (std::cmp::Reverse(class.created), Arc::clone(name)))
            .map(|(name, _)| name)
    }

    /// The site of routes under a policy: the policy's, else the nodes'.
    pub fn site_of<'a>(&'a self, policy: &'a Policy) -> &'a Site {
        policy.site.as_ref().unwrap_or(&self.site)
    }

    /// Trusted filings with a domain at or above another, the nearest first, then by key.
    pub fn candidates<'a>(&'a self, policy: &'a Policy, domain: &'a Domain) -> impl Iterator<Item = &'a Arc<Filing>> {
        self.filings
            .at_or_above(domain)
            .filter(move |filing| self.trusts(policy, &filing.key.namespace))
    }

    /// Whether a policy trusts the filings of a namespace.
    pub fn trusts(&self, policy: &Policy, namespace: &str) -> bool {
        self.with_labels(namespace, |labels| policy.trusts(namespace, labels, &self.home))
    }

    /// Whether any filing that a policy trusts is there: without one, nothing has been set up yet.
    pub fn has_trusted_filing(&self, policy: &Policy) -> bool {
        // In the order of keys those of a namespace stand together, so that each is asked once.
        let mut asked = None;
        self.filings.iter().any(|(key, _)| {
            let namespace = &*key.namespace;
            asked.replace(namespace) != Some(namespace) && self.trusts(policy, namespace)
        })
    }

    /// Whether a namespace may serve under a filing.
    pub fn is_shared_with(&self, filing: &Filing, namespace: &str) -> bool {
        self.with_labels(namespace, |labels| filing.is_shared_with(namespace, labels))
    }

    /// A filing.
    pub fn filing(&self, key: &FilingKey) -> Option<&Kept<Filing>> {
        self.filings.get(key)
    }

    /// Every filing, in order.
    pub fn filings(&self) -> impl Iterator<Item = (&FilingKey, &Kept<Filing>)> {
        self.filings.iter()
    }

    /// A server.
    pub fn server(&self, name: &str) -> Option<&Kept<Server>> {
        self.servers.get(name)
    }

    /// Every server, in order.
    pub fn servers(&self) -> impl Iterator<Item = (&Arc<str>, &Kept<Server>)> {
        self.servers.iter()
    }

    /// The labels of a namespace that is known.
    pub fn labels(&self, namespace: &str) -> Option<&BTreeMap<String, String>> {
        self.namespaces.get(namespace)
    }

    /// Whether the break-glass label lifts what is enforced in a namespace. It changes no verdict.
    pub fn breaks_glass(&self, namespace: &str) -> bool {
        self.with_labels(namespace, has_break_glass)
    }

    /// How many namespaces have that label.
    pub fn break_glass_namespaces(&self) -> usize {
        let labels = self.namespaces.iter().map(|(_, labels)| labels);
        labels.filter(|labels| has_break_glass(labels)).count()
    }

    fn with_labels<T>(&self, namespace: &str, ask: impl FnOnce(&Labels) -> T) -> T {
        match self.namespaces.get(namespace) {
            Some(labels) => ask(labels),
            None => ask(&labels_of(namespace)),
        }
    }
}

/// No other value does, so that whoever writes `false` is not taken at his opposite.
fn has_break_glass(labels: &Labels) -> bool {
    labels.get(keys::BREAK_GLASS).is_some_and(|value| value == "true")
}
