//! A public suffix, which belongs to nobody who could file it.

use super::case::{FilingCase, HostCase};
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::route::Claimed;

pub(super) static PUBLIC_SUFFIX_HOST: Rule = Rule {
    id: "PublicSuffixHost",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "A filing is made for a registered domain name, one label below a public suffix (providers' documentation; publicsuffix.org, ICANN part).",
    title: Words {
        en: "the host is a public suffix, or a wildcard over one",
        zh: "主机名是公共后缀，或是其通配符",
    },
    message: Words {
        en: "{host} is a public suffix, below which anyone may register",
        zh: "{host} 是公共后缀，任何人都可以在其下注册域名",
    },
    remedy: Words {
        en: "name the domain that is registered",
        zh: "请填写已注册的域名",
    },
    foretells: false,
    is_of_the_name_alone: true,
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: '*.com.cn'}]}
",
        fires: &["Ingress shop/web spec.rules[0].host"],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com.cn]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: '*.example.com.cn'}]}
",
    },
    yields_to: &[],
    checks: &[Check::Host(on_host), Check::Filing(on_filing)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    host.domain()
        .is_public_suffix()
        .then(|| Draft::new().with("host", host.domain()))
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let domains = case.filing.domains.iter().enumerate();
    domains
        .filter_map(|(at, entry)| entry.as_ref().ok().map(|domain| (at, domain)))
        .filter(|(_, domain)| domain.is_public_suffix())
        .map(|(at, domain)| {
            Draft::new()
                .with("host", domain)
                .at(FieldPath::from(format!("spec.domains[{at}]")))
        })
        .collect()
}
