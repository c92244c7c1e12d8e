//! A filing at stage Rejected.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_REJECTED: Rule = Rule {
    id: "FilingRejected",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33 (2005), art. 5: no service before the filing is made.",
    title: Words {
        en: "the filing has been rejected",
        zh: "备案已被驳回",
    },
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
    examples: Examples {
        bad: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  stage: Rejected
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &["Ingress shop/web spec.rules[0].host"],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &["WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    (case.filing.stage == Stage::Rejected).then(|| Draft::new().with("filing", &case.filing.key))
}
