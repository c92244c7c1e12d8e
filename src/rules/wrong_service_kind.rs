//! A host under a filing that is not a website's.

use super::case::CoverageCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::ServiceKind;

/// Where it is found, a filing that serves websites explains better, if there is one.
pub static WRONG_SERVICE_KIND: Rule = Rule {
    id: "WrongServiceKind",
    pages: documented!("WrongServiceKind"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{filing} is {kind}, which covers no website",
        zh: "{filing} 是{kind}，不覆盖网站",
    },
    remedy: Words {
        en: "file the website too; its number ends in -N without a letter",
        zh: "请另行办理网站备案，其备案号以 -N 结尾且不带字母",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Coverage(on_coverage)],
};

fn on_coverage(case: &CoverageCase<'_>) -> Option<Draft> {
    let kind = match case.filing.kind {
        ServiceKind::App => Value::words("an App filing", " APP 备案"),
        ServiceKind::MiniProgram => Value::words("a mini-program filing", "小程序备案"),
        ServiceKind::QuickApp => Value::words("a quick-app filing", "快应用备案"),
        ServiceKind::Website => {
            let number = case
                .filing
                .site_number()
                .filter(|number| number.is_filing() && !number.serves_websites())?;
            let number = number.text();
            Value::Both {
                en: format!("filed under {number}"),
                zh: format!("以 {number} 备案的"),
            }
        }
    };
    Some(Draft::new().with("filing", &case.filing.key).with("kind", kind))
}
