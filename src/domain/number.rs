//! The numbers of filings and licences: what was typed becomes one text that can be compared, or a reason why not.
//!
//! The grammars are data (facts/number-formats.csv); what people write instead of them is mended here.

mod problem;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::facts;
use super::province::Province;

pub use problem::{Irregularity, NumberError, Problem};

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberKind {
    /// The subject's filing (主体备案号): `京ICP备12345678号`.
    Main,
    /// A website's filing (网站备案号): `京ICP备12345678号-1`.
    Website,
    /// An app's filing: `京ICP备12345678号-2A`.
    App,
    /// A mini-program's filing (小程序): `京ICP备12345678号-3X`.
    MiniProgram,
    /// A quick app's filing (快应用): `京ICP备12345678号-4K`.
    QuickApp,
    /// A commercial ICP licence of the older form, or a service under it: `京ICP证031234号`, `京ICP证031234号-1`.
    LegacyLicence,
    /// A value-added telecom licence, or a service under it: `京B2-20201234`, `京B2-20201234-1`.
    Licence,
    /// A public-security filing (公安联网备案): `京公网安备11010502012345号`. It says nothing of the ICP filing.
    PublicSecurity,
}

impl NumberKind {
    /// The kind in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Main => "主体备案号",
            Self::Website => "网站备案号",
            Self::App => "APP备案号",
            Self::MiniProgram => "小程序备案号",
            Self::QuickApp => "快应用备案号",
            Self::LegacyLicence | Self::Licence => "经营许可证号",
            Self::PublicSecurity => "公安备案号",
        }
    }
}

impl fmt::Display for NumberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "a main number",
            Self::Website => "a website's number",
            Self::App => "an app's number",
            Self::MiniProgram => "a mini-program's number",
            Self::QuickApp => "a quick app's number",
            Self::LegacyLicence | Self::Licence => "a commercial licence's number",
            Self::PublicSecurity => "a public-security number",
        })
    }
}

/// The letter behind a service's index; a website has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceLetter {
    /// `A`: an app.
    App,
    /// `X`: a mini-program.
    MiniProgram,
    /// `K`: a quick app.
    QuickApp,
}

/// Which of the subject's services a number is of: the `-2A` at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// Counted from 1.
    pub index: u32,
    /// What else than a website it is.
    pub letter: Option<ServiceLetter>,
}

impl Service {
    /// Reads `-2A`. The grammars have the last word: this one takes any index.
    fn parse(suffix: &str) -> Option<Self> {
        let suffix = suffix.strip_prefix('-')?;
        let letter = match suffix.chars().next_back()? {
            'A' => Some(ServiceLetter::App),
            'X' => Some(ServiceLetter::MiniProgram),
            'K' => Some(ServiceLetter::QuickApp),
            _ => None,
        };
        let index = suffix.trim_end_matches(['A', 'X', 'K']).parse().ok()?;
        Some(Self { index, letter })
    }

    fn filing_kind(self) -> NumberKind {
        match self.letter {
            None => NumberKind::Website,
            Some(ServiceLetter::App) => NumberKind::App,
            Some(ServiceLetter::MiniProgram) => NumberKind::MiniProgram,
            Some(ServiceLetter::QuickApp) => NumberKind::QuickApp,
        }
    }
}

/// The number of a filing (备案号) or of a commercial licence (经营许可证号), in its one regular form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// What it is of.
    pub kind: NumberKind,
    /// Which service, where the number ends in one.
    pub service: Option<Service>,
    /// The province that it names; none for a licence of the ministry (合字, or no prefix).
    pub province: Option<&'static Province>,
    text: Box<str>,
    /// How long the main number is, in bytes: all of it where it is longer than any number is.
    main: u16,
    irregularities: Box<[Irregularity]>,
}

