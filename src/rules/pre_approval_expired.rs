//! An approval that has ended.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::pre_approval_missing::as_asked;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::Other;

pub(super) static PRE_APPROVAL_EXPIRED: Rule = Rule {
    id: "PreApprovalExpired",
    pages: documented!("PreApprovalExpired"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "the approval for {content} ended on {date}",
        zh: "{content}的前置审批已于 {date} 到期",
    },
    remedy: Words {
        en: "renew it with the authority that gave it, and write its new end; until then take that content off the site",
        zh: "请向原审批部门办理延续并更新到期日，其间请移除相关内容",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let approvals = case.filing.particulars().approvals.iter().enumerate();
    approvals
        .filter_map(|(at, content)| {
            let date = case.filing.end_of(Other::Approval(*content))?;
            if !case.context.moment.is_past(date, 0) {
                return None;
            }
            let fact = content.fact();
            let name = match fact {
                Some(fact) => Value::words(fact.name_en, fact.name_zh),
                None => Value::from(format!("{content:?}")),
            };
            let draft = Draft::new().with("content", name).with("date", date);
            let draft = draft.at(FieldPath::from(format!("spec.approvals[{at}].expiresAt")));
            Some(match fact {
                Some(fact) => as_asked(fact, draft),
                None => draft.as_warning(),
            })
        })
        .collect()
}
