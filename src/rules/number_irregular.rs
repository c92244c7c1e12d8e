//! A number that was understood only after mending.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::Irregularity;
use crate::registry::Numbered;

pub(super) static NUMBER_IRREGULAR: Rule = Rule {
    id: "NumberIrregular",
    pages: documented!("NumberIrregular"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "\"{number}\" {fact}",
        zh: "“{number}” {fact}",
    },
    remedy: Words {
        en: "write {right}",
        zh: "请写作 {right}",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let numbers = case.filing.numbers.iter();
    numbers
        .filter_map(|numbered| draft(numbered).map(|draft| draft.at(numbered.role.path())))
        .collect()
}

fn draft(numbered: &Numbered) -> Option<Draft> {
    let number = numbered.number.as_ref().ok()?;
    let mended = number.irregularities();
    if !mended.is_empty() {
        let en: Vec<String> = mended.iter().map(ToString::to_string).collect();
        let zh: Vec<String> = mended.iter().map(Irregularity::zh).collect();
        let fact = Value::Both {
            en: format!("was understood after mending: {}", en.join(", ")),
            zh: format!("经修正后识别：{}", zh.join("、")),
        };
        return Some(
            Draft::new()
                .with("number", numbered.typed())
                .with("fact", fact)
                .with("right", number.text()),
        );
    }
    numbered.role.lacks_service(number).then(|| {
        let fact = Value::words("does not say which site it is for", "未写明网站序号");
        let right = Value::Both {
            en: format!("{}-N, with the number of the site", number.text()),
            zh: format!("{}-N（网站序号）", number.text()),
        };
        Draft::new()
            .with("number", number.text())
            .with("fact", fact)
            .with("right", right)
    })
}
