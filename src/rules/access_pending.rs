//! An access entry at stage Submitted.

use super::case::AccessCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::AccessStage;

pub(super) static ACCESS_PENDING: Rule = Rule {
    id: "AccessPending",
    pages: documented!("AccessPending"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "the access of {filing} at {provider} is not approved yet",
        zh: "{filing} 在 {provider} 的接入备案尚未通过审核",
    },
    remedy: Words {
        en: "wait for the approval; the site usually stays up meanwhile",
        zh: "请等待审核通过，其间网站一般可以继续访问",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let providers = case.providers_at(AccessStage::Submitted);
    (!providers.is_empty()).then(|| {
        Draft::new()
            .with("filing", &case.filing.key)
            .with("provider", list(providers))
    })
}