impl Number {
    /// Reads a number as people write it.
    ///
    /// White space, full-width and traditional characters, letter case, dashes and a label in front (`备案号：`) are
    /// put right without a word; what is against the form, but clear, is kept in [`Number::irregularities`].
    ///
    /// ```
    /// use filing_operator::domain::number::Number;
    ///
    /// let number = Number::parse("備案號：京icp備 12345678-1 號").unwrap();
    /// assert_eq!(number.text(), "京ICP备12345678号-1");
    /// assert_eq!(number.main(), "京ICP备12345678号");
    /// assert_eq!(number.irregularities()[0].to_string(), "号 belongs before the hyphen");
    /// ```
    pub fn parse(typed: &str) -> Result<Self, NumberError> {
        let tidy = tidy(typed);
        parse_tidy(&tidy).map_err(|problem| {
            // On one line, whatever was typed.
            let typed = typed
                .trim()
                .chars()
                .filter(|it| !it.is_control())
                .take(LONGEST)
                .collect();
            NumberError { typed, problem }
        })
    }

    /// The whole number in its regular form, for people and for comparison.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the subject or of the licence: [`Number::text`] without the service's index.
    pub fn main(&self) -> &str {
        self.text.get(..usize::from(self.main)).unwrap_or(&self.text)
    }

    /// What was against the form and could be understood all the same.
    pub fn irregularities(&self) -> &[Irregularity] {
        &self.irregularities
    }

    /// Whether a website can stand under it. Apps, mini-programs and quick apps are filed on their own.
    pub fn serves_websites(&self) -> bool {
        self.is_filing() && self.service.is_none_or(|service| service.letter.is_none())
    }

    /// Whether it is of a filing, and not of a licence: its main part is then the subject's (主体备案号).
    pub fn is_filing_number(&self) -> bool {
        !matches!(
            self.kind,
            NumberKind::LegacyLicence | NumberKind::Licence | NumberKind::PublicSecurity
        )
    }

    /// Whether it can be the number of an ICP filing: a public-security number can't.
    pub fn is_filing(&self) -> bool {
        self.kind != NumberKind::PublicSecurity
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One line of the table of grammars.
#[derive(Deserialize)]
struct Grammar {
    kind: &'static str,
    regex: &'static str,
}

static GRAMMARS: LazyLock<HashMap<&'static str, Regex>> = LazyLock::new(|| {
    let class = |of: fn(&Province) -> &'static str| Province::all().iter().map(of).collect::<String>();
    let icp = class(|province| province.icp);
    let licence = icp.clone() + &class(|province| province.icp_aliases);
    let public_security = class(|province| province.public_security);
    facts::rows::<Grammar>(include_str!("../../facts/number-formats.csv"))
        .into_iter()
        .filter_map(|grammar| {
            let regex = grammar.regex.replace("{icp}", &icp).replace("{licence}", &licence);
            // A test compiles every one of them.
            Some((
                grammar.kind,
                Regex::new(&regex.replace("{public_security}", &public_security)).ok()?,
            ))
        })
        .collect()
});

fn fits(grammar: &str, text: &str) -> bool {
    GRAMMARS.get(grammar).is_some_and(|regex| regex.is_match(text))
}

/// No number is nearly as long; what is longer is cut, so that nothing here or in a message grows with the input.
const LONGEST: usize = 80;

/// Labels that people copy along with the number, after the characters are put right.
const LABELS: [&str; 7] = [
    "ICP备案号",
    "网站备案号",
    "备案/许可证号",
    "经营许可证号",
    "许可证号",
    "备案编号",
    "备案号",
];

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut simplified = HashMap::from([('備', '备'), ('號', '号'), ('證', '证'), ('網', '网')]);
    for pair in Province::all()
        .iter()
        .flat_map(|province| province.traditional.split_whitespace())
    {
        let mut characters = pair.chars();
        if let (Some(simple), Some(traditional)) = (characters.next(), characters.next()) {
            simplified.insert(traditional, simple);
        }
    }
    simplified
});

