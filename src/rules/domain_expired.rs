//! The domain's registration has ended.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static DOMAIN_EXPIRED: Rule = Rule {
    id: "DomainExpired",
    pages: documented!("DomainExpired"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "the registration of {filing}'s domain ended on {date}",
        zh: "{filing} 的域名注册已于 {date} 到期",
    },
    remedy: Words {
        en: "renew the domain at its registrar, and set spec.registration.expiresAt anew",
        zh: "请在注册商处续费，并更新 spec.registration.expiresAt",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["WrongServiceKind"],
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
    let has_ended = context.moment.is_past(date, context.policy.grace.domain);
    has_ended.then(|| Draft::new().with("filing", &filing.key).with("date", date))
}
