//! An access entry for other regions than the site's.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};

pub(super) static REGION_MISMATCH: Rule = Rule {
    id: "RegionMismatch",
    pages: documented!("RegionMismatch"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "{filing} has access in {regions}, not in {place}",
        zh: "{filing} 的接入地域为 {regions}，不含 {place}",
    },
    remedy: Words {
        en: "add the region to the access entry once the provider has it, or serve the host from one that is named",
        zh: "请在接入商登记该地域后写入接入信息，或改由已登记的地域提供服务",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[
        "FilingCancelled",
        "FilingRejected",
        "FilingPending",
        "WrongServiceKind",
        "AccessCancelled",
    ],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let mut regions: Vec<&str> = Vec::new();
    let mut places = Vec::new();
    for place in case.known_places() {
        let Some(entry) = case.entry(place).filter(|entry| !entry.is_for(place)) else {
            continue;
        };
        for named in &entry.regions {
            if !regions.contains(&named.as_str()) {
                regions.push(named);
            }
        }
        places.push(place.to_string());
    }
    (!places.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("regions", list(regions))
            .with("place", list(places))
    })
}
