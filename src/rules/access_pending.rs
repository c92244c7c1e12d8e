//! An access entry at stage Submitted.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_PENDING: Rule = Rule {
    id: "AccessPending",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "Providers give access once their own review has passed, or while the old record is valid.",
    title: Words {
        en: "the access entry is not approved yet",
        zh: "接入备案尚未通过审核",
    },
    message: Words {
        en: "the access of {filing} at {provider} is not approved yet",
        zh: "{filing} 在 {provider} 的接入备案尚未通过审核",
    },
    remedy: Words {
        en: "wait for the approval; the site usually stays up meanwhile",
        zh: "请等待审核通过，其间网站一般可以继续访问",
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
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Submitted}]
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
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let providers = case.providers_at(AccessStage::Submitted);
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
