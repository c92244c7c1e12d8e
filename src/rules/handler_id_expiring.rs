//! A handler's ID that ends soon.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static HANDLER_ID_EXPIRING: Rule = Rule {
    id: "HandlerIdExpiring",
    pages: documented!("HandlerIdExpiring"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "the handler's ID ends on {date}",
        zh: "经办人证件将于 {date} 到期",
    },
    remedy: Words {
        en: "have the ID renewed in time, and write its new end",
        zh: "请及时更新证件，并更新到期日",
    },
    foretells: true,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.near(Other::HandlerId, "spec.handler.idExpiresAt")
}
