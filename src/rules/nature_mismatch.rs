//! Content that an individual can't file.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::{ContentType, Nature};
use crate::domain::FieldPath;
use crate::domain::content::Asked;

pub(super) static NATURE_MISMATCH: Rule = Rule {
    id: "NatureMismatch",
    pages: documented!("NatureMismatch"),
    severity: Some(Severity::Violation),
    basis: Basis::Practice,
    message: Words {
        en: "an individual can't file {content}",
        zh: "个人主体不能备案{content}",
    },
    remedy: Words {
        en: "file it as a unit, or take that content off the site and out of contentTypes",
        zh: "请以单位主体备案，或移除相关内容并更新 contentTypes",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let particulars = case.filing.particulars();
    if case.filing.subject.nature != Nature::Individual {
        return Vec::new();
    }
    let paid = particulars.is_paid.then(|| {
        let content = Value::words("a paid service", "经营性服务");
        Draft::new()
            .with("content", content)
            .at(FieldPath::fixed("spec.service.paid"))
    });
    let content = particulars.content.iter().enumerate();
    let content = content.filter_map(|(at, content)| {
        let draft = Draft::new().with("content", refused(*content)?);
        Some(draft.at(FieldPath::from(format!("spec.service.contentTypes[{at}]"))))
    });
    paid.into_iter().chain(content).collect()
}

/// A kind of content that no individual can file.
fn refused(content: ContentType) -> Option<Value> {
    match content {
        ContentType::Commerce => Some(Value::words("commercial content (Commerce)", "电子商务内容")),
        ContentType::CommercialIcp => Some(Value::words(
            "paid information services (CommercialIcp)",
            "经营性互联网信息服务",
        )),
        ContentType::Bbs => Some(Value::words("a forum (Bbs)", "论坛等电子公告服务")),
        _ => {
            let fact = content.fact().filter(|fact| fact.asked == Asked::Everywhere)?;
            Some(Value::Both {
                en: format!("{} ({content:?}), which needs an approval", fact.name_en),
                zh: format!("需前置审批的{}内容", fact.name_zh),
            })
        }
    }
}
