//! A government's or institution's site under a suffix that is not for it.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Nature;
use crate::domain::host::unicode;
use crate::domain::{Domain, FieldPath};

pub(super) static GOVERNMENT_SUFFIX: Rule = Rule {
    id: "GovernmentSuffix",
    pages: documented!("GovernmentSuffix"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "{domain} is under .{suffix}, and {who}",
        zh: "{domain} 使用 .{suffix}，而{who}",
    },
    remedy: Words {
        en: "file it under a domain of that kind, and let the old one redirect until it is given up",
        zh: "请改用规定的域名备案，旧域名在停用前可跳转",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

/// What party and government bodies use (.gov.cn, .政务), in ASCII.
const OF_GOVERNMENT: [&str; 3] = ["gov.cn", "xn--zfr164b", "xn--zfr164b.cn"];
/// What public institutions use besides (.cn, .公益).
const OF_INSTITUTIONS: [&str; 2] = ["cn", "xn--55qw42g"];

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let (who, more) = match case.filing.subject.nature {
        Nature::Government => (
            Value::words(
                "a government body uses .gov.cn or .政务",
                "党政机关应使用 .gov.cn 或 .政务",
            ),
            &[][..],
        ),
        Nature::PublicInstitution => (
            Value::words("a public institution uses .cn or .公益", "事业单位应使用 .cn 或 .公益"),
            &OF_INSTITUTIONS[..],
        ),
        _ => return Vec::new(),
    };
    let fits = |domain: &Domain| {
        let suffix = domain.suffix();
        let is_under =
            |due: &&str| suffix == *due || suffix.strip_suffix(due).is_some_and(|above| above.ends_with('.'));
        OF_GOVERNMENT.iter().chain(more).any(is_under)
    };
    let domains = case.filing.domains.iter().enumerate();
    domains
        .filter_map(|(at, domain)| Some((at, domain.as_ref().ok()?)))
        .filter(|(_, domain)| !domain.is_public_suffix() && !fits(domain))
        .map(|(at, domain)| {
            let draft = Draft::new()
                .with("domain", domain)
                .with("suffix", unicode(domain.suffix()))
                .with("who", who.clone());
            draft.at(FieldPath::from(format!("spec.domains[{at}]")))
        })
        .collect()
}
