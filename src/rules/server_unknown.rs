//! An access entry that names a server which is not declared.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static SERVER_UNKNOWN: Rule = Rule {
    id: "ServerUnknown",
    pages: documented!("ServerUnknown"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
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
