//! An object that is there and can't be read as its kind.

use super::rule::{Basis, Check, Rule, Severity, Words};

/// Found where an object is read, not where a case is judged.
pub static UNREADABLE: Rule = Rule {
    id: "Unreadable",
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    source: "What can't be read can't be shown to comply.",
    title: Words {
        en: "the object can't be read as its kind",
        zh: "对象无法按其类型读取",
    },
    message: Words {
        en: "it can't be read: {error}",
        zh: "无法读取：{error}",
    },
    remedy: Words {
        en: "mend the field that it names",
        zh: "请修正所指出的字段",
    },
    yields_to: &[],
    checks: &[Check::Reading],
};
