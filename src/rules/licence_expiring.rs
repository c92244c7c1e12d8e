//! A commercial licence that ends soon.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::Other;

pub(super) static LICENCE_EXPIRING: Rule = Rule {
    id: "LicenceExpiring",
    pages: documented!("LicenceExpiring"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "the commercial licence ends on {date}",
        zh: "经营许可证将于 {date} 到期",
    },
    remedy: Words {
        en: "ask the bureau to renew it, some 90 days before its end, with the annual reports of January to March done",
        zh: "请在到期前约 90 天向通信管理局申请延续，并确认每年 1–3 月的年报已提交",
    },
    foretells: true,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    case.near(Other::Licence, "spec.licence.expiresAt")
}
