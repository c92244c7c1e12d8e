//! One cell: a text as people type it as the value of a field, and a value as a text that comes back the same.
//!
//! A text that a spreadsheet would run as a formula, or that would not be read as it is, is written behind an apostrophe. Taken
//! off again is only an apostrophe that would be written so.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::field::Kind;
use super::problem::Problem;
use super::workbook;
use crate::domain::place::{provider_called, region_called};
use crate::domain::{Day, Domain, Number, Province, facts};
use crate::rules::Lang;

/// The most characters of a cell; Excel has no more.
const MAX_CELL: usize = 32_767;

/// What marks a text that is to be taken as it is.
const MARK: char = '\'';

/// A row of `facts/column-values.csv`.
#[derive(Deserialize)]
struct ValueRow {
    r#type: &'static str,
    value: &'static str,
    name: &'static str,
}

static VALUES: LazyLock<Vec<ValueRow>> = LazyLock::new(|| facts::rows(include_str!("../../facts/column-values.csv")));

static BY_WORD: LazyLock<HashMap<(&'static str, String), &'static str>> = LazyLock::new(|| {
    let values = VALUES.iter();
    let words = values.flat_map(|row| [row.name, row.value].map(|word| ((row.r#type, word_of(word)), row.value)));
    words.filter(|((_, word), _)| !word.is_empty()).collect()
});

/// The types in which words stand for nothing.
const BLANK: &str = "Blank";
const NO_END: &str = "NoEnd";
const NO_NUMBER: &str = "NoNumber";
const FLAG: &str = "Flag";

/// A word without what differs from hand to hand.
fn word_of(typed: &str) -> String {
    let folded = typed.nfkc().filter(|letter| !letter.is_whitespace());
    folded.flat_map(char::to_lowercase).take(64).collect()
}

fn find(of: &'static str, typed: &str) -> Option<&'static str> {
    BY_WORD.get(&(of, word_of(typed))).copied()
}

/// What a type's values are called, once each.
fn words(of: &str, lang: Lang) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let first = VALUES.iter().filter(|row| row.r#type == of && seen.insert(row.value));
    first
        .map(|row| match lang {
            Lang::En => row.value,
            Lang::Zh => row.name,
        })
        .collect()
}

fn unknown_word(of: &str) -> Problem {
    let both = words(of, Lang::Zh).into_iter().zip(words(of, Lang::En));
    Problem::NoWord(both.map(|(zh, en)| format!("{zh} ({en})")).collect())
}

/// What is known of the row when a cell is read or written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around<'a> {
    /// The provider, whose regions are meant.
    pub(super) provider: Option<&'a str>,
}

/// A value, and what is irregular in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    pub(super) value: Value,
    /// Why a number is kept as it is, in English and Chinese.
    pub(super) irregular: Option<[String; 2]>,
}

/// Whether a text says that there is no number yet.
pub(super) fn is_no_number(kind: Kind, text: &str) -> bool {
    kind == Kind::Number && find(NO_NUMBER, text).is_some()
}

impl From<Value> for Read {
    fn from(value: Value) -> Self {
        Self { value, irregular: None }
    }
}

/// Reads a cell; none where it is blank. `is_lossy` says that U+FFFD stands for what could not be read.
pub(super) fn read(kind: Kind, cell: &str, around: Around<'_>, is_lossy: bool) -> Result<Option<Read>, Problem> {
    if cell.starts_with(workbook::ERROR) {
        return Err(Problem::Formula);
    }
    if is_lossy && cell.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Problem::NotText);
    }
    if cell.chars().nth(MAX_CELL).is_some() {
        return Err(Problem::TooLong(MAX_CELL));
    }
    match cell.strip_prefix(MARK) {
        Some(marked) if needs_mark(kind, marked, around) => verbatim(kind, marked).map(|value| Some(value.into())),
        _ => plain(kind, cell, around),
    }
}

/// Writes a value as the text of a cell.
pub(super) fn write(kind: Kind, value: &Value, around: Around<'_>, lang: Lang) -> String {
    let text = match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| word(kind, item, lang)).collect();
            items.join(", ")
        }
        value => word(kind, value, lang),
    };
    if needs_mark(kind, &text, around) {
        format!("{MARK}{text}")
    } else {
        text
    }
}

