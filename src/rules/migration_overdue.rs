//! A migration between providers that takes too long.

use super::case::{AccessCase, Context, FilingCase};
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::AccessStage;
use crate::domain::FieldPath;
use crate::registry::Access;

pub(super) static MIGRATION_OVERDUE: Rule = Rule {
    id: "MigrationOverdue",
    pages: documented!("MigrationOverdue"),
    severity: Some(Severity::Warning),
    basis: Basis::Advice,
    message: Words {
        en: "the migration from {from} to {provider} has been under way since {since}, and was to end by {end}",
        zh: "由 {from} 迁移至 {provider} 始于 {since}，应在 {end} 当日或之前完成",
    },
    remedy: Words {
        en: "finish the move, cancel the access at {from}, and take migratingFrom out of the Filing",
        zh: "请完成迁移、在 {from} 取消接入，并从 Filing 中删除 migratingFrom",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access), Check::Filing(on_filing)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    case.entries().into_iter().find_map(|entry| draft(&case.context, entry))
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let entries = case.filing.access.iter().enumerate();
    let overdue = entries.filter_map(|(at, entry)| Some((at, draft(&case.context, entry)?)));
    overdue
        .map(|(at, draft)| draft.at(FieldPath::from(format!("spec.access[{at}].migratingFrom"))))
        .collect()
}

fn draft(context: &Context<'_>, entry: &Access) -> Option<Draft> {
    if entry.stage == AccessStage::Cancelled {
        return None;
    }
    let (from, since) = (entry.migrating_from.as_ref()?, entry.since?);
    let grace = context.policy.grace.migration;
    context.moment.is_past(since, grace).then(|| {
        Draft::new()
            .with("from", from)
            .with("provider", &entry.provider)
            .with("since", since)
            .with("end", since.plus(grace))
    })
}
