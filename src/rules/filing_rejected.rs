//! A filing at stage Rejected.

use super::case::CoverageCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_REJECTED: Rule = Rule {
    id: "FilingRejected",
    pages: documented!("FilingRejected"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{filing} has been rejected",
        zh: "{filing} 已被驳回",
    },
    remedy: Words {
        en: "mend what the review names, submit it again, and stop serving until it is approved",
        zh: "请按审核意见修改后重新提交，审核通过之前请停止服务",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    (case.filing.stage == Stage::Rejected).then(|| Draft::new().with("filing", &case.filing.key))
}