fn word(kind: Kind, value: &Value, lang: Lang) -> String {
    let of = match kind {
        Kind::Word(of) | Kind::Words(of) => Some(of),
        Kind::Flag => Some(FLAG),
        _ => None,
    };
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let in_chinese = || VALUES.iter().find(|row| Some(row.r#type) == of && row.value == text);
    match lang {
        Lang::En => text,
        Lang::Zh => in_chinese().map_or(text.clone(), |row| row.name.to_owned()),
    }
}

/// Whether a text, written as it is, would be run by a spreadsheet, or not be read as what it is.
fn needs_mark(kind: Kind, text: &str, around: Around<'_>) -> bool {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', MARK]);
    if is_formula || text.trim() != text {
        return true;
    }
    let is = |kept: &Value| plain(kind, text, around).is_ok_and(|read| read.is_some_and(|read| read.value == *kept));
    match kind {
        // What is written of these is always read.
        Kind::Day | Kind::Flag | Kind::Word(_) | Kind::Words(_) | Kind::Selector => false,
        _ => !text.is_empty() && !verbatim(kind, text).is_ok_and(|kept| is(&kept)),
    }
}

/// A text that is not to be put right, but must be what the API server takes.
fn verbatim(kind: Kind, text: &str) -> Result<Value, Problem> {
    let each = |read: fn(&str) -> Result<String, Problem>| -> Result<Value, Problem> {
        text.split(", ").filter(|item| !item.is_empty()).map(read).collect()
    };
    let checked = |is_one: bool, problem: Problem| is_one.then(|| text.into()).ok_or(problem);
    match kind {
        Kind::Day | Kind::Flag | Kind::Word(_) | Kind::Words(_) | Kind::Selector => {
            let read = plain(kind, text, Around::default())?;
            Ok(read.map_or(Value::Null, |read| read.value))
        }
        Kind::Domains => each(|item| domain_shape(item).map(|()| item.to_owned())),
        Kind::Regions => each(|item| is_region(item).then(|| item.to_owned()).ok_or(Problem::NoRegion)),
        Kind::Names => each(checked_name),
        Kind::Addresses => each(address),
        Kind::Provider => checked(is_label(text), Problem::NoProvider),
        Kind::Region => checked(is_region(text), Problem::NoRegion),
        Kind::Name => checked(checked_name(text).is_ok(), Problem::NoName),
        Kind::Province => checked(!text.is_ascii() || is_province_code(text), Problem::NoProvince),
        Kind::Text | Kind::Number | Kind::Label => Ok(text.into()),
    }
}

fn is_province_code(text: &str) -> bool {
    let code = text.strip_prefix("CN-").unwrap_or_default();
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A text as people type it.
fn plain(kind: Kind, cell: &str, around: Around<'_>) -> Result<Option<Read>, Problem> {
    let text = cell.trim();
    if text.is_empty() || find(BLANK, text).is_some() {
        return Ok(None);
    }
    let value = match kind {
        Kind::Text | Kind::Label => text.into(),
        Kind::Number if is_no_number(kind, text) => return Ok(None),
        Kind::Number => return Ok(Some(number(text))),
        Kind::Day if find(NO_END, text).is_some() => return Ok(None),
        Kind::Day => day(text)?.to_string().into(),
        Kind::Flag => (find(FLAG, text).ok_or(Problem::NoFlag)? == "true").into(),
        Kind::Word(of) => find(of, text).ok_or_else(|| unknown_word(of))?.into(),
        Kind::Words(of) => match find(of, text) {
            // Some words have a separator in them.
            Some(one) => vec![one].into(),
            None => list(text, |item| {
                Ok(find(of, item).ok_or_else(|| unknown_word(of))?.to_owned())
            })?,
        },
        Kind::Domains => domains(text)?,
        Kind::Provider => provider(text)?.into(),
        Kind::Province => province(text)?.into(),
        Kind::Region => region(text, around)?.into(),
        Kind::Regions => match region(text, around) {
            Ok(one) => vec![one].into(),
            Err(_) => list(text, |item| region(item, around))?,
        },
        Kind::Name => checked_name(text)?.into(),
        Kind::Names => list(text, checked_name)?,
        Kind::Addresses => list(text, address)?,
        Kind::Selector => selector(text)?,
    };
    Ok(Some(value.into()))
}

/// Reads the values of a cell, each once.
fn list(text: &str, read: impl Fn(&str) -> Result<String, Problem>) -> Result<Value, Problem> {
    let mut seen = BTreeSet::new();
    let mut values: Vec<String> = Vec::new();
    for item in items(text) {
        let value = read(item)?;
        if seen.insert(value.clone()) {
            values.push(value);
        }
    }
    Ok(values.into())
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    let separates = |letter: char| letter.is_whitespace() || "、,，;；|".contains(letter);
    text.split(separates).filter(|item| !item.is_empty())
}

/// As it is due where it can be understood, else as it was typed, with the reason.
fn number(text: &str) -> Read {
    match Number::parse(text) {
        Ok(number) => Value::from(number.text()).into(),
        Err(error) => Read {
            value: text.into(),
            irregular: Some([error.to_string(), error.zh()]),
        },
    }
}

static DAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let day = "^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]?[0-9]{1,2}:[0-9:.]+)?$";
    // A test compiles it.
    Regex::new(day).ok()
});

