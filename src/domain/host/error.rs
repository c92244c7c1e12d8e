//! Why a text is no host, in words for people. It only speaks: what is wrong is found where hosts are read.

use std::fmt;
use std::net::IpAddr;

/// How many characters of a value an error repeats.
const MAX_SHOWN: usize = 80;

/// A text is no host name. Each says the fact, then what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// There is nothing.
    #[error("the host is empty; write a name like www.example.com")]
    Empty,
    /// It is an IP address, which is never filed: domains are.
    #[error("the host is the IP address {0}; write a domain name that resolves to it")]
    Address(IpAddr),
    /// `*` and nothing else.
    #[error("the host * answers for every domain; name one, like *.example.com")]
    Everything,
    /// `*` elsewhere than as the whole first label.
    #[error("{host:?} has a * that is not the whole first label; write it as in *.example.com")]
    Wildcard {
        /// What was typed.
        host: String,
    },
    /// `*.` where a domain is meant.
    #[error("{host:?} is a wildcard, and a domain covers every name below it anyway; leave out the *.")]
    WildcardDomain {
        /// What was typed.
        host: String,
    },
    /// Two dots in a row, or one at the start.
    #[error("{host:?} has an empty label; write single dots, and only between labels")]
    EmptyLabel {
        /// What was typed.
        host: String,
    },
    /// An underscore, which DNS takes but host names do not (RFC 1123).
    #[error(
        "{host:?} has an underscore in the label {label:?}; host names take letters, digits, and hyphens between them"
    )]
    Underscore {
        /// What was typed.
        host: String,
        /// The label.
        label: String,
    },
    /// A character that no host name has.
    #[error("{host:?} has the character {character:?}; write the bare name, in letters, digits, hyphens and dots")]
    Character {
        /// What was typed.
        host: String,
        /// The first such character.
        character: char,
    },
    /// A label begins or ends with a hyphen.
    #[error("{host:?} has a hyphen at an end of the label {label:?}; begin and end it with a letter or digit")]
    Hyphen {
        /// What was typed.
        host: String,
        /// The label.
        label: String,
    },
    /// The last label is a number, so that clients take the name for an IPv4 address.
    #[error("{host:?} ends in the number {label:?}; end it in a top-level domain, as in www.example.com")]
    NumericEnd {
        /// What was typed.
        host: String,
        /// The last label.
        label: String,
    },
    /// A label of more than 63 bytes in ASCII.
    #[error("{host:?} has a label of {length} characters in ASCII; a label has 63 at most")]
    LabelTooLong {
        /// What was typed.
        host: String,
        /// The label's length in A-label form.
        length: usize,
    },
    /// A name of more than 253 bytes in ASCII.
    #[error("{host:?} has {length} characters in ASCII; a host name has 253 at most")]
    TooLong {
        /// What was typed.
        host: String,
        /// The name's length in A-label form.
        length: usize,
    },
    /// What follows the colon is no port.
    #[error("{host:?} has {port:?} for a port; write a number up to 65535, or the name alone")]
    Port {
        /// What was typed.
        host: String,
        /// What follows the colon.
        port: String,
    },
    /// Not valid as an internationalised name (UTS #46): bad punycode, a forbidden character or mix of directions.
    #[error(
        "{host:?} is no valid internationalised name; write it in plain Unicode, like 示例.中国, or in correct punycode"
    )]
    Idna {
        /// What was typed.
        host: String,
    },
}

impl HostError {
    /// The same in Chinese.
    ///
    /// ```
    /// # use filing_operator::domain::Host;
    /// let error = Host::parse("my_shop.example.com").unwrap_err();
    /// assert_eq!(error.zh(), "“my_shop.example.com”的“my_shop”含下划线；主机名只用字母、数字，以及其间的连字符");
    /// ```
    pub fn zh(&self) -> String {
        match self {
            Self::Empty => "主机名为空；请填写域名，例如 www.example.com".to_owned(),
            Self::Address(address) => format!("主机名是 IP 地址 {address}；请填写解析到该地址的域名"),
            Self::Everything => "主机名 * 应答任何域名；请写明域名，例如 *.example.com".to_owned(),
            Self::Wildcard { host } => {
                format!("“{}”中的 * 不是完整的第一段；请写成 *.example.com 的形式", plain(host))
            }
            Self::WildcardDomain { host } => {
                format!("“{}”是通配符，而域名本就涵盖其下所有名称；请去掉 *.", plain(host))
            }
            Self::EmptyLabel { host } => format!("“{}”有空段；点号只能单个用在两段之间", plain(host)),
            Self::Underscore { host, label } => {
                format!(
                    "“{}”的“{}”含下划线；主机名只用字母、数字，以及其间的连字符",
                    plain(host),
                    plain(label)
                )
            }
            Self::Character { host, character } => format!(
                "“{}”含字符“{}”；请只写主机名本身，用字母、数字、连字符和点号",
                plain(host),
                character.escape_debug()
            ),
            Self::Hyphen { host, label } => {
                format!(
                    "“{}”的“{}”以连字符开头或结尾；请以字母或数字开头和结尾",
                    plain(host),
                    plain(label)
                )
            }
            Self::NumericEnd { host, label } => {
                format!(
                    "“{}”以数字“{}”结尾；请以顶级域名结尾，例如 www.example.com",
                    plain(host),
                    plain(label)
                )
            }
            Self::LabelTooLong { host, length } => {
                format!("“{}”有一段转为 ASCII 后长 {length} 个字符；每段最多 63 个", plain(host))
            }
            Self::TooLong { host, length } => {
                format!("“{}”转为 ASCII 后长 {length} 个字符；主机名最多 253 个", plain(host))
            }
            Self::Port { host, port } => {
                format!(
                    "“{}”的端口是“{}”；请写不超过 65535 的数字，或只写主机名",
                    plain(host),
                    plain(port)
                )
            }
            Self::Idna { host } => format!(
                "“{}”不是有效的国际化域名；请直接写中文，例如 示例.中国，或写正确的 Punycode",
                plain(host)
            ),
        }
    }
}

/// A value without line breaks and what else a terminal would act on, as `{:?}` shows it, less the quotes.
fn plain(value: &str) -> impl fmt::Display {
    value.escape_debug()
}

/// As much of a value as an error repeats: 80 characters, the last a mark where there was more.
pub(super) fn shown(value: &str) -> String {
    if value.chars().nth(MAX_SHOWN).is_none() {
        return value.to_owned();
    }
    value.chars().take(MAX_SHOWN - 1).chain(['…']).collect()
}
