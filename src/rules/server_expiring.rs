//! An access entry whose last server ends soon.

use super::case::{AccessCase, Context, ServerCase};
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use super::server_expired::end_of;
use crate::domain::FieldPath;
use crate::registry::{Kept, Server};

pub(super) static SERVER_EXPIRING: Rule = Rule {
    id: "ServerExpiring",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "Providers cancel the access of a domain whose server has lapsed; looking ahead is practice.",
    title: Words {
        en: "the last server of the access entry to end is expiring, and does not renew itself",
        zh: "接入信息中最后到期的服务器即将到期，且未开启自动续费",
    },
    message: Words {
        en: "{server} {ends}",
        zh: "{server} {ends}",
    },
    remedy: Words {
        en: "renew it, or add a server that lasts",
        zh: "请续费，或增加有效期更长的服务器",
    },
    foretells: true,
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
apiVersion: filing-operator.io/v1alpha1
kind: AccessServer
metadata: {name: beijing-slb}
spec: {provider: alicloud, region: cn-beijing, expiresAt: 2026-12-08}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
        fires: &[
            "Ingress shop/web spec.rules[0].host",
            "AccessServer beijing-slb spec.expiresAt",
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
  access: [{provider: alicloud, servers: [beijing-slb], stage: Approved}]
---
apiVersion: filing-operator.io/v1alpha1
kind: AccessServer
metadata: {name: beijing-slb}
spec: {provider: alicloud, region: cn-beijing, expiresAt: 2026-12-08, autoRenew: true}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
    yields_to: &[
        "FilingCancelled",
        "FilingRejected",
        "FilingPending",
        "WrongServiceKind",
        "AccessCancelled",
        "ServerExpired",
    ],
    checks: &[Check::Access(on_access), Check::Server(on_server)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    case.entries().into_iter().find_map(|entry| {
        let servers = case.servers(entry);
        let live: Vec<&Server> = servers
            .iter()
            .filter_map(|(_, kept)| match kept {
                Kept::Read(server) => Some(&**server),
                Kept::Unreadable(_) => None,
            })
            .filter(|server| end_of(&case.context, server).is_none())
            .collect();
        let expiring: Vec<(&Server, Value)> = live
            .iter()
            .filter_map(|server| Some((*server, ends(&case.context, server)?)))
            .collect();
        let (last, ends) = expiring.iter().max_by_key(|(server, _)| server.expires_at)?;
        (expiring.len() == live.len()).then(|| {
            let name = &last.name;
            let carrying = Value::Both {
                en: format!("{name}, which carries it,"),
                zh: format!("承载它的 {name}"),
            };
            Draft::new().with("server", carrying).with("ends", ends.clone())
        })
    })
}

fn on_server(case: &ServerCase<'_>) -> Option<Draft> {
    if end_of(&case.context, case.server).is_some() {
        return None;
    }
    let ends = ends(&case.context, case.server)?;
    Some(
        Draft::new()
            .with("server", &case.server.name)
            .with("ends", ends)
            .at(FieldPath::fixed("spec.expiresAt")),
    )
}

fn ends(context: &Context<'_>, server: &Server) -> Option<Value> {
    if server.auto_renew {
        return None;
    }
    context.ends_soon(server.expires_at?, context.policy.grace.server)
}
