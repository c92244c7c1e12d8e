//! Filings by the domains that they name, and by their numbers.

use std::sync::Arc;

use super::filing::{Filing, FilingKey};
use super::hashed::Hashed;
use super::map::Map;
use super::snapshot::{Kept, Unreadable};
use crate::domain::Domain;

/// The filings, by key, by domain and by number. All share what has not changed with their clones.
#[derive(Clone, Debug, Default)]
pub(super) struct FilingIndex {
    all: Map<FilingKey, Kept<Filing>>,
    by_domain: Hashed,
    /// Under the numbers that they claim to be their own alone, of which two should not be alike.
    by_number: Hashed,
}

/// The rest follows from what is by key.
impl PartialEq for FilingIndex {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl FilingIndex {
    /// Whether the two are one, neither of which has changed since.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.all.is_same(&other.all)
    }

    pub(super) fn insert(&mut self, filing: Filing) {
        self.remove(&filing.key);
        let filing = Arc::new(filing);
        for domain in filing.covering_domains() {
            self.by_domain.insert(domain.as_str(), &filing);
        }
        if let Some(number) = filing.own_number() {
            self.by_number.insert(number, &filing);
        }
        self.all.insert(filing.key.clone(), Kept::Read(filing));
    }

    pub(super) fn insert_unreadable(&mut self, key: FilingKey, unreadable: Unreadable) {
        self.remove(&key);
        self.all.insert(key, Kept::Unreadable(Arc::new(unreadable)));
    }

    pub(super) fn remove(&mut self, key: &FilingKey) {
        if let Some(Kept::Read(filing)) = self.all.get(key).cloned() {
            for domain in filing.covering_domains() {
                self.by_domain.remove(domain.as_str(), key);
            }
            if let Some(number) = filing.own_number() {
                self.by_number.remove(number, key);
            }
        }
        self.all.remove(key);
    }

    pub(super) fn get(&self, key: &FilingKey) -> Option<&Kept<Filing>> {
        self.all.get(key)
    }

    pub(super) fn count(&self) -> usize {
        self.all.count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&FilingKey, &Kept<Filing>)> {
        self.all.iter()
    }

    pub(super) fn in_namespace<'a>(
        &'a self,
        namespace: &'a Arc<str>,
    ) -> impl Iterator<Item = (&'a FilingKey, &'a Kept<Filing>)> {
        self.all
            .from(|key| key.namespace < *namespace)
            .take_while(|(key, _)| key.namespace == *namespace)
    }

    /// Filings with a domain at or above another, the nearest first, then by key.
    pub(super) fn at_or_above<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = &'a Arc<Filing>> {
        domain.ancestors().flat_map(|name| self.with_name(name))
    }

    /// Filings with just this domain, by key.
    pub(super) fn with_domain<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = &'a Arc<Filing>> {
        self.with_name(domain.as_str())
    }

    fn with_name<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<Filing>> {
        let there = self.by_domain.with(name);
        there.filter(move |filing| filing.covering_domains().any(|domain| domain.as_str() == name))
    }

    /// Filings with a site number, by key.
    pub(super) fn with_number<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Arc<Filing>> {
        let there = self.by_number.with(number);
        there.filter(move |filing| filing.own_number() == Some(number))
    }
}
