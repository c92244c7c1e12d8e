//! Hosts and domains as they are compared: A-labels, lower case, without final dot and port. Pure: nothing is resolved.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use psl::{Psl, Type};

/// The longest name, in ASCII and without final dot (RFC 1035 §2.3.4 less what the wire format takes).
const MAX_NAME: usize = 253;
/// The longest label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
/// How much of a value an error repeats.
const MAX_SHOWN: usize = 80;

/// Public suffixes that the public suffix list lacks: 政务.cn and 公益.cn, run by CONAC like 政务 and 公益 themselves.
const MORE_SUFFIXES: [&str; 2] = ["xn--zfr164b.cn", "xn--55qw42g.cn"];

/// Top-level names that no registry delegates: RFC 2606 and 6761 (test, example, invalid, localhost), 6762 (local),
/// 7686 (onion), 9476 (alt), ICANN resolution 2024.07.29.06 (internal); and `svc`, below which Kubernetes names Services.
const RESERVED: [&str; 9] = [
    "alt",
    "example",
    "internal",
    "invalid",
    "local",
    "localhost",
    "onion",
    "svc",
    "test",
];

/// A domain name (域名): A-labels, lower case, no final dot, no wildcard, no port. So equal names are equal texts.
///
/// It displays in Unicode, for people; [`Domain::as_str`] is for machines.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Arc<str>);

/// What a route answers for: a domain, or with `*.` every name below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    domain: Domain,
    wildcard: bool,
}

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
        "{host:?} has an underscore in the label {label:?}; host names take letters, digits and hyphens: write {mended:?}"
    )]
    Underscore {
        /// What was typed.
        host: String,
        /// The label, in ASCII.
        label: String,
        /// The label with hyphens.
        mended: String,
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
        /// The label, in ASCII.
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

impl Domain {
    /// Reads a domain as people write it: in Unicode or ASCII, any letter case, with or without final dot and port.
    ///
    /// ```
    /// use filing_operator::domain::Domain;
    ///
    /// let domain = Domain::parse("WWW.示例.中国.")?;
    /// assert_eq!(domain.as_str(), "www.xn--fsqu00a.xn--fiqs8s");
    /// assert_eq!(domain.to_string(), "www.示例.中国");
    /// # Ok::<(), filing_operator::domain::HostError>(())
    /// ```
    ///
    /// # Errors
    /// When it is an address, a wildcard or no host name of RFC 1123.
    pub fn parse(typed: &str) -> Result<Self, HostError> {
        let host = Host::parse(typed)?;
        if host.wildcard {
            Err(HostError::WildcardDomain { host: shown(typed) })
        } else {
            Ok(host.domain)
        }
    }

    /// The name in ASCII, for machines and comparisons.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in Unicode, for people.
    pub fn to_unicode(&self) -> String {
        self.unicode().into_owned()
    }

    /// Whether this is the other, or an ancestor of it: what a filing of this domain extends to.
    ///
    /// ```
    /// # use filing_operator::domain::Domain;
    /// let domain = Domain::parse("example.com")?;
    /// assert!(domain.covers(&Domain::parse("www.example.com")?));
    /// assert!(!domain.covers(&Domain::parse("badexample.com")?));
    /// # Ok::<(), filing_operator::domain::HostError>(())
    /// ```
    pub fn covers(&self, other: &Domain) -> bool {
        other
            .0
            .strip_suffix(&*self.0)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The name itself, then each parent up to the top-level domain, in ASCII.
    ///
    /// ```
    /// # use filing_operator::domain::Domain;
    /// let domain = Domain::parse("www.example.com")?;
    /// assert!(domain.ancestors().eq(["www.example.com", "example.com", "com"]));
    /// # Ok::<(), filing_operator::domain::HostError>(())
    /// ```
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        parents(self.as_str())
    }

    /// The domain that is registered and filed, in ASCII: one label below the public suffix. None when this is itself a
    /// public suffix.
    ///
    /// ```
    /// # use filing_operator::domain::Domain;
    /// assert_eq!(Domain::parse("www.example.com.cn")?.registrable(), Some("example.com.cn"));
    /// assert_eq!(Domain::parse("web.github.io")?.registrable(), Some("github.io"));
    /// assert_eq!(Domain::parse("com.cn")?.registrable(), None);
    /// # Ok::<(), filing_operator::domain::HostError>(())
    /// ```
    pub fn registrable(&self) -> Option<&str> {
        let below = self.0.strip_suffix(self.suffix())?.strip_suffix('.')?;
        self.0.get(below.rfind('.').map_or(0, |dot| dot + 1)..)
    }

    /// The public suffix, in ASCII, by the ICANN part of the public suffix list (the part for hosting services names
    /// customers, not registries), with 政务.cn and 公益.cn; the last label where the list knows none.
    pub fn suffix(&self) -> &str {
        if let Some(suffix) = MORE_SUFFIXES.iter().find(|suffix| is_at_or_below(&self.0, suffix)) {
            return self.0.get(self.0.len() - suffix.len()..).unwrap_or_default();
        }
        listed(&self.0).0
    }

    /// Whether this is a public suffix: nobody's own domain, so that nobody can file it. Every single label counts,
    /// for what the list does not know is a top-level domain to it.
    pub fn is_public_suffix(&self) -> bool {
        self.suffix().len() == self.0.len()
    }

    /// Whether the name is not public: reserved (`*.internal`, `localhost`, `*.svc`, `*.cluster.local`, `home.arpa`, …),
    /// or a single label that is no known top-level domain. What only the own network resolves needs no filing.
    pub fn is_private(&self) -> bool {
        self.is_reserved() || (!self.0.contains('.') && listed(&self.0).1.is_none())
    }

    /// Whether no registry ever delegates the name or one below it.
    fn is_reserved(&self) -> bool {
        let last = self.0.rsplit('.').next().unwrap_or_default();
        RESERVED.contains(&last) || is_at_or_below(&self.0, "home.arpa")
    }

    fn unicode(&self) -> Cow<'_, str> {
        if has_a_label(&self.0) {
            // What was read can be written: errors were found when it was parsed.
            Uts46::new()
                .to_unicode(self.0.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast)
                .0
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.unicode())
    }
}

