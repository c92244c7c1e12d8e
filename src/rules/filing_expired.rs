//! The filing's record has ended.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static FILING_EXPIRED: Rule = Rule {
    id: "FilingExpired",
    pages: documented!("FilingExpired"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "the record of {filing} ended on {date}",
        zh: "{filing} 的备案记录已于 {date} 到期",
    },
    remedy: Words {
        en: "have the provider confirm the record, and set spec.expiresAt anew",
        zh: "请向接入商确认备案记录，并更新 spec.expiresAt",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage), Check::Filing(on_filing)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    draft(&case.context, case.filing)
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    draft(&case.context, case.filing)
        .map(|draft| draft.at(FieldPath::fixed("spec.expiresAt")))
        .into_iter()
        .collect()
}

fn draft(context: &Context<'_>, filing: &Filing) -> Option<Draft> {
    let date = filing.expires_at?;
    let has_ended = context.moment.is_past(date, context.policy.grace.filing);
    has_ended.then(|| Draft::new().with("filing", &filing.key).with("date", date))
}
