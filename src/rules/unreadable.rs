//! An object that is there and can't be read as its kind.

use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};

/// Found where an object is read, not where a case is judged.
pub static UNREADABLE: Rule = Rule {
    id: "Unreadable",
    pages: documented!("Unreadable"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "it can't be read: {error}",
        zh: "无法解析：{error}",
    },
    remedy: Words {
        en: "mend the field that it names",
        zh: "请更正所指出的字段",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Reading],
};
