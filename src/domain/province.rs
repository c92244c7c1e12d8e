//! The 31 provincial-level divisions of the mainland, as filings name them.

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::facts;

/// A provincial-level division of the mainland (省级行政区). Filings are kept by the bureau of the subject's province.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Province {
    /// ISO 3166-2, like `CN-BJ`.
    pub code: &'static str,
    /// The abbreviation in ICP numbers, like `京`.
    pub icp: &'static str,
    /// Other abbreviations that ICP numbers carry in the wild, like `川` for `蜀`.
    pub icp_aliases: &'static str,
    /// The abbreviation in public-security numbers: `川`, `贵` and `甘` where ICP has `蜀`, `黔` and `陇`.
    pub public_security: &'static str,
    /// Other abbreviations that public-security numbers carry in the wild: `黔` for `贵`.
    pub public_security_aliases: &'static str,
    /// Characters that people take for the abbreviation and that no number has, like `云` for `滇`.
    pub mistaken: &'static str,
    /// The abbreviations in traditional characters: pairs of the simplified and the traditional one.
    pub traditional: &'static str,
    /// GB/T 2260, like `110000`; public-security numbers begin with its first two digits.
    pub gbt: &'static str,
    /// The full Chinese name, like `北京市`.
    pub name_zh: &'static str,
    /// The short Chinese name, like `北京`.
    pub short_zh: &'static str,
    /// The English name, like `Beijing`.
    pub name_en: &'static str,
    /// The bureau that keeps the filings (通信管理局).
    pub authority: &'static str,
    /// Which number a site's footer shows: the service's, or the main one (Guangdong).
    pub footer_number: FooterNumber,
    /// The most working days that a review may take.
    pub review_days_max: u32,
    /// Whether a subject without any access left (空壳主体) may add a service directly.
    #[serde(deserialize_with = "yes")]
    pub shell_subject_may_add_service: bool,
    /// Local practice, in English.
    pub notes: &'static str,
    /// Where the row comes from.
    pub source: &'static str,
    /// The day on which the row was last looked at.
    pub date: &'static str,
}

/// The number that a site shows in its footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FooterNumber {
    /// The service's number, with `-N`.
    Service,
    /// The main number, without `-N`.
    Main,
}

static PROVINCES: LazyLock<Vec<Province>> = LazyLock::new(|| facts::rows(include_str!("../../facts/provinces.csv")));

impl Province {
    /// All of them, in the order of GB/T 2260.
    pub fn all() -> &'static [Self] {
        &PROVINCES
    }

    /// The province that a person means by `CN-BJ`, `北京`, `北京市`, `Beijing`, `京` or an alias of that.
    ///
    /// ```
    /// use filing_operator::domain::province::Province;
    ///
    /// assert_eq!(Province::find("四川").map(|province| province.icp), Some("蜀"));
    /// assert_eq!(Province::find("香港"), None);
    /// ```
    pub fn find(typed: &str) -> Option<&'static Self> {
        let typed = typed.trim();
        let by_name = Self::all().iter().find(|province| {
            [province.code, province.name_en]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(typed))
                || [province.name_zh, province.short_zh].contains(&typed)
        });
        by_name
            .or_else(|| Self::by_icp(typed))
            .or_else(|| Self::by_icp_alias(typed))
    }

    /// The province whose ICP numbers begin so.
    pub fn by_icp(abbreviation: &str) -> Option<&'static Self> {
        Self::all().iter().find(|province| province.icp == abbreviation)
    }

    /// The province whose ICP numbers begin so in the wild, though they ought not to.
    pub fn by_icp_alias(abbreviation: &str) -> Option<&'static Self> {
        Self::all()
            .iter()
            .find(|province| province.icp_aliases == abbreviation && !abbreviation.is_empty())
    }

    /// The province whose public-security numbers begin so.
    pub fn by_public_security(abbreviation: &str) -> Option<&'static Self> {
        Self::all()
            .iter()
            .find(|province| province.public_security == abbreviation)
    }

    /// The province whose public-security numbers begin so in the wild, though they ought not to.
    pub fn by_public_security_alias(abbreviation: &str) -> Option<&'static Self> {
        Self::all()
            .iter()
            .find(|province| province.public_security_aliases == abbreviation && !abbreviation.is_empty())
    }

    /// The province that a person means by a character that no number begins with.
    pub fn by_mistaken(abbreviation: &str) -> Option<&'static Self> {
        Self::all()
            .iter()
            .find(|province| province.mistaken == abbreviation && !abbreviation.is_empty())
    }
}

