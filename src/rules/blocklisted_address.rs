//! A server that carries the host and is on a blocklist.

use super::case::{AccessCase, Context, ServerCase};
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::ServerState;
use crate::domain::FieldPath;
use crate::registry::{Kept, Server};

pub(super) static BLOCKLISTED_ADDRESS: Rule = Rule {
    id: "BlocklistedAddress",
    pages: documented!("BlocklistedAddress"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "{server} is blocklisted{why}",
        zh: "{server} 已被列入黑名单{why}",
    },
    remedy: Words {
        en: "have it taken off the list, or serve from another server, and mark it as such in the AccessServer",
        zh: "请申请移出黑名单或改用其他服务器，并更新 AccessServer",
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
    let carriers = case.entries().into_iter().flat_map(|entry| case.carriers(entry));
    carriers
        .filter_map(|(_, kept)| match kept {
            Kept::Read(server) => Some(server),
            Kept::Unreadable(_) => None,
        })
        .find_map(|server| draft(&case.context, server))
}

fn on_server(case: &ServerCase<'_>) -> Option<Draft> {
    draft(&case.context, case.server).map(|draft| draft.at(FieldPath::fixed("spec.blocklisted")))
}

fn draft(context: &Context<'_>, server: &Server) -> Option<Draft> {
    // One that was given back serves nothing.
    let listed = server
        .blocklisted
        .as_ref()
        .filter(|_| server.state != ServerState::Released)
        .filter(|listed| listed.since.is_none_or(|since| context.moment.is_within(since, 0)))?;
    let (mut en, mut zh) = (String::new(), String::new());
    if let Some(since) = listed.since {
        en = format!(" since {since}");
        zh = format!("（自 {since} 起）");
    }
    // Why is for its keeper: the reason may name whom it concerns, and stands in the AccessServer.
    Some(
        Draft::new()
            .with("server", &server.name)
            .with("why", Value::Both { en, zh }),
    )
}
