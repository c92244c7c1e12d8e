//! An access entry at stage Submitted.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_PENDING: Rule = Rule {
    id: "AccessPending",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "Providers give access once their own review has passed, or while the old record is valid.",
    title: Words {
        en: "the access entry is not approved yet",
        zh: "接入尚未通过",
    },
    message: Words {
        en: "the access of {filing} at {provider} is not approved yet",
        zh: "{filing} 在 {provider} 的接入尚未通过",
    },
    remedy: Words {
        en: "wait for the approval; the site usually stays up meanwhile",
        zh: "请等待通过，期间网站通常可以继续访问",
    },
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let entries = case.entries();
    let providers: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.stage == AccessStage::Submitted)
        .map(|entry| &*entry.provider)
        .collect();
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