fn day(text: &str) -> Result<Day, Problem> {
    let text: String = text.nfkc().take(64).collect();
    // Some consoles put an apostrophe or a tab in front, so that Excel leaves the text alone.
    let text = text.trim_start_matches(MARK).trim();
    // A moment with its zone may be another day in China.
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(Day::of(moment));
    }
    let is_compact = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let found = DAY.as_ref().and_then(|form| form.captures(text));
    let parts = match (is_compact, found) {
        (true, _) => Some((text.get(..4), text.get(4..6), text.get(6..))),
        (false, Some(found)) => {
            let part = |nth| found.get(nth).and_then(|part: regex::Match<'_>| text.get(part.range()));
            Some((part(1), part(2), part(3)))
        }
        (false, None) => None,
    };
    let (Some(year), Some(month), Some(day)) = parts.ok_or(Problem::NoDay)? else {
        return Err(Problem::NoDay);
    };
    format!("{year}-{month:0>2}-{day:0>2}")
        .parse()
        .map_err(|_| Problem::NoDay)
}

fn domains(text: &str) -> Result<Value, Problem> {
    let mut seen = BTreeSet::new();
    let mut domains: Vec<String> = Vec::new();
    for typed in items(text) {
        let tidy: String = typed.nfkc().take(1024).collect();
        let domain = one_domain(&tidy)?;
        if seen.insert(domain.as_str().to_owned()) {
            domains.push(tidy);
        }
    }
    if domains.is_empty() {
        return Err(Problem::Missing);
    }
    Ok(domains.into())
}

fn one_domain(typed: &str) -> Result<Domain, Problem> {
    domain_shape(typed)?;
    Domain::parse(typed).map_err(|error| Problem::NoDomain(error.to_string()))
}

/// What the API server itself refuses of a domain.
fn domain_shape(typed: &str) -> Result<(), Problem> {
    let shape = |en, zh| Err(Problem::DomainShape(en, zh));
    let is_port = |(_, port): (&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
    if typed.contains('/') {
        shape(
            "a domain has no scheme and no path; write example.com for https://example.com/shop",
            "域名不含协议和路径；请把 https://example.com/shop 写成 example.com",
        )
    } else if typed.parse::<IpAddr>().is_ok() {
        shape(
            "this is an address; write the domain, and the address as the server's",
            "这是 IP 地址；请填写域名，IP 写在服务器一列",
        )
    } else if typed.rsplit_once(':').is_some_and(is_port) {
        shape(
            "a domain has no port; write example.com for example.com:8443",
            "域名不含端口；请把 example.com:8443 写成 example.com",
        )
    } else if typed.contains('*') {
        shape(
            "a domain covers every host under it; write example.com for *.example.com",
            "域名已包含其下所有主机；请把 *.example.com 写成 example.com",
        )
    } else {
        Ok(())
    }
}

fn provider(text: &str) -> Result<String, Problem> {
    let known = provider_called(text).map(str::to_owned);
    let own = || is_label(text).then(|| text.to_owned());
    known.or_else(own).ok_or(Problem::NoProvider)
}

fn province(text: &str) -> Result<String, Problem> {
    let province = Province::find(text).ok_or(Problem::NoProvince)?;
    Ok(if text.is_ascii() { province.code } else { text }.to_owned())
}

fn region(text: &str, around: Around<'_>) -> Result<String, Problem> {
    let known = around.provider.and_then(|provider| region_called(provider, text));
    let own = || is_region(text).then(|| text.to_owned());
    known.map(str::to_owned).or_else(own).ok_or(Problem::NoRegion)
}

/// Whether a text can be a region's name: letters and digits, with dashes, underscores and dots within.
fn is_region(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let (first, last) = (text.bytes().next(), text.bytes().next_back());
    first.is_some_and(is_letter)
        && last.is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || b"-_.".contains(&byte))
}

/// Whether a text is a label of DNS, as long as one may be.
fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// The name of an object as Kubernetes takes it.
pub(super) fn checked_name(text: &str) -> Result<String, Problem> {
    let is_name = text.len() <= 253 && text.split('.').all(is_part);
    is_name.then(|| text.to_owned()).ok_or(Problem::NoName)
}

