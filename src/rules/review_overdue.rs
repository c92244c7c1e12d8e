//! A review that was announced and has passed.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static REVIEW_OVERDUE: Rule = Rule {
    id: "ReviewOverdue",
    pages: documented!("ReviewOverdue"),
    severity: Some(Severity::Warning),
    basis: Basis::Advice,
    message: Words {
        en: "the review that was announced for {date} has passed",
        zh: "已公布的核验日 {date} 已过",
    },
    remedy: Words {
        en: "answer it with the provider, and write the next one or take nextReviewAt out",
        zh: "请向接入商确认核验结果，并更新或删除 nextReviewAt",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.ended(Other::Review, "spec.nextReviewAt")
}
