//! An access entry that names a server which is not declared.

use super::case::FilingCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static SERVER_UNKNOWN: Rule = Rule {
    id: "ServerUnknown",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "An end that nobody declared can't be told of in time.",
    title: Words {
        en: "an access entry names a server that does not exist",
        zh: "接入信息中的服务器不存在",
    },
    message: Words {
        en: "there is no AccessServer {server}, so the name counts for nothing",
        zh: "AccessServer {server} 不存在，视为未填写",
    },
    remedy: Words {
        en: "declare it as an AccessServer, or mend the name",
        zh: "请创建该 AccessServer，或更正名称",
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
  access: [{provider: alicloud, servers: [beijing-slb], stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &["Filing filing-system/example-com spec.access[0].servers[0]"],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, servers: [beijing-slb], stage: Approved}]
---
apiVersion: filing-operator.io/v1alpha1
kind: AccessServer
metadata: {name: beijing-slb}
spec: {provider: alicloud, region: cn-beijing, expiresAt: 2028-11-01}
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
    let mut drafts = Vec::new();
    for (at, access) in case.filing.access.iter().enumerate() {
        for (server_at, server) in access.servers.iter().enumerate() {
            if case.context.facts.server(server).is_none() {
                let path = FieldPath::from(format!("spec.access[{at}].servers[{server_at}]"));
                drafts.push(Draft::new().with("server", server).at(path));
            }
        }
    }
    drafts
}
