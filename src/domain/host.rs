//! Hosts and domains as they are compared: A-labels, lower case, without final dot and port. Pure: nothing is resolved.

mod error;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use psl::{Psl, Type};

use error::shown;

pub use error::HostError;

/// The longest name, in ASCII and without final dot (RFC 1035 §2.3.4 less what the wire format takes).
const MAX_NAME: usize = 253;
/// The longest label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
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

impl Domain {
    /// Reads a domain as people write it: in Unicode or ASCII, any letter case, with or without final dot and port.
    ///
    /// ```
    /// use filing_operator::domain::Domain;
    ///
    /// let domain = Domain::parse("WWW.示例.中国.")?;
    /// assert_eq!(domain.as_str(), "www.xn--fsq092h.xn--fiqs8s");
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
        unicode(&self.0)
    }
}

/// A name in A-labels as people read it: in Unicode.
pub fn unicode(ascii: &str) -> Cow<'_, str> {
    if has_a_label(ascii) {
        // What was read can be written: errors were found when it was parsed.
        Uts46::new()
            .to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast)
            .0
    } else {
        Cow::Borrowed(ascii)
    }
}

/// Domains are found by their name in ASCII: they compare as it does.
impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
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
        if let (false, Ok(address)) = (wildcard, ascii.parse::<Ipv4Addr>()) {
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
        // As typed, so that the label is not named in punycode; then once more without the ban on characters, to name
        // the one that is wrong.
        let label = name.split(DOTS).find_map(|label| misplaced(label, typed));
        let lenient = || {
            convert(AsciiDenyList::EMPTY)
                .ok()
                .and_then(|ascii| check(&ascii, MAX_NAME, typed).err())
        };
        label
            .or_else(lenient)
            .unwrap_or_else(|| HostError::Idna { host: shown(typed) })
    })
}

/// What is wrong with a label's underscores and hyphens, if anything.
fn misplaced(label: &str, typed: &str) -> Option<HostError> {
    if label.contains('_') {
        return Some(HostError::Underscore {
            host: shown(typed),
            label: shown(label),
        });
    }
    let hyphen = label.starts_with('-') || label.ends_with('-');
    if hyphen && has_a_label(label) {
        // With another end it would be no better: what follows xn-- is punycode, and this is none.
        return Some(HostError::Idna { host: shown(typed) });
    }
    hyphen.then(|| HostError::Hyphen {
        host: shown(typed),
        label: shown(label),
    })
}