impl Host {
    /// Reads a host as routes have it: a name, or `*.` and a name; any letter case, with or without final dot and port.
    ///
    /// ```
    /// use filing_operator::domain::{Host, HostError};
    ///
    /// let host = Host::parse("*.Example.com:8443")?;
    /// assert_eq!((host.domain().as_str(), host.is_wildcard()), ("example.com", true));
    /// assert_eq!(Host::parse("[::1]:80"), Err(HostError::Address("::1".parse().unwrap())));
    /// # Ok::<(), HostError>(())
    /// ```
    ///
    /// # Errors
    /// When it is an address or no host name of RFC 1123; underscores are none, also where DNS has them.
    pub fn parse(typed: &str) -> Result<Self, HostError> {
        // IPv6 first: its colons are no port's.
        if let Some(address) = ipv6(typed) {
            return Err(HostError::Address(IpAddr::V6(address)));
        }
        let name = without_port(typed)?;
        let (name, wildcard) = without_wildcard(name, typed)?;
        let name = name.strip_suffix(DOTS).unwrap_or(name);
        if name.is_empty() {
            return Err(if typed.is_empty() {
                HostError::Empty
            } else {
                HostError::EmptyLabel { host: shown(typed) }
            });
        }
        let ascii = to_ascii(name, typed)?;
        if let Ok(address) = ascii.parse::<Ipv4Addr>() {
            return Err(HostError::Address(IpAddr::V4(address)));
        }
        check(&ascii, if wildcard { MAX_NAME - 2 } else { MAX_NAME }, typed)?;
        Ok(Self {
            domain: Domain(Arc::from(ascii)),
            wildcard,
        })
    }

    /// The domain: for `*.a.b` it is `a.b`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether it stands for every name below its domain, at any depth, and not for the domain itself.
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether all that the other answers for, this one does: it is equal, or below this wildcard.
    ///
    /// ```
    /// # use filing_operator::domain::Host;
    /// let host = Host::parse("*.example.com")?;
    /// assert!(host.covers(&Host::parse("a.b.example.com")?));
    /// assert!(host.covers(&Host::parse("*.b.example.com")?));
    /// assert!(!host.covers(&Host::parse("example.com")?));
    /// # Ok::<(), filing_operator::domain::HostError>(())
    /// ```
    pub fn covers(&self, other: &Host) -> bool {
        self == other || (self.wildcard && self.domain != other.domain && self.domain.covers(&other.domain))
    }

    /// Whether none of the names it answers for is public; see [`Domain::is_private`]. Below a single label that is not
    /// reserved there may be public names, so `*.corp` is not private where `corp` is.
    pub fn is_private(&self) -> bool {
        if self.wildcard {
            self.domain.is_reserved()
        } else {
            self.domain.is_private()
        }
    }

