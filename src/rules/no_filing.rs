//! A host that no trusted filing names.

use super::case::HostCase;
use super::finding::{Draft, Value, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::host::unicode;
use crate::route::Claimed;

/// The first thing that is to be done about a domain: to file it, or to declare that it is.
pub static NO_FILING: Rule = Rule {
    id: "NoFiling",
    pages: documented!("NoFiling"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "no trusted filing covers {domain}",
        zh: "没有受信任的备案覆盖 {domain}",
    },
    remedy: Words {
        en: "file {domain} with access at {provider}, and declare it as a Filing",
        zh: "请为 {domain} 办理备案并在{provider}接入，再用 Filing 声明",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["PublicSuffixHost", "UnfilableSuffix"],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    if case.filing.is_some() {
        return None;
    }
    let provider = if case.places.is_empty() {
        Value::words("its provider", "其接入商")
    } else {
        let mut providers: Vec<&str> = case.places.iter().map(|place| &*place.provider).collect();
        providers.sort_unstable();
        providers.dedup();
        let names = list(providers);
        Value::Both {
            zh: format!(" {names} "),
            en: names,
        }
    };
    let domain = unicode(host.domain().registrable().unwrap_or(host.domain().as_str()));
    Some(Draft::new().with("domain", domain).with("provider", provider))
}
