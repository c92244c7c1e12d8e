//! A number that was understood only after mending.

use super::case::FilingCase;
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::{Number, NumberKind};
use crate::registry::NumberRole;

pub(super) static NUMBER_IRREGULAR: Rule = Rule {
    id: "NumberIrregular",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "Bureaus check the number in the footer as it is written; Guangdong (粤) shows the main number, all others the site's.",
    title: Words {
        en: "a number was understood only after mending, or is a main number where the site's is due",
        zh: "备案号经修正后才能识别，或应写网站备案号处写了主体备案号",
    },
    message: Words { en: "\"{number}\" {fact}", zh: "“{number}” {fact}" },
    remedy: Words { en: "write {right}", zh: "请写作 {right}" },
    yields_to: &[],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let numbers = case.filing.numbers.iter().filter_map(|numbered| Some((numbered.role, numbered.number.as_ref().ok()?)));
    numbers.filter_map(|(role, number)| draft(role, number).map(|draft| draft.at(role.path()))).collect()
}

fn draft(role: NumberRole, number: &Number) -> Option<Draft> {
    let mended = number.irregularities();
    if !mended.is_empty() {
        let join = |words: Vec<String>, comma: &str| words.join(comma);
        let fact = Value::Both {
            en: format!("was understood after mending: {}", join(mended.iter().map(ToString::to_string).collect(), ", ")),
            zh: format!("经修正后识别：{}", join(mended.iter().map(|what| what.zh().to_owned()).collect(), "、")),
        };
        return Some(Draft::new().with("number", number.typed()).with("fact", fact).with("right", number.text()));
    }
    let is_main = role == NumberRole::Site
        && number.service.is_none()
        && matches!(number.kind, NumberKind::Main | NumberKind::Licence)
        && number.province.is_none_or(|province| province.icp != "粤");
    is_main.then(|| {
        let fact = Value::words("is the subject's number, where the site's is due", "是主体备案号，此处应为网站备案号");
        let right = Value::Both { en: format!("{}-N, with the number of the site", number.text()), zh: format!("{}-N（网站序号）", number.text()) };
        Draft::new().with("number", number.text()).with("fact", fact).with("right", right)
    })
}
