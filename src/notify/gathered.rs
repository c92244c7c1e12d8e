//! What there is to tell, gathered until it is sent: by reason and kind, so that forty routes give one message. Pure,
//! and bounded however long it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::effects::Notice;

/// The most groups that are told apart.
const MAX_GROUPS: usize = 30;
/// The most notices that a group keeps; the others are counted.
pub(super) const MAX_KEPT: usize = 20;

/// Notices that are told together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gathered {
    groups: BTreeMap<GroupKey, Group>,
    /// Warnings and others that no group takes, because there are too many.
    beyond: [u32; 2],
    span: Option<(Timestamp, Timestamp)>,
}

/// What notices of a group have in common. Warnings come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupKey {
    pub(super) is_normal: bool,
    pub(super) reason: String,
    pub(super) kind: &'static str,
    /// Kind and name of what else they all speak of.
    pub(super) related: Option<String>,
}

/// The first notices of a group, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) count: u32,
    pub(super) kept: Vec<Arc<Notice>>,
}

impl Gathered {
    /// Adds a notice that was told at a moment.
    pub(super) fn add(&mut self, notice: Arc<Notice>, at: Timestamp) {
        let key = GroupKey {
            is_normal: !notice.is_warning,
            reason: notice.reason.clone(),
            kind: notice.regarding.kind,
            related: notice.related.as_ref().map(|related| match &related.namespace {
                Some(namespace) => format!("{} {namespace}/{}", related.kind, related.name),
                None => format!("{} {}", related.kind, related.name),
            }),
        };
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        if !self.groups.contains_key(&key) && self.groups.len() >= MAX_GROUPS {
            let [warnings, others] = &mut self.beyond;
            let count = if notice.is_warning { warnings } else { others };
            *count = count.saturating_add(1);
            return;
        }
        let group = self.groups.entry(key).or_default();
        group.count = group.count.saturating_add(1);
        if group.kept.len() < MAX_KEPT {
            group.kept.push(notice);
        }
    }

    /// Those that a channel takes: all, or the warnings alone.
    pub(super) fn taken(&self, takes_normal: bool) -> Self {
        let mut taken = self.clone();
        if !takes_normal {
            taken.groups.retain(|key, _| !key.is_normal);
            let [_, others] = &mut taken.beyond;
            *others = 0;
        }
        taken
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        let of_groups = self.groups.values().map(|group| group.count);
        of_groups.chain(self.beyond).fold(0, u32::saturating_add)
    }

    /// How many of them are warnings.
    pub(super) fn warnings(&self) -> u32 {
        let groups = self.groups.iter().filter(|(key, _)| !key.is_normal);
        let [beyond, _] = self.beyond;
        groups.map(|(_, group)| group.count).fold(beyond, u32::saturating_add)
    }

    /// The groups, in order.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&GroupKey, &Group)> {
        self.groups.iter()
    }

    /// How many no group takes.
    pub(super) fn beyond(&self) -> u32 {
        self.beyond.into_iter().fold(0, u32::saturating_add)
    }

    /// When the first and the last were told; none where there is none.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::fixture::notice;
    use crate::support::now;

    #[test]
    fn forty_routes_of_one_reason_are_one_group() {
        let mut gathered = Gathered::default();
        for route in 0..40 {
            gathered.add(notice(&format!("shop/web-{route}"), "FilingCancelled", true), now());
        }
        gathered.add(notice("shop/blog", "Compliant", false), now());
        let groups: Vec<_> = gathered
            .groups()
            .map(|(key, group)| (key.reason.as_str(), group.count, group.kept.len()))
            .collect();
        assert_eq!(groups, [("FilingCancelled", 40, MAX_KEPT), ("Compliant", 1, 1)]);
        assert_eq!((gathered.count(), gathered.warnings()), (41, 40));
        let warnings = gathered.taken(false);
        assert_eq!((warnings.count(), warnings.groups().count()), (40, 1));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let mut gathered = Gathered::default();
        for reason in 0..MAX_GROUPS + 5 {
            gathered.add(notice("shop/web", &format!("Reason{reason}"), reason % 2 == 0), now());
        }
        assert_eq!(gathered.groups().count(), MAX_GROUPS);
        assert_eq!((gathered.beyond(), gathered.count()), (5, 35));
        assert_eq!((gathered.warnings(), gathered.taken(false).count()), (18, 18));
    }
}