/// Puts right what is only a matter of typing.
fn tidy(typed: &str) -> String {
    let mut tidy = String::with_capacity(typed.len().min(4 * LONGEST));
    for character in typed
        .nfkc()
        .filter(|character| !is_invisible(*character))
        .take(2 * LONGEST)
    {
        tidy.push(match character {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{2043}' => '-',
            ascii if ascii.is_ascii() => ascii.to_ascii_uppercase(),
            other => SIMPLIFIED.get(&other).copied().unwrap_or(other),
        });
    }
    match LABELS.iter().find_map(|label| tidy.strip_prefix(label)) {
        Some(number) => number.trim_start_matches(':').to_owned(),
        None => tidy,
    }
}

fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn parse_tidy(tidy: &str) -> Result<Number, Problem> {
    if tidy.is_empty() {
        Err(Problem::Empty)
    } else if let Some((head, rest)) = tidy.split_once("ICP备") {
        parse_filing(head, rest)
    } else if let Some((head, rest)) = tidy.split_once("ICP证") {
        parse_legacy_licence(head, rest)
    } else if let Some((head, rest)) = tidy.split_once("公网安备") {
        parse_public_security(head, rest)
    } else {
        parse_licence(tidy)
    }
}

fn parse_filing(head: &str, rest: &str) -> Result<Number, Problem> {
    let mut irregularities = Vec::new();
    let province = match Province::by_icp(head) {
        Some(province) => province,
        None => aliased(head, Province::by_icp_alias(head), |it| it.icp, &mut irregularities)?,
    };
    let (digits, suffix) = split_mark(rest, &mut irregularities)?;
    let main = format!("{}ICP备{digits}号", province.icp);
    if !fits("main", &main) {
        return Err(Problem::Digits {
            found: digits.to_owned(),
            kind: NumberKind::Main,
        });
    }
    let service = service(suffix)?;
    let kind = service.map_or(NumberKind::Main, Service::filing_kind);
    let text = format!("{main}{suffix}");
    let grammar = match kind {
        NumberKind::App => "app",
        NumberKind::MiniProgram => "mini-program",
        NumberKind::QuickApp => "quick-app",
        NumberKind::Website => "website",
        _ => "main",
    };
    if !fits(grammar, &text) {
        return Err(Problem::Service {
            found: suffix.to_owned(),
        });
    }
    Ok(Number {
        kind,
        service,
        province: Some(province),
        main: length(&main),
        text: text.into(),
        irregularities: irregularities.into(),
    })
}

