//! The catalogue: one file a rule, with what it looks at, its words and its examples. Pure: a rule sees a case and
//! answers; it reads no clock, and asks about time only through the [`Moment`].

mod case;
mod finding;
mod moment;
mod page;
mod rule;

mod access_cancelled;
mod access_pending;
mod catch_all_host;
mod domain_expired;
mod domain_expiring;
mod duplicate_domain;
mod filing_cancelled;
mod filing_expired;
mod filing_expiring;
mod filing_not_shared;
mod filing_pending;
mod filing_rejected;
mod invalid_host;
mod ip_host;
mod no_access;
mod no_filing;
mod number_irregular;
mod number_malformed;
mod opaque_configuration;
mod public_suffix_host;
mod region_mismatch;
mod region_unknown;
mod server_expired;
mod server_expiring;
mod server_unknown;
mod shared_number;
mod unfilable_suffix;
mod unreadable;
mod wrong_service_kind;

pub use case::{AccessCase, Context, CoverageCase, FilingCase, HostCase, ServerCase};
pub use filing_not_shared::FILING_NOT_SHARED;
pub use finding::{Detail, Draft, Finding, Value, list, names};
pub use moment::Moment;
pub use no_filing::NO_FILING;
pub use page::{Page, Pages, Part};
pub use rule::{Basis, Check, Lang, Rule, Severity, Words};
pub use unreadable::UNREADABLE;
pub use wrong_service_kind::WRONG_SERVICE_KIND;

use crate::api::RuleLevel;
use crate::domain::FieldPath;
use crate::registry::{Policy, Problem};

/// Every rule. Of two findings of one severity on one host, the one whose rule comes first explains it better.
pub static CATALOGUE: [&Rule; 29] = [
    &UNREADABLE,
    &invalid_host::INVALID_HOST,
    &public_suffix_host::PUBLIC_SUFFIX_HOST,
    &catch_all_host::CATCH_ALL_HOST,
    &opaque_configuration::OPAQUE_CONFIGURATION,
    &ip_host::IP_HOST,
    &unfilable_suffix::UNFILABLE_SUFFIX,
    &NO_FILING,
    &FILING_NOT_SHARED,
    &WRONG_SERVICE_KIND,
    &filing_cancelled::FILING_CANCELLED,
    &filing_rejected::FILING_REJECTED,
    &filing_pending::FILING_PENDING,
    &number_malformed::NUMBER_MALFORMED,
    &filing_expired::FILING_EXPIRED,
    &domain_expired::DOMAIN_EXPIRED,
    &no_access::NO_ACCESS,
    &access_cancelled::ACCESS_CANCELLED,
    &region_mismatch::REGION_MISMATCH,
    &server_expired::SERVER_EXPIRED,
    &region_unknown::REGION_UNKNOWN,
    &access_pending::ACCESS_PENDING,
    &filing_expiring::FILING_EXPIRING,
    &domain_expiring::DOMAIN_EXPIRING,
    &server_expiring::SERVER_EXPIRING,
    &server_unknown::SERVER_UNKNOWN,
    &duplicate_domain::DUPLICATE_DOMAIN,
    &shared_number::SHARED_NUMBER,
    &number_irregular::NUMBER_IRREGULAR,
];

/// The rule of a name.
pub fn find(id: &str) -> Option<&'static Rule> {
    CATALOGUE.iter().copied().find(|rule| rule.id == id)
}

/// How well a rule explains, the best first: its place in the catalogue.
pub fn rank(rule: &Rule) -> usize {
    CATALOGUE.iter().position(|entry| *entry == rule).unwrap_or(usize::MAX)
}

/// The severity of what a rule finds: the policy's word, else the one that the check itself found fitting, else the
/// rule's default. None: the rule is off.
pub fn severity(rule: &Rule, found: Option<Severity>, policy: &Policy) -> Option<Severity> {
    match policy.rules.get(rule.id) {
        None => found.or(rule.severity),
        Some(RuleLevel::Disabled) => None,
        Some(RuleLevel::Warning) => Some(Severity::Warning),
        Some(RuleLevel::Violation) => Some(Severity::Violation),
    }
}

/// What a policy says of rules that the catalogue does not have.
pub fn unknown_in(policy: &Policy) -> impl Iterator<Item = Problem> {
    let unknown = policy.rules.keys().filter(|id| find(id).is_none());
    unknown.map(|id| Problem {
        path: FieldPath::from(format!("spec.rules.{id}")),
        message: format!("there is no rule {id}; `filing-operator rules` lists those there are"),
    })
}
