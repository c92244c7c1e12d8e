//! Filings by their site numbers, of which two should not be alike.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use rpds::HashTrieMapSync;

use super::filing::Filing;

/// Nearly every number has one filing, and a map of them would take more than a hundred bytes for each. Here a change
/// copies the bucket that it is in.
const BUCKETS: u64 = 4096;

/// The filings that have a number of their own, in so many buckets. What has not changed is shared with its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    buckets: HashTrieMapSync<u16, Vec<Arc<Filing>>>,
    /// Random, so that nobody can fill one bucket on purpose.
    hasher: RandomState,
}

impl Numbers {
    pub(super) fn insert(&mut self, filing: &Arc<Filing>) {
        let Some(bucket) = self.bucket_of(filing) else { return };
        match self.buckets.get_mut(&bucket) {
            Some(filings) => {
                filings.reserve_exact(1);
                filings.push(Arc::clone(filing));
            }
            None => self.buckets.insert_mut(bucket, vec![Arc::clone(filing)]),
        }
    }

    pub(super) fn remove(&mut self, filing: &Filing) {
        let Some(bucket) = self.bucket_of(filing) else { return };
        if let Some(filings) = self.buckets.get_mut(&bucket) {
            filings.retain(|other| other.key != filing.key);
            if filings.is_empty() {
                self.buckets.remove_mut(&bucket);
            }
        }
    }

    /// The filings with a number, in no order.
    pub(super) fn with<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Arc<Filing>> {
        let filings = self.buckets.get(&self.bucket(number)).into_iter().flatten();
        filings.filter(move |filing| filing.own_number() == Some(number))
    }

    fn bucket_of(&self, filing: &Filing) -> Option<u16> {
        filing.own_number().map(|number| self.bucket(number))
    }

    fn bucket(&self, number: &str) -> u16 {
        u16::try_from(self.hasher.hash_one(number) % BUCKETS).unwrap_or_default()
    }
}
