//! An object that is there and can't be read as its kind.

use super::rule::{Basis, Check, Examples, Rule, Severity, Words};

/// Found where an object is read, not where a case is judged.
pub static UNREADABLE: Rule = Rule {
    id: "Unreadable",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "What can't be read can't be shown to comply.",
    title: Words {
        en: "the object can't be read as its kind",
        zh: "对象无法按其类型解析",
    },
    message: Words {
        en: "it can't be read: {error}",
        zh: "无法解析：{error}",
    },
    remedy: Words {
        en: "mend the field that it names",
        zh: "请更正所指出的字段",
    },
    foretells: false,
    is_of_the_name_alone: false,
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: www.example.com}
",
        fires: &["Ingress shop/web spec.rules"],
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
    yields_to: &[],
    checks: &[Check::Reading],
};
