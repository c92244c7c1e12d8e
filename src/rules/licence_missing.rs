//! A paid service without a commercial licence.

use super::case::FilingCase;
use super::finding::Draft;
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::api::ContentType;
use crate::domain::{FieldPath, NumberKind};

pub(super) static LICENCE_MISSING: Rule = Rule {
    id: "LicenceMissing",
    pages: documented!("LicenceMissing"),
    severity: Some(Severity::Warning),
    basis: Basis::Regulation,
    message: Words {
        en: "it sells information, and states no commercial licence",
        zh: "该服务为经营性服务，但未填写经营许可证",
    },
    remedy: Words {
        en: "apply to the bureau for the ICP licence (增值电信业务经营许可证 B25), which comes after the filing, and write it under licence",
        zh: "请在备案后向通信管理局申请增值电信业务经营许可证（B25，即 ICP 证），并填写 licence",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["NatureMismatch"],
    checks: &[Check::Filing(on_filing)],
};

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let particulars = case.filing.particulars();
    // Who has a licence may serve under its number.
    let serves_under_it = case
        .filing
        .site_number()
        .is_some_and(|number| matches!(number.kind, NumberKind::Licence | NumberKind::LegacyLicence));
    let at = particulars
        .content
        .iter()
        .position(|content| *content == ContentType::CommercialIcp);
    let path = match (particulars.is_paid, at) {
        (true, _) => FieldPath::fixed("spec.service.paid"),
        (false, Some(at)) => FieldPath::from(format!("spec.service.contentTypes[{at}]")),
        (false, None) => return Vec::new(),
    };
    if particulars.has_licence || serves_under_it {
        return Vec::new();
    }
    vec![Draft::new().at(path)]
}