/// Whether a label of an ASCII name begins like an A-label.
fn has_a_label(name: &str) -> bool {
    name.as_bytes()
        .split(|byte| *byte == b'.')
        .any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--")))
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
        if let Some(error) = misplaced(label, typed) {
            return Err(error);
        }
        if let Some(character) = label.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(HostError::Character {
                host: host(),
                character,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn domain(typed: &str) -> Domain {
        Domain::parse(typed).unwrap()
    }

    fn host(typed: &str) -> Host {
        Host::parse(typed).unwrap()
    }

    #[rstest]
    #[case::plain("www.example.com", "www.example.com", "www.example.com")]
    #[case::letter_case("WWW.Example.COM", "www.example.com", "www.example.com")]
    #[case::final_dot("www.example.com.", "www.example.com", "www.example.com")]
    #[case::port("www.example.com:8080", "www.example.com", "www.example.com")]
    #[case::final_dot_and_port("www.example.com.:443", "www.example.com", "www.example.com")]
    #[case::single_label("localhost", "localhost", "localhost")]
    #[case::digits("163.com", "163.com", "163.com")]
    #[case::label_of_digits_in_the_middle("www.58.cn", "www.58.cn", "www.58.cn")]
    #[case::hyphens_third_and_fourth("r3---sn-abc.example.com", "r3---sn-abc.example.com", "r3---sn-abc.example.com")]
    #[case::chinese("示例.中国", "xn--fsq092h.xn--fiqs8s", "示例.中国")]
    #[case::a_labels("xn--fsq092h.xn--fiqs8s", "xn--fsq092h.xn--fiqs8s", "示例.中国")]
    #[case::a_labels_in_capitals("XN--FSQ092H.XN--FIQS8S", "xn--fsq092h.xn--fiqs8s", "示例.中国")]
    #[case::mixed("WWW.示例.cn", "www.xn--fsq092h.cn", "www.示例.cn")]
    #[case::ideographic_full_stop("示例。中国。", "xn--fsq092h.xn--fiqs8s", "示例.中国")]
    #[case::full_width("ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ", "www.example.com", "www.example.com")]
    #[case::composed("bu\u{308}cher.example", "xn--bcher-kva.example", "bücher.example")]
    #[case::wildcard("*.example.com", "*.example.com", "*.example.com")]
    #[case::deep_wildcard("*.A.b.c.示例.中国:80", "*.a.b.c.xn--fsq092h.xn--fiqs8s", "*.a.b.c.示例.中国")]
    #[case::wildcard_over_a_suffix("*.com.cn", "*.com.cn", "*.com.cn")]
    #[case::wildcard_with_ideographic_stop("*。示例。中国", "*.xn--fsq092h.xn--fiqs8s", "*.示例.中国")]
    fn one_host_has_one_form(#[case] typed: &str, #[case] ascii: &str, #[case] unicode: &str) {
        let host = host(typed);
        assert_eq!((host.as_ascii().as_str(), host.to_string().as_str()), (ascii, unicode));
        assert_eq!(host.is_wildcard(), ascii.starts_with("*."));
    }

    #[rstest]
    #[case::v4("192.0.2.7", "192.0.2.7")]
    #[case::v4_with_port("192.0.2.7:8080", "192.0.2.7")]
    #[case::v4_with_final_dot("192.0.2.7.", "192.0.2.7")]
    #[case::v4_full_width("１９２.０.２.７", "192.0.2.7")]
    #[case::v6("2001:db8::1", "2001:db8::1")]
    #[case::v6_in_brackets("[2001:DB8::1]", "2001:db8::1")]
    #[case::v6_with_port("[2001:db8::1]:443", "2001:db8::1")]
    #[case::v6_with_zone("fe80::1%eth0", "fe80::1")]
    #[case::v6_of_v4("::ffff:192.0.2.7", "::ffff:192.0.2.7")]
    #[case::v6_unspecified("::", "::")]
    fn an_address_is_told_from_a_name(#[case] typed: &str, #[case] address: &str) {
        assert_eq!(Host::parse(typed), Err(HostError::Address(address.parse().unwrap())));
        assert_eq!(Domain::parse(typed), Err(HostError::Address(address.parse().unwrap())));
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_would_be_right() {
        let wrong = [
            "",
            ".",
            ":80",
            "*",
            "*.",
            "a.*.b",
            "*a.b",
            "**.a.b",
            "*.*.a.b",
            "www.*",
            "*.192.0.2.7",
            ".example.com",
            "www..example.com",
            "example.com..",
            "my_shop.example.com",
            "_dmarc.example.com",
            "my_shop.示例.中国",
            "example .com",
            "example.com\n",
            "https://example.com/",
            "example.com/shop",
            "~^www\\.example",
            "-www.example.com",
            "www-.example.com",
            "example.com:https",
            "example.com:65536",
            "example.com:",
            "256.256.256.256",
            "10.1",
            "xn--a.example.com",
            "xn--abc-.example.com",
            "xn--.example.com",
            "\u{ad}.example.com",
            "-示例.中国",
            "我的_示例.中国",
            "示例！.中国",
        ];
        let lines = wrong.map(|typed| {
            let error = Host::parse(typed).unwrap_err();
            format!("{typed:?}\n  {error}\n  {}\n", error.zh())
        });
        insta::assert_snapshot!(lines.concat());
    }

    #[test]
    fn a_domain_is_no_wildcard() {
        let error = Domain::parse("*.example.com").unwrap_err();
        assert_eq!(
            error,
            HostError::WildcardDomain {
                host: "*.example.com".to_owned()
            }
        );
    }

    #[test]
    fn a_label_has_63_characters_and_a_name_253() {
        let label = "a".repeat(63);
        let name = |last: usize| format!("{label}.{label}.{label}.{}", "b".repeat(last));
        assert!(Host::parse(&format!("{label}.com")).is_ok());
        assert!(matches!(
            Host::parse(&format!("{label}a.com")),
            Err(HostError::LabelTooLong { length: 64, .. })
        ));
        assert!(Host::parse(&name(61)).is_ok_and(|host| host.as_ascii().len() == 253));
        assert!(
            Host::parse(&format!("{}.", name(61))).is_ok(),
            "the final dot does not count"
        );
        assert!(matches!(
            Host::parse(&name(62)),
            Err(HostError::TooLong { length: 254, .. })
        ));
        assert!(Host::parse(&format!("*.{}", name(59))).is_ok(), "the wildcard counts");
        assert!(matches!(
            Host::parse(&format!("*.{}", name(60))),
            Err(HostError::TooLong { length: 254, .. })
        ));
        // 20 of these are 60 bytes of UTF-8, and more than 63 in punycode.
        let chinese: String = "示例域名测试公司网站主机负载均衡集群服务器节点".chars().collect();
        assert!(matches!(
            Host::parse(&format!("{chinese}.中国")),
            Err(HostError::LabelTooLong { .. })
        ));
    }

    #[test]
    fn an_error_repeats_80_characters_at_most() {
        let error = Host::parse(&format!("{}_.com", "示".repeat(500)))
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("{}…\"", "示".repeat(79))), "{error}");
        assert_eq!(shown(&"示".repeat(80)), "示".repeat(80));
    }

    #[rstest]
    #[case("www.example.com", "com", Some("example.com"))]
    #[case("example.com", "com", Some("example.com"))]
    #[case("com", "com", None)]
    #[case("a.b.example.com.cn", "com.cn", Some("example.com.cn"))]
    #[case("com.cn", "com.cn", None)]
    #[case("dept.bj.gov.cn", "gov.cn", Some("bj.gov.cn"))]
    #[case("shop.bj.cn", "bj.cn", Some("shop.bj.cn"))]
    #[case("github.io", "io", Some("github.io"))]
    #[case("web.github.io", "io", Some("github.io"))]
    #[case("a.cn-north-1.compute.amazonaws.com.cn", "com.cn", Some("amazonaws.com.cn"))]
    #[case("bucket.s3.cn-north-1.amazonaws.com.cn", "com.cn", Some("amazonaws.com.cn"))]
    #[case("www.example.co.uk", "co.uk", Some("example.co.uk"))]
    #[case("www.city.kawasaki.jp", "kawasaki.jp", Some("city.kawasaki.jp"))]
    #[case("a.b.example.kawasaki.jp", "example.kawasaki.jp", Some("b.example.kawasaki.jp"))]
    #[case("www.示例.中国", "xn--fiqs8s", Some("xn--fsq092h.xn--fiqs8s"))]
    #[case("www.示例.公司.cn", "xn--55qx5d.cn", Some("xn--fsq092h.xn--55qx5d.cn"))]
    #[case("www.示例.政务.cn", "xn--zfr164b.cn", Some("xn--fsq092h.xn--zfr164b.cn"))]
    #[case("公益.cn", "xn--55qw42g.cn", None)]
    #[case("非公益.cn", "cn", Some("xn--55qw42g2kw.cn"))]
    #[case("www.example.nowhere", "nowhere", Some("example.nowhere"))]
    #[case("localhost", "localhost", None)]
    fn the_registrable_domain_is_one_label_below_the_registry_s_suffix(
        #[case] typed: &str,
        #[case] suffix: &str,
        #[case] registrable: Option<&str>,
    ) {
        let domain = domain(typed);
        assert_eq!((domain.suffix(), domain.registrable()), (suffix, registrable));
        assert_eq!(domain.is_public_suffix(), registrable.is_none());
    }

    #[rstest]
    #[case::service("web.shop.svc", true)]
    #[case::cluster("web.shop.svc.cluster.local", true)]
    #[case::internal("api.corp.internal", true)]
    #[case::localhost("localhost", true)]
    #[case::below_localhost("web.localhost", true)]
    #[case::single_label("web", true)]
    #[case::test("shop.test", true)]
    #[case::example_top_level("shop.example", true)]
    #[case::invalid("shop.invalid", true)]
    #[case::home_network("nas.home.arpa", true)]
    #[case::other_arpa("1.2.0.192.in-addr.arpa", false)]
    #[case::onion("abc.onion", true)]
    #[case::alt("name.alt", true)]
    #[case::example_com("example.com", false)]
    #[case::example_cn("www.example.cn", false)]
    #[case::top_level("cn", false)]
    #[case::chinese_top_level("中国", false)]
    #[case::internal_in_the_middle("internal.example.com", false)]
    #[case::ends_alike("notlocal.mylocal", false)]
    #[case::ends_like_home_arpa("myhome.arpa", false)]
    #[case::undelegated("shop.corp", false)]
    fn a_private_name_needs_no_filing(#[case] typed: &str, #[case] private: bool) {
        assert_eq!(domain(typed).is_private(), private);
        assert_eq!(host(typed).is_private(), private);
    }

    #[rstest]
    #[case("*.internal", true)]
    #[case("*.shop.svc", true)]
    #[case("*.localhost", true)]
    #[case("*.cn", false)]
    #[case("*.corp", false)]
    #[case("*.example.com", false)]
    fn a_wildcard_is_private_when_every_name_below_it_is(#[case] typed: &str, #[case] private: bool) {
        assert_eq!(host(typed).is_private(), private);
    }

    #[rstest]
    #[case("example.com", "example.com", true)]
    #[case("example.com", "www.example.com", true)]
    #[case("example.com", "badexample.com", false)]
    #[case("www.example.com", "example.com", false)]
    #[case("示例.中国", "www.xn--fsq092h.xn--fiqs8s", true)]
    fn a_domain_covers_itself_and_what_is_below(#[case] above: &str, #[case] below: &str, #[case] covers: bool) {
        assert_eq!(domain(above).covers(&domain(below)), covers);
    }

    #[rstest]
    #[case::equal("a.b", "a.b", true)]
    #[case::a_name_covers_nothing_below("a.b", "c.a.b", false)]
    #[case::nor_its_wildcard("a.b", "*.a.b", false)]
    #[case::below("*.a.b", "c.a.b", true)]
    #[case::far_below("*.a.b", "d.c.a.b", true)]
    #[case::not_itself("*.a.b", "a.b", false)]
    #[case::equal_wildcard("*.a.b", "*.a.b", true)]
    #[case::narrower_wildcard("*.a.b", "*.c.a.b", true)]
    #[case::wider_wildcard("*.c.a.b", "*.a.b", false)]
    #[case::ends_alike("*.a.b", "ca.b", false)]
    fn a_wildcard_covers_all_below_it(#[case] above: &str, #[case] below: &str, #[case] covers: bool) {
        assert_eq!(host(above).covers(&host(below)), covers);
    }

    /// Hosts as people might type them, most of them valid.
    fn typed() -> impl Strategy<Value = String> {
        let label = prop_oneof![
            "[a-cA-C0-9]{1,3}",
            "[a-c][a-c-]{0,3}[a-c]",
            "[示例公司网络]{1,4}",
            "[äöüßéאבж]{1,3}"
        ];
        (
            "(\\*\\.)?",
            prop::collection::vec(label, 1..5),
            "(\\.com|\\.com\\.cn|\\.中国|。公司。cn|)",
            "\\.?(:[0-9]{1,4})?",
        )
            .prop_map(|(star, labels, suffix, end)| format!("{star}{}{suffix}{end}", labels.join(".")))
    }

    /// Names one above another often enough to say something of covering.
    fn related() -> impl Strategy<Value = Host> {
        "(\\*\\.)?([ab]\\.){0,3}c".prop_map(|typed| host(&typed))
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(typed in typed()) {
            if let Ok(once) = Host::parse(&typed) {
                prop_assert_eq!(&Host::parse(&once.as_ascii()).unwrap(), &once);
                prop_assert_eq!(&Host::parse(&once.to_string()).unwrap(), &once, "by way of Unicode");
                prop_assert_eq!(Domain::parse(&once.domain().to_unicode()).unwrap(), once.domain().clone());
                prop_assert_eq!(once.as_ascii(), once.as_ascii().to_ascii_lowercase());
            }
        }

        #[test]
        fn the_short_way_for_ascii_is_the_long_way(typed in "[a-cA-C0-9.-]{0,12}") {
            let long = Uts46::new().to_ascii(typed.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow, DnsLength::Ignore);
            prop_assert_eq!(to_ascii(&typed, &typed).ok(), long.ok());
        }

        #[test]
        fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,100}") {
            for typed in [String::from_utf8_lossy(&bytes).into_owned(), text] {
                match Host::parse(&typed) {
                    Ok(host) => {
                        let domain = host.domain();
                        let _ = (domain.suffix(), domain.is_private(), domain.ancestors().count(), host.to_string());
                        prop_assert_eq!(Host::parse(&host.to_string()).unwrap(), host);
                    }
                    Err(error) => {
                        let (english, chinese) = (error.to_string(), error.zh());
                        prop_assert!(!english.contains('\n') && !chinese.contains('\n'));
                    }
                }
            }
        }

        #[test]
        fn covering_is_an_order(a in related(), b in related(), c in related()) {
            prop_assert!(a.covers(&a) && a.domain().covers(a.domain()));
            prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
            prop_assert!(!(a.covers(&b) && b.covers(&a)) || a == b);
            let (a, b, c) = (a.domain(), b.domain(), c.domain());
            prop_assert!(!(a.covers(b) && b.covers(c)) || a.covers(c));
            prop_assert_eq!(a.covers(b), b.ancestors().any(|parent| parent == a.as_str()));
        }

        #[test]
        fn the_registrable_domain_covers_the_name_and_is_its_own(typed in typed()) {
            if let Ok(host) = Host::parse(&typed) {
                let name = host.domain();
                if let Some(registrable) = name.registrable() {
                    let registrable = Domain::parse(registrable).unwrap();
                    prop_assert!(registrable.covers(name));
                    prop_assert_eq!(registrable.registrable(), Some(registrable.as_str()));
                    prop_assert_eq!(registrable.suffix(), name.suffix());
                }
            }
        }
    }
}
