//! A public suffix, which belongs to nobody who could file it.

use super::case::{FilingCase, HostCase};
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::route::Claimed;

pub(super) static PUBLIC_SUFFIX_HOST: Rule = Rule {
    id: "PublicSuffixHost",
    pages: documented!("PublicSuffixHost"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{host} is a public suffix, below which anyone may register",
        zh: "{host} 是公共后缀，任何人都可以在其下注册域名",
    },
    remedy: Words {
        en: "name the domain that is registered",
        zh: "请填写已注册的域名",
    },
    foretells: false,
    is_of_the_name_alone: true,
    yields_to: &[],
    checks: &[Check::Host(on_host), Check::Filing(on_filing)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    host.domain()
        .is_public_suffix()
        .then(|| Draft::new().with("host", host.domain()))
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let domains = case.filing.domains.iter().enumerate();
    domains
        .filter_map(|(at, entry)| entry.as_ref().ok().map(|domain| (at, domain)))
        .filter(|(_, domain)| domain.is_public_suffix())
        .map(|(at, domain)| {
            Draft::new()
                .with("host", domain)
                .at(FieldPath::from(format!("spec.domains[{at}]")))
        })
        .collect()
}
