//! An access entry at stage Cancelled.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_CANCELLED: Rule = Rule {
    id: "AccessCancelled",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "MII Order 33, art. 18; a filing whose last access is cancelled is an empty shell, which the bureau cancels.",
    title: Words {
        en: "the access entry has been cancelled",
        zh: "接入已取消",
    },
    message: Words {
        en: "the access of {filing} at {provider} has been cancelled",
        zh: "{filing} 在 {provider} 的接入已取消",
    },
    remedy: Words {
        en: "make a new access filing there, or serve it from a provider that gives access",
        zh: "请重新办理接入备案，或改由有接入的服务商提供服务",
    },
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let entries = case.entries();
    let providers: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.stage == AccessStage::Cancelled)
        .map(|entry| &*entry.provider)
        .collect();
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
