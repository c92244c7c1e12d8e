//! A host that is an IP address.

use super::case::HostCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::HostError;
use crate::route::Claimed;

pub(super) static IP_HOST: Rule = Rule {
    id: "IpHost",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "MII Order 33, art. 5, covers sites that are reached by address only; providers ask nothing for them.",
    title: Words {
        en: "the host is an IP address",
        zh: "主机是 IP 地址",
    },
    message: Words {
        en: "{address} is an IP address, which no filing names",
        zh: "{address} 是 IP 地址，没有备案会写明它",
    },
    remedy: Words {
        en: "serve it under a filed domain",
        zh: "请使用已备案的域名提供服务",
    },
    yields_to: &[],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::NoHost {
        error: HostError::Address(address),
        ..
    } = case.claimed
    else {
        return None;
    };
    Some(Draft::new().with("address", address))
}
