//! A number that does not fit its grammar, is of the wrong kind, or is missing where an approval gave one.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::Stage;
use crate::domain::Number;
use crate::registry::NumberRole;

pub(super) static NUMBER_MALFORMED: Rule = Rule {
    id: "NumberMalformed",
    pages: documented!("NumberMalformed"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{error}",
        zh: "{error}",
    },
    remedy: Words {
        en: "copy the number from the notice of approval or from beian.miit.gov.cn",
        zh: "请从审核通过通知或 beian.miit.gov.cn 复制备案号",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let numbers = case.filing.numbers.iter();
    let is_missing = case.filing.stage == Stage::Approved
        && !case
            .filing
            .numbers
            .iter()
            .any(|numbered| numbered.role == NumberRole::Site);
    let missing = is_missing.then(|| {
        let error = Value::words("it is approved, and states no number", "已通过审核，但未写明备案号");
        Draft::new().with("error", error).at(NumberRole::Site.path())
    });
    let wrong = numbers.filter_map(|numbered| {
        let error = match &numbered.number {
            Err(error) => Value::Both {
                en: error.to_string(),
                zh: error.zh(),
            },
            Ok(number) => wrong_kind(numbered.role, number)?,
        };
        Some(Draft::new().with("error", error).at(numbered.role.path()))
    });
    missing.into_iter().chain(wrong).collect()
}

fn wrong_kind(role: NumberRole, number: &Number) -> Option<Value> {
    let (en, zh) = match role {
        NumberRole::Site => (
            "a site's number (those look like 京ICP备2021012345号-1)",
            "网站备案号（形如 京ICP备2021012345号-1）",
        ),
        NumberRole::Main => (
            "a subject's number (those look like 京ICP备2021012345号)",
            "主体备案号（形如 京ICP备2021012345号）",
        ),
        NumberRole::Licence => (
            "a commercial licence (those look like 京ICP证030173号 or 京B2-20203456)",
            "经营许可证编号（形如 京ICP证030173号 或 京B2-20203456）",
        ),
        NumberRole::PublicSecurity => (
            "a public-security number (those look like 京公网安备11010502030123号)",
            "公安备案号（形如 京公网安备11010502030123号）",
        ),
    };
    let fits = role.takes(number);
    let number = number.text();
    (!fits).then(|| Value::Both {
        en: format!("{number} is not {en}"),
        zh: format!("{number} 不是{zh}"),
    })
}
