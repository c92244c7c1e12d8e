//! A filing that is not for this namespace.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};

/// Where it is found nothing else is told of the filing: its particulars are not this reader's.
pub static FILING_NOT_SHARED: Rule = Rule {
    id: "FilingNotShared",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "Whom a filing's keeper lets serve under it is the keeper's decision (allowedNamespaces): who files answers for what is served.",
    title: Words {
        en: "a filing covers the host, but not for this namespace",
        zh: "有备案覆盖该主机名，但未对此命名空间开放",
    },
    message: Words {
        en: "a filing covers {host}, but not for namespace {namespace}",
        zh: "有备案覆盖 {host}，但未对命名空间 {namespace} 开放",
    },
    remedy: Words {
        en: "ask the team that keeps the filings to allow the namespace",
        zh: "请联系备案管理团队开放该命名空间",
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
  allowedNamespaces: {from: Same}
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
  allowedNamespaces:
    from: Selector
    selector: {matchLabels: {kubernetes.io/metadata.name: shop}}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &[],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let is_shared = case.context.facts.is_shared_with(case.filing, case.namespace);
    (!is_shared).then(|| Draft::new().with("host", case.host).with("namespace", case.namespace))
}
