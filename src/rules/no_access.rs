//! A filing that the site's provider holds no access for.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Rule, Severity, Words};

pub(super) static NO_ACCESS: Rule = Rule {
    id: "NoAccess",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "Who gives access answers for it (谁接入谁负责): MII Order 33, art. 18; each provider that serves a domain holds an access filing for it.",
    title: Words {
        en: "the filing has no access entry for the site's provider",
        zh: "备案没有该站点接入商的接入信息",
    },
    message: Words {
        en: "{filing} has no access at {place}",
        zh: "{filing} 未在 {place} 接入",
    },
    remedy: Words {
        en: "make an access filing (接入备案) there, and add it to spec.access",
        zh: "请在该接入商办理新增接入，并写入 spec.access",
    },
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let places: Vec<String> = case
        .known_places()
        .filter(|place| case.entry(place).is_none())
        .map(ToString::to_string)
        .collect();
    (!places.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("place", list(places))
    })
}
