//! Names of objects that stay the same: made of what the object is, and of nothing that stands beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::cell;
use crate::domain::Domain;

/// The longest name that is made. Kubernetes takes longer ones, but labels do not.
const LONGEST: usize = 63;

/// How many letters of a digest tell two names apart.
const DIGEST: usize = 8;

/// The name of a filing by the first of its domains: the one that is registered, in ASCII, with dashes for dots.
pub(super) fn of_domain(domain: &str) -> String {
    match Domain::parse(domain) {
        Ok(domain) => {
            let registered = domain.registrable().unwrap_or(domain.as_str());
            bounded(&registered.replace('.', "-"), domain.as_str())
        }
        Err(_) => told_apart("filing", domain),
    }
}

/// The name of a server by what it is called. A name that Kubernetes takes is kept.
pub(super) fn of_server(called: &str) -> String {
    if cell::checked_name(called).is_ok() {
        return called.to_owned();
    }
    let slug = dashed(called);
    let is_all_there = called.is_ascii() && !slug.is_empty();
    match (is_all_there, slug.is_empty()) {
        (true, _) => bounded(&slug, called),
        // What is lost of it is in the digest.
        (false, false) => told_apart(&slug, called),
        (false, true) => told_apart("server", called),
    }
}

/// The name of a server by its first address.
pub(super) fn of_address(address: &str) -> String {
    bounded(&dashed(address), address)
}

/// A name that is not among those `taken`: as it is, or with a digest of what the object is.
pub(super) fn free(name: &str, of: &str, taken: &BTreeSet<String>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let mut free = told_apart(name, of);
    let mut salt = of.to_owned();
    while taken.contains(&free) {
        salt.push('+');
        free = told_apart(name, &salt);
    }
    free
}

/// ASCII letters and digits in lower case, with one dash for whatever stands between them.
fn dashed(text: &str) -> String {
    let mut dashed = String::new();
    for letter in text.nfkc().take(1024) {
        if letter.is_ascii_alphanumeric() {
            dashed.push(letter.to_ascii_lowercase());
        } else if !dashed.is_empty() && !dashed.ends_with('-') {
            dashed.push('-');
        }
    }
    dashed.truncate(dashed.trim_end_matches('-').len());
    dashed
}

fn bounded(name: &str, of: &str) -> String {
    if name.len() <= LONGEST && !name.is_empty() {
        name.to_owned()
    } else {
        told_apart(name, of)
    }
}

fn told_apart(name: &str, of: &str) -> String {
    let room = LONGEST.saturating_sub(DIGEST).saturating_sub(1);
    // A name that was typed may be longer, but is ASCII as all of them are.
    let cut = name.get(..room.min(name.len())).unwrap_or_default();
    let cut = cut.trim_end_matches(['-', '.']);
    let digest = Sha256::digest(of.as_bytes());
    let mut told = format!("{cut}-");
    for byte in digest.iter().take(DIGEST / 2) {
        // Writing into a String cannot fail.
        let _ = write!(told, "{byte:02x}");
    }
    told
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_domain("example.com", "example-com")]
    #[case::a_host("www.Example.com.cn", "example-com-cn")]
    #[case::chinese("示例.中国", "xn--fsq092h-xn--fiqs8s")]
    #[case::a_suffix("com.cn", "com-cn")]
    fn a_filing_is_named_after_its_domain(#[case] domain: &str, #[case] name: &str) {
        assert_eq!(of_domain(domain), name);
        assert!(cell::checked_name(&of_domain(domain)).is_ok());
    }

    #[rstest]
    #[case::an_id("lb-2zeabc", "lb-2zeabc")]
    #[case::with_dots("web.1", "web.1")]
    #[case::capitals("Web SLB_01", "web-slb-01")]
    #[case::partly_chinese("生产SLB", "slb-1582da0f")]
    #[case::chinese("生产环境", "server-3f2b3ef4")]
    fn a_server_is_named_after_what_it_is_called(#[case] called: &str, #[case] name: &str) {
        assert_eq!(of_server(called), name);
    }

    #[test]
    fn names_are_bounded_and_told_apart() {
        let long = format!("{}.com", "a".repeat(63));
        let name = of_domain(&long);
        assert_eq!(name.len(), LONGEST);
        assert_eq!(of_address("2001:db8::1"), "2001-db8-1");
        let taken = BTreeSet::from(["a-com".to_owned()]);
        let other = free("a-com", "京ICP备12345678号-1", &taken);
        assert!(
            other.starts_with("a-com-") && other.len() == "a-com-".len() + DIGEST,
            "{other}"
        );
        assert_eq!(free("a-com", "京ICP备12345678号-1", &taken), other);
    }
}
