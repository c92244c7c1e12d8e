//! A review that was announced and is near.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static REVIEW_DUE: Rule = Rule {
    id: "ReviewDue",
    pages: documented!("ReviewDue"),
    severity: Some(Severity::Warning),
    basis: Basis::Advice,
    message: Words {
        en: "a review is announced for {date}",
        zh: "核验日为 {date}",
    },
    remedy: Words {
        en: "look through what is filed, and be reachable for the provider's call or message",
        zh: "请提前自查备案信息，并保持联系方式畅通",
    },
    foretells: true,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.near(Other::Review, "spec.nextReviewAt")
}
