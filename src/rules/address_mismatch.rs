//! A host that is served at addresses of none of its access entry's servers.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Kept;

pub(super) static ADDRESS_MISMATCH: Rule = Rule {
    id: "AddressMismatch",
    pages: documented!("AddressMismatch"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "it is served at {addresses}, which is no address of {servers}",
        zh: "其服务地址 {addresses} 不属于 {servers}",
    },
    remedy: Words {
        en: "declare the server that has the address, and name it in the access entry; or point the domain at one that is named",
        zh: "请声明拥有该地址的服务器并写入接入信息，或将域名解析到已声明的服务器",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[
        "FilingCancelled",
        "FilingRejected",
        "FilingPending",
        "WrongServiceKind",
        "AccessCancelled",
        "ServerExpired",
    ],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    if case.addresses.is_empty() {
        return None;
    }
    let mut named = Vec::new();
    for (name, kept) in case.entries().into_iter().flat_map(|entry| case.servers(entry)) {
        // A server of which no address is known may be the one.
        let Kept::Read(server) = kept else { return None };
        let mut addresses = server.addresses.iter();
        if server.addresses.is_empty() || addresses.any(|at| case.addresses.iter().any(|served| at.meets(*served))) {
            return None;
        }
        named.push(name);
    }
    (!named.is_empty()).then(|| {
        let addresses = list(case.addresses.iter().map(ToString::to_string));
        Draft::new().with("addresses", addresses).with("servers", list(named))
    })
}
