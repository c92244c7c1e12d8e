//! What can't be read of a table, in the words of either language.

use std::borrow::Cow;
use std::fmt;

use super::table::{MAX_COLUMNS, MAX_FILE, MAX_ROWS};
use crate::domain::shown::shown as tame;
use crate::rules::Lang;

/// How much of a value is shown, in characters.
const SHOWN: usize = 60;

/// A file of which nothing can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is larger than is read.
    #[error("it is larger than {0} MiB; split it")]
    TooLarge(u64),
    /// What it holds unpacks to more than is read.
    #[error("it unpacks to more than {0} MiB; keep only the sheet with the filings")]
    Bomb(u64),
    /// It has too many rows or columns.
    #[error("it has more than {rows} rows or {columns} columns; split it, or take away what lies beyond the table")]
    TooWide {
        /// The most rows.
        rows: usize,
        /// The most columns.
        columns: usize,
    },
    /// It has too many merged areas.
    #[error("it has more than {0} merged areas; take those away that lie beyond the table, or save it as .csv")]
    TooMerged(usize),
    /// An old workbook, or one with a password.
    #[error("it is a workbook of the old kind (.xls), or has a password; save it as .xlsx without one")]
    OldWorkbook,
    /// No workbook at all.
    #[error("it is no .xlsx workbook: {0}")]
    NoWorkbook(String),
    /// The sheet that was named is not there.
    #[error("there is no sheet {}; it has {}", shown(.name), listed(.sheets, ", "))]
    NoSheet {
        /// What was asked for.
        name: String,
        /// What there is.
        sheets: Vec<String>,
    },
    /// A sheet is asked for where there are none.
    #[error("only a workbook (.xlsx) has sheets; leave --sheet out")]
    SheetOfNone,
    /// No JSON.
    #[error("it is no JSON: {0}")]
    NoJson(String),
    /// JSON without objects.
    #[error("it holds no list of objects; write [{{\"domain\": …}}, …], or an answer with params.list, list or data")]
    NoObjects,
    /// A row of CSV can't be told from the next.
    #[error("it is no CSV: {0}")]
    NoCsv(String),
    /// It holds nothing.
    #[error("it is empty")]
    Empty,
    /// No row of the first names a column of domains or servers.
    #[error(
        "no column of domains or servers is found in its first rows; name yours with --column 域名=NAME; {}",
        columns(*.count, .names)
    )]
    NoColumns {
        /// How many columns the fullest of these rows has.
        count: usize,
        /// What they seem to be called. Where the row seems to be one of data nothing of it is told.
        names: Vec<String>,
    },
    /// A column that every filing needs is not there.
    #[error("no column of {0} is found, which every filing needs; name yours with --column {0}=NAME")]
    Lacks(&'static str),
    /// The provider that was given for all rows is none.
    #[error(
        "{} is no provider; write one like alicloud or 阿里云, or a name in lower-case letters, digits and dashes",
        shown(.0)
    )]
    NoProvider(String),
    /// A column was mapped by hand that is not there.
    #[error("there is no column {}", shown(.0))]
    NoColumn(String),
    /// A column was mapped by hand to a field that is not known.
    #[error("{} is no field and no known column; docs/reference/columns.md has them all", shown(.0))]
    NoField(String),
    /// Two columns are of one field.
    #[error("the columns {one} and {other} are both of the field {2}; say which with --column {2}=NAME", one = shown(.0), other = shown(.1))]
    TwoColumns(String, String, &'static str),
}

fn columns(count: usize, names: &[String]) -> String {
    match (count, names) {
        (0, _) => "it has none".to_owned(),
        (1, []) => "it has 1 column, and no row with their names".to_owned(),
        (count, []) => format!("it has {count} columns, and no row with their names"),
        (_, names) => format!("it has {}", listed(names, ", ")),
    }
}

/// Names that others gave, in one line.
fn listed(names: &[String], separator: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    names.join(separator)
}

impl FileError {
    pub(super) fn too_large() -> Self {
        Self::TooLarge(MAX_FILE >> 20)
    }

    pub(super) fn too_wide() -> Self {
        Self::TooWide {
            rows: MAX_ROWS,
            columns: MAX_COLUMNS,
        }
    }

