//! An answer to a request, and how the API server reads it.

use std::sync::Arc;

use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use kube::core::{DynamicObject, Status};

use crate::judge::Outcome;

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Let through without a word.
    Allowed,
    /// Let through with warnings.
    Warned,
    /// Refused.
    Denied,
    /// Let through with warnings, for its namespace has the break-glass label; else it would have been refused.
    BreakGlass,
    /// Let through, for no policy governs the route.
    Ungoverned,
    /// Let through, for the policy's admission is `Disabled`.
    Disabled,
    /// Let through, for it is the operator's own.
    Own,
    /// Let through, for it can't make a route answer for more: a deletion, a connection, a subresource.
    Unasked,
    /// Let through, for no route or declaration of its kind is known.
    UnknownKind,
    /// Let through with the warning that it could not be looked at: a declaration, before all has been seen.
    NotSynced,
}

impl Decision {
    /// The word in the audit log, in logs and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::BreakGlass => "break_glass",
            Self::Ungoverned => "ungoverned",
            Self::Disabled => "disabled",
            Self::Own => "own",
            Self::Unasked => "unasked",
            Self::UnknownKind => "unknown_kind",
            Self::NotSynced => "not_synced",
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it was answered.
    pub decision: Decision,
    /// How the new route stands; none where it was not judged.
    pub outcome: Option<Outcome>,
    /// The policy that governs it.
    pub policy: Option<Arc<str>>,
    /// The rules that do not hold, in the order of the catalogue.
    pub rules: Vec<&'static str>,
    /// Why it is refused; empty where it is not.
    pub denial: String,
    /// The rule that the denial names first; none where it is not refused.
    pub denied_for: Option<&'static str>,
    /// Whether it is refused for want of something that may have come since the facts were taken.
    pub may_be_late: bool,
    /// What the API server tells the client beside its answer.
    pub warnings: Vec<String>,
}

impl Answer {
    pub(super) fn unjudged(decision: Decision) -> Self {
        Self {
            decision,
            outcome: None,
            policy: None,
            rules: Vec::new(),
            denial: String::new(),
            denied_for: None,
            may_be_late: false,
            warnings: Vec::new(),
        }
    }

    /// The answer as the API server reads it, with the audit annotations.
    pub fn to_review(&self, asked: &AdmissionRequest<DynamicObject>) -> AdmissionReview<DynamicObject> {
        let mut response = AdmissionResponse::from(asked);
        if self.decision == Decision::Denied {
            response.allowed = false;
            response.result = Status::failure(&self.denial, "Forbidden").with_code(403);
        }
        if !self.warnings.is_empty() {
            response.warnings = Some(self.warnings.clone());
        }
        let mut note = |key: &str, value: &str| {
            if !value.is_empty() {
                response.audit_annotations.insert(key.to_owned(), value.to_owned());
            }
        };
        note("decision", self.decision.as_str());
        note("verdict", self.outcome.map_or("", Outcome::as_str));
        note("policy", self.policy.as_deref().unwrap_or_default());
        note("rules", &self.rules.join(","));
        response.into_review()
    }
}
