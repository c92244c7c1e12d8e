//! A filing at stage Rejected.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_REJECTED: Rule = Rule {
    id: "FilingRejected",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33, art. 5: no service before the filing is made.",
    title: Words {
        en: "the filing has been rejected",
        zh: "备案被驳回",
    },
    message: Words {
        en: "{filing} has been rejected",
        zh: "{filing} 被驳回",
    },
    remedy: Words {
        en: "mend what the review names, submit it again, and stop serving until it is approved",
        zh: "请按审核意见修改后重新提交，通过之前停止服务",
    },
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    (case.filing.stage == Stage::Rejected).then(|| Draft::new().with("filing", &case.filing.key))
}
