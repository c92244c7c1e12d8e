//! What kinds of content need before they are filed: a dated table, not a promise.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts;
use super::province::Province;

/// A kind of content, and the approval that it needs before it is filed (前置审批).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentFact {
    /// The kind, as a Filing's `service.contentTypes` names it.
    pub content_type: &'static str,
    /// In English.
    pub name_en: &'static str,
    /// In Chinese.
    pub name_zh: &'static str,
    /// The approval, in English.
    pub document_en: &'static str,
    /// The approval, in Chinese, as its certificate is titled.
    pub document_zh: &'static str,
    /// Who gives it.
    pub authority_zh: &'static str,
    /// Who asks for it.
    pub asked: Asked,
    /// The codes of the provinces that ask, where not all do; they are those that are known of.
    pub provinces: &'static str,
    /// A remark, in English.
    pub note: &'static str,
    /// Where the row comes from.
    pub source: &'static str,
    /// The year or day of the source.
    pub as_of: &'static str,
}

/// Who asks for an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Every bureau.
    Everywhere,
    /// The bureaus of some provinces.
    InSomeProvinces,
}

static CONTENT: LazyLock<Vec<ContentFact>> =
    LazyLock::new(|| facts::rows(include_str!("../../facts/content-types.csv")));

impl ContentFact {
    /// All kinds that need something.
    pub fn all() -> &'static [Self] {
        &CONTENT
    }

    /// What a kind of content needs; none where it needs nothing that is known of.
    pub fn find(content_type: &str) -> Option<&'static Self> {
        Self::all().iter().find(|fact| fact.content_type == content_type)
    }

    /// Whether the bureau of a province asks for it. Where the province is not known it may.
    pub fn is_asked_in(&self, province: Option<&Province>) -> bool {
        match (self.asked, province) {
            (Asked::Everywhere, _) | (Asked::InSomeProvinces, None) => true,
            (Asked::InSomeProvinces, Some(province)) => {
                self.provinces.split_whitespace().any(|code| code == province.code)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_where_it_comes_from_and_names_provinces_that_are_there() {
        for fact in ContentFact::all() {
            assert!(
                !fact.source.is_empty() && !fact.as_of.is_empty(),
                "{}",
                fact.content_type
            );
            assert!(
                !fact.document_en.is_empty() && !fact.document_zh.is_empty(),
                "{}",
                fact.content_type
            );
            let in_some = fact.asked == Asked::InSomeProvinces;
            assert_eq!(in_some, !fact.provinces.is_empty(), "{}", fact.content_type);
            for code in fact.provinces.split_whitespace() {
                let found = Province::find(code).map(|province| province.code);
                assert_eq!(found, Some(code), "{}", fact.content_type);
            }
        }
    }
}
