//! An access entry at stage Cancelled.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_CANCELLED: Rule = Rule {
    id: "AccessCancelled",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "Each provider that serves a domain holds its access filing (谁接入谁负责); without any, a filing is an empty shell, which the bureau cancels (providers' documentation).",
    title: Words {
        en: "the access entry has been cancelled",
        zh: "接入备案已取消",
    },
    message: Words {
        en: "the access of {filing} at {provider} has been cancelled",
        zh: "{filing} 在 {provider} 的接入备案已取消",
    },
    remedy: Words {
        en: "make a new access filing there, or serve it from a provider that gives access",
        zh: "请在该接入商重新办理接入备案，或改由已接入的服务商提供服务",
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
  access: [{provider: alicloud, stage: Cancelled}]
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
    let providers = case.providers_at(AccessStage::Cancelled);
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
