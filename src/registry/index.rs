//! Filings by the domains that they name, and by their numbers.

use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::filing::{Filing, FilingKey};
use super::numbers::Numbers;
use super::snapshot::{Kept, Map, Unreadable};
use crate::domain::Domain;

/// The filings, by key, by domain and by number. All maps share what has not changed with their clones.
#[derive(Clone, Debug, Default)]
pub(super) struct FilingIndex {
    by_key: Map<FilingKey, Kept<Filing>>,
    by_domain: HashTrieMapSync<Domain, Vec<Arc<Filing>>>,
    numbers: Numbers,
}

/// The order of the filings of one domain does not depend on the order in which they came.
impl PartialEq for FilingIndex {
    fn eq(&self, other: &Self) -> bool {
        self.by_key == other.by_key
    }
}

impl FilingIndex {
    pub(super) fn insert(&mut self, filing: Filing) {
        self.remove(&filing.key);
        let filing = Arc::new(filing);
        for domain in filing.covering_domains() {
            match self.by_domain.get_mut(domain) {
                Some(filings) if filings.iter().any(|other| other.key == filing.key) => {}
                Some(filings) => {
                    let at = filings.partition_point(|other| other.key < filing.key);
                    filings.insert(at, Arc::clone(&filing));
                }
                None => self.by_domain.insert_mut(domain.clone(), vec![Arc::clone(&filing)]),
            }
        }
        self.numbers.insert(&filing);
        self.by_key.insert_mut(filing.key.clone(), Kept::Read(filing));
    }

    pub(super) fn insert_unreadable(&mut self, key: FilingKey, unreadable: Unreadable) {
        self.remove(&key);
        self.by_key.insert_mut(key, Kept::Unreadable(Arc::new(unreadable)));
    }

    pub(super) fn remove(&mut self, key: &FilingKey) {
        if let Some(Kept::Read(filing)) = self.by_key.get(key).cloned() {
            self.numbers.remove(&filing);
            for domain in filing.covering_domains() {
                if let Some(filings) = self.by_domain.get_mut(domain) {
                    filings.retain(|other| other.key != *key);
                    if filings.is_empty() {
                        self.by_domain.remove_mut(domain);
                    }
                }
            }
        }
        self.by_key.remove_mut(key);
    }

    pub(super) fn get(&self, key: &FilingKey) -> Option<&Kept<Filing>> {
        self.by_key.get(key)
    }

    pub(super) fn count(&self) -> usize {
        self.by_key.size()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&FilingKey, &Kept<Filing>)> {
        self.by_key.iter()
    }

    pub(super) fn in_namespace<'a>(
        &'a self,
        namespace: &'a Arc<str>,
    ) -> impl Iterator<Item = (&'a FilingKey, &'a Kept<Filing>)> {
        let first = FilingKey {
            namespace: Arc::clone(namespace),
            name: "".into(),
        };
        self.by_key
            .range(first..)
            .take_while(|(key, _)| key.namespace == *namespace)
    }

    /// Filings with a domain at or above another, the nearest first, then by key.
    pub(super) fn at_or_above<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = &'a Arc<Filing>> {
        domain.ancestors().filter_map(|name| self.by_domain.get(name)).flatten()
    }

    /// Filings with just this domain, by key.
    pub(super) fn with_domain(&self, domain: &Domain) -> impl Iterator<Item = &Arc<Filing>> {
        self.by_domain.get(domain).into_iter().flatten()
    }

    /// Filings with a site number.
    pub(super) fn with_number<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Arc<Filing>> {
        self.numbers.with(number)
    }
}
