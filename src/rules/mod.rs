//! The catalogue: one file a rule, with what it looks at, its words and its examples. Pure: a rule sees a case and
//! answers; it reads no clock, and asks about time only through the [`Moment`].

mod case;
mod finding;
mod moment;
mod page;
mod rule;

mod access_cancelled;
mod access_pending;
mod account_mismatch;
mod address_mismatch;
mod blocklisted_address;
mod catch_all_host;
mod conflicting_access;
mod domain_expired;
mod domain_expiring;
mod domain_unverified;
mod duplicate_domain;
mod filing_cancelled;
mod filing_expired;
mod filing_expiring;
mod filing_not_shared;
mod filing_pending;
mod filing_rejected;
mod government_subdomain;
mod government_suffix;
mod handler_id_expired;
mod handler_id_expiring;
mod holder_mismatch;
mod invalid_host;
mod ip_host;
mod licence_expired;
mod licence_expiring;
mod licence_missing;
mod migration_overdue;
mod mirror_unmarked;
mod nature_mismatch;
mod no_access;
mod no_filing;
mod number_irregular;
mod number_malformed;
mod number_mismatch;
mod opaque_configuration;
mod pre_approval_expired;
mod pre_approval_missing;
mod public_security_missing;
mod public_suffix_host;
mod region_mismatch;
mod region_unknown;
mod review_due;
mod review_overdue;
mod served_outside_mainland;
mod server_expired;
mod server_expiring;
mod server_unknown;
mod shared_number;
mod too_many_changes;
mod unfilable_suffix;
mod unreadable;
mod wrong_service_kind;

pub use case::{AccessCase, Context, CoverageCase, FilingCase, HostCase, ServerCase};
pub use filing_not_shared::FILING_NOT_SHARED;
pub use finding::{Detail, Draft, Finding, Value, list, names};
pub use moment::Moment;
pub use no_filing::NO_FILING;
pub use page::{Page, Pages, Part, without_links};
pub use rule::{Basis, Check, Lang, Rule, Severity, Words};
pub use too_many_changes::TOO_MANY_CHANGES;
pub use unreadable::UNREADABLE;
pub use wrong_service_kind::WRONG_SERVICE_KIND;

use crate::api::RuleLevel;
use crate::domain::FieldPath;
use crate::registry::{Policy, Problem};

/// Every rule. Of two findings of one severity on one host, the one whose rule comes first explains it better.
pub static CATALOGUE: [&Rule; 53] = [
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
    &nature_mismatch::NATURE_MISMATCH,
    &pre_approval_missing::PRE_APPROVAL_MISSING,
    &pre_approval_expired::PRE_APPROVAL_EXPIRED,
    &filing_expired::FILING_EXPIRED,
    &domain_expired::DOMAIN_EXPIRED,
    &no_access::NO_ACCESS,
    &access_cancelled::ACCESS_CANCELLED,
    &region_mismatch::REGION_MISMATCH,
    &server_expired::SERVER_EXPIRED,
    &blocklisted_address::BLOCKLISTED_ADDRESS,
    &region_unknown::REGION_UNKNOWN,
    &served_outside_mainland::SERVED_OUTSIDE_MAINLAND,
    &access_pending::ACCESS_PENDING,
    &address_mismatch::ADDRESS_MISMATCH,
    &filing_expiring::FILING_EXPIRING,
    &domain_expiring::DOMAIN_EXPIRING,
    &server_expiring::SERVER_EXPIRING,
    &migration_overdue::MIGRATION_OVERDUE,
    &government_subdomain::GOVERNMENT_SUBDOMAIN,
    &server_unknown::SERVER_UNKNOWN,
    &duplicate_domain::DUPLICATE_DOMAIN,
    &shared_number::SHARED_NUMBER,
    &number_mismatch::NUMBER_MISMATCH,
    &number_irregular::NUMBER_IRREGULAR,
    &domain_unverified::DOMAIN_UNVERIFIED,
    &holder_mismatch::HOLDER_MISMATCH,
    &government_suffix::GOVERNMENT_SUFFIX,
    &licence_missing::LICENCE_MISSING,
    &licence_expired::LICENCE_EXPIRED,
    &licence_expiring::LICENCE_EXPIRING,
    &public_security_missing::PUBLIC_SECURITY_MISSING,
    &handler_id_expired::HANDLER_ID_EXPIRED,
    &handler_id_expiring::HANDLER_ID_EXPIRING,
    &review_overdue::REVIEW_OVERDUE,
    &review_due::REVIEW_DUE,
    &mirror_unmarked::MIRROR_UNMARKED,
    &account_mismatch::ACCOUNT_MISMATCH,
    &conflicting_access::CONFLICTING_ACCESS,
    &TOO_MANY_CHANGES,
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
