//! An access entry for other regions than the site's.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::place::same_region;

pub(super) static REGION_MISMATCH: Rule = Rule {
    id: "RegionMismatch",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "Providers check that a domain resolves to the servers of its access filing; a record that names regions is meant for those.",
    title: Words {
        en: "the access entry names regions, and the site's is none of them",
        zh: "接入信息写明了地域，但不含站点所在地域",
    },
    message: Words {
        en: "{filing} has access in {regions}, not in {place}",
        zh: "{filing} 的接入地域为 {regions}，不含 {place}",
    },
    remedy: Words {
        en: "add the region to the access entry once the provider has it, or serve the host from one that is named",
        zh: "接入商登记后请将该地域写入接入信息，或改由已写明的地域提供服务",
    },
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
        let Some((entry, region)) = case.entry(place).zip(place.region.as_deref()) else {
            continue;
        };
        if !entry.regions.is_empty()
            && !entry
                .regions
                .iter()
                .any(|named| same_region(&place.provider, named, region))
        {
            regions.extend(
                entry
                    .regions
                    .iter()
                    .map(String::as_str)
                    .filter(|named| !regions.contains(named))
                    .collect::<Vec<_>>(),
            );
            places.push(place.to_string());
        }
    }
    (!places.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("regions", list(regions))
            .with("place", list(places))
    })
}
