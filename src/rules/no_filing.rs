//! A host that no trusted filing names.

use super::case::HostCase;
use super::finding::{Draft, Value, list};
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::host::unicode;
use crate::route::Claimed;

pub(super) static NO_FILING: Rule = Rule {
    id: "NoFiling",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33 (2005), art. 5: no internet information service without a filing; State Council Order 292, art. 4.",
    title: Words {
        en: "no trusted filing covers the host",
        zh: "没有受信任的备案覆盖该主机",
    },
    message: Words {
        en: "no trusted filing covers {domain}",
        zh: "没有受信任的备案覆盖 {domain}",
    },
    remedy: Words {
        en: "file {domain} with access at {provider}, and declare it as a Filing",
        zh: "请为 {domain} 办理备案并在{provider}接入，然后声明为 Filing",
    },
    yields_to: &["PublicSuffixHost", "UnfilableSuffix"],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    if case.filing.is_some() {
        return None;
    }
    let provider = if case.places.is_empty() {
        Value::words("its provider", "其接入商")
    } else {
        let mut providers: Vec<&str> = case.places.iter().map(|place| &*place.provider).collect();
        providers.dedup();
        let names = list(providers);
        Value::Both {
            zh: format!(" {names} "),
            en: names,
        }
    };
    let domain = unicode(host.domain().registrable().unwrap_or(host.domain().as_str()));
    Some(Draft::new().with("domain", domain).with("provider", provider))
}
