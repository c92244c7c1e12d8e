//! A number of another province or another subject.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::Number;
use crate::registry::{Filing, NumberRole};

pub(super) static NUMBER_MISMATCH: Rule = Rule {
    id: "NumberMismatch",
    pages: documented!("NumberMismatch"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "{number} {fact}",
        zh: "{number} {fact}",
    },
    remedy: Words {
        en: "look the number up at beian.miit.gov.cn, and mend the one that is wrong",
        zh: "请在 beian.miit.gov.cn 查询后更正有误的一项",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let filing = case.filing;
    let mut drafts = Vec::new();
    for numbered in &filing.numbers {
        let of_filing = matches!(numbered.role, NumberRole::Site | NumberRole::Main);
        let (true, Ok(number), Some(subject)) = (of_filing, &numbered.number, filing.subject.province) else {
            continue;
        };
        // A licence for several provinces begins with none.
        if let Some(province) = number.province.filter(|province| *province != subject) {
            let fact = Value::Both {
                en: format!("is of {}, and the subject is in {}", province.name_en, subject.name_en),
                zh: format!("属于{}，而主体位于{}", province.short_zh, subject.short_zh),
            };
            drafts.push(draft(number, fact).at(numbered.role.path()));
        }
    }
    if let (Some(site), Some(main)) = (filing.site_number(), main_number(filing))
        && site.is_filing_number()
        && site.main() != main.main()
    {
        let main = main.main();
        let fact = Value::Both {
            en: format!("does not extend the main number {main}"),
            zh: format!("不是主体备案号 {main} 下的网站备案号"),
        };
        drafts.push(draft(site, fact).at(NumberRole::Site.path()));
    }
    drafts
}

fn main_number(filing: &Filing) -> Option<&Number> {
    let mut numbers = filing.numbers.iter();
    let main = numbers.find(|numbered| numbered.role == NumberRole::Main)?;
    main.number.as_ref().ok().filter(|number| number.is_filing_number())
}

fn draft(number: &Number, fact: Value) -> Draft {
    Draft::new().with("number", number.text()).with("fact", fact)
}