impl fmt::Display for Province {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short_zh)
    }
}

fn yes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match <&str>::deserialize(deserializer)? {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(serde::de::Error::custom(format_args!(
            "\"{other}\" is neither yes nor no"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[test]
    fn there_are_31_and_every_code_is_unique() {
        assert_eq!(Province::all().len(), 31);
        let columns: [fn(&Province) -> &str; 7] = [
            |p| p.code,
            |p| p.icp,
            |p| p.public_security,
            |p| p.gbt,
            |p| p.name_zh,
            |p| p.short_zh,
            |p| p.name_en,
        ];
        for column in columns {
            assert_eq!(Province::all().iter().map(column).collect::<BTreeSet<_>>().len(), 31);
        }
    }

    #[test]
    fn every_row_is_complete_and_in_order() {
        assert!(Province::all().is_sorted_by_key(|province| province.gbt));
        for province in Province::all() {
            assert!(
                province.gbt.len() == 6 && province.gbt.ends_with("0000"),
                "{province:?}"
            );
            assert!(
                province.code.starts_with("CN-") && province.code.len() == 5,
                "{province:?}"
            );
            assert!(
                [province.icp, province.public_security]
                    .iter()
                    .all(|it| it.chars().count() == 1),
                "{province:?}"
            );
            assert!(province.name_zh.starts_with(province.short_zh), "{province:?}");
            assert!(
                !province.source.is_empty() && province.date.parse::<crate::domain::Day>().is_ok(),
                "{province:?}"
            );
        }
    }

    #[test]
    fn no_alias_is_another_provinces_abbreviation() {
        for province in Province::all() {
            for alias in [province.icp_aliases, province.mistaken]
                .into_iter()
                .filter(|alias| !alias.is_empty())
            {
                assert_eq!(Province::by_icp(alias), None, "{alias}");
            }
            if !province.public_security_aliases.is_empty() {
                assert_eq!(
                    Province::by_public_security(province.public_security_aliases),
                    None,
                    "{province:?}"
                );
            }
        }
    }

    #[test]
    fn the_two_abbreviations_differ_for_three() {
        let differ: Vec<_> = Province::all()
            .iter()
            .filter(|it| it.icp != it.public_security)
            .collect();
        let pairs: Vec<_> = differ.iter().map(|it| (it.icp, it.public_security)).collect();
        assert_eq!(pairs, [("蜀", "川"), ("黔", "贵"), ("陇", "甘")]);
    }

    #[rstest]
    #[case("CN-BJ", "CN-BJ")]
    #[case(" cn-bj ", "CN-BJ")]
    #[case("北京", "CN-BJ")]
    #[case("北京市", "CN-BJ")]
    #[case("京", "CN-BJ")]
    #[case("Beijing", "CN-BJ")]
    #[case("内蒙古", "CN-NM")]
    #[case("新疆", "CN-XJ")]
    #[case("川", "CN-SC")]
    #[case("蜀", "CN-SC")]
    #[case("陕西", "CN-SN")]
    #[case("山西", "CN-SX")]
    fn a_province_is_found_by_all_its_names(#[case] typed: &str, #[case] code: &str) {
        assert_eq!(Province::find(typed).map(|province| province.code), Some(code));
    }

    #[rstest]
    #[case("")]
    #[case("香港")]
    #[case("港")]
    #[case("CN-HK")]
    #[case("云")]
    #[case("北")]
    fn what_is_no_mainland_province_is_not_found(#[case] typed: &str) {
        assert_eq!(Province::find(typed), None);
    }
}
