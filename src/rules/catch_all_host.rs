//! A route that answers for whatever domain is pointed at it.

use super::case::HostCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::route::Claimed;

pub(super) static CATCH_ALL_HOST: Rule = Rule {
    id: "CatchAllHost",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "A stranger's unfiled domain pointed at the address is served too; that servers were stopped for it is one public account, unverified.",
    title: Words {
        en: "a rule without a host, or a default backend: it answers for any domain pointed at it",
        zh: "规则未写主机名，或设有默认后端：会响应任何指向它的域名",
    },
    message: Words {
        en: "the route answers for any domain that is pointed at it",
        zh: "该路由会响应任何指向它的域名",
    },
    remedy: Words {
        en: "name the hosts in spec.rules, and leave out the default backend",
        zh: "请在 spec.rules 中写明主机名，并去掉默认后端",
    },
    foretells: false,
    is_of_the_name_alone: true,
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
",
        fires: &["Ingress shop/web spec.defaultBackend"],
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
    matches!(case.claimed, Claimed::Anything).then(Draft::new)
}