    /// The error in a language.
    pub fn told(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::TooLarge(most) => format!("文件超过 {most} MiB；请拆分"),
            Self::Bomb(most) => format!("解压后超过 {most} MiB；请只保留备案所在的工作表"),
            Self::TooWide { rows, columns } => {
                format!("超过 {rows} 行或 {columns} 列；请拆分，或删除表格之外的内容")
            }
            Self::TooMerged(most) => format!("合并单元格超过 {most} 处；请取消表格之外的合并，或另存为 .csv"),
            Self::OldWorkbook => "是旧版工作簿（.xls）或有密码；请另存为不加密的 .xlsx".to_owned(),
            Self::NoWorkbook(why) => format!("不是 .xlsx 工作簿：{why}"),
            Self::NoSheet { name, sheets } => {
                format!("没有工作表 {}；现有：{}", shown(name), listed(sheets, "、"))
            }
            Self::SheetOfNone => "只有工作簿（.xlsx）才有工作表；请不要使用 --sheet".to_owned(),
            Self::NoJson(why) => format!("不是 JSON：{why}"),
            Self::NoObjects => {
                "没有对象列表；请写成 [{\"domain\": …}, …]，或含 params.list、list、data 的查询结果".to_owned()
            }
            Self::NoCsv(why) => format!("不是 CSV：{why}"),
            Self::Empty => "内容为空".to_owned(),
            Self::NoColumns { count, names } => {
                let has = match (count, names.as_slice()) {
                    (0, _) => "表中没有列".to_owned(),
                    (count, []) => format!("表中有 {count} 列，但没有列名所在的行"),
                    (_, names) => format!("现有：{}", listed(names, "、")),
                };
                format!("前几行中没有域名列或服务器列；请用 --column 域名=列名 指定；{has}")
            }
            Self::Lacks(field) => {
                format!("缺少 {field} 列，每个备案都需要；请用 --column {field}=列名 指定")
            }
            Self::NoProvider(typed) => format!(
                "{} 不是接入商；请写 阿里云、alicloud 等，自有机房请用小写字母、数字和连字符命名",
                shown(typed)
            ),
            Self::NoColumn(name) => format!("没有列 {}", shown(name)),
            Self::NoField(typed) => {
                format!(
                    "{} 不是字段，也不是已知的列名；列名见 docs/reference/columns.md",
                    shown(typed)
                )
            }
            Self::TwoColumns(one, other, field) => format!(
                "列 {} 与 {} 都对应字段 {field}；请用 --column {field}=列名 指定其一",
                shown(one),
                shown(other)
            ),
        }
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Missing,
    TooLong(usize),
    TooMany(usize),
    NotText,
    Formula,
    NoDay,
    NoFlag,
    NoWord(Vec<String>),
    NoDomain(String),
    DomainShape(&'static str, &'static str),
    NoProvider,
    NoProvince,
    NoRegion,
    NoName,
    NoAddress,
    NoSelector,
    ServerNeedsProvider,
    AccessNeedsProvider,
    SeveralServers,
    Differs { row: u32, other: String },
    NumberWithoutApproval,
    ApprovalWithoutNumber,
    ChangeBeforeApproval,
    ApprovedBeforeSubmitted,
    ExpiresBeforeApproved,
    MigratesFromItself,
    MigrationWithoutDay,
    MirrorsItself,
    SelectorWithoutFrom,
    FromWithoutSelector,
    NotBlocklisted,
    Unfit(String),
}

impl Problem {
    fn words(&self, lang: Lang) -> String {
        let said = self.of_cell().or_else(|| self.between_cells());
        match (self, said, lang) {
            (_, Some((en, _)), Lang::En) => en.to_owned(),
            (_, Some((_, zh)), Lang::Zh) => zh.to_owned(),
            (Self::TooLong(most), _, Lang::En) => format!("it is longer than {most} characters"),
            (Self::TooLong(most), _, Lang::Zh) => format!("超过 {most} 个字符"),
            (Self::TooMany(most), _, Lang::En) => format!("these are more than {most}"),
            (Self::TooMany(most), _, Lang::Zh) => format!("超过 {most} 个"),
            (Self::NoWord(words), _, Lang::En) => format!("write one of {}", words.join(", ")),
            (Self::NoWord(words), _, Lang::Zh) => format!("请写以下之一：{}", words.join("、")),
            (Self::NoDomain(why), _, Lang::Zh) => format!("不是域名：{why}"),
            (Self::Differs { row, other }, _, Lang::En) => {
                format!("row {row} of the same object has \"{other}\"; write the same in both")
            }
            (Self::Differs { row, other }, _, Lang::Zh) => {
                format!("与同一备案或服务器的第 {row} 行“{other}”不一致；请改为一致")
            }
            (Self::NoDomain(why) | Self::Unfit(why), ..) => why.clone(),
            // What is left has been said above.
            _ => String::new(),
        }
    }

