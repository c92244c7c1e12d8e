//! A route that answers for whatever domain is pointed at it.

use super::case::HostCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::route::Claimed;

pub(super) static CATCH_ALL_HOST: Rule = Rule {
    id: "CatchAllHost",
    pages: documented!("CatchAllHost"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "the route answers for any domain that is pointed at it",
        zh: "该路由会响应任何指向它的域名",
    },
    remedy: Words {
        en: "name the hosts in spec.rules, and leave out the default backend",
        zh: "请在 spec.rules 中写明主机名，并去掉默认后端",
    },
    foretells: false,
    is_of_the_name_alone: true,
    yields_to: &[],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    matches!(case.claimed, Claimed::Anything).then(Draft::new)
}
