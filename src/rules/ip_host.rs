//! A host that is an IP address.

use super::case::HostCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::HostError;
use crate::route::Claimed;

pub(super) static IP_HOST: Rule = Rule {
    id: "IpHost",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "MII Order 33 (2005), art. 5, covers sites that are reached by address only; providers ask nothing for them.",
    title: Words {
        en: "the host is an IP address",
        zh: "主机名是 IP 地址",
    },
    message: Words {
        en: "{address} is an IP address, which no filing names",
        zh: "{address} 是 IP 地址，不对应任何备案",
    },
    remedy: Words {
        en: "serve it under a filed domain",
        zh: "请改用已备案的域名提供服务",
    },
    foretells: false,
    is_of_the_name_alone: true,
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: 203.0.113.7}]}
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
    yields_to: &[],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::NoHost {
        error: HostError::Address(address),
        ..
    } = case.claimed
    else {
        return None;
    };
    Some(Draft::new().with("address", address))
}
