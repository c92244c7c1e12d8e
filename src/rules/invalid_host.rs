//! A host, or a domain of a filing, that is no valid DNS name.

use super::case::{FilingCase, HostCase};
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::{FieldPath, HostError};
use crate::route::Claimed;

pub(super) static INVALID_HOST: Rule = Rule {
    id: "InvalidHost",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "RFC 1123 §2.1 and RFC 5891 for the form; a filing is made for a registered domain name (providers' documentation).",
    title: Words {
        en: "the host is no valid DNS name",
        zh: "主机名不是有效的域名",
    },
    message: Words {
        en: "{error}",
        zh: "{error}",
    },
    remedy: Words {
        en: "write the name as it is registered",
        zh: "请按注册的域名填写",
    },
    foretells: false,
    is_of_the_name_alone: true,
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: my_shop.example.com}]}
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
spec: {rules: [{host: my-shop.example.com}]}
",
    },
    yields_to: &[],
    checks: &[Check::Host(on_host), Check::Filing(on_filing)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    match case.claimed {
        Claimed::NoHost {
            error: HostError::Address(_),
            ..
        }
        | Claimed::Host(_)
        | Claimed::Anything
        | Claimed::Opaque(_) => None,
        Claimed::NoHost { error, .. } => Some(draft(error)),
    }
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let entries = case.filing.domains.iter().enumerate();
    entries
        .filter_map(|(at, entry)| entry.as_ref().err().map(|error| (at, error)))
        .map(|(at, error)| draft(error).at(FieldPath::from(format!("spec.domains[{at}]"))))
        .collect()
}

fn draft(error: &HostError) -> Draft {
    Draft::new().with(
        "error",
        Value::Both {
            en: error.to_string(),
            zh: error.zh(),
        },
    )
}
