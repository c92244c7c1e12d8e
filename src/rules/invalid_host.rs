//! A host, or a domain of a filing, that is no valid DNS name.

use super::case::{FilingCase, HostCase};
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::{FieldPath, HostError};
use crate::route::Claimed;

pub(super) static INVALID_HOST: Rule = Rule {
    id: "InvalidHost",
    pages: documented!("InvalidHost"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{error}",
        zh: "{error}",
    },
    remedy: Words {
        en: "write the name as it is registered",
        zh: "请按注册的域名填写",
    },
    foretells: false,
    is_of_the_name_alone: true,
    yields_to: &[],
    checks: &[Check::Host(on_host), Check::Filing(on_filing)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    match case.claimed {
        Claimed::NoHost {
            error: HostError::Address(_),
            ..
        }
        | Claimed::Host(_)
        | Claimed::Anything
        | Claimed::Opaque(_) => None,
        Claimed::NoHost { error, .. } => Some(draft(error)),
    }
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let entries = case.filing.domains.iter().enumerate();
    entries
        .filter_map(|(at, entry)| entry.as_ref().err().map(|error| (at, error)))
        .map(|(at, error)| draft(error).at(FieldPath::from(format!("spec.domains[{at}]"))))
        .collect()
}

fn draft(error: &HostError) -> Draft {
    Draft::new().with(
        "error",
        Value::Both {
            en: error.to_string(),
            zh: error.zh(),
        },
    )
}
