//! A filing at stage Cancelled.

use super::case::CoverageCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_CANCELLED: Rule = Rule {
    id: "FilingCancelled",
    pages: documented!("FilingCancelled"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{filing} has been cancelled",
        zh: "{filing} 已注销",
    },
    remedy: Words {
        en: "stop serving, and file anew: a cancelled number is never restored",
        zh: "请停止服务并重新备案：备案号注销后无法恢复",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    (case.filing.stage == Stage::Cancelled).then(|| Draft::new().with("filing", &case.filing.key))
}
