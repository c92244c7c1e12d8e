//! A filing at stage Cancelled.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::Stage;

pub(super) static FILING_CANCELLED: Rule = Rule {
    id: "FilingCancelled",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33 (2005), art. 5: no service without a filing; a cancelled number is never restored (providers' documentation).",
    title: Words {
        en: "the filing has been cancelled",
        zh: "备案已注销",
    },
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
    examples: Examples {
        bad: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Cancelled
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
  number: 京ICP备2026023456号-1
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
    (case.filing.stage == Stage::Cancelled).then(|| Draft::new().with("filing", &case.filing.key))
}
