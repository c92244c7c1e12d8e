//! What was written in another way than it ought to be and has exactly one right form: what `check --fix` writes.
//!
//! Where there are two forms that might be meant, or none, nothing is offered: that is for a person to decide. This room
//! knows what is right, and not how a file is written.

use std::collections::HashMap;

use crate::api::{FilingPolicySpec, FilingSpec};
use crate::domain::{Domain, FieldPath, Number, Province};
use crate::registry::NumberRole;

/// A field's text, and the one right form of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// The field.
    pub path: FieldPath,
    /// What stands there.
    pub from: String,
    /// What ought to.
    pub to: String,
    /// Whether what stands there is against its form. Else it may stand: a domain in Unicode, a province by its name.
    pub is_irregular: bool,
}

impl Mend {
    fn new(path: FieldPath, from: &str, to: &str) -> Option<Self> {
        (from != to).then(|| Self {
            path,
            from: from.to_owned(),
            to: to.to_owned(),
            is_irregular: false,
        })
    }
}

/// What can be mended in a filing: its numbers, its domains, and the province of its subject.
///
/// ```
/// use filing_operator::api::FilingSpec;
/// use filing_operator::mend;
///
/// let spec = FilingSpec { number: Some("京icp备12345678-1号".to_owned()), ..FilingSpec::default() };
/// assert_eq!(mend::of_filing(&spec)[0].to, "京ICP备12345678号-1");
/// ```
pub fn of_filing(spec: &FilingSpec) -> Vec<Mend> {
    let licence = spec.licence.as_ref().and_then(|licence| licence.number.as_deref());
    let public_security = spec.public_security.as_ref().and_then(|filed| filed.number.as_deref());
    let numbers = [
        (NumberRole::Site, spec.number.as_deref()),
        (NumberRole::Main, spec.subject.main_number.as_deref()),
        (NumberRole::Licence, licence),
        (NumberRole::PublicSecurity, public_security),
    ];
    let province = of_province("spec.subject.province", spec.subject.province.as_deref());
    domains(&spec.domains)
        .into_iter()
        .chain(numbers.into_iter().filter_map(|(role, typed)| number(role, typed?)))
        .chain(province)
        .collect()
}

/// What can be mended in a policy: the province of its site.
pub fn of_policy(spec: &FilingPolicySpec) -> Vec<Mend> {
    let site = spec.site.as_ref();
    let province = site.and_then(|site| of_province("spec.site.province", site.province.as_deref()));
    province.into_iter().collect()
}

/// A number that stands in the field of another kind is left alone, and a subject's where the site's is due: what belongs
/// there is not known.
fn number(role: NumberRole, typed: &str) -> Option<Mend> {
    let number = Number::parse(typed).ok()?;
    if !role.takes(&number) || role.lacks_service(&number) {
        return None;
    }
    let is_irregular = !number.irregularities().is_empty();
    Mend::new(role.path(), typed, number.text()).map(|mend| Mend { is_irregular, ..mend })
}

/// A list of domains is a set: two that would become one are left alone, for one of them is to go.
fn domains(typed: &[String]) -> Vec<Mend> {
    let right: Vec<Option<Domain>> = typed.iter().map(|typed| domain(typed)).collect();
    let mut claimed: HashMap<&str, usize> = HashMap::new();
    for (typed, right) in typed.iter().zip(&right) {
        *claimed
            .entry(right.as_ref().map_or(typed, |domain| domain.as_str()))
            .or_default() += 1;
    }
    let mends = typed.iter().zip(&right).enumerate().filter_map(|(at, (typed, right))| {
        let right = right.as_ref()?.as_str();
        let is_alone = claimed.get(right) == Some(&1);
        is_alone.then(|| Mend::new(FieldPath::from(format!("spec.domains[{at}]")), typed, right))?
    });
    mends.collect()
}

/// A port says that something else was meant than a domain.
fn domain(typed: &str) -> Option<Domain> {
    let has_port = typed.contains([':', '：']);
    Domain::parse(typed).ok().filter(|_| !has_port)
}

