//! A filing that the site's provider holds no access for.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};

pub(super) static NO_ACCESS: Rule = Rule {
    id: "NoAccess",
    pages: documented!("NoAccess"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{filing} has no access at {place}",
        zh: "{filing} 没有在 {place} 的接入备案",
    },
    remedy: Words {
        en: "make an access filing (接入备案) there, and add it to spec.access",
        zh: "请在该接入商办理新增接入，并写入 spec.access",
    },
    foretells: false,
    is_of_the_name_alone: false,
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
