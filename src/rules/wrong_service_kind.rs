//! A host under a filing that is not a website's.

use super::case::CoverageCase;
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::api::ServiceKind;

/// Where it is found, a filing that serves websites explains better, if there is one.
pub static WRONG_SERVICE_KIND: Rule = Rule {
    id: "WrongServiceKind",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "Apps, mini-programs and quick apps are filed apart from websites, and neither covers the other (providers' documentation; their numbers end in A, X, K).",
    title: Words {
        en: "only an App, mini-program or quick-app filing names the domain",
        zh: "该域名只有 APP、小程序或快应用备案",
    },
    message: Words {
        en: "{filing} is {kind}, which covers no website",
        zh: "{filing} 是{kind}，不覆盖网站",
    },
    remedy: Words {
        en: "file the website too; its number ends in -N without a letter",
        zh: "请另行办理网站备案，其备案号以 -N 结尾且不带字母",
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
  number: 京ICP备2021012345号-2A
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  service: {kind: App}
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
  service: {kind: Website}
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
    let kind = match case.filing.kind {
        ServiceKind::App => Value::words("an App filing", " APP 备案"),
        ServiceKind::MiniProgram => Value::words("a mini-program filing", "小程序备案"),
        ServiceKind::QuickApp => Value::words("a quick-app filing", "快应用备案"),
        ServiceKind::Website => {
            let number = case
                .filing
                .site_number()
                .filter(|number| number.is_filing() && !number.serves_websites())?;
            let number = number.text();
            Value::Both {
                en: format!("filed under {number}"),
                zh: format!("以 {number} 备案的"),
            }
        }
    };
    Some(Draft::new().with("filing", &case.filing.key).with("kind", kind))
}
