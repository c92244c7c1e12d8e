//! A domain that another filing claims under another number.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static DUPLICATE_DOMAIN: Rule = Rule {
    id: "DuplicateDomain",
    pages: documented!("DuplicateDomain"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "{domain} is claimed by {other} too, under {number}",
        zh: "{domain} 已由{other}以 {number} 填写",
    },
    remedy: Words {
        en: "leave the domain to the one that holds it, and set a filing that was given up to stage Cancelled",
        zh: "请仅在实际持有该域名的备案中填写；已注销的备案请将 stage 设为 Cancelled",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let (facts, filing) = (case.context.facts, case.filing);
    let domains = filing.domains.iter().enumerate();
    domains
        .filter_map(|(at, domain)| {
            let domain = domain.as_ref().ok()?;
            let elder = facts.elder_with_domain(filing, domain)?;
            let draft = Draft::new()
                .with("domain", domain)
                .with("other", other(filing, elder))
                .with("number", number(filing, elder));
            Some(draft.at(FieldPath::from(format!("spec.domains[{at}]"))))
        })
        .collect()
}

/// Another filing, as it may be told: of one in another namespace, that it is there.
pub(super) fn other(filing: &Filing, other: &Filing) -> Value {
    if other.key.namespace == filing.key.namespace {
        let name = &other.key.name;
        Value::Both {
            en: format!("Filing {name}"),
            zh: format!(" Filing {name} "),
        }
    } else {
        Value::words("a Filing of another namespace", "其他命名空间的 Filing ")
    }
}

fn number(filing: &Filing, other: &Filing) -> Value {
    match other.site_number() {
        Some(number) if other.key.namespace == filing.key.namespace => number.text().into(),
        _ => Value::words("another number", "其他备案号"),
    }
}