    /// What is wrong with the value of one cell.
    fn of_cell(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::DomainShape(en, zh) => (en, zh),
            Self::Missing => ("it is empty; fill it in", "为空；请填写"),
            Self::NotText => (
                "a character could not be read; save the file as UTF-8",
                "有无法识别的字符；请另存为 UTF-8",
            ),
            Self::Formula => (
                "the formula ended in an error; write the value",
                "公式结果有误；请直接填写值",
            ),
            Self::NoDay => (
                "write a day like 2021-02-20, 2021/2/20 or 2021年2月20日",
                "请写成 2021-02-20、2021/2/20 或 2021年2月20日",
            ),
            Self::NoFlag => ("write yes or no", "请写是或否"),
            Self::NoProvider => (
                "write a provider like alicloud or 阿里云; or, for a data centre of one's own, a name in lower-case \
                 letters, digits and dashes",
                "请写接入商，如 阿里云、alicloud；自有机房请用小写字母、数字和连字符命名",
            ),
            Self::NoProvince => (
                "write a mainland province: CN-BJ, 北京 or 京",
                "请写大陆省份：CN-BJ、北京 或 京",
            ),
            Self::NoRegion => (
                "write the region as the provider does in its API, like cn-beijing",
                "请写接入商 API 中的地域，如 cn-beijing",
            ),
            Self::NoName => (
                "write a name in lower-case letters, digits and dashes",
                "请用小写字母、数字和连字符命名",
            ),
            Self::NoAddress => (
                "write IP addresses or CIDRs: 203.0.113.7, 203.0.113.0/28",
                "请写 IP 地址或 CIDR：203.0.113.7、203.0.113.0/28",
            ),
            Self::NoSelector => (
                "write a selector of labels: {\"matchLabels\": {\"team\": \"shop\"}}",
                "请写标签选择器：{\"matchLabels\": {\"team\": \"shop\"}}",
            ),
            _ => return None,
        })
    }

    /// What is wrong with a value beside others.
    fn between_cells(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::ServerNeedsProvider => (
                "the server needs a provider; fill in the column of providers, or say --provider",
                "服务器缺少服务商；请填写接入商一列，或使用 --provider",
            ),
            Self::AccessNeedsProvider => (
                "it needs a provider; fill in the column of providers, or say --provider",
                "缺少接入商；请填写接入商一列，或使用 --provider",
            ),
            Self::SeveralServers => (
                "one server a row; give each a row of its own",
                "一行只能写一台服务器；请分行填写",
            ),
            Self::NumberWithoutApproval => (
                "a number comes with the approval; write the stage 已通过 (Approved), or leave the number out until then",
                "备案号在审核通过后才有；请把状态写成已通过，或暂不填写备案号",
            ),
            Self::ApprovalWithoutNumber => (
                "an approved filing has a number; write it, or the stage that it has reached",
                "已通过的备案应有备案号；请填写备案号，或填写实际进度",
            ),
            Self::ChangeBeforeApproval => (
                "a change changes a filing that was approved; leave it out",
                "变更只针对已通过的备案；请不要填写",
            ),
            Self::ApprovedBeforeSubmitted => ("it is before the day on which it was handed in", "早于提交日期"),
            Self::ExpiresBeforeApproved => ("it is before the day of the approval", "早于审核通过日期"),
            Self::MigratesFromItself => (
                "it is the provider itself; write the one that it moves from",
                "与接入商相同；请写原来的接入商",
            ),
            Self::MigrationWithoutDay => (
                "a migration has a beginning; fill in access.since (接入日期)",
                "迁移需有开始日期；请填写接入日期",
            ),
            Self::MirrorsItself => (
                "it is the filing itself; write the one that it mirrors",
                "是该备案自身；请写被镜像的备案",
            ),
            Self::SelectorWithoutFrom => (
                "a selector is read only with allowedNamespaces.from Selector",
                "只有可用命名空间为“按标签”时才填写",
            ),
            Self::FromWithoutSelector => (
                "it needs a selector in allowedNamespaces.selector",
                "需要填写命名空间标签",
            ),
            Self::NotBlocklisted => (
                "the server is said not to be blocklisted; leave it out, or say that it is",
                "该服务器标为不在黑名单；请不要填写，或改为是",
            ),
            _ => return None,
        })
    }
}