fn of_province(path: &'static str, typed: Option<&str>) -> Option<Mend> {
    let typed = typed?;
    Mend::new(FieldPath::fixed(path), typed, Province::find(typed)?.code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn filing(fields: &Value) -> FilingSpec {
        let mut spec =
            json!({"domains": ["example.com"], "subject": {"name": "示例科技有限公司", "nature": "Enterprise"}});
        for (key, value) in fields.as_object().unwrap() {
            match (spec[key].as_object_mut(), value.as_object()) {
                (Some(there), Some(more)) => there.extend(more.clone()),
                _ => spec[key] = value.clone(),
            }
        }
        serde_json::from_value(spec).unwrap()
    }

    fn told(mends: &[Mend]) -> Vec<String> {
        mends.iter().map(|mend| format!("{} {}", mend.path, mend.to)).collect()
    }

    #[rstest]
    #[case::regular(json!({"number": "京ICP备12345678号-1", "subject": {"province": "CN-BJ"}}), &[])]
    #[case::from_a_spreadsheet(json!({"number": "京icp备12345678-1号"}), &["spec.number 京ICP备12345678号-1"])]
    #[case::with_a_label(json!({"number": "备案号： 京ICP备12345678号－1"}), &["spec.number 京ICP备12345678号-1"])]
    #[case::traditional(json!({"number": "粵ICP備12345678號"}), &["spec.number 粤ICP备12345678号"])]
    #[case::another_abbreviation(json!({"number": "川ICP备12345678号-1"}), &["spec.number 蜀ICP备12345678号-1"])]
    #[case::a_licence_has_either(json!({"licence": {"number": "川b2-20203456"}}), &["spec.licence.number 川B2-20203456"])]
    #[case::main_number(json!({"subject": {"mainNumber": "京icp备12345678"}}), &["spec.subject.mainNumber 京ICP备12345678号"])]
    #[case::public_security(json!({"publicSecurity": {"number": "京公網安備 11010502030123"}}), &["spec.publicSecurity.number 京公网安备11010502030123号"])]
    #[case::which_site_is_not_known(json!({"number": "京icp备12345678"}), &[])]
    #[case::no_number(json!({"number": "京ICP备1234号-1"}), &[])]
    #[case::of_no_known_province(json!({"number": "云ICP备12345678号-1"}), &[])]
    #[case::of_another_kind(json!({"number": "京公网安备 11010502030123号", "licence": {"number": "京icp备12345678号"}}), &[])]
    #[case::a_site_as_the_main_number(json!({"subject": {"mainNumber": "京icp备12345678号-1"}}), &[])]
    #[case::in_unicode(json!({"domains": ["示例.中国"]}), &["spec.domains[0] xn--fsq092h.xn--fiqs8s"])]
    #[case::final_dot(json!({"domains": ["a.com", "example.com."]}), &["spec.domains[1] example.com"])]
    #[case::full_width(json!({"domains": ["ｅｘａｍｐｌｅ。ｃｏｍ"]}), &["spec.domains[0] example.com"])]
    #[case::upper_case(json!({"domains": ["Example.COM"]}), &["spec.domains[0] example.com"])]
    #[case::a_port(json!({"domains": ["EXAMPLE.com:8443"]}), &[])]
    #[case::a_url(json!({"domains": ["https://Example.com/"]}), &[])]
    #[case::a_wildcard(json!({"domains": ["*.Example.com"]}), &[])]
    #[case::two_would_be_one(json!({"domains": ["Example.com", "example.com", "b.COM"]}), &["spec.domains[2] b.com"])]
    #[case::both_would_be_one(json!({"domains": ["Example.com", "example.com."]}), &[])]
    #[case::name(json!({"subject": {"province": "北京"}}), &["spec.subject.province CN-BJ"])]
    #[case::long_name(json!({"subject": {"province": "北京市"}}), &["spec.subject.province CN-BJ"])]
    #[case::abbreviation(json!({"subject": {"province": "京"}}), &["spec.subject.province CN-BJ"])]
    #[case::other_abbreviation(json!({"subject": {"province": "川"}}), &["spec.subject.province CN-SC"])]
    #[case::lower_case(json!({"subject": {"province": "cn-bj"}}), &["spec.subject.province CN-BJ"])]
    #[case::no_province(json!({"subject": {"province": "香港"}}), &[])]
    fn what_has_one_right_form_is_mended(#[case] fields: Value, #[case] due: &[&str]) {
        assert_eq!(told(&of_filing(&filing(&fields))), due);
    }

    #[rstest]
    #[case::name("上海", &["spec.site.province CN-SH"])]
    #[case::outside("Outside", &[])]
    #[case::nowhere("Atlantis", &[])]
    fn a_sites_province_is_mended(#[case] province: &str, #[case] due: &[&str]) {
        let spec = serde_json::from_value(json!({"site": {"provider": "idc", "province": province}})).unwrap();
        assert_eq!(told(&of_policy(&spec)), due);
    }

    proptest! {
        #[test]
        fn what_is_mended_needs_no_mending(
            number in "[京川ICPicp备備证B2b0-9号號 -]{0,24}|(京|川)(icp|ICP)备[0-9]{8}号?-[1-9]号?",
            domain in "[a-zA-Z示例。.:-]{0,12}",
            province in "北京市?|京|川|cn-sc|[a-z]{0,3}",
        ) {
            let spec = filing(&json!({
                "number": number, "domains": [domain, "example.com"],
                "subject": {"mainNumber": number, "province": province},
                "licence": {"number": number}, "publicSecurity": {"number": number},
            }));
            let mends = of_filing(&spec);
            let mut after = serde_json::to_value(&spec).unwrap();
            for mend in &mends {
                let pointer = mend.path.as_str().trim_start_matches("spec.").replace(['.', '['], "/").replace(']', "");
                let field = after.pointer_mut(&format!("/{pointer}")).unwrap();
                prop_assert_eq!(&*field, &mend.from);
                *field = json!(mend.to);
            }
            let after: FilingSpec = serde_json::from_value(after).unwrap();
            prop_assert_eq!(of_filing(&after), vec![]);
        }
    }
}
