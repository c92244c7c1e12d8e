//! A host below another department's gov.cn name.

use super::case::CoverageCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};

pub(super) static GOVERNMENT_SUBDOMAIN: Rule = Rule {
    id: "GovernmentSubdomain",
    pages: documented!("GovernmentSubdomain"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "{host} is below {domain}; a department under it files on its own",
        zh: "{host} 位于 {domain} 之下，下属部门须单独备案",
    },
    remedy: Words {
        en: "if it is another department's, have that department file it, and declare its Filing; else exempt it in the policy",
        zh: "若属于其他部门，请由该部门单独备案并声明 Filing；否则可在策略中豁免",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["FilingCancelled", "FilingRejected", "FilingPending", "WrongServiceKind"],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let host = case.host.domain();
    if host.suffix() != "gov.cn" {
        return None;
    }
    let over = case.filing.covering_domains().filter(|domain| domain.covers(host));
    let nearest = over.max_by_key(|domain| domain.as_str().len())?;
    let below = host.as_str().strip_suffix(nearest.as_str())?;
    // Its own pages, not a department.
    if below.is_empty() || below == "www." {
        return None;
    }
    Some(Draft::new().with("host", case.host).with("domain", nearest))
}
