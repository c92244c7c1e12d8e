//! A filing at stage Cancelled.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_CANCELLED: Rule = Rule {
    id: "FilingCancelled",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "Providers' documentation: a cancelled number is never restored; serving without a filing: MII Order 33, art. 5.",
    title: Words {
        en: "the filing has been cancelled",
        zh: "备案已注销",
    },
    message: Words {
        en: "{filing} has been cancelled",
        zh: "{filing} 已注销",
    },
    remedy: Words {
        en: "file anew: a cancelled number is never restored; stop serving until there is a new one",
        zh: "已注销的备案号不能恢复，请重新备案，取得新备案号之前停止服务",
    },
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    (case.filing.stage == Stage::Cancelled).then(|| Draft::new().with("filing", &case.filing.key))
}
