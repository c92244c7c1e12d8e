//! What can be wrong with a number, in English and Chinese.

use std::fmt;

use super::NumberKind;

/// A number that is understood, but not written as it ought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Irregularity {
    /// 号 stands behind the service's index: `京ICP备12345678-1号`.
    MisplacedMark,
    /// 号 is missing: `京ICP备12345678-1`.
    MissingMark,
    /// There is a 号 where none belongs: `京B2-20201234号-1`.
    StrayMark,
    /// Another character stands for the province: `川` where ICP numbers have `蜀`.
    Alias {
        /// What stands there.
        found: char,
        /// What ought to.
        due: char,
    },
    /// A public-security number of 12 digits. They were given once; newer ones have 14.
    OldPublicSecurity,
    /// A public-security number whose digits 7 and 8 are not 02, which every one has that was seen.
    UnusualPublicSecurity,
}

impl Irregularity {
    /// The same sentence in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::MisplacedMark => "“号”应写在“-”之前".to_owned(),
            Self::MissingMark => "缺少“号”".to_owned(),
            Self::StrayMark => "多了一个“号”".to_owned(),
            Self::Alias { found, due } => format!("“{found}”应写作“{due}”"),
            Self::OldPublicSecurity => "12位的旧公安备案号，现为14位".to_owned(),
            Self::UnusualPublicSecurity => "第7、8位通常是02".to_owned(),
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MisplacedMark => f.write_str("号 belongs before the hyphen"),
            Self::MissingMark => f.write_str("号 is missing"),
            Self::StrayMark => f.write_str("there is a 号 too many"),
            Self::Alias { found, due } => write!(f, "{found} stands where {due} belongs"),
            Self::OldPublicSecurity => f.write_str("it has 12 digits, as they were once given; newer ones have 14"),
            Self::UnusualPublicSecurity => f.write_str("its digits 7 and 8 are usually 02"),
        }
    }
}

/// A text is no number of a filing or licence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{typed}\" {problem}")]
pub struct NumberError {
    pub(super) typed: String,
    pub(super) problem: Problem,
}

impl NumberError {
    /// The same sentence in Chinese.
    pub fn zh(&self) -> String {
        format!("“{}”{}", self.typed, self.problem.zh())
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing.
    Empty,
    /// It has the shape of none of them.
    Shape,
    /// It begins with no province.
    NoProvince,
    /// It begins with what is no province's abbreviation in this kind of number.
    UnknownProvince {
        /// What it begins with.
        found: String,
        /// What was probably meant.
        meant: Option<&'static str>,
    },
    /// It begins with Hong Kong, Macau or Taiwan, where nothing is filed.
    OffMainland {
        /// 港, 澳 or 台.
        found: String,
    },
    /// The digits are too few, too many, or no year.
    Digits {
        /// What was read as digits.
        found: String,
        /// Of which kind of number.
        kind: NumberKind,
    },
    /// What stands behind the number is no service's index.
    Service {
        /// What stands there.
        found: String,
    },
    /// The licence is of another class than A1, A2, B1 and B2; D3 is a domain registrar's.
    Class {
        /// The classes named.
        found: String,
    },
    /// The digits of a public-security number begin with another province than the abbreviation's.
    OtherProvince {
        /// The abbreviation.
        abbreviation: &'static str,
        /// The two digits that belong to it.
        due: &'static str,
        /// The two digits there.
        found: String,
    },
}

impl Problem {
    fn zh(&self) -> String {
        match self {
            Self::Empty => "为空；应写成 京ICP备2021012345号-1 这样".to_owned(),
            Self::Shape => "不是备案号；应写成 京ICP备2021012345号-1 这样".to_owned(),
            Self::NoProvince => "缺少省份简称；应写成 京ICP备2021012345号-1 这样".to_owned(),
            Self::UnknownProvince {
                found,
                meant: Some(meant),
            } => format!("以“{found}”开头，此处应为“{meant}”"),
            Self::UnknownProvince { found, meant: None } => format!("开头的“{found}”不是省份简称；应为京、沪、粤等"),
            Self::OffMainland { found } => format!("以“{found}”开头，而港澳台无需也不能备案；应为内地省份的简称"),
            Self::Digits { found, kind } => format!("中的数字“{found}”不符；{}", digits_due(*kind).1),
            Self::Service { found } => {
                format!("末尾的“{found}”不符；应为-1至-99999，其后可加A（APP）、X（小程序）或K（快应用）")
            }
            Self::Class { found } => format!("的许可证类别“{found}”不符；应为A1、A2、B1或B2（D3为域名注册，不是备案）"),
            Self::OtherProvince {
                abbreviation,
                due,
                found,
            } => {
                format!("以“{abbreviation}”开头，数字却以{found}开头；应以{due}开头")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; write it like 京ICP备2021012345号-1"),
            Self::Shape => f.write_str("is no filing number; write it like 京ICP备2021012345号-1"),
            Self::NoProvince => f.write_str("lacks the province's abbreviation; write it like 京ICP备2021012345号-1"),
            Self::UnknownProvince {
                found,
                meant: Some(meant),
            } => {
                write!(
                    f,
                    "begins with {found}; write {meant}, the province's abbreviation in these numbers"
                )
            }
            Self::UnknownProvince { found, meant: None } => {
                write!(
                    f,
                    "begins with {found}, which is no province's abbreviation; write one like 京, 沪 or 粤"
                )
            }
            Self::OffMainland { found } => {
                write!(
                    f,
                    "begins with {found}, where nothing is filed; write the abbreviation of a mainland province"
                )
            }
            Self::Digits { found, kind } => write!(f, "has the digits \"{found}\"; {}", digits_due(*kind).0),
            Self::Service { found } => {
                write!(
                    f,
                    "ends in \"{found}\"; write -1 to -99999, then A (app), X (mini-program), K (quick app) or nothing"
                )
            }
            Self::Class { found } => {
                write!(
                    f,
                    "is a licence of the class {found}; write A1, A2, B1 or B2 (D3 is a domain registrar's, no filing)"
                )
            }
            Self::OtherProvince {
                abbreviation,
                due,
                found,
            } => {
                write!(
                    f,
                    "begins with {abbreviation}, but its digits with {found}; write digits that begin with {due}"
                )
            }
        }
    }
}

/// The digits that a kind of number has, in English and Chinese.
fn digits_due(kind: NumberKind) -> (&'static str, &'static str) {
    match kind {
        NumberKind::LegacyLicence => ("write 6 to 8 digits", "应为6至8位数字"),
        NumberKind::Licence => ("write 8 digits, the first four a year", "应为8位数字，前4位为年份"),
        NumberKind::PublicSecurity => ("write 14 digits", "应为14位数字"),
        _ => (
            "write 8 digits that begin with the year from 04 to 20, or 10 that begin with the year from 2020 on",
            "应为8位（前2位为04至20的年份）或10位（前4位为2020年起的年份）数字",
        ),
    }
}
