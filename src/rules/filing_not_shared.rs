//! A filing that is not for this namespace.

use super::case::CoverageCase;
use super::finding::Draft;
use super::rule::{Basis, Check, Rule, Severity, Words};

/// Where it is found nothing else is told of the filing: its particulars are not this reader's.
pub static FILING_NOT_SHARED: Rule = Rule {
    id: "FilingNotShared",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "The subject of a filing answers for what is served under it (MII Order 33, art. 5); whom it lets serve is its own decision.",
    title: Words {
        en: "a filing covers the host, but not for this namespace",
        zh: "有备案覆盖该主机，但不适用于此命名空间",
    },
    message: Words {
        en: "a filing covers {host}, but not for namespace {namespace}",
        zh: "有备案覆盖 {host}，但不适用于命名空间 {namespace}",
    },
    remedy: Words {
        en: "ask the team that keeps the filings to allow the namespace",
        zh: "请联系负责备案的团队允许该命名空间",
    },
    yields_to: &[],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let is_shared = case.context.facts.is_shared_with(case.filing, case.namespace);
    (!is_shared).then(|| Draft::new().with("host", case.host).with("namespace", case.namespace))
}
