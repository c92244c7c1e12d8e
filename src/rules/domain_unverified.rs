//! A domain whose holder is not verified.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static DOMAIN_UNVERIFIED: Rule = Rule {
    id: "DomainUnverified",
    pages: documented!("DomainUnverified"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "the holder of the domain is not verified",
        zh: "域名尚未完成实名认证",
    },
    remedy: Words {
        en: "verify the holder's name with the registrar; the bureau sees it 3–5 working days later",
        zh: "请在域名注册商处完成实名认证，管局约 3–5 个工作日后可查",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let is_unverified = case.filing.particulars().is_verified == Some(false);
    if !is_unverified {
        return Vec::new();
    }
    vec![Draft::new().at(FieldPath::fixed("spec.registration.verified"))]
}
