//! Several providers with access, and no migration that explains it.

use super::case::FilingCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Words};
use crate::api::AccessStage;
use crate::domain::FieldPath;
use crate::registry::Access;

pub(super) static CONFLICTING_ACCESS: Rule = Rule {
    id: "ConflictingAccess",
    pages: documented!("ConflictingAccess"),
    severity: None,
    basis: Basis::Advice,
    message: Words {
        en: "{providers} all have access, and no migration explains it",
        zh: "{providers} 同时已接入，且未说明正在迁移",
    },
    remedy: Words {
        en: "cancel the access that serves nothing any more, or say migratingFrom while it moves",
        zh: "请取消不再使用的接入；迁移期间请填写 migratingFrom",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let at = |stage: AccessStage| case.filing.access.iter().filter(move |entry| entry.stage == stage);
    let mut approved: Vec<&Access> = at(AccessStage::Approved).collect();
    // Two names of one provider are one provider.
    approved.sort_by(|a, b| a.provider.cmp(&b.provider));
    approved.dedup_by(|a, b| a.provider == b.provider);
    let is_left = |entry: &Access| {
        let moving = at(AccessStage::Approved).chain(at(AccessStage::Submitted));
        let mut moves = moving.filter_map(|other| other.migrating_from.as_deref());
        moves.any(|from| *from == *entry.provider)
    };
    let staying = approved.iter().filter(|entry| !is_left(entry)).count();
    if staying < 2 {
        return Vec::new();
    }
    let providers = list(approved.iter().map(|entry| &*entry.provider));
    let draft = Draft::new().with("providers", providers);
    vec![draft.at(FieldPath::fixed("spec.access"))]
}
