//! A commercial licence that has ended.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static LICENCE_EXPIRED: Rule = Rule {
    id: "LicenceExpired",
    pages: documented!("LicenceExpired"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "the commercial licence ended on {date}",
        zh: "经营许可证已于 {date} 到期",
    },
    remedy: Words {
        en: "stop selling until the bureau has renewed it, and write its new end",
        zh: "请停止经营性服务并向通信管理局办理延续，取得后更新到期日",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.ended(Other::Licence, "spec.licence.expiresAt")
}
