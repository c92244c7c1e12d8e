//! A filing that is not for this namespace.

use super::case::CoverageCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};

/// Where it is found nothing else is told of the filing: its particulars are not this reader's.
pub static FILING_NOT_SHARED: Rule = Rule {
    id: "FilingNotShared",
    pages: documented!("FilingNotShared"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "a filing covers {host}, but not for namespace {namespace}",
        zh: "有备案覆盖 {host}，但未对命名空间 {namespace} 开放",
    },
    remedy: Words {
        en: "ask the team that keeps the filings to allow the namespace",
        zh: "请联系备案管理团队开放该命名空间",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let is_shared = case.context.facts.is_shared_with(case.filing, case.namespace);
    (!is_shared).then(|| Draft::new().with("host", case.host).with("namespace", case.namespace))
}
