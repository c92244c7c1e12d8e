//! The domain's registration ends soon.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static DOMAIN_EXPIRING: Rule = Rule {
    id: "DomainExpiring",
    pages: documented!("DomainExpiring"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "the registration of {filing}'s domain {ends}",
        zh: "{filing} 的域名注册{ends}",
    },
    remedy: Words {
        en: "renew the domain at its registrar, and set spec.registration.expiresAt anew",
        zh: "请在注册商处续费，并更新 spec.registration.expiresAt",
    },
    foretells: true,
    is_of_the_name_alone: false,
    yields_to: &["WrongServiceKind", "DomainExpired"],
    checks: &[Check::Coverage(on_coverage), Check::Filing(on_filing)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    draft(&case.context, case.filing)
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    draft(&case.context, case.filing)
        .map(|draft| draft.at(FieldPath::fixed("spec.registration.expiresAt")))
        .into_iter()
        .collect()
}

fn draft(context: &Context<'_>, filing: &Filing) -> Option<Draft> {
    let date = filing.domain_expires_at?;
    let ends = context.ends_soon(date, context.policy.grace.domain)?;
    Some(Draft::new().with("filing", &filing.key).with("ends", ends))
}
