//! The operator's own annotations of a route.

/// Those of a route's annotations by which the operator shows its verdict. There are a few on each route of the cluster,
/// for which a map would take ten times the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Box<[(&'static str, Box<str>)]>);

impl Marks {
    /// The value of an annotation.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mark = self.0.iter().find(|(known, _)| *known == key);
        mark.map(|(_, value)| &**value)
    }

    /// Whether they are these and no others.
    pub fn are<'a>(&self, others: impl IntoIterator<Item = (&'a &'static str, &'a String)>) -> bool {
        let marks = self.0.iter().map(|(key, value)| (*key, &**value));
        marks.eq(others.into_iter().map(|(key, value)| (*key, value.as_str())))
    }
}

impl<V: Into<Box<str>>> FromIterator<(&'static str, V)> for Marks {
    /// Each key is to be there once; their order does not matter.
    fn from_iter<T: IntoIterator<Item = (&'static str, V)>>(marks: T) -> Self {
        let marks = marks.into_iter().map(|(key, value)| (key, value.into()));
        let mut marks: Vec<_> = marks.collect();
        marks.sort_unstable_by_key(|(key, _)| *key);
        Self(marks.into_boxed_slice())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_same(&[("a", "1"), ("b", "2")], true)]
    #[case::another_value(&[("a", "1"), ("b", "3")], false)]
    #[case::one_more(&[("a", "1"), ("b", "2"), ("c", "3")], false)]
    #[case::one_less(&[("a", "1")], false)]
    #[case::none(&[], false)]
    fn marks_are_compared_with_what_they_are_to_be(#[case] others: &[(&'static str, &str)], #[case] same: bool) {
        let marks: Marks = [("b", "2"), ("a", "1")].into_iter().collect();
        let others: BTreeMap<_, _> = others.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        assert_eq!(marks.are(&others), same);
        assert_eq!(marks.get("b"), Some("2"));
        assert_eq!(marks.get("c"), None);
    }
}
