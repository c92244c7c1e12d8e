//! An access entry whose last server ends soon.

use super::case::{AccessCase, Context, ServerCase};
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use super::server_expired::end_of;
use crate::domain::FieldPath;
use crate::registry::{Kept, Server};

pub(super) static SERVER_EXPIRING: Rule = Rule {
    id: "ServerExpiring",
    pages: documented!("ServerExpiring"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
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
