//! Filings by a text of theirs, in little memory: by its hash alone.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::filing::{Filing, FilingKey};
use super::map::Map;

/// Filings by texts. What has not changed is shared with its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashed {
    filings: Map<(u64, FilingKey), Arc<Filing>>,
    /// Random, so that nobody can put much under one hash on purpose.
    hasher: RandomState,
}

impl Hashed {
    pub(super) fn insert(&mut self, text: &str, filing: &Arc<Filing>) {
        let place = (self.hash(text), filing.key.clone());
        self.filings.insert(place, Arc::clone(filing));
    }

    pub(super) fn remove(&mut self, text: &str, key: &FilingKey) {
        let place = (self.hash(text), key.clone());
        self.filings.remove(&place);
    }

    /// The filings with a text, by key. Some strangers may be among them, by chance: whoever asks looks whether it is theirs.
    pub(super) fn with(&self, text: &str) -> impl Iterator<Item = &Arc<Filing>> + use<'_> {
        let hash = self.hash(text);
        let there = self.filings.from(move |(other, _)| *other < hash);
        there
            .take_while(move |((other, _), _)| *other == hash)
            .map(|(_, filing)| filing)
    }

    fn hash(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }
}
