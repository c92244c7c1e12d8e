//! The filing's record ends soon.

use super::case::{Context, CoverageCase, FilingCase};
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Filing;

pub(super) static FILING_EXPIRING: Rule = Rule {
    id: "FilingExpiring",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "A filing as such has no term; what has one is a record that a provider or bureau dated.",
    title: Words {
        en: "the filing's record ends soon",
        zh: "备案记录即将到期",
    },
    message: Words {
        en: "the record of {filing} {ends}",
        zh: "{filing} 的备案记录{ends}",
    },
    remedy: Words {
        en: "have the provider confirm the record, and set spec.expiresAt anew",
        zh: "请向接入商确认备案记录，并更新 spec.expiresAt",
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
  expiresAt: 2027-02-20
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &[
            "Ingress shop/web spec.rules[0].host",
            "Filing filing-system/example-com spec.expiresAt",
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
  expiresAt: 2028-02-20
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &[
        "FilingCancelled",
        "FilingRejected",
        "FilingPending",
        "WrongServiceKind",
        "FilingExpired",
    ],
    checks: &[Check::Coverage(on_coverage), Check::Filing(on_filing)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    draft(&case.context, case.filing)
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    draft(&case.context, case.filing)
        .map(|draft| draft.at(FieldPath::fixed("spec.expiresAt")))
        .into_iter()
        .collect()
}

fn draft(context: &Context<'_>, filing: &Filing) -> Option<Draft> {
    let date = filing.expires_at?;
    let ends = context.ends_soon(date, context.policy.grace.filing)?;
    Some(Draft::new().with("filing", &filing.key).with("ends", ends))
}
