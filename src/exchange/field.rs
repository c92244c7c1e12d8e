//! The columns of a table: which field each is of, and what kind of value stands in it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::facts;
use crate::rules::Lang;

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text for people.
    Text,
    /// A number of a filing or a licence.
    Number,
    /// A day.
    Day,
    /// Yes or no.
    Flag,
    /// One of the words of a type, in `facts/column-values.csv`.
    Word(&'static str),
    /// Several of them.
    Words(&'static str),
    /// Domains.
    Domains,
    /// A provider.
    Provider,
    /// A province.
    Province,
    /// A region of the row's provider.
    Region,
    /// Several of them.
    Regions,
    /// The name of an object.
    Name,
    /// Several of them.
    Names,
    /// What a server is called, which becomes the name of an object.
    Label,
    /// IP addresses and CIDRs.
    Addresses,
    /// A selector of labels, as JSON.
    Selector,
}

/// A field of a resource that a column can hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its path below the spec of a Filing; with `server.` in front, of an AccessServer.
    pub(super) id: &'static str,
    pub(super) kind: Kind,
}

const fn field(id: &'static str, kind: Kind) -> Field {
    Field { id, kind }
}

/// What a server's fields begin with.
pub(super) const SERVER: &str = "server.";
/// What the fields of an access entry begin with.
pub(super) const ACCESS: &str = "access.";
/// What the fields of an approval begin with.
pub(super) const APPROVALS: &str = "approvals.";

/// The fields, in the order in which they are exported.
pub(super) const FIELDS: [Field; 54] = [
    field("namespace", Kind::Name),
    field("name", Kind::Name),
    field("domains", Kind::Domains),
    field("number", Kind::Number),
    field("stage", Kind::Word("Stage")),
    field("change.stage", Kind::Word("Stage")),
    field("change.submittedAt", Kind::Day),
    field("subject.name", Kind::Text),
    field("subject.nature", Kind::Word("Nature")),
    field("subject.province", Kind::Province),
    field("subject.mainNumber", Kind::Number),
    field("service.name", Kind::Text),
    field("service.kind", Kind::Word("ServiceKind")),
    field("service.contentTypes", Kind::Words("ContentType")),
    field("service.paid", Kind::Flag),
    field("service.mirrorOf", Kind::Name),
    field("service.remark", Kind::Text),
    field("registration.holder", Kind::Text),
    field("registration.expiresAt", Kind::Day),
    field("registration.verified", Kind::Flag),
    field("access.provider", Kind::Provider),
    field("access.regions", Kind::Regions),
    field("access.servers", Kind::Names),
    field("access.stage", Kind::Word("AccessStage")),
    field("access.since", Kind::Day),
    field("access.migratingFrom", Kind::Provider),
    field("submittedAt", Kind::Day),
    field("approvedAt", Kind::Day),
    field("launchedAt", Kind::Day),
    field("expiresAt", Kind::Day),
    field("nextReviewAt", Kind::Day),
    field("handler.name", Kind::Text),
    field("handler.idExpiresAt", Kind::Day),
    field("licence.number", Kind::Number),
    field("licence.expiresAt", Kind::Day),
    field("publicSecurity.number", Kind::Number),
    field("publicSecurity.filedAt", Kind::Day),
    field("approvals.kind", Kind::Word("ContentType")),
    field("approvals.number", Kind::Text),
    field("approvals.expiresAt", Kind::Day),
    field("allowedNamespaces.from", Kind::Word("NamespacesFrom")),
    field("allowedNamespaces.selector", Kind::Selector),
    field("server.name", Kind::Label),
    field("server.provider", Kind::Provider),
    field("server.region", Kind::Region),
    field("server.addresses", Kind::Addresses),
    field("server.accountHolder", Kind::Text),
    field("server.expiresAt", Kind::Day),
    field("server.autoRenew", Kind::Flag),
    field("server.state", Kind::Word("ServerState")),
    field("server.blocklisted", Kind::Flag),
    field("server.blocklisted.since", Kind::Day),
    field("server.blocklisted.reason", Kind::Text),
    // Of no resource: it is told, and nothing is made of it.
    field(LIMITED, Kind::Flag),
];

/// That access to the site is limited (限制接入), as MIIT's record has it.
pub(super) const LIMITED: &str = "limitAccess";

/// A row of `facts/columns.csv`.
#[derive(Deserialize)]
struct ColumnRow {
    field: &'static str,
    name: &'static str,
    language: &'static str,
}

static COLUMNS: LazyLock<Vec<ColumnRow>> = LazyLock::new(|| facts::rows(include_str!("../../facts/columns.csv")));

static BY_NAME: LazyLock<HashMap<String, &'static Field>> = LazyLock::new(|| {
    let named = COLUMNS
        .iter()
        .filter_map(|row| Some((folded(row.name), of_id(row.field)?)));
    named.collect()
});

