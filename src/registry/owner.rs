//! The owner of the current snapshot and of the routes: takes changes, and says what each may touch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::filing::{Access, Filing, FilingKey, FilingSubject};
use super::map::Map;
use super::policy::{Policy, labels_of};
use super::server::Server;
use super::snapshot::{IngressClassFact, Kept, Labels, NodeKey, Snapshot, Unreadable};
use crate::api::keys;
use crate::domain::{Domain, Place, Site};
use crate::route::{Claimed, Route, RouteKey, RouteKind};

/// Something that is there now, in place of what was known of it before.
#[derive(Clone, Debug)]
pub enum Change {
    /// A filing, or that it can't be read.
    Filing(FilingKey, Result<Filing, Unreadable>),
    /// A server, or that it can't be read.
    Server(Arc<str>, Result<Server, Unreadable>),
    /// A policy, or that it can't be read.
    Policy(Arc<str>, Result<Policy, Unreadable>),
    /// A namespace's labels.
    Namespace(Arc<str>, Labels),
    /// A class.
    Class(Arc<str>, IngressClassFact),
    /// A node, and the place that it stands in, where that can be told.
    Node(NodeKey, Option<Place>),
    /// A route, or that it can't be read.
    Route(RouteKey, Result<Route, Unreadable>),
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A filing.
    Filing(FilingKey),
    /// A server.
    Server(Arc<str>),
    /// A policy.
    Policy(Arc<str>),
    /// A namespace.
    Namespace(Arc<str>),
    /// A class.
    Class(Arc<str>),
    /// A node.
    Node(NodeKey),
    /// A route.
    Route(RouteKey),
}

/// A kind of [`Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// Filings.
    Filing,
    /// Servers.
    Server,
    /// Policies.
    Policy,
    /// Namespaces.
    Namespace,
    /// Classes.
    Class,
    /// Nodes.
    Node,
    /// Routes.
    Route,
}

/// What may have to be judged anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Routes.
    pub routes: BTreeSet<RouteKey>,
    /// Filings.
    pub filings: BTreeSet<FilingKey>,
    /// Servers.
    pub servers: BTreeSet<Arc<str>>,
    /// Policies.
    pub policies: BTreeSet<Arc<str>>,
}

impl Change {
    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Filing(key, _) => Subject::Filing(key.clone()),
            Self::Server(name, _) => Subject::Server(Arc::clone(name)),
            Self::Policy(name, _) => Subject::Policy(Arc::clone(name)),
            Self::Namespace(name, _) => Subject::Namespace(Arc::clone(name)),
            Self::Class(name, _) => Subject::Class(Arc::clone(name)),
            Self::Node(name, _) => Subject::Node(Arc::clone(name)),
            Self::Route(key, _) => Subject::Route(key.clone()),
        }
    }
}

/// The facts and the routes, and which touches which.
#[derive(Clone, Debug)]
pub struct Registry {
    snapshot: Snapshot,
    routes: BTreeMap<RouteKey, Kept<Route>>,
    /// Under each name, in order. Most names have one route, for which a set would take ten times the memory.
    routes_at: HashMap<Arc<str>, Vec<RouteKey>>,
    filings_on: HashMap<Arc<str>, Vec<FilingKey>>,
    /// Entries of access that filings have alike, each kept once.
    access: HashSet<Arc<[Access]>>,
    /// Subjects that filings have alike.
    subjects: HashSet<Arc<FilingSubject>>,
    nodes: BTreeMap<NodeKey, Option<Place>>,
    /// How many nodes stand in each place.
    places: BTreeMap<Place, usize>,
}

