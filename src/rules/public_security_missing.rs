//! A site without a public-security filing a month after its launch.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;
use crate::registry::NumberRole;

pub(super) static PUBLIC_SECURITY_MISSING: Rule = Rule {
    id: "PublicSecurityMissing",
    pages: documented!("PublicSecurityMissing"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "it was opened on {date}, and states no public-security number, which was due by {due}",
        zh: "网站于 {date} 开通，应于 {due} 前完成公安联网备案，但未填写公安备案号",
    },
    remedy: Words {
        en: "file it at beian.mps.gov.cn, put the number and its icon on the page, and write it under publicSecurity",
        zh: "请在 beian.mps.gov.cn 办理公安联网备案，在页面展示备案号和图标，并填写 publicSecurity",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

/// How long one has after the launch, in days.
const DAYS: u32 = 30;

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let filing = case.filing;
    let is_filed = filing
        .numbers
        .iter()
        .any(|numbered| numbered.role == NumberRole::PublicSecurity);
    let launched = filing.particulars().launched_at.filter(|_| !is_filed);
    let late = launched.filter(|launched| case.context.moment.is_past(*launched, DAYS));
    late.map(|launched| {
        let draft = Draft::new().with("date", launched).with("due", launched.plus(DAYS));
        draft.at(FieldPath::fixed("spec.launchedAt"))
    })
    .into_iter()
    .collect()
}
