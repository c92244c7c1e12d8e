//! An access entry whose servers have all ended.

use super::case::{AccessCase, Context, ServerCase};
use super::finding::{Draft, Value, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::ServerState;
use crate::domain::FieldPath;
use crate::registry::{Kept, Server};

pub(super) static SERVER_EXPIRED: Rule = Rule {
    id: "ServerExpired",
    pages: documented!("ServerExpired"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "{servers} {end}",
        zh: "{servers} {end}",
    },
    remedy: Words {
        en: "renew it, or name a server that lasts in the access entry, before the provider cancels the access",
        zh: "请续费，或在接入信息中改用仍有效的服务器，以免接入商取消接入",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[
        "FilingCancelled",
        "FilingRejected",
        "FilingPending",
        "WrongServiceKind",
        "AccessCancelled",
    ],
    checks: &[Check::Access(on_access), Check::Server(on_server)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    for entry in case.entries() {
        let servers = case.servers(entry);
        let ended: Vec<(&str, Value)> = servers
            .iter()
            .filter_map(|(name, server)| Some((*name, end_of_kept(&case.context, server)?)))
            .collect();
        if !ended.is_empty() && ended.len() == servers.len() {
            let names = list(ended.iter().map(|(name, _)| *name));
            let end = match ended.as_slice() {
                [(_, end)] => end.clone(),
                _ => Value::words("have all ended", "均已到期或停用"),
            };
            return Some(Draft::new().with("servers", names).with("end", end));
        }
    }
    None
}

fn on_server(case: &ServerCase<'_>) -> Option<Draft> {
    let end = end_of(&case.context, case.server)?;
    let path = FieldPath::fixed(if case.server.state == ServerState::Active {
        "spec.expiresAt"
    } else {
        "spec.state"
    });
    Some(
        Draft::new()
            .with("servers", &case.server.name)
            .with("end", end)
            .at(path),
    )
}

fn end_of_kept(context: &Context<'_>, server: &Kept<Server>) -> Option<Value> {
    match server {
        Kept::Read(server) => end_of(context, server),
        Kept::Unreadable(_) => Some(Value::words(
            "can't be read, so it does not count",
            "无法读取，因此不计入",
        )),
    }
}

/// How a server has ended, if it has.
pub(super) fn end_of(context: &Context<'_>, server: &Server) -> Option<Value> {
    match server.state {
        ServerState::Suspended => Some(Value::words("is suspended", "已停用")),
        ServerState::Released => Some(Value::words("has been released", "已释放")),
        ServerState::Active => {
            let date = server.expires_at?;
            let has_ended = context.moment.is_past(date, context.policy.grace.server);
            has_ended.then(|| Value::Both {
                en: format!("ended on {date}"),
                zh: format!("已于 {date} 到期"),
            })
        }
    }
}
