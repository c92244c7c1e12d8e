//! A domain in another name than the subject's.

use unicode_normalization::UnicodeNormalization;

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::FieldPath;

pub(super) static HOLDER_MISMATCH: Rule = Rule {
    id: "HolderMismatch",
    pages: documented!("HolderMismatch"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "the domain is registered to {holder}, and {subject} files it",
        zh: "域名持有人为 {holder}，备案主体为 {subject}",
    },
    remedy: Words {
        en: "transfer the domain to the subject, or have it filed by its holder; a shareholder, the head or an executive of a unit may hold it",
        zh: "请将域名过户给备案主体，或由持有人备案；单位的股东、负责人、高管可以持有",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let (subject, holder) = (&case.filing.subject.name, case.filing.particulars().holder.as_ref());
    let other = holder.filter(|holder| !is_same_name(holder, subject));
    other
        .map(|holder| {
            let draft = Draft::new().with("holder", holder).with("subject", subject);
            draft.at(FieldPath::fixed("spec.registration.holder"))
        })
        .into_iter()
        .collect()
}

/// Whether two spellings are one name: the width of brackets and letters, and white space, are nobody's name.
pub(super) fn is_same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String { name.nfkc().filter(|c| !c.is_whitespace()).collect() };
    a == b || plain(a) == plain(b)
}
