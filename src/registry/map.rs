//! A map in the order of its keys that shares what has not changed with its clones, in little memory.
//!
//! Its entries stand in parts of some hundred, which clones share. A change copies the part that it is in and the list of
//! parts, where a clone still has them: far less than all, and a tree with a node for each entry takes five times the
//! memory.

use std::borrow::Borrow;
use std::sync::Arc;

/// How many entries a part has at most.
const PART: usize = 256;

/// A map that is cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Map<K, V>(Arc<Vec<Part<K, V>>>);

/// Some entries, in order; never none.
#[derive(Clone, Debug)]
struct Part<K, V> {
    /// The first key, so that a part is found without a look into each.
    first: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// How its entries are parted is no matter.
impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.iter().eq(other.iter())
    }
}

impl<K, V> Map<K, V> {
    /// Whether the two are one, neither of which has changed since. A look at pointers.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|part| part.entries.len()).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let entries = self.0.iter().flat_map(|part| &*part.entries);
        entries.map(|(key, value)| (key, value))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The part that a key is in, or would be put into.
    fn at<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        let after = self.0.partition_point(|part| part.first.borrow() <= key);
        after.saturating_sub(1)
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let part = self.0.get(self.at(key))?;
        let place = part.place(key).ok()?;
        part.entries.get(place).map(|(_, value)| value)
    }

    /// The entries from the first on whose key is not before what is looked for.
    pub(super) fn from<F: Fn(&K) -> bool>(&self, is_before: F) -> impl Iterator<Item = (&K, &V)> + use<'_, F, K, V> {
        let after = self.0.partition_point(|part| is_before(&part.first));
        let parts = self.0.get(after.saturating_sub(1)..).unwrap_or_default();
        let skipped = parts
            .first()
            .map_or(0, |part| part.entries.partition_point(|(known, _)| is_before(known)));
        let entries = parts.iter().flat_map(|part| &*part.entries).skip(skipped);
        entries.map(|(key, value)| (key, value))
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    pub(super) fn insert(&mut self, key: K, value: V) {
        let at = self.at(&key);
        let parts = Arc::make_mut(&mut self.0);
        let is_last = at + 1 >= parts.len();
        let Some(part) = parts.get_mut(at) else {
            parts.push(Part::of(key, value));
            return;
        };
        match part.place(&key) {
            Ok(place) => {
                if let Some((_, known)) = Arc::make_mut(&mut part.entries).get_mut(place) {
                    *known = value;
                }
            }
            // What is listed in order comes behind all that is there, and leaves full parts.
            Err(PART) if is_last => parts.push(Part::of(key, value)),
            Err(place) => {
                let entries = Arc::make_mut(&mut part.entries);
                if place == 0 {
                    part.first = key.clone();
                }
                entries.insert(place, (key, value));
                if entries.len() > PART {
                    let second = entries.split_off(PART / 2);
                    entries.shrink_to_fit();
                    if let Some(second) = Part::all(second) {
                        parts.insert(at + 1, second);
                    }
                }
            }
        }
    }

    /// Takes an entry out. Says whether it was there.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let at = self.at(key);
        let found = self.0.get(at).map(|part| part.place(key));
        let Some(Ok(place)) = found else { return false };
        let parts = Arc::make_mut(&mut self.0);
        let Some(part) = parts.get_mut(at) else { return false };
        let entries = Arc::make_mut(&mut part.entries);
        entries.remove(place);
        match entries.first() {
            Some((first, _)) => part.first = first.clone(),
            None => drop(parts.remove(at)),
        }
        // Parts that have become small are joined, so that there are never many of them.
        for at in [at, at.saturating_sub(1)] {
            let both = parts.get(at).zip(parts.get(at + 1));
            if both.is_some_and(|(one, next)| one.entries.len() + next.entries.len() <= PART / 2) {
                let next = parts.remove(at + 1);
                if let Some(part) = parts.get_mut(at) {
                    Arc::make_mut(&mut part.entries).extend(Arc::unwrap_or_clone(next.entries));
                }
            }
        }
        true
    }
}

impl<K, V> Part<K, V> {
    fn of(key: K, value: V) -> Self
    where
        K: Clone,
    {
        Self {
            first: key.clone(),
            entries: Arc::new(vec![(key, value)]),
        }
    }

    /// A part with these entries; none where there are none.
    fn all(entries: Vec<(K, V)>) -> Option<Self>
    where
        K: Clone,
    {
        let (first, _) = entries.first()?;
        Some(Self {
            first: first.clone(),
            entries: Arc::new(entries),
        })
    }

    /// Where a key is, or where it would be.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.entries.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn map(keys: impl IntoIterator<Item = u32>) -> Map<u32, u32> {
        let mut map = Map::default();
        for key in keys {
            map.insert(key, key);
        }
        map
    }

    fn parts(map: &Map<u32, u32>) -> usize {
        map.0.len()
    }

    #[test]
    fn what_comes_in_order_fills_the_parts() {
        assert_eq!(parts(&map(0..10 * 256)), 10);
    }

    #[test]
    fn what_comes_in_another_order_fills_at_least_half_of_them() {
        assert!(parts(&map((0..10 * 256).rev())) <= 20);
    }

    #[test]
    fn what_is_left_of_much_is_in_few_parts() {
        let mut map = map(0..10 * 256);
        for key in (0..10 * 256).filter(|key| key % 100 != 0) {
            assert!(map.remove(&key));
            assert!(!map.remove(&key), "it is gone already");
        }
        assert!(parts(&map) <= 2, "{} parts", parts(&map));
    }

    #[test]
    fn a_clone_does_not_change_with_it() {
        let mut one = map(0..1000);
        let other = one.clone();
        assert!(one.is_same(&other));
        one.insert(500, 0);
        one.remove(&0);
        assert!(!one.is_same(&other));
        assert_eq!(other, map(0..1000));
        let shared = one.0.iter().zip(other.0.iter());
        let shared = shared.filter(|(one, other)| Arc::ptr_eq(&one.entries, &other.entries));
        assert_eq!(shared.count(), parts(&one) - 2, "the others are one");
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0_u32..2000, any::<bool>(), 1_u32..100), 1..200), asked in 0_u32..2000) {
            let (mut map, mut model) = (Map::default(), BTreeMap::new());
            for (first, is_there, count) in steps {
                for key in first..first + count {
                    if is_there {
                        map.insert(key, first);
                        model.insert(key, first);
                    } else {
                        prop_assert_eq!(map.remove(&key), model.remove(&key).is_some());
                    }
                }
            }
            prop_assert!(map.iter().eq(model.iter()));
            prop_assert_eq!(map.get(&asked), model.get(&asked));
            prop_assert!(map.from(|key| *key < asked).eq(model.range(asked..)));
            let parts = map.0.iter().map(|part| part.entries.len());
            prop_assert!(parts.clone().all(|length| (1..=PART).contains(&length)));
            prop_assert!(map.0.iter().all(|part| part.entries.first().map(|(key, _)| *key) == Some(part.first)));
        }
    }
}
