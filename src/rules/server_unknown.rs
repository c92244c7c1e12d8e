//! An access entry that names a server which is not declared.

use super::case::FilingCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static SERVER_UNKNOWN: Rule = Rule {
    id: "ServerUnknown",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "An end that nobody declared can't be told of in time.",
    title: Words {
        en: "an access entry names a server that does not exist",
        zh: "接入信息写明的服务器不存在",
    },
    message: Words {
        en: "there is no AccessServer {server}, so it counts as naming none",
        zh: "不存在 AccessServer {server}，视为未写明服务器",
    },
    remedy: Words {
        en: "declare it as an AccessServer, or mend its name",
        zh: "请声明该 AccessServer，或修正名称",
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
