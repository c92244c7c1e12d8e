//! The domain's registration has ended.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static DOMAIN_EXPIRED: Rule = Rule {
    id: "DomainExpired",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "信管〔2017〕264号: the holder of a filed domain is its registrant, verified and not expired; many bureaus want over three months left.",
    title: Words {
        en: "the domain's registration has ended",
        zh: "域名注册已到期",
    },
    message: Words {
        en: "the registration of {filing}'s domain ended on {date}",
        zh: "{filing} 的域名注册已于 {date} 到期",
    },
    remedy: Words {
        en: "renew the domain at its registrar, and set spec.registration.expiresAt anew",
        zh: "请在注册商处续费，并更新 spec.registration.expiresAt",
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
  registration: {expiresAt: 2026-11-20}
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
  registration: {expiresAt: 2028-11-20}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &["WrongServiceKind"],
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
    let has_ended = context.moment.is_past(date, context.policy.grace.domain);
    has_ended.then(|| Draft::new().with("filing", &filing.key).with("date", date))
}
