//! Content that needs an approval which the filing does not name.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::content::Asked;
use crate::domain::{ContentFact, FieldPath};

pub(super) static PRE_APPROVAL_MISSING: Rule = Rule {
    id: "PreApprovalMissing",
    pages: documented!("PreApprovalMissing"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{content} needs {document} before it is filed (as of {date}), and the filing names no such approval",
        zh: "{content}须先取得{document}方可备案（截至 {date}），备案中未填写该审批",
    },
    remedy: Words {
        en: "apply for it to {authority}, or take that content off the site; then name it under approvals",
        zh: "请向{authority}申请，或移除相关内容；取得后填写 approvals",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["NatureMismatch"],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let particulars = case.filing.particulars();
    let content = particulars.content.iter().enumerate();
    let unapproved = content.filter(|(_, content)| !particulars.approvals.contains(content));
    unapproved
        .filter_map(|(at, content)| {
            let fact = content.fact()?;
            let is_asked = fact.is_asked_in(case.filing.subject.province);
            let draft = || {
                let draft = Draft::new()
                    .with("content", Value::words(fact.name_en, fact.name_zh))
                    .with("document", Value::words(fact.document_en, fact.document_zh))
                    .with(
                        "authority",
                        Value::words(&format!("its authority ({})", fact.authority_zh), fact.authority_zh),
                    )
                    .with("date", fact.as_of);
                draft.at(FieldPath::from(format!("spec.service.contentTypes[{at}]")))
            };
            is_asked.then(|| as_asked(fact, draft()))
        })
        .collect()
}

/// Where only some bureaus ask it is no more than a warning.
pub(super) fn as_asked(fact: &ContentFact, draft: Draft) -> Draft {
    match fact.asked {
        Asked::Everywhere => draft,
        Asked::InSomeProvinces => draft.as_warning(),
    }
}
