//! A host that no trusted filing names.

use super::case::HostCase;
use super::finding::{Draft, Value, list};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::host::unicode;
use crate::route::Claimed;

/// The first thing that is to be done about a domain: to file it, or to declare that it is.
pub static NO_FILING: Rule = Rule {
    id: "NoFiling",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33 (2005), art. 5: no service on the mainland before the filing is made; providers block unfiled domains on every port.",
    title: Words {
        en: "no trusted filing covers the host",
        zh: "没有受信任的备案覆盖该主机名",
    },
    message: Words {
        en: "no trusted filing covers {domain}",
        zh: "没有受信任的备案覆盖 {domain}",
    },
    remedy: Words {
        en: "file {domain} with access at {provider}, and declare it as a Filing",
        zh: "请为 {domain} 办理备案并在{provider}接入，再用 Filing 声明",
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
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.net}]}
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
    yields_to: &["PublicSuffixHost", "UnfilableSuffix"],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    if case.filing.is_some() {
        return None;
    }
    let provider = if case.places.is_empty() {
        Value::words("its provider", "其接入商")
    } else {
        let mut providers: Vec<&str> = case.places.iter().map(|place| &*place.provider).collect();
        providers.sort_unstable();
        providers.dedup();
        let names = list(providers);
        Value::Both {
            zh: format!(" {names} "),
            en: names,
        }
    };
    let domain = unicode(host.domain().registrable().unwrap_or(host.domain().as_str()));
    Some(Draft::new().with("domain", domain).with("provider", provider))
}