/// What of a row can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The row as a spreadsheet counts it; of JSON the object, from 1.
    pub row: u32,
    pub(super) column: String,
    pub(super) value: String,
    pub(super) problem: Problem,
}

impl RowError {
    /// The error in a language, in one line.
    pub fn told(&self, lang: Lang) -> String {
        let Self { row, column, value, .. } = self;
        let words = self.problem.words(lang);
        let (column, value, words) = (shown(column), shown(value), masked(&words));
        match lang {
            Lang::En => format!("row {row}, column {column}: \"{value}\": {words}"),
            Lang::Zh => format!("第 {row} 行，{column} 列：“{value}”：{words}"),
        }
    }
}

/// A value on one line, and not longer than a line. It does nothing to a terminal, and is no personal number.
pub(super) fn shown(value: &str) -> String {
    // A cell of several lines is one.
    let line: String = value
        .chars()
        .map(|letter| {
            if matches!(letter, '\n' | '\r' | '\t') {
                ' '
            } else {
                letter
            }
        })
        .collect();
    let masked = masked(&line);
    let masked = tame(&masked);
    let mut letters = masked.chars();
    let mut shown: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// How many digits in a row are a personal number: one of an identity card has 18, and had 15.
const PERSONAL: usize = 15;

/// The first digits of one, which are told: they say of which cell it is.
const TOLD: usize = 4;

/// A text with the digits of personal numbers left out, but for the first.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let is_long = |run: &[char]| run.len() >= PERSONAL;
    let letters: Vec<char> = text.chars().collect();
    let runs = || letters.chunk_by(|one, next| one.is_numeric() && next.is_numeric());
    if !runs().any(is_long) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let mut is_after = false;
    for run in runs() {
        if is_long(run) {
            masked.extend(run.iter().take(TOLD));
            masked.push('…');
        } else {
            // What an X stands for is the last digit.
            let rest = if is_after {
                run.strip_prefix(&['X']).or_else(|| run.strip_prefix(&['x']))
            } else {
                None
            };
            masked.extend(rest.unwrap_or(run));
        }
        is_after = is_long(run);
    }
    Cow::Owned(masked)
}

/// The most rows that one note names.
const ROWS: usize = 20;

/// Rows, and how many more there are.
fn rows_told(rows: &[u32], lang: Lang) -> String {
    let named: Vec<String> = rows.iter().take(ROWS).map(ToString::to_string).collect();
    let named = named.join(", ");
    match (rows.len().saturating_sub(ROWS), lang) {
        (0, _) => named,
        (more, Lang::En) => format!("{named} and {more} more"),
        (more, Lang::Zh) => format!("{named} 等 {}", more.saturating_add(ROWS)),
    }
}

/// What the reader should know, though nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A column that is not read.
    UnknownColumn(String),
    /// A column that is not read and has no name, as it is counted from 1.
    NamelessColumn(usize),
    /// A sheet that is not read, where one is.
    OtherSheets {
        /// The one that is read.
        read: String,
        /// The others.
        others: Vec<String>,
    },
    /// A number that is kept as it is.
    Irregular {
        /// Where.
        row: u32,
        /// The number.
        number: String,
        /// What is wrong with it.
        why: [String; 2],
    },
    /// A word where a number is due, which says that there is none yet.
    NoNumber {
        /// Where.
        row: u32,
        /// The word.
        word: String,
    },
    /// A row that says what another says.
    Repeats {
        /// The later row.
        row: u32,
        /// The first.
        first: u32,
    },
    /// Rows that are left out with one of the same filing that can't be read.
    LeftOut {
        /// The rows.
        rows: Vec<u32>,
        /// The rows that can't be read.
        with: Vec<u32>,
    },
    /// A server that is left out with a row of it that can't be read.
    ServerLeftOut {
        /// What it is called.
        called: String,
        /// The rows that can't be read.
        with: Vec<u32>,
    },
    /// The record says that access is limited.
    Limited {
        /// Where.
        row: u32,
    },
    /// Access entries that are taken for approved, since the filing is.
    AccessTaken(usize),
}

