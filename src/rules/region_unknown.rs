//! A site of which it can't be told where it is.

use super::case::AccessCase;
use super::finding::{Draft, Value, list};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::Location;

pub(super) static REGION_UNKNOWN: Rule = Rule {
    id: "RegionUnknown",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "Whether a filing is needed, and with access at whom, follows from where the server stands (providers' documentation).",
    title: Words {
        en: "where the site is can't be told",
        zh: "无法判断站点所在位置",
    },
    message: Words {
        en: "where {site} is can't be told, so access is not judged",
        zh: "无法判断{site}所在位置，因此未检查接入",
    },
    remedy: Words {
        en: "say it in spec.site of the policy, or with --provider and --region; for a data centre of your own, its province too",
        zh: "请在策略的 spec.site 中或用 --provider、--region 写明服务商和地域，自有机房还需写明省份",
    },
    foretells: false,
    is_of_the_name_alone: false,
    examples: Examples {
        bad: "\
apiVersion: filing-operator.io/v1alpha1
kind: FilingPolicy
metadata: {name: default}
spec:
  filingsFrom: {all: true}
  site: {provider: idc-telecom, region: jiuxianqiao}
---
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: idc-telecom, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &["Ingress shop/web spec.rules[0].host"],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: FilingPolicy
metadata: {name: default}
spec:
  filingsFrom: {all: true}
  site: {provider: idc-telecom, region: jiuxianqiao, province: CN-BJ}
---
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: idc-telecom, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &[],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let unknown: Vec<String> = case
        .places
        .iter()
        .filter(|place| place.location == Location::Unknown)
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        let names = list(unknown);
        return Some(Draft::new().with(
            "site",
            Value::Both {
                zh: format!(" {names} "),
                en: names,
            },
        ));
    }
    case.is_nowhere
        .then(|| Draft::new().with("site", Value::words("the site", "站点")))
}
