//! A filing that the site's provider holds no access for.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};

pub(super) static NO_ACCESS: Rule = Rule {
    id: "NoAccess",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "Each provider that serves a domain holds its access filing: who gives access answers for it (谁接入谁负责; providers' documentation).",
    title: Words {
        en: "the filing has no access entry for the site's provider",
        zh: "备案没有站点所在接入商的接入信息",
    },
    message: Words {
        en: "{filing} has no access at {place}",
        zh: "{filing} 没有在 {place} 的接入备案",
    },
    remedy: Words {
        en: "make an access filing (接入备案) there, and add it to spec.access",
        zh: "请在该接入商办理新增接入，并写入 spec.access",
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
  access: [{provider: tencentcloud, stage: Approved}]
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
  access:
    - {provider: tencentcloud, stage: Approved}
    - {provider: alicloud, stage: Approved}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let places: Vec<String> = case
        .known_places()
        .filter(|place| case.entry(place).is_none())
        .map(ToString::to_string)
        .collect();
    (!places.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("place", list(places))
    })
}