fn length(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

fn parse_legacy_licence(head: &str, rest: &str) -> Result<Number, Problem> {
    let mut irregularities = Vec::new();
    let province = licence_province(head)?.ok_or(Problem::NoProvince)?;
    let (digits, suffix) = split_mark(rest, &mut irregularities)?;
    let main = format!("{head}ICP证{digits}号");
    if !fits("legacy-licence", &main) {
        return Err(Problem::Digits {
            found: digits.to_owned(),
            kind: NumberKind::LegacyLicence,
        });
    }
    let service = service(suffix)?;
    let text = format!("{main}{suffix}");
    if !fits("legacy-licence", &text) {
        return Err(Problem::Service {
            found: suffix.to_owned(),
        });
    }
    let kind = NumberKind::LegacyLicence;
    Ok(Number {
        kind,
        service,
        province: Some(province),
        main: length(&main),
        text: text.into(),
        irregularities: irregularities.into(),
    })
}

fn parse_licence(tidy: &str) -> Result<Number, Problem> {
    let (head, rest) = tidy.split_at(tidy.find(|it: char| it.is_ascii()).unwrap_or(tidy.len()));
    let (classes, rest) = rest.split_once('-').ok_or(Problem::Shape)?;
    let is_class = |class: &str| class.len() == 2 && class.as_bytes().first().is_some_and(u8::is_ascii_uppercase);
    if !classes.split('.').all(is_class) {
        return Err(Problem::Shape);
    }
    let province = if head == "合字" {
        None
    } else {
        licence_province(head)?
    };
    if !classes
        .split('.')
        .all(|class| matches!(class, "A1" | "A2" | "B1" | "B2"))
    {
        return Err(Problem::Class {
            found: classes.to_owned(),
        });
    }
    let (digits, suffix) = rest.split_at(rest.find(['-', '号']).unwrap_or(rest.len()));
    let main = format!("{head}{classes}-{digits}");
    if !fits("licence", &main) {
        return Err(Problem::Digits {
            found: digits.to_owned(),
            kind: NumberKind::Licence,
        });
    }
    // A licence has no 号; one right behind it is common and harmless.
    let unmarked = suffix.replace('号', "");
    let irregularities = if suffix.contains('号') && suffix != "号" {
        vec![Irregularity::StrayMark]
    } else {
        Vec::new()
    };
    let service = service(&unmarked)?;
    let text = format!("{main}{unmarked}");
    if service.is_some() && !fits("licence-service", &text) {
        return Err(Problem::Service {
            found: suffix.to_owned(),
        });
    }
    Ok(Number {
        kind: NumberKind::Licence,
        service,
        province,
        main: length(&main),
        text: text.into(),
        irregularities: irregularities.into(),
    })
}

fn parse_public_security(head: &str, rest: &str) -> Result<Number, Problem> {
    let mut irregularities = Vec::new();
    let province = match Province::by_public_security(head) {
        Some(province) => province,
        None => aliased(
            head,
            Province::by_public_security_alias(head),
            |it| it.public_security,
            &mut irregularities,
        )?,
    };
    let digits = rest.strip_suffix('号').unwrap_or(rest);
    if digits.len() == rest.len() {
        irregularities.push(Irregularity::MissingMark);
    }
    let text = format!("{}公网安备{digits}号", province.public_security);
    if fits("public-security-old", &text) {
        irregularities.push(Irregularity::OldPublicSecurity);
    } else if !fits("public-security", &text) {
        return Err(Problem::Digits {
            found: digits.to_owned(),
            kind: NumberKind::PublicSecurity,
        });
    }
    let (found, due) = (
        digits.get(..2).unwrap_or_default(),
        province.gbt.get(..2).unwrap_or_default(),
    );
    if found != due {
        let abbreviation = province.public_security;
        return Err(Problem::OtherProvince {
            abbreviation,
            due,
            found: found.to_owned(),
        });
    }
    if !irregularities.contains(&Irregularity::OldPublicSecurity) && !fits("public-security-structured", &text) {
        irregularities.push(Irregularity::UnusualPublicSecurity);
    }
    let kind = NumberKind::PublicSecurity;
    Ok(Number {
        kind,
        service: None,
        province: Some(province),
        main: length(&text),
        text: text.into(),
        irregularities: irregularities.into(),
    })
}

/// Reads the part behind the province: digits, 号, service. 号 may be elsewhere, or missing.
fn split_mark<'a>(rest: &'a str, irregularities: &mut Vec<Irregularity>) -> Result<(&'a str, &'a str), Problem> {
    let (digits, tail) = rest.split_at(rest.find(['-', '号']).unwrap_or(rest.len()));
    let (marked, suffix) = match tail.strip_prefix('号') {
        Some(suffix) => (true, suffix),
        None => (false, tail),
    };
    let (suffix, marked_at_end) = match suffix.strip_suffix('号') {
        Some(suffix) => (suffix, true),
        None => (suffix, false),
    };
    match (marked, marked_at_end) {
        (true, false) => {}
        (true, true) => irregularities.push(Irregularity::StrayMark),
        (false, true) => irregularities.push(Irregularity::MisplacedMark),
        (false, false) => irregularities.push(Irregularity::MissingMark),
    }
    if suffix.contains('号') {
        return Err(Problem::Service { found: tail.to_owned() });
    }
    Ok((digits, suffix))
}

/// The service of what stands behind the number; none where nothing does.
fn service(suffix: &str) -> Result<Option<Service>, Problem> {
    if suffix.is_empty() {
        return Ok(None);
    }
    Service::parse(suffix).map(Some).ok_or_else(|| Problem::Service {
        found: suffix.to_owned(),
    })
}