impl Registry {
    /// Starts from what is known already, without routes.
    pub fn new(snapshot: Snapshot) -> Self {
        let mut filings_on = HashMap::new();
        for (key, kept) in snapshot.filings.iter() {
            if let Kept::Read(filing) = kept {
                for server in filing.servers() {
                    note(&mut filings_on, server, key);
                }
            }
        }
        Self {
            snapshot,
            routes: BTreeMap::new(),
            routes_at: HashMap::new(),
            filings_on,
            access: HashSet::new(),
            subjects: HashSet::new(),
            nodes: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// The facts as they are now.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Every route, in order.
    pub fn routes(&self) -> impl Iterator<Item = (&RouteKey, &Kept<Route>)> {
        self.routes.iter()
    }

    /// A route.
    pub fn route(&self, key: &RouteKey) -> Option<&Kept<Route>> {
        self.routes.get(key)
    }

    /// The filings that name a server in an access entry, in order.
    pub fn filings_on(&self, server: &str) -> impl Iterator<Item = &FilingKey> {
        self.filings_on.get(server).into_iter().flatten()
    }

    /// Everything of a kind that is known, so that what a new listing lacks can be deleted.
    pub fn subjects(&self, kind: SubjectKind) -> Vec<Subject> {
        let snapshot = &self.snapshot;
        match kind {
            SubjectKind::Filing => snapshot
                .filings
                .iter()
                .map(|(key, _)| Subject::Filing(key.clone()))
                .collect(),
            SubjectKind::Server => snapshot.servers.keys().cloned().map(Subject::Server).collect(),
            SubjectKind::Policy => {
                let read = snapshot.policies.in_order.iter().map(|policy| Arc::clone(&policy.name));
                read.chain(snapshot.policies.unreadable.keys().cloned())
                    .map(Subject::Policy)
                    .collect()
            }
            SubjectKind::Namespace => snapshot.namespaces.keys().cloned().map(Subject::Namespace).collect(),
            SubjectKind::Class => snapshot.classes.keys().cloned().map(Subject::Class).collect(),
            SubjectKind::Node => self.nodes.keys().cloned().map(Subject::Node).collect(),
            SubjectKind::Route => self.routes.keys().cloned().map(Subject::Route).collect(),
        }
    }

    /// How many objects of a kind are known.
    pub fn count(&self, kind: SubjectKind) -> usize {
        let snapshot = &self.snapshot;
        match kind {
            SubjectKind::Filing => snapshot.filings.count(),
            SubjectKind::Server => snapshot.servers.count(),
            SubjectKind::Policy => snapshot.policies.in_order.len() + snapshot.policies.unreadable.len(),
            SubjectKind::Namespace => snapshot.namespaces.count(),
            SubjectKind::Class => snapshot.classes.len(),
            SubjectKind::Node => self.nodes.len(),
            SubjectKind::Route => self.routes.len(),
        }
    }

    /// Takes a change. What is as it was affects nothing.
    pub fn apply(&mut self, change: Change) -> Affected {
        match change {
            Change::Filing(key, filing) => self.filing(&key, Some(filing)),
            Change::Server(name, server) => self.server(&name, Some(server)),
            Change::Policy(name, policy) => self.policy(&name, Some(policy)),
            Change::Namespace(name, labels) => self.namespace(&name, Some(labels)),
            Change::Class(name, class) => self.class(&name, Some(class)),
            Change::Node(name, place) => self.node(&name, true, place),
            Change::Route(key, route) => self.set_route(&key, Some(route)),
        }
    }

    /// Forgets something.
    pub fn delete(&mut self, subject: &Subject) -> Affected {
        match subject {
            Subject::Filing(key) => self.filing(key, None),
            Subject::Server(name) => self.server(name, None),
            Subject::Policy(name) => self.policy(name, None),
            Subject::Namespace(name) => self.namespace(name, None),
            Subject::Class(name) => self.class(name, None),
            Subject::Node(name) => self.node(name, false, None),
            Subject::Route(key) => self.set_route(key, None),
        }
    }

    fn filing(&mut self, key: &FilingKey, filing: Option<Result<Filing, Unreadable>>) -> Affected {
        let before = self.snapshot.filings.get(key).cloned();
        let is_same = match (&before, &filing) {
            (None, None) => true,
            (Some(Kept::Read(old)), Some(Ok(new))) => **old == *new,
            (Some(Kept::Unreadable(old)), Some(Err(new))) => **old == *new,
            _ => false,
        };
        if is_same {
            return Affected::default();
        }
        let mut affected = Affected {
            filings: [key.clone()].into(),
            ..Affected::default()
        };
        if let Some(Kept::Read(old)) = &before {
            self.affect_by_filing(old, &mut affected);
            self.affect_juniors(old, &mut affected);
            for server in old.servers() {
                forget(&mut self.filings_on, server, key);
            }
        }
        let index = &mut self.snapshot.filings;
        match filing {
            None => index.remove(key),
            Some(Err(unreadable)) => index.insert_unreadable(key.clone(), unreadable),
            Some(Ok(mut new)) => {
                share(&mut self.access, &mut new.access);
                share(&mut self.subjects, &mut new.subject);
                for server in new.servers() {
                    note(&mut self.filings_on, server, key);
                }
                index.insert(new);
                if let Some(Kept::Read(new)) = self.snapshot.filings.get(key).cloned() {
                    self.affect_by_filing(&new, &mut affected);
                    self.affect_juniors(&new, &mut affected);
                }
            }
        }
        affected
    }

    fn server(&mut self, name: &Arc<str>, server: Option<Result<Server, Unreadable>>) -> Affected {
        let kept = server.map(keep);
        if self.snapshot.servers.get(name) == kept.as_ref() {
            return Affected::default();
        }
        set_shared(&mut self.snapshot.servers, name, kept);
        let mut affected = Affected {
            servers: [Arc::clone(name)].into(),
            ..Affected::default()
        };
        for key in self.filings_on.get(name).into_iter().flatten() {
            affected.filings.insert(key.clone());
            if let Some(Kept::Read(filing)) = self.snapshot.filings.get(key) {
                self.affect_by_filing(filing, &mut affected);
            }
        }
        affected
    }

    fn policy(&mut self, name: &Arc<str>, policy: Option<Result<Policy, Unreadable>>) -> Affected {
        let policies = &self.snapshot.policies;
        let old = policies.in_order.iter().find(|known| known.name == *name);
        let is_same = match &policy {
            None => old.is_none() && !policies.unreadable.contains_key(name),
            Some(Ok(new)) => old.is_some_and(|old| **old == *new),
            Some(Err(new)) => policies.unreadable.get(name).is_some_and(|old| **old == *new),
        };
        if is_same {
            return Affected::default();
        }
        let mut affected = Affected {
            policies: [Arc::clone(name)].into(),
            ..Affected::default()
        };
        self.affect_by_policy(name, &mut affected);
        let trusted = self.snapshot.default_policy().trust.clone();
        Arc::make_mut(&mut self.snapshot.policies).set(name, policy);
        self.affect_by_policy(name, &mut affected);
        if self.snapshot.default_policy().trust != trusted {
            // Other filings count when those of a number or a domain are compared, under whatever policy.
            affected.routes = self.routes_that(|_| true);
        }
        affected
    }

    fn namespace(&mut self, name: &Arc<str>, labels: Option<Labels>) -> Affected {
        // The API server gives every namespace its name as a label; in a manifest it is not there yet.
        let labels = labels.map(|mut labels| {
            labels.extend(labels_of(name));
            labels
        });
        if self.snapshot.namespaces.get(name) == labels.as_ref() {
            return Affected::default();
        }
        // Its routes may be governed by another policy and may serve under other filings; its filings may be trusted
        // or no longer.
        let mut affected = Affected {
            routes: self.routes_in(name),
            ..Affected::default()
        };
        self.affect_juniors_of(name, &mut affected);
        set_shared(&mut self.snapshot.namespaces, name, labels);
        self.affect_juniors_of(name, &mut affected);
        for (key, kept) in self.snapshot.filings.in_namespace(name) {
            affected.filings.insert(key.clone());
            if let Kept::Read(filing) = kept {
                self.affect_by_filing(filing, &mut affected);
            }
        }
        affected
    }

    fn class(&mut self, name: &Arc<str>, class: Option<IngressClassFact>) -> Affected {
        if self.snapshot.classes.get(name) == class.as_ref() {
            return Affected::default();
        }
        let before = self.snapshot.default_class().cloned();
        set(Arc::make_mut(&mut self.snapshot.classes), name, class);
        // Whether routes can be put into quarantine hangs on its class, and on the controller of their own.
        let is_quarantine = **name == *keys::QUARANTINE_CLASS;
        let is_other_default = self.snapshot.default_class() != before.as_ref();
        Affected {
            routes: self.routes_that(|route| match route.class.name() {
                _ if is_quarantine => true,
                Some(class) => class == name,
                None => is_other_default,
            }),
            ..Affected::default()
        }
    }

    fn node(&mut self, name: &NodeKey, is_there: bool, after: Option<Place>) -> Affected {
        let before = self.nodes.get(name).cloned().flatten();
        set(&mut self.nodes, name, is_there.then(|| after.clone()));
        let mut affected = Affected::default();
        if before == after {
            return affected;
        }
        if let Some(place) = after {
            let count = self.places.entry(place).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(place) = before
            && let Some(count) = self.places.get_mut(&place)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.places.remove(&place);
            }
        }
        let site = Site::of(self.places.keys().cloned());
        if site != *self.snapshot.site {
            self.snapshot.site = Arc::new(site);
            let snapshot = &self.snapshot;
            affected.routes =
                self.routes_that(|route| snapshot.policy_of(route).is_some_and(|policy| policy.site.is_none()));
            let found = snapshot.policies().filter(|policy| policy.site.is_none());
            affected.policies = found.map(|policy| Arc::clone(&policy.name)).collect();
        }
        affected
    }

    fn set_route(&mut self, key: &RouteKey, route: Option<Result<Route, Unreadable>>) -> Affected {
        let kept = route.map(keep);
        if self.routes.get(key) == kept.as_ref() {
            return Affected::default();
        }
        if let Some(Kept::Read(old)) = self.routes.remove(key) {
            for name in names(&old) {
                forget(&mut self.routes_at, name, key);
            }
        }
        if let Some(Kept::Read(new)) = &kept {
            for name in names(new) {
                note(&mut self.routes_at, name, key);
            }
        }
        set(&mut self.routes, key, kept);
        Affected {
            routes: [key.clone()].into(),
            ..Affected::default()
        }
    }

    /// The routes that a filing may cover.
    fn affect_by_filing(&self, filing: &Filing, affected: &mut Affected) {
        for domain in filing.covering_domains() {
            affected
                .routes
                .extend(self.routes_at.get(domain.as_str()).into_iter().flatten().cloned());
        }
    }

    /// The filings that are compared with a filing, which is older, and the routes that they may cover.
    fn affect_juniors(&self, filing: &Filing, affected: &mut Affected) {
        for junior in self.snapshot.juniors(filing) {
            if affected.filings.insert(junior.key.clone()) {
                self.affect_by_filing(&junior, affected);
            }
        }
    }

    /// The same for all filings of a namespace.
    fn affect_juniors_of(&self, namespace: &Arc<str>, affected: &mut Affected) {
        for (_, kept) in self.snapshot.filings.in_namespace(namespace) {
            if let Kept::Read(filing) = kept {
                self.affect_juniors(filing, affected);
            }
        }
    }

    /// The routes that a policy governs; under the default one, filings and servers too.
    fn affect_by_policy(&self, name: &Arc<str>, affected: &mut Affected) {
        let snapshot = &self.snapshot;
        let governed = |route: &Route| snapshot.policy_of(route).is_some_and(|policy| policy.name == *name);
        affected.routes.extend(self.routes_that(governed));
        if **name == *keys::DEFAULT_POLICY {
            affected
                .filings
                .extend(snapshot.filings.iter().map(|(key, _)| key.clone()));
            affected.servers.extend(snapshot.servers.keys().cloned());
        }
    }

    fn routes_in(&self, namespace: &Arc<str>) -> BTreeSet<RouteKey> {
        let first = RouteKey {
            namespace: Arc::clone(namespace),
            name: "".into(),
            kind: RouteKind::Ingress,
        };
        self.routes
            .range(first..)
            .map(|(key, _)| key)
            .take_while(|key| key.namespace == *namespace)
            .cloned()
            .collect()
    }

    fn routes_that(&self, holds: impl Fn(&Route) -> bool) -> BTreeSet<RouteKey> {
        let read = self.routes.iter().filter_map(|(key, kept)| match kept {
            Kept::Read(route) => Some((key, route)),
            Kept::Unreadable(_) => None,
        });
        read.filter(|(_, route)| holds(route))
            .map(|(key, _)| key.clone())
            .collect()
    }
}

/// Keeps once what many have alike.
fn share<T: Eq + Hash + ?Sized>(known: &mut HashSet<Arc<T>>, kept: &mut Arc<T>) {
    /// How many are kept. Where each filing has its own, it is in vain to look for those of before.
    const MOST: usize = 1_000;
    if let Some(known) = known.get(kept) {
        *kept = Arc::clone(known);
        return;
    }
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(Arc::clone(kept));
}

fn note<K: Ord + Clone>(at: &mut HashMap<Arc<str>, Vec<K>>, name: &str, key: &K) {
    match at.get_mut(name) {
        Some(keys) => {
            if let Err(place) = keys.binary_search(key) {
                keys.insert(place, key.clone());
            }
        }
        None => drop(at.insert(name.into(), vec![key.clone()])),
    }
}

fn forget<K: Ord>(at: &mut HashMap<Arc<str>, Vec<K>>, name: &str, key: &K) {
    if let Some(keys) = at.get_mut(name) {
        if let Ok(place) = keys.binary_search(key) {
            keys.remove(place);
        }
        if keys.is_empty() {
            at.remove(name);
        }
    }
}

fn keep<T>(read: Result<T, Unreadable>) -> Kept<T> {
    match read {
        Ok(read) => Kept::Read(Arc::new(read)),
        Err(unreadable) => Kept::Unreadable(Arc::new(unreadable)),
    }
}

fn set<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, key: &K, value: Option<V>) {
    match value {
        Some(value) => {
            map.insert(key.clone(), value);
        }
        None => {
            map.remove(key);
        }
    }
}

fn set_shared<K: Ord + Clone, V: Clone>(map: &mut Map<K, V>, key: &K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key.clone(), value),
        None => drop(map.remove(key)),
    }
}

/// The names at which a filing would cover a route: of each host, itself and its parents down to what is registrable.
fn names(route: &Route) -> impl Iterator<Item = &str> {
    let domains = route.claims.iter().filter_map(|claim| match &claim.to {
        Claimed::Host(host) => Some(host.domain()),
        Claimed::NoHost { .. } | Claimed::Anything | Claimed::Opaque(_) => None,
    });
    domains.flat_map(|domain: &Domain| {
        let end = domain.registrable().map_or(usize::MAX, str::len);
        domain.ancestors().take_while(move |name| name.len() >= end)
    })
}
