//! A handler's ID that has ended.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static HANDLER_ID_EXPIRED: Rule = Rule {
    id: "HandlerIdExpired",
    pages: documented!("HandlerIdExpired"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "the handler's ID ended on {date}",
        zh: "经办人证件已于 {date} 到期",
    },
    remedy: Words {
        en: "have the ID renewed, or name another handler by a change filing at the provider, and write the new end",
        zh: "请更新证件，或在接入商处变更备案更换经办人，并更新到期日",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.ended(Other::HandlerId, "spec.handler.idExpiresAt")
}
