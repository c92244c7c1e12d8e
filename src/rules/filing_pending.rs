//! A filing that is not approved yet.

use super::case::CoverageCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_PENDING: Rule = Rule {
    id: "FilingPending",
    pages: documented!("FilingPending"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{filing} is not approved yet ({stage})",
        zh: "{filing} 尚未通过审核（{stage}）",
    },
    remedy: Words {
        en: "wait for the approval before you serve it; the provider takes 1–2 working days, the bureau at most 20",
        zh: "审核通过之前请勿提供服务；接入商初审 1–2 个工作日，管局审核最长 20 个工作日",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let stage = match case.filing.stage {
        Stage::Draft => Value::words("Draft", "草稿"),
        Stage::Submitted => Value::words("Submitted", "已提交"),
        Stage::FirstReview => Value::words("FirstReview", "接入商初审"),
        Stage::SecondReview => Value::words("SecondReview", "管局审核"),
        Stage::Publicity => Value::words("Publicity", "公示"),
        Stage::Approved | Stage::Rejected | Stage::Cancelled => return None,
    };
    Some(Draft::new().with("filing", &case.filing.key).with("stage", stage))
}
