//! A site number that another filing has as well.

use super::case::FilingCase;
use super::duplicate_domain::other;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::registry::NumberRole;

pub(super) static SHARED_NUMBER: Rule = Rule {
    id: "SharedNumber",
    pages: documented!("SharedNumber"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "{number} is the number of {other} too",
        zh: "{number} 也是{other}的备案号",
    },
    remedy: Words {
        en: "give each service its own number, or declare the domains of one service in one Filing",
        zh: "请为每个网站或 APP 填写各自的备案号；同一网站的多个域名请填写在同一个 Filing 中",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let filing = case.filing;
    let found = case.context.facts.elder_with_number(filing).and_then(|elder| {
        let draft = Draft::new()
            .with("number", filing.site_number()?.text())
            .with("other", other(filing, elder));
        Some(draft.at(NumberRole::Site.path()))
    });
    found.into_iter().collect()
}
