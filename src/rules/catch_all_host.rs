//! A route that answers for whatever domain is pointed at it.

use super::case::HostCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::route::Claimed;

pub(super) static CATCH_ALL_HOST: Rule = Rule {
    id: "CatchAllHost",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "Providers block an address on which strangers' unfiled domains are answered; one public account of it, unverified.",
    title: Words {
        en: "a rule without a host, or a default backend: it answers for any domain pointed at it",
        zh: "没有主机的规则或默认后端：会响应任何指向它的域名",
    },
    message: Words {
        en: "it answers for any domain that is pointed at it",
        zh: "它会响应任何指向它的域名",
    },
    remedy: Words {
        en: "name the hosts in spec.rules, and leave out the default backend",
        zh: "请在 spec.rules 中写明主机，并去掉默认后端",
    },
    yields_to: &[],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    matches!(case.claimed, Claimed::Anything).then(Draft::new)
}
