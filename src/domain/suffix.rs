//! Which domain suffixes can be filed: a dated table, not a promise. Pure: no I/O, no look-up at any registry.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::host::Domain;

/// The table: suffix, its A-labels, whether it can be filed, since when that is known, a remark and the source.
/// No field holds a comma or a quote (a test), so that rows can be borrowed from the text as they are.
const TABLE: &str = include_str!("../../facts/suffixes.csv");

/// The rows by their suffix in A-labels.
static FACTS: LazyLock<HashMap<&'static str, SuffixFact>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(row).collect());

/// Whether a domain under a suffix can be filed. The Ministry of Industry and Information Technology (工信部) approves
/// the registries and suffixes; domains under others are refused since 2018.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fileable {
    /// It is in the list of approved suffixes.
    Yes,
    /// It is known not to be approved.
    No,
    /// Sources disagree, or none of them is official.
    Unclear,
    /// The table does not speak of it.
    Unlisted,
}

/// What the table says about one suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuffixFact {
    /// The suffix as people write it, without a leading dot: `com`, `中国`, `gov.cn`.
    pub suffix: &'static str,
    /// Whether it can be filed; never [`Fileable::Unlisted`].
    pub fileable: Fileable,
    /// The day, month or year of the source: `2022-08-30`, `2024-05`, `2019`.
    pub as_of: &'static str,
    /// A remark, or nothing.
    pub note: &'static str,
    /// Where this was read.
    pub source: &'static str,
}

/// Whether a domain can be filed, by the longest listed suffix among its public suffix and that one's parents, and the
/// row that says so.
///
/// ```
/// use filing_operator::domain::suffix::{Fileable, fileable};
/// use filing_operator::domain::Domain;
///
/// let (answer, fact) = fileable(&Domain::parse("www.example.com.cn")?);
/// assert_eq!((answer, fact.map(|fact| fact.suffix)), (Fileable::Yes, Some("com.cn")));
/// assert_eq!(fileable(&Domain::parse("example.dev")?).0, Fileable::No);
/// assert_eq!(fileable(&Domain::parse("example.co.uk")?).0, Fileable::Unlisted);
/// # Ok::<(), filing_operator::domain::HostError>(())
/// ```
pub fn fileable(domain: &Domain) -> (Fileable, Option<&'static SuffixFact>) {
    let fact = super::host::parents(domain.suffix()).find_map(|suffix| FACTS.get(suffix));
    (fact.map_or(Fileable::Unlisted, |fact| fact.fileable), fact)
}

/// One line of the table, by its A-labels.
fn row(line: &'static str) -> Option<(&'static str, SuffixFact)> {
    let mut fields = line.split(',');
    let suffix = fields.next()?;
    let ascii = fields.next()?;
    let fileable = match fields.next()? {
        "yes" => Fileable::Yes,
        "no" => Fileable::No,
        "unclear" => Fileable::Unclear,
        _ => return None,
    };
    let (as_of, note, source) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next().is_none().then_some((
        ascii,
        SuffixFact {
            suffix,
            fileable,
            as_of,
            note,
            source,
        },
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_row_is_read_and_says_what_when_and_where_from() {
        assert_eq!(
            FACTS.len(),
            TABLE.lines().count() - 1,
            "a row is not read, or stands twice"
        );
        assert!(!TABLE.contains('"'), "a quoted field");
        for (ascii, fact) in FACTS.iter() {
            let domain = Domain::parse(fact.suffix).unwrap();
            assert_eq!((domain.as_str(), domain.to_unicode().as_str()), (*ascii, fact.suffix));
            let parts: Vec<_> = fact.as_of.split('-').collect();
            let shape: Vec<_> = parts.iter().map(|part| part.len()).collect();
            assert!([4, 2, 2].starts_with(&shape), "{}: {}", fact.suffix, fact.as_of);
            assert!(
                parts.concat().bytes().all(|byte| byte.is_ascii_digit()),
                "{}: {}",
                fact.suffix,
                fact.as_of
            );
            assert!(!fact.source.is_empty(), "{}", fact.suffix);
        }
    }

    #[test]
    fn the_table_is_as_long_as_its_sources() {
        let count = |wanted| FACTS.values().filter(|fact| fact.fileable == wanted).count();
        assert_eq!(
            (count(Fileable::Yes), count(Fileable::No), count(Fileable::Unclear)),
            (195, 9, 1)
        );
    }

    #[rstest]
    #[case::com("www.example.com", Fileable::Yes, Some("com"))]
    #[case::chinese("示例.中国", Fileable::Yes, Some("中国"))]
    #[case::listed_itself("dept.gov.cn", Fileable::Yes, Some("gov.cn"))]
    #[case::two_labels("example.com.cn", Fileable::Yes, Some("com.cn"))]
    #[case::chinese_below_cn("示例.政务.cn", Fileable::Yes, Some("政务.cn"))]
    #[case::public_suffix_below_a_listed_one("example.xn--55qx5d.cn", Fileable::Yes, Some("cn"))]
    #[case::a_suffix_itself("com", Fileable::Yes, Some("com"))]
    #[case::private_part_of_the_list("example.github.io", Fileable::No, Some("io"))]
    #[case::dev("example.dev", Fileable::No, Some("dev"))]
    #[case::hong_kong("example.com.hk", Fileable::No, Some("hk"))]
    #[case::hong_kong_below_cn("example.hk.cn", Fileable::Yes, Some("hk.cn"))]
    #[case::unclear("example.pw", Fileable::Unclear, Some("pw"))]
    #[case::unlisted("example.co.uk", Fileable::Unlisted, None)]
    #[case::unknown_top_level("example.nowhere", Fileable::Unlisted, None)]
    fn a_domain_is_as_fileable_as_its_suffix(
        #[case] domain: &str,
        #[case] answer: Fileable,
        #[case] suffix: Option<&str>,
    ) {
        let (found, fact) = fileable(&Domain::parse(domain).unwrap());
        assert_eq!((found, fact.map(|fact| fact.suffix)), (answer, suffix));
    }
}
