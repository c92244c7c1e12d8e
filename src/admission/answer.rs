//! An answer to a request, and how the API server reads it.

use std::sync::Arc;

use kube::core::admission::{META_API_VERSION_V1, META_KIND};
use serde::Serialize;

use super::request::Envelope;
use super::words::PROBED;
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

    /// Tells one who only asks to see who answers.
    pub(super) fn tell_probe(&mut self, envelope: &Envelope) {
        self.warnings.extend(envelope.is_probe().then(|| PROBED.to_owned()));
    }

    /// The answer as the API server reads it, to the request with a uid.
    pub fn to_review<'a>(&'a self, uid: &'a str) -> Review<'a> {
        let denial = (self.decision == Decision::Denied).then_some(Denial {
            status: "Failure",
            message: &self.denial,
            reason: "Forbidden",
            code: 403,
        });
        Review {
            api_version: META_API_VERSION_V1,
            kind: META_KIND,
            response: Response {
                uid,
                allowed: denial.is_none(),
                status: denial,
                audit_annotations: Audit {
                    decision: self.decision.as_str(),
                    verdict: self.outcome.map(Outcome::as_str),
                    policy: self.policy.as_deref(),
                    rules: self.rules.join(","),
                },
                warnings: &self.warnings,
            },
        }
    }
}

/// An AdmissionReview with an answer. It borrows what it says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Denial<'a>>,
    audit_annotations: Audit<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Debug, Serialize)]
struct Denial<'a> {
    status: &'static str,
    message: &'a str,
    reason: &'static str,
    code: u16,
}

#[derive(Debug, Serialize)]
struct Audit<'a> {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    rules: String,
}
