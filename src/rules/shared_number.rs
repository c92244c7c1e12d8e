//! A site number that another filing has as well.

use super::case::FilingCase;
use super::duplicate_domain::other;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::registry::NumberRole;

pub(super) static SHARED_NUMBER: Rule = Rule {
    id: "SharedNumber",
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    source: "Each site, mirror, App and mini-program has a number of its own, the subject's with -1, -2A … behind it (MIIT notice 工信管函〔2019〕633号; providers' documentation).",
    title: Words {
        en: "two services use one site number",
        zh: "两个网站或 APP 使用同一个备案号",
    },
    message: Words {
        en: "{number} is the number of {other} too",
        zh: "{number} 也是{other}的备案号",
    },
    remedy: Words {
        en: "give each service its own number, or declare the domains of one service in one Filing",
        zh: "请为每个网站或 APP 填写各自的备案号；同一网站的多个域名请填写在同一个 Filing 中",
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
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-net, namespace: filing-system}
spec:
  domains: [example.net]
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
        fires: &[
            "Filing filing-system/example-com spec.number",
            "Filing filing-system/example-net spec.number",
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
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-net, namespace: filing-system}
spec:
  domains: [example.net]
  number: 京ICP备2021012345号-2
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
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let filing = case.filing;
    let found = case.context.facts.elder_with_number(filing).and_then(|elder| {
        let draft = Draft::new()
            .with("number", filing.site_number()?.text())
            .with("other", other(filing, elder));
        Some(draft.at(NumberRole::Site.path()))
    });
    found.into_iter().collect()
}