/// Every name that a column is known by.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|row| row.name)
}

pub(super) fn of_id(id: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.id == id)
}

/// The field that a column of this name holds.
pub(super) fn of_column(name: &str) -> Option<&'static Field> {
    BY_NAME.get(folded(name).as_str()).copied()
}

/// What a field's column is called where it is written: by its path, or as Chinese sheets have it.
pub(super) fn column(id: &'static str, lang: Lang) -> &'static str {
    let in_chinese = || COLUMNS.iter().find(|row| row.field == id && row.language == "zh");
    match lang {
        Lang::En => id,
        Lang::Zh => in_chinese().map_or(id, |row| row.name),
    }
}

/// The longest name of a column, in characters: what is longer is cut, and known by none.
const LONGEST: usize = 80;

/// A name without what differs from hand to hand: width, letter case, white space, punctuation, and what stands in brackets.
pub(super) fn folded(name: &str) -> String {
    let mut depth = 0_u32;
    let mut folded = String::new();
    for letter in name.nfkc().take(LONGEST) {
        match letter {
            '(' | '[' | '【' => depth = depth.saturating_add(1),
            ')' | ']' | '】' => depth = depth.saturating_sub(1),
            _ if depth == 0 && letter.is_alphanumeric() => folded.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[test]
    fn every_name_is_of_one_field_and_every_field_has_one_in_each_language() {
        let mut names = BTreeSet::new();
        for row in COLUMNS.iter() {
            assert!(of_id(row.field).is_some(), "{} is no field", row.field);
            assert!(names.insert(folded(row.name)), "{} stands twice", row.name);
        }
        for field in &FIELDS {
            let languages: BTreeSet<&str> = COLUMNS
                .iter()
                .filter(|row| row.field == field.id)
                .map(|row| row.language)
                .collect();
            assert!(languages.contains("zh"), "{}", field.id);
            assert_eq!(of_column(field.id).map(|field| field.id), Some(field.id));
            let written = column(field.id, Lang::Zh);
            assert_eq!(of_column(written).map(|field| field.id), Some(field.id), "{written}");
        }
    }

    #[test]
    fn the_reference_lists_every_column() {
        use std::fmt::Write as _;
        let names = |id: &str, language: &str| {
            let rows = COLUMNS.iter().filter(|row| row.field == id && row.language == language);
            rows.map(|row| row.name).collect::<Vec<_>>().join(", ")
        };
        let mut page = String::from(
            "# Columns of a table\n\n*For those who prepare a table for `import`. Generated from `facts/columns.csv` and \
             `facts/column-values.csv`.*\n\nA column is known by any of its names: letter case, width, white space, punctuation and \
             what stands in brackets do not count. Those of `server.` make an AccessServer, all others a Filing; what \
             `limitAccess` says is told, and becomes nothing.\n\n\
             | field | in Chinese | in English | of MIIT | value |\n|---|---|---|---|---|\n",
        );
        for Field { id, kind } in &FIELDS {
            let value = match kind {
                Kind::Text => "a text",
                Kind::Number => "a number",
                Kind::Day => "a day",
                Kind::Flag => "[yes or no](#flag)",
                Kind::Word(of) | Kind::Words(of) => &format!("[{of}](#{})", of.to_lowercase()),
                Kind::Domains => "domains",
                Kind::Provider => "[a provider](places.md)",
                Kind::Province => "a province",
                Kind::Region => "a region",
                Kind::Regions => "regions",
                Kind::Name => "a name of an object",
                Kind::Names => "names of AccessServers",
                Kind::Label => "what it is called",
                Kind::Addresses => "addresses, CIDRs",
                Kind::Selector => "a selector, as JSON",
            };
            let (zh, en, miit) = (names(id, "zh"), names(id, "en"), names(id, "miit"));
            writeln!(page, "| `{id}` | {zh} | {en} | {miit} | {value} |").unwrap();
        }
        page += "\n# Words\n\nEach can also be written as the resource has it.\n";
        page += &super::super::cell::reference();
        crate::support::is_generated("docs/reference/columns.md", &page);
    }

    #[rstest]
    #[case::as_it_is("域名", "domains")]
    #[case::with_a_hint("审核通过日期（年-月-日）", "approvedAt")]
    #[case::required_mark(" 主办单位 * ", "subject.name")]
    #[case::full_width("ＩＣＰ备案号", "number")]
    #[case::snake("unit_name", "subject.name")]
    #[case::of_miit("mainLicence", "subject.mainNumber")]
    #[case::a_path("server.expiresAt", "server.expiresAt")]
    fn a_column_is_known_by_its_name(#[case] name: &str, #[case] id: &str) {
        assert_eq!(of_column(name).map(|field| field.id), Some(id));
    }
}
