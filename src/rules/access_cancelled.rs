//! An access entry at stage Cancelled.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_CANCELLED: Rule = Rule {
    id: "AccessCancelled",
    pages: documented!("AccessCancelled"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "the access of {filing} at {provider} has been cancelled",
        zh: "{filing} 在 {provider} 的接入备案已取消",
    },
    remedy: Words {
        en: "make a new access filing there, or serve it from a provider that gives access",
        zh: "请在该接入商重新办理接入备案，或改由已接入的服务商提供服务",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let providers = case.providers_at(AccessStage::Cancelled);
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
