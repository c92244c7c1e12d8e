//! A host that is an IP address.

use super::case::HostCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::HostError;
use crate::route::Claimed;

pub(super) static IP_HOST: Rule = Rule {
    id: "IpHost",
    pages: documented!("IpHost"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "{address} is an IP address, which no filing names",
        zh: "{address} 是 IP 地址，不对应任何备案",
    },
    remedy: Words {
        en: "serve it under a filed domain",
        zh: "请改用已备案的域名提供服务",
    },
    foretells: false,
    is_of_the_name_alone: true,
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