/// The province of an alias, which is noted, or what is wrong with the abbreviation.
fn aliased(
    head: &str,
    province: Option<&'static Province>,
    due: fn(&Province) -> &'static str,
    irregularities: &mut Vec<Irregularity>,
) -> Result<&'static Province, Problem> {
    let Some(province) = province else {
        return Err(unknown(head, due));
    };
    if let (Some(found), Some(due)) = (head.chars().next(), due(province).chars().next()) {
        irregularities.push(Irregularity::Alias { found, due });
    }
    Ok(province)
}

/// The province of a licence. Licences are seen with 川 as with 蜀, so neither is irregular.
fn licence_province(head: &str) -> Result<Option<&'static Province>, Problem> {
    if head.is_empty() {
        return Ok(None);
    }
    let province = Province::by_icp(head).or_else(|| Province::by_icp_alias(head));
    province.map(Some).ok_or_else(|| unknown(head, |province| province.icp))
}

fn unknown(head: &str, due: fn(&Province) -> &'static str) -> Problem {
    match head {
        "" => Problem::NoProvince,
        "港" | "澳" | "台" => Problem::OffMainland { found: head.to_owned() },
        _ => Problem::UnknownProvince {
            found: head.chars().take(LONGEST).collect(),
            meant: Province::find(head).or_else(|| Province::by_mistaken(head)).map(due),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        kind: &'static str,
        regular: &'static str,
        irregular: &'static str,
        wrong: &'static str,
        source: &'static str,
        date: &'static str,
    }

    fn vectors() -> Vec<Vectors> {
        facts::rows(include_str!("../../facts/number-formats.csv"))
    }

    fn split(vectors: &'static str) -> impl Iterator<Item = &'static str> {
        vectors.split('|').filter(|vector| !vector.is_empty())
    }

    fn kind(name: &str) -> NumberKind {
        match name {
            "main" => NumberKind::Main,
            "website" => NumberKind::Website,
            "app" => NumberKind::App,
            "mini-program" => NumberKind::MiniProgram,
            "quick-app" => NumberKind::QuickApp,
            "legacy-licence" => NumberKind::LegacyLicence,
            "licence" | "licence-service" => NumberKind::Licence,
            "public-security" | "public-security-old" | "public-security-structured" => NumberKind::PublicSecurity,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_grammar_compiles_and_names_its_source() {
        assert_eq!(GRAMMARS.len(), vectors().len());
        for row in vectors() {
            assert!(
                !row.source.is_empty() && row.date.parse::<crate::domain::Day>().is_ok(),
                "{}",
                row.kind
            );
        }
    }

    #[test]
    fn regular_numbers_are_read_as_they_stand() {
        for row in vectors() {
            for typed in split(row.regular) {
                let number = Number::parse(typed).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!((number.kind, number.text()), (kind(row.kind), typed));
                assert_eq!(number.irregularities(), [], "{typed}");
                assert!(fits(row.kind, typed), "{typed} as {}", row.kind);
                assert_eq!(
                    number.service.is_some(),
                    typed.matches('-').count() > usize::from(!typed.contains('号'))
                );
            }
        }
    }

    #[test]
    fn irregular_numbers_are_understood_and_say_so() {
        for row in vectors() {
            for typed in split(row.irregular) {
                let number = Number::parse(typed).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(number.kind, kind(row.kind), "{typed}");
                assert!(!number.irregularities().is_empty(), "{typed}");
            }
        }
    }

    #[test]
    fn wrong_numbers_are_never_regular_ones_of_that_kind() {
        for row in vectors() {
            for typed in split(row.wrong) {
                assert!(!fits(row.kind, typed), "{typed} as {}", row.kind);
                if let Ok(number) = Number::parse(typed) {
                    let service_due = row.kind == "licence-service";
                    let same_kind = number.kind == kind(row.kind) && number.service.is_some() >= service_due;
                    let as_it_stands = number.text() == typed && number.irregularities().is_empty();
                    assert!(!(same_kind && as_it_stands), "{typed} as {}", row.kind);
                }
            }
        }
    }

    #[rstest]
    #[case::full_width("京ＩＣＰ备１２３４５６７８号－１", "京ICP备12345678号-1")]
    #[case::spaces("陕 ICP 备 19012345 号 -2", "陕ICP备19012345号-2")]
    #[case::no_break_space("京ICP备\u{a0}12345678号", "京ICP备12345678号")]
    #[case::ideographic_space("京ICP备\u{3000}12345678号", "京ICP备12345678号")]
    #[case::lower_case("京icp备12345678号-1", "京ICP备12345678号-1")]
    #[case::en_dash("京ICP备12345678号–1", "京ICP备12345678号-1")]
    #[case::traditional("京ICP备12345678號-1", "京ICP备12345678号-1")]
    #[case::all_traditional("粵ICP備2021012345號-1", "粤ICP备2021012345号-1")]
    #[case::space_in_public_security("川公网安备 51010702012345号", "川公网安备51010702012345号")]
    #[case::traditional_public_security("滬公網安備31010502012345號", "沪公网安备31010502012345号")]
    #[case::label("备案号：京ICP备12345678号-1", "京ICP备12345678号-1")]
    #[case::label_without_colon("网站备案号 京ICP备12345678号-1", "京ICP备12345678号-1")]
    #[case::zero_width("京ICP备\u{200b}12345678号", "京ICP备12345678号")]
    #[case::lower_case_letter("京ICP备12345678号-2a", "京ICP备12345678号-2A")]
    #[case::licence_with_mark("粤B2-20091234号", "粤B2-20091234")]
    fn typing_is_put_right_without_a_word(#[case] typed: &str, #[case] text: &str) {
        let number = Number::parse(typed).unwrap();
        assert_eq!((number.text(), number.irregularities()), (text, [].as_slice()));
    }

    #[rstest]
    #[case("京ICP备10012345", "京ICP备10012345号", Irregularity::MissingMark)]
    #[case("京ICP备12345678-1号", "京ICP备12345678号-1", Irregularity::MisplacedMark)]
    #[case("京ICP备12345678-1", "京ICP备12345678号-1", Irregularity::MissingMark)]
    #[case("川ICP备15012345号", "蜀ICP备15012345号", Irregularity::Alias { found: '川', due: '蜀' })]
    #[case("贵ICP备15012345号", "黔ICP备15012345号", Irregularity::Alias { found: '贵', due: '黔' })]
    #[case("甘ICP备15012345号-1", "陇ICP备15012345号-1", Irregularity::Alias { found: '甘', due: '陇' })]
    #[case("黔公网安备52270102012345号", "贵公网安备52270102012345号", Irregularity::Alias { found: '黔', due: '贵' })]
    #[case(
        "京公网安备110105012345号",
        "京公网安备110105012345号",
        Irregularity::OldPublicSecurity
    )]
    #[case(
        "京公网安备11010805012345号",
        "京公网安备11010805012345号",
        Irregularity::UnusualPublicSecurity
    )]
    #[case("粤B2-20091234号-1", "粤B2-20091234-1", Irregularity::StrayMark)]
    fn what_is_against_the_form_is_mended_and_named(
        #[case] typed: &str,
        #[case] text: &str,
        #[case] irregularity: Irregularity,
    ) {
        let number = Number::parse(typed).unwrap();
        assert_eq!(
            (number.text(), number.irregularities()),
            (text, [irregularity].as_slice())
        );
    }

    #[rstest]
    #[case("京ICP备12345678号", NumberKind::Main, "京ICP备12345678号", Some("CN-BJ"), true)]
    #[case("京ICP备12345678号-1", NumberKind::Website, "京ICP备12345678号", Some("CN-BJ"), true)]
    #[case("京ICP备12345678号-2A", NumberKind::App, "京ICP备12345678号", Some("CN-BJ"), false)]
    #[case(
        "蜀ICP备12345678号-3X",
        NumberKind::MiniProgram,
        "蜀ICP备12345678号",
        Some("CN-SC"),
        false
    )]
    #[case(
        "京ICP备12345678号-4K",
        NumberKind::QuickApp,
        "京ICP备12345678号",
        Some("CN-BJ"),
        false
    )]
    #[case(
        "京ICP证031234号-1",
        NumberKind::LegacyLicence,
        "京ICP证031234号",
        Some("CN-BJ"),
        true
    )]
    #[case(
        "京ICP证031234号-1A",
        NumberKind::LegacyLicence,
        "京ICP证031234号",
        Some("CN-BJ"),
        false
    )]
    #[case("粤B2-20091234-1626X", NumberKind::Licence, "粤B2-20091234", Some("CN-GD"), false)]
    #[case("粤B2-20091234-1", NumberKind::Licence, "粤B2-20091234", Some("CN-GD"), true)]
    #[case("合字A1.B1.B2-20181234-1", NumberKind::Licence, "合字A1.B1.B2-20181234", None, true)]
    #[case("B2-20181234", NumberKind::Licence, "B2-20181234", None, true)]
    #[case("川B2-20181234", NumberKind::Licence, "川B2-20181234", Some("CN-SC"), true)]
    #[case(
        "京公网安备11010502012345号",
        NumberKind::PublicSecurity,
        "京公网安备11010502012345号",
        Some("CN-BJ"),
        false
    )]
    fn a_number_tells_what_it_is_of(
        #[case] typed: &str,
        #[case] kind: NumberKind,
        #[case] main: &str,
        #[case] province: Option<&str>,
        #[case] serves_websites: bool,
    ) {
        let number = Number::parse(typed).unwrap();
        assert_eq!((number.kind, number.main()), (kind, main));
        assert_eq!(number.province.map(|province| province.code), province);
        assert_eq!(number.serves_websites(), serves_websites);
        assert_eq!(number.is_filing(), kind != NumberKind::PublicSecurity);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_to_write() {
        let typed = [
            "",
            "hello",
            "ICP备12345678号",
            "云ICP备12345678号",
            "秦ICP备12345678号",
            "四川ICP备12345678号",
            "港ICP备20241234号",
            "萌ICP备20251234号",
            "京ICP备1234567号",
            "京ICP备2019000001号",
            "京ICP备12345678号-0",
            "京ICP备12345678号1",
            "京ICP证03123号",
            "浙D3-20211234",
            "京B2-2020345",
            "蜀公网安备51010702012345号",
            "京公网安备1101050201234号",
            "京公网安备99010502012345号",
        ];
        let lines: Vec<_> = typed
            .iter()
            .map(|typed| Number::parse(typed).unwrap_err())
            .flat_map(|error| [error.to_string(), error.zh()])
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_long_stays_short_in_the_message() {
        let error = Number::parse(&"京".repeat(100_000)).unwrap_err();
        assert!(error.to_string().chars().count() < 300 && error.zh().chars().count() < 300);
    }

    /// Texts that come near to numbers.
    fn nearly() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "京",
            "川",
            "蜀",
            "黔",
            "港",
            "合字",
            "ICP备",
            "ICP证",
            "公网安备",
            "號",
            "号",
            "-",
            "–",
            "1",
            "0",
            "11010502",
            "012345",
            "12345678",
            "2021012345",
            "B2",
            "A1.",
            "A",
            "X",
            " ",
            "\u{200b}",
            "备案号:",
            "２",
            "\u{301}",
        ]);
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_regular_form_is_its_own(typed in prop_oneof![nearly(), "[京川粤黔](ICP备|ICP证|B2-|公网安备)[0-9]{6,14}号?(-[0-9]{1,2})?[AXK]?号?"]) {
            if let Ok(number) = Number::parse(&typed) {
                let again = Number::parse(number.text()).unwrap();
                prop_assert_eq!(again.text(), number.text());
                prop_assert_eq!((again.kind, again.service, again.province), (number.kind, number.service, number.province));
                prop_assert!(number.text().starts_with(number.main()));
                let main = Number::parse(number.main()).unwrap();
                prop_assert_eq!(main.text(), number.main());
            }
        }

        #[test]
        fn no_text_makes_it_panic(typed in prop_oneof![".*", nearly()]) {
            if let Err(error) = Number::parse(&typed) {
                prop_assert!(!error.to_string().is_empty() && !error.zh().is_empty());
            }
        }
    }
}