/// Lower-case letters and digits, with dashes within.
fn is_part(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(is_letter)
        && text.bytes().next_back().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || byte == b'-')
}

/// An address, or a block of them that begins at its address and is not all there are.
fn address(text: &str) -> Result<String, Problem> {
    let is_block = |block: IpNet| block.prefix_len() > 0 && block.addr() == block.network();
    // As the API server reads it: without zeros in front.
    let is_plain = text
        .split_once('/')
        .is_none_or(|(_, length)| !length.starts_with(['0', '+']));
    let is_one = text.parse::<IpAddr>().is_ok() || text.parse().is_ok_and(is_block);
    (is_one && is_plain).then(|| text.to_owned()).ok_or(Problem::NoAddress)
}

fn selector(text: &str) -> Result<Value, Problem> {
    let value: Value = serde_json::from_str(text).map_err(|_| Problem::NoSelector)?;
    let known = ["matchLabels", "matchExpressions"];
    let is_known = value
        .as_object()
        .is_some_and(|object| object.keys().all(|key| known.contains(&key.as_str())));
    if is_known && LabelSelector::deserialize(&value).is_ok() {
        Ok(value)
    } else {
        Err(Problem::NoSelector)
    }
}

/// The words of each type, for the book.
#[cfg(test)]
pub(super) fn reference() -> String {
    let mut page = String::new();
    let mut seen = BTreeSet::new();
    for of in VALUES.iter().map(|row| row.r#type).filter(|of| seen.insert(*of)) {
        page.push_str(&["\n## ", of, "\n\n| | |\n|---|---|\n"].concat());
        let mut values = BTreeSet::new();
        for value in VALUES.iter().filter(|row| row.r#type == of && values.insert(row.value)) {
            let names = VALUES.iter().filter(|row| row.r#type == of && row.value == value.value);
            let names: Vec<String> = names.map(|row| format!("`{}`", row.name)).collect();
            let means = match of {
                BLANK => "the cell is blank",
                NO_END => "a day that never comes: the field is left out",
                NO_NUMBER => "there is no number yet",
                _ => value.value,
            };
            page.push_str(&["| ", means, " | ", &names.join(", "), " |\n"].concat());
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn value(kind: Kind, cell: &str) -> Value {
        let around = Around {
            provider: Some("alicloud"),
        };
        let read = read(kind, cell, around, false);
        read.unwrap_or_else(|problem| panic!("{cell:?}: {problem:?}"))
            .map_or(Value::Null, |read| read.value)
    }

    #[rstest]
    #[case::iso("2021-02-20")]
    #[case::slashes("2021/2/20")]
    #[case::dots("2021.02.20")]
    #[case::compact("20210220")]
    #[case::chinese("2021年2月20日")]
    #[case::full_width("２０２１－０２－２０")]
    #[case::with_a_time("2021-02-20 11:22:33")]
    #[case::a_moment_elsewhere("2021-02-19T16:30:00Z")]
    #[case::kept_from_excel("\t2021-02-20")]
    #[case::marked_by_a_console("'20210220")]
    fn a_day_is_read_as_people_write_it(#[case] cell: &str) {
        assert_eq!(value(Kind::Day, cell), json!("2021-02-20"));
    }

    #[rstest]
    #[case::american("2/20/2021")]
    #[case::no_such_day("2021-02-30")]
    #[case::excel_counts_days("44247")]
    #[case::a_month("2021-02")]
    #[case::words("去年")]
    fn what_is_no_day_is_told(#[case] cell: &str) {
        assert_eq!(read(Kind::Day, cell, Around::default(), false), Err(Problem::NoDay));
    }

    #[rstest]
    #[case::a_number(Kind::Number, "京icp备12345678-1号", json!("京ICP备12345678号-1"))]
    #[case::what_is_no_number(Kind::Number, "京ICP", json!("京ICP"))]
    #[case::none_yet(Kind::Number, "申请中", Value::Null)]
    #[case::a_nature(Kind::Word("Nature"), " 企业 ", json!("Enterprise"))]
    #[case::in_english(Kind::Word("Nature"), "publicinstitution", json!("PublicInstitution"))]
    #[case::yes(Kind::Flag, "是", json!(true))]
    #[case::no(Kind::Flag, "FALSE", json!(false))]
    #[case::nothing(Kind::Text, "暂无", Value::Null)]
    #[case::a_dash(Kind::Number, "—", Value::Null)]
    #[case::no_end(Kind::Day, "长期", Value::Null)]
    #[case::domains(Kind::Domains, "a.com、B.com；示例.中国\n a.com", json!(["a.com", "B.com", "示例.中国"]))]
    #[case::a_full_width_domain(Kind::Domains, "ｅｘａｍｐｌｅ．com", json!(["example.com"]))]
    #[case::a_word_with_a_separator(Kind::Words("ContentType"), "个人空间/博客", json!(["BlogPersonal"]))]
    #[case::several_words(Kind::Words("ContentType"), "新闻、电子商务", json!(["News", "Commerce"]))]
    #[case::a_provider(Kind::Provider, "阿里云计算有限公司", json!("alicloud"))]
    #[case::another(Kind::Provider, "腾讯云计算（北京）有限责任公司", json!("tencentcloud"))]
    #[case::ones_own(Kind::Provider, "idc-telecom", json!("idc-telecom"))]
    #[case::a_region(Kind::Regions, "华北2（北京）", json!(["cn-beijing"]))]
    #[case::regions(Kind::Regions, "cn-beijing,cn-hangzhou", json!(["cn-beijing", "cn-hangzhou"]))]
    #[case::a_province(Kind::Province, "Beijing", json!("CN-BJ"))]
    #[case::in_chinese(Kind::Province, "北京市", json!("北京市"))]
    #[case::addresses(Kind::Addresses, "203.0.113.7 203.0.113.0/28 203.0.113.7/32 2001:db8::/64 128.0.0.0/1", json!(["203.0.113.7", "203.0.113.0/28", "203.0.113.7/32", "2001:db8::/64", "128.0.0.0/1"]))]
    #[case::an_apostrophe_of_a_person(Kind::Text, "'t Hof", json!("'t Hof"))]
    #[case::one_that_keeps_a_formula(Kind::Text, "'=1+1", json!("=1+1"))]
    fn a_cell_is_read_as_its_field(#[case] kind: Kind, #[case] cell: &str, #[case] due: Value) {
        assert_eq!(value(kind, cell), due);
    }

    #[rstest]
    #[case::a_url(Kind::Domains, "https://example.com/")]
    #[case::a_port(Kind::Domains, "example.com:8443")]
    #[case::a_wildcard(Kind::Domains, "*.example.com")]
    #[case::an_address(Kind::Domains, "203.0.113.7")]
    #[case::no_separator_of_any(Kind::Domains, "、")]
    #[case::an_unknown_provider(Kind::Provider, "某机房")]
    #[case::a_city_with_more_than_one(Kind::Region, "某地")]
    #[case::abroad(Kind::Province, "香港")]
    #[case::a_block_within(Kind::Addresses, "203.0.113.7/28")]
    #[case::everything(Kind::Addresses, "0.0.0.0/0")]
    #[case::everything_of_six(Kind::Addresses, "::/0")]
    #[case::a_zero_in_front(Kind::Addresses, "203.0.113.0/028")]
    #[case::longer_than_an_address(Kind::Addresses, "203.0.113.0/33")]
    #[case::a_mask(Kind::Addresses, "203.0.113.0/255.255.255.0")]
    #[case::no_length(Kind::Addresses, "203.0.113.0/")]
    #[case::no_name(Kind::Name, "Example")]
    #[case::no_selector(Kind::Selector, "{\"labels\": {}}")]
    #[case::an_error_of_excel(Kind::Text, "\u{1a}#N/A")]
    fn what_does_not_fit_is_told(#[case] kind: Kind, #[case] cell: &str) {
        assert!(read(kind, cell, Around::default(), false).is_err());
    }

    #[test]
    fn every_value_is_one_that_a_field_takes() {
        use crate::api::{AccessStage, ContentType, NamespacesFrom, Nature, ServerState, ServiceKind, Stage};
        let mut seen = BTreeSet::new();
        for row in VALUES.iter() {
            assert!(
                seen.insert((row.r#type, word_of(row.name))),
                "{} stands twice",
                row.name
            );
            let value = json!(row.value);
            let is_one = match row.r#type {
                "Nature" => Nature::deserialize(value).is_ok(),
                "Stage" => Stage::deserialize(value).is_ok(),
                "AccessStage" => AccessStage::deserialize(value).is_ok(),
                "ServiceKind" => ServiceKind::deserialize(value).is_ok(),
                "ContentType" => ContentType::deserialize(value).is_ok(),
                "NamespacesFrom" => NamespacesFrom::deserialize(value).is_ok(),
                "ServerState" => ServerState::deserialize(value).is_ok(),
                FLAG => matches!(row.value, "true" | "false"),
                BLANK | NO_END | NO_NUMBER => row.value.is_empty(),
                other => panic!("what is a {other}?"),
            };
            assert!(is_one, "{} {}", row.r#type, row.value);
        }
    }
}