    /// The host in ASCII, as DNS and the API server have it.
    pub fn as_ascii(&self) -> String {
        if self.wildcard {
            format!("*.{}", self.domain.as_str())
        } else {
            self.domain.as_str().to_owned()
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wildcard {
            f.pad(&format!("*.{}", self.domain.unicode()))
        } else {
            self.domain.fmt(f)
        }
    }
}

/// The dots of UTS #46: ASCII, ideographic, full-width and half-width ideographic.
const DOTS: [char; 4] = ['.', '。', '．', '｡'];

/// A name and its parents, up to the last label.
pub(super) fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// Whether a name is the other or below it.
fn is_at_or_below(name: &str, ancestor: &str) -> bool {
    name.strip_suffix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The public suffix of a name by the ICANN part of the list, and whether the list knows it.
fn listed(name: &str) -> (&str, Option<Type>) {
    let mut rest = name;
    loop {
        let info = psl::List.find(rest.rsplit('.').map(str::as_bytes));
        let suffix = rest.get(rest.len().saturating_sub(info.len)..).unwrap_or(rest);
        match (info.typ, suffix.split_once('.')) {
            // A hosting service's: the registry's lies further out.
            (Some(Type::Private), Some((_, parent))) => rest = parent,
            (typ, _) => return (suffix, typ),
        }
    }
}

/// The address, when it is one of IPv6, bare or in brackets, with or without a port and a zone.
fn ipv6(typed: &str) -> Option<Ipv6Addr> {
    let address = match typed.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?.0,
        None if typed.contains(':') => typed,
        None => return None,
    };
    address.split('%').next()?.parse().ok()
}

/// What stands before the port, if there is one.
fn without_port(typed: &str) -> Result<&str, HostError> {
    let Some((name, port)) = typed.split_once(':') else {
        return Ok(typed);
    };
    if port.starts_with("//") {
        return Err(HostError::Character {
            host: shown(typed),
            character: ':',
        });
    }
    if port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok() {
        return Ok(name);
    }
    Err(HostError::Port {
        host: shown(typed),
        port: shown(port),
    })
}

/// What follows `*.`, and whether that was there.
fn without_wildcard<'a>(name: &'a str, typed: &str) -> Result<(&'a str, bool), HostError> {
    if !name.contains('*') {
        return Ok((name, false));
    }
    if name == "*" {
        return Err(HostError::Everything);
    }
    match name.strip_prefix('*').and_then(|rest| rest.strip_prefix(DOTS)) {
        Some(rest) if !rest.is_empty() && !rest.contains('*') => Ok((rest, true)),
        _ => Err(HostError::Wildcard { host: shown(typed) }),
    }
}

/// The name in lower-case A-labels. Most names are that already, so those are borrowed.
fn to_ascii<'a>(name: &'a str, typed: &str) -> Result<Cow<'a, str>, HostError> {
    if name.is_ascii() && !has_a_label(name) {
        let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        return Ok(if lower {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        });
    }
    let convert = |deny| Uts46::new().to_ascii(name.as_bytes(), deny, Hyphens::CheckFirstLast, DnsLength::Ignore);
    convert(AsciiDenyList::STD3).map_err(|_| {
        // Once more without the ban on characters, to name the one that is wrong.
        let lenient = convert(AsciiDenyList::EMPTY).ok();
        lenient
            .and_then(|ascii| check(&ascii, MAX_NAME, typed).err())
            .unwrap_or_else(|| HostError::Idna { host: shown(typed) })
    })
}

/// Whether a label of an ASCII name begins like an A-label.
fn has_a_label(name: &str) -> bool {
    let begins = |label: &[u8]| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"));
    // A hyphen pair is rare and found fast; labels are looked at only where there is one.
    name.contains("--") && name.split('.').any(|label| begins(label.as_bytes()))
}

/// Holds a name in lower-case ASCII to RFC 1123 and the length limits of DNS.
fn check(name: &str, longest: usize, typed: &str) -> Result<(), HostError> {
    let host = || shown(typed);
    let mut last = name;
    for label in name.split('.') {
        last = label;
        if label.is_empty() {
            return Err(HostError::EmptyLabel { host: host() });
        }
        if let Some(character) = label.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(if character == '_' {
                let mended = label.replace('_', "-").trim_matches('-').to_owned();
                HostError::Underscore {
                    host: host(),
                    label: shown(label),
                    mended: shown(&mended),
                }
            } else {
                HostError::Character {
                    host: host(),
                    character,
                }
            });
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(HostError::Hyphen {
                host: host(),
                label: shown(label),
            });
        }
        if label.len() > MAX_LABEL {
            return Err(HostError::LabelTooLong {
                host: host(),
                length: label.len(),
            });
        }
    }
    if name.len() > longest {
        return Err(HostError::TooLong {
            host: host(),
            length: MAX_NAME - longest + name.len(),
        });
    }
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostError::NumericEnd {
            host: host(),
            label: last.to_owned(),
        });
    }
    Ok(())
}

/// As much of a value as an error repeats.
fn shown(value: &str) -> String {
    match value.char_indices().nth(MAX_SHOWN - 1) {
        Some((end, c)) if end + c.len_utf8() < value.len() => value.get(..end).unwrap_or_default().to_owned() + "…",
        _ => value.to_owned(),
    }
}
