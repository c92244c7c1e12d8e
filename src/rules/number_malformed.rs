//! A number that does not fit its grammar, is of the wrong kind, or is missing where an approval gave one.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::Stage;
use crate::domain::Number;
use crate::registry::NumberRole;

pub(super) static NUMBER_MALFORMED: Rule = Rule {
    id: "NumberMalformed",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "The forms of the numbers as published (facts/number-formats.csv); a site's, a subject's, a licence's and public security's are each their own.",
    title: Words {
        en: "a number does not fit its grammar, is of the wrong kind, or is missing from an approved filing",
        zh: "备案号格式不正确、类型不符，或已通过的备案未写明备案号",
    },
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
    examples: Examples {
        bad: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京公网安备11010502030123号
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &[
            "Ingress shop/web spec.rules[0].host",
            "Filing filing-system/example-com spec.number",
        ],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  publicSecurity: {number: 京公网安备11010502030123号}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
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
