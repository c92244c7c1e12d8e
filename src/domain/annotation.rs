//! The annotations by which an Ingress asks its controller for more hosts than its rules name: a dated table with
//! sources. What is not in it adds none, as far as is known. Pure: no I/O.
//!
//! Not in it, for they add no host that is served: `canary` and its like (they share the hosts of another Ingress's
//! rules), `permanent-redirect`, `app-root` and rewrites (they say where a request goes, not for which host it is taken),
//! `mergeable-ingress-type` (each part has rules of its own), and what APISIX, MSE and Huawei's ELB have.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts;

/// The rows, in the order of the file.
static FACTS: LazyLock<Vec<AnnotationFact>> =
    LazyLock::new(|| facts::rows(include_str!("../../facts/ingress-annotations.csv")));

/// What the value of an annotation adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adds {
    /// Hosts, apart by commas or white space. One that begins with `~` is a regular expression.
    Hosts,
    /// Where it is true, each rule's host without its `www.`, or with one.
    WwwTwins,
    /// The texts in some fields of JSON.
    Json,
    /// All that fits a regular expression.
    Pattern,
    /// What is said in the controller's own language.
    Configuration,
    /// What is said in nginx's language, pasted where no name can be given unless the block is left.
    Location,
    /// Nothing, if it is a single word; else what is said in the controller's own language.
    Matcher,
}

/// What is known of an annotation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationFact {
    /// Its key; with a `*` at the end, each key that begins so.
    pub annotation: &'static str,
    /// What its value adds.
    pub adds: Adds,
    /// In JSON, the fields that hold hosts, separated by spaces.
    fields: &'static str,
    /// In JSON, the fields that hold regular expressions of hosts, separated by spaces.
    patterns: &'static str,
    /// Whose it is.
    pub controller: &'static str,
    /// How it is read.
    pub note: &'static str,
    /// Where this was read.
    pub source: &'static str,
    /// The day of the source, or on which it was read.
    pub as_of: &'static str,
}

impl AnnotationFact {
    /// Whether a field of JSON holds hosts.
    pub fn has_hosts_in(&self, field: &str) -> bool {
        is_one_of(field, self.fields)
    }

    /// Whether a field of JSON holds regular expressions of hosts.
    pub fn has_patterns_in(&self, field: &str) -> bool {
        is_one_of(field, self.patterns)
    }

    /// Keys are compared in any letter case: Traefik reads the name of its field so.
    fn is_of(&self, key: &str) -> bool {
        match (self.annotation.as_bytes(), key.as_bytes()) {
            ([start @ .., b'*'], key) => key
                .get(..start.len())
                .is_some_and(|begins| begins.eq_ignore_ascii_case(start)),
            (whole, key) => key.eq_ignore_ascii_case(whole),
        }
    }
}

/// What is known of the annotation with a key.
///
/// ```
/// use filing_operator::domain::annotation::{self, Adds};
///
/// let fact = annotation::find("nginx.ingress.kubernetes.io/server-alias").expect("the table speaks of it");
/// assert_eq!(fact.adds, Adds::Hosts);
/// assert!(annotation::find("nginx.ingress.kubernetes.io/canary").is_none());
/// ```
pub fn find(key: &str) -> Option<&'static AnnotationFact> {
    FACTS.iter().find(|fact| fact.is_of(key))
}

/// All that the table speaks of.
pub fn all() -> impl Iterator<Item = &'static AnnotationFact> {
    FACTS.iter()
}

/// As Go reads the fields of JSON, in which these controllers are written: in any letter case, and the long s and the
/// Kelvin sign are letters too.
fn is_one_of(field: &str, names: &str) -> bool {
    let folded = |text: &str| -> Vec<char> {
        let upper = text.chars().flat_map(char::to_uppercase);
        upper.flat_map(char::to_lowercase).collect()
    };
    names
        .split(' ')
        // No letter of theirs takes more than three bytes.
        .filter(|name| !name.is_empty() && field.len() <= name.len().saturating_mul(3))
        .any(|name| folded(name) == folded(field))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;
    use crate::domain::Day;

    #[test]
    fn every_row_is_read_and_says_what_and_where_from() {
        let keys: BTreeSet<_> = all().map(|fact| fact.annotation).collect();
        assert_eq!(keys.len(), FACTS.len(), "an annotation stands twice");
        for fact in all() {
            let key = fact.annotation;
            let (group, name) = key.split_once('/').unwrap_or_default();
            assert!(group.contains('.') && !name.is_empty(), "{key}");
            assert!(!key.trim_end_matches('*').contains('*'), "{key}");
            assert_eq!(fact.adds == Adds::Json, !fact.fields.is_empty(), "{key}");
            assert!(fact.adds == Adds::Json || fact.patterns.is_empty(), "{key}");
            assert!(fact.as_of.parse::<Day>().is_ok(), "{key}: {}", fact.as_of);
            assert!(!fact.controller.is_empty() && !fact.note.is_empty(), "{key}");
            for source in fact.source.split("; ") {
                assert!(source.starts_with("https://"), "{key}: {source}");
            }
        }
    }

    #[rstest]
    #[case("nginx.ingress.kubernetes.io/server-alias", true)]
    #[case::of_a_service("alb.ingress.kubernetes.io/conditions.web", true)]
    #[case::of_no_service("alb.ingress.kubernetes.io/conditions", false)]
    #[case::in_another_case("traefik.ingress.kubernetes.io/router.PathMatcher", true)]
    #[case::longer("nginx.ingress.kubernetes.io/server-alias-regex", false)]
    #[case::of_another_group("example.com/server-alias", false)]
    #[case::shorter_than_a_letter("é", false)]
    #[case::nothing("", false)]
    fn an_annotation_is_known_by_its_key(#[case] key: &str, #[case] expected: bool) {
        assert_eq!(find(key).is_some(), expected);
    }

    #[rstest]
    #[case("host", true)]
    #[case("HOST", true)]
    #[case::the_long_s("hoſt", true)]
    #[case::longer("hosts", false)]
    #[case::no_field("", false)]
    fn fields_of_json_are_known_as_go_knows_them(#[case] field: &str, #[case] expected: bool) {
        let fact = find("kubernetes.io/ingress.http-rules").unwrap();
        assert_eq!(fact.has_hosts_in(field), expected);
        assert!(!fact.has_patterns_in(field));
    }
}
