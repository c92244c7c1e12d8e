//! The domain's registration ends soon.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static DOMAIN_EXPIRING: Rule = Rule {
    id: "DomainExpiring",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "信管〔2017〕264号: the holder of a filed domain is its registrant, verified and not expired; many bureaus want over three months left.",
    title: Words {
        en: "the domain's registration ends soon",
        zh: "域名注册即将到期",
    },
    message: Words {
        en: "the registration of {filing}'s domain {ends}",
        zh: "{filing} 的域名注册{ends}",
    },
    remedy: Words {
        en: "renew the domain at its registrar, and set spec.registration.expiresAt anew",
        zh: "请在注册商处续费，并更新 spec.registration.expiresAt",
    },
    foretells: true,
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
  registration: {expiresAt: 2027-01-01}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &[
            "Ingress shop/web spec.rules[0].host",
            "Filing filing-system/example-com spec.registration.expiresAt",
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
  registration: {expiresAt: 2028-01-01}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &["WrongServiceKind", "DomainExpired"],
    checks: &[Check::Coverage(on_coverage), Check::Filing(on_filing)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    draft(&case.context, case.filing)
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    draft(&case.context, case.filing)
        .map(|draft| draft.at(FieldPath::fixed("spec.registration.expiresAt")))
        .into_iter()
        .collect()
}

fn draft(context: &Context<'_>, filing: &Filing) -> Option<Draft> {
    let date = filing.domain_expires_at?;
    let ends = context.ends_soon(date, context.policy.grace.domain)?;
    Some(Draft::new().with("filing", &filing.key).with("ends", ends))
}