impl Note {
    /// The note in a language, in one line.
    pub fn told(&self, lang: Lang) -> String {
        let rows = |rows: &[u32]| rows_told(rows, lang);
        match (self, lang) {
            (Self::UnknownColumn(name), Lang::En) => format!("the column {} is not read", shown(name)),
            (Self::UnknownColumn(name), Lang::Zh) => format!("未读取列 {}", shown(name)),
            (Self::NamelessColumn(nth), Lang::En) => format!("the column no. {nth}, which has no name, is not read"),
            (Self::NamelessColumn(nth), Lang::Zh) => format!("未读取第 {nth} 列，该列没有列名"),
            (Self::OtherSheets { read, others }, Lang::En) => {
                format!(
                    "the sheet {} is read; --sheet names another: {}",
                    shown(read),
                    listed(others, ", ")
                )
            }
            (Self::OtherSheets { read, others }, Lang::Zh) => {
                format!(
                    "读取工作表 {}；用 --sheet 选择其他：{}",
                    shown(read),
                    listed(others, "、")
                )
            }
            (
                Self::Irregular {
                    row,
                    number,
                    why: [why, _],
                },
                Lang::En,
            ) => {
                format!(
                    "row {row}: the number \"{}\" is kept as it is: {}",
                    shown(number),
                    masked(why)
                )
            }
            (
                Self::Irregular {
                    row,
                    number,
                    why: [_, why],
                },
                Lang::Zh,
            ) => {
                format!("第 {row} 行：备案号“{}”按原样保留：{}", shown(number), masked(why))
            }
            (Self::NoNumber { row, word }, Lang::En) => {
                format!("row {row}: \"{}\" is taken for no number yet", shown(word))
            }
            (Self::NoNumber { row, word }, Lang::Zh) => format!("第 {row} 行：“{}”按尚无备案号处理", shown(word)),
            (Self::Repeats { row, first }, Lang::En) => format!("row {row} repeats row {first}"),
            (Self::Repeats { row, first }, Lang::Zh) => format!("第 {row} 行与第 {first} 行重复"),
            (Self::LeftOut { rows: out, with }, Lang::En) => format!(
                "left out with row {}, for it is of the same filing: row {}",
                rows(with),
                rows(out)
            ),
            (Self::LeftOut { rows: out, with }, Lang::Zh) => {
                format!(
                    "第 {} 行与无法读取的第 {} 行属同一备案，一并未导入",
                    rows(out),
                    rows(with)
                )
            }
            (Self::ServerLeftOut { called, with }, Lang::En) => {
                format!(
                    "the server {} is left out, for row {} of it can't be read",
                    shown(called),
                    rows(with)
                )
            }
            (Self::ServerLeftOut { called, with }, Lang::Zh) => {
                format!("服务器 {} 未导入，因其第 {} 行无法读取", shown(called), rows(with))
            }
            (Self::Limited { row }, Lang::En) => {
                format!("row {row}: the record says that access is limited (限制接入); no field of a Filing says so")
            }
            (Self::Limited { row }, Lang::Zh) => format!("第 {row} 行：记录为限制接入；Filing 没有对应的字段"),
            (Self::AccessTaken(count), Lang::En) => format!(
                "access entries without a stage are taken for Approved, as their filings are: {count}; a column 接入状态 (access.stage) \
                 says otherwise"
            ),
            (Self::AccessTaken(count), Lang::Zh) => {
                format!("{count} 条接入记录按已接入处理，因其备案已通过；如非如此请填写接入状态列")
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Lang::En))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_an_identity_card("110101199001011234", "1101…")]
    #[case::with_an_x("张三 11010119900101123X 男", "张三 1101… 男")]
    #[case::an_old_one("110101900101123", "1101…")]
    #[case::in_full_width("１１０１０１１９９００１０１１２３４", "１１０１…")]
    #[case::beyond_what_is_shown(&format!("{} 110101199001011234", "a".repeat(50)), &format!("{} 1101…", "a".repeat(50)))]
    #[case::of_a_filing("京ICP备2021012345号-1", "京ICP备2021012345号-1")]
    #[case::a_moment("2021-02-20 11:22:33", "2021-02-20 11:22:33")]
    #[case::several_lines("a.com\r\nb.com", "a.com  b.com")]
    #[case::what_does_something("\u{1b}[2Ja\u{202e}b", "\u{fffd}[2Ja\u{fffd}b")]
    fn a_value_is_shown_without_personal_numbers_and_does_nothing(#[case] value: &str, #[case] due: &str) {
        assert_eq!(shown(value), due);
    }

    #[test]
    fn a_note_of_many_rows_names_the_first() {
        let rows: Vec<u32> = (1..=30).collect();
        let note = Note::LeftOut { rows, with: vec![31] };
        assert!(note.told(Lang::En).ends_with(" 19, 20 and 10 more"), "{note}");
        let zh = note.told(Lang::Zh);
        assert!(zh.starts_with("第 1, 2,") && zh.contains("20 等 30 行"), "{zh}");
    }
}
