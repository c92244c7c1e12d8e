//! A filing of which little is left of what was approved.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Words};

/// The rule that needs to know what was approved, which only a cluster does.
pub static TOO_MANY_CHANGES: Rule = Rule {
    id: "TooManyChanges",
    pages: documented!("TooManyChanges"),
    severity: None,
    basis: Basis::Advice,
    message: Words {
        en: "{count} core fields are no longer what was approved",
        zh: "已有 {count} 项核心信息与审核通过时不同",
    },
    remedy: Words {
        en: "look whether it is still the site and the subject that were approved; what has become another is filed anew",
        zh: "请核对是否仍为审核通过时的网站和主体；已成为另一网站或主体的，应重新备案",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

/// How many fields may change.
const MOST: u8 = 5;

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let changed = case.filing.changed.filter(|changed| *changed > MOST);
    changed
        .map(|changed| Draft::new().with("count", changed))
        .into_iter()
        .collect()
}
