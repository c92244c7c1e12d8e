//! What is answered to a request: pure, from the facts at one time.

use std::sync::Arc;

use jiff::Timestamp;
use kube::core::admission::{AdmissionResponse, AdmissionReview};
use kube::core::{DynamicObject, Status};

use super::request::{Asked, Request, Subject};
use super::words;
use crate::api::{Admission, RuleLevel};
use crate::domain::FieldPath;
use crate::judge::{HostVerdict, Outcome, Verdict, judge};
use crate::registry::{Policy, Snapshot, Unreadable};
use crate::route::{Claimed, Route};
use crate::rules::{CATALOGUE, Detail, Finding, Severity, UNREADABLE};

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Let through without a word.
    Allowed,
    /// Let through with warnings.
    Warned,
    /// Refused.
    Denied,
    /// Let through, for no policy governs the route.
    Ungoverned,
    /// Let through, for the policy's admission is `Disabled`.
    Disabled,
    /// Let through, for it can't make a route answer for more: a deletion, a connection, a subresource.
    Unasked,
    /// Let through, for no route of its kind is known.
    UnknownKind,
}

impl Decision {
    /// The word in the audit log, in logs and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::Ungoverned => "ungoverned",
            Self::Disabled => "disabled",
            Self::Unasked => "unasked",
            Self::UnknownKind => "unknown_kind",
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
    /// What the API server tells the client beside its answer.
    pub warnings: Vec<String>,
}

impl Answer {
    fn unjudged(decision: Decision) -> Self {
        Self {
            decision,
            outcome: None,
            policy: None,
            rules: Vec::new(),
            denial: String::new(),
            warnings: Vec::new(),
        }
    }

    /// The answer as the API server reads it, with the audit annotations.
    pub fn to_review(&self, request: &Request) -> AdmissionReview<DynamicObject> {
        let mut response = AdmissionResponse::from(&request.envelope);
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

/// Answers a request from the facts.
///
/// A change is refused only for what it makes worse, so that a route that turned bad by itself can still be repaired,
/// scaled, labelled and finalised.
pub fn review(request: &Request, facts: &Snapshot, now: Timestamp) -> Answer {
    let (old, new) = match &request.subject {
        Subject::Create(new) => (None, new),
        Subject::Update { old, new } => (old.as_ref(), new),
        Subject::Nothing => return Answer::unjudged(Decision::Unasked),
        Subject::UnknownKind => return Answer::unjudged(Decision::UnknownKind),
    };
    let Some(policy) = facts.policy_of(&new.route) else {
        return Answer::unjudged(Decision::Ungoverned);
    };
    if policy.admission == Admission::Disabled {
        return Answer {
            policy: Some(Arc::clone(&policy.name)),
            ..Answer::unjudged(Decision::Disabled)
        };
    }
    match &new.unreadable {
        Some(unreadable) => of_unreadable(new, unreadable, old, policy, facts),
        None => match judge(&new.route, facts, now) {
            Some(verdict) => of_verdict(&verdict, &new.route, old, facts),
            None => Answer::unjudged(Decision::Ungoverned),
        },
    }
}

fn of_verdict(verdict: &Verdict, new: &Route, old: Option<&Asked>, facts: &Snapshot) -> Answer {
    let policy = &verdict.policy;
    let mut answer = Answer {
        outcome: Some(verdict.outcome),
        policy: Some(Arc::clone(&policy.name)),
        rules: rules(verdict),
        ..Answer::unjudged(Decision::Allowed)
    };
    let tolerated = old.and_then(|old| tolerated(old, new, facts));
    let is_new = |host: &&HostVerdict| !tolerated.is_some_and(|old| names(old, &host.host));
    let is_set_up = facts.has_trusted_filing(policy);
    let denied: Vec<Vec<String>> = if policy.admission == Admission::Deny && is_set_up {
        let hosts = verdict.violating().filter(is_new);
        hosts
            .map(|host| words::lines(host, Severity::Violation).collect())
            .collect()
    } else {
        Vec::new()
    };
    if denied.is_empty() {
        answer.warnings = warnings(verdict, policy, is_set_up);
        if !answer.warnings.is_empty() {
            answer.decision = Decision::Warned;
        }
    } else {
        answer.decision = Decision::Denied;
        answer.denial = words::denial(&denied);
    }
    answer
}

/// What a route that is let through should hear: of hosts that violate first, then of those with warnings.
fn warnings(verdict: &Verdict, policy: &Policy, is_set_up: bool) -> Vec<String> {
    let violations = verdict
        .violating()
        .flat_map(|host| words::lines(host, Severity::Violation));
    let asked = verdict.hosts.iter().filter(|host| host.outcome > Outcome::Compliant);
    let slight = asked.flat_map(|host| words::lines(host, Severity::Warning));
    let mut warnings = words::warnings(violations.chain(slight).collect());
    if policy.admission == Admission::Deny && !is_set_up && verdict.outcome == Outcome::Violating {
        warnings.insert(0, not_set_up(policy));
    }
    warnings
}

fn not_set_up(policy: &Policy) -> String {
    format!(
        "no Filing that policy {} trusts is there yet, so nothing is denied; declare one where its filingsFrom looks",
        policy.name
    )
}

/// The old route, where what it named may stay: one that was under the eyes of a policy, in the class that it keeps.
fn tolerated<'a>(old: &'a Asked, new: &Route, facts: &Snapshot) -> Option<&'a Route> {
    let is_same_class = class(&old.route, facts) == class(new, facts);
    let was_asked = facts
        .policy_of(&old.route)
        .is_some_and(|policy| policy.admission != Admission::Disabled);
    (is_same_class && was_asked && old.unreadable.is_none()).then_some(&old.route)
}

fn class<'a>(route: &'a Route, facts: &'a Snapshot) -> Option<&'a Arc<str>> {
    route.class.name().or_else(|| facts.default_class())
}

/// Whether a route answers for something already: for the same, or for every host below a domain above it. A catch-all
/// is only ever itself: it is let pass where a policy weighs it lightly, and must not open the way for named hosts.
fn names(route: &Route, claimed: &Claimed) -> bool {
    route.claims.iter().any(|claim| match (&claim.to, claimed) {
        (Claimed::Host(old), Claimed::Host(new)) => old.covers(new),
        (old, new) => old == new,
    })
}

fn rules(verdict: &Verdict) -> Vec<&'static str> {
    let is_found = |id: &str| verdict.findings().any(|(_, finding)| finding.rule.id == id);
    CATALOGUE.iter().map(|rule| rule.id).filter(|id| is_found(id)).collect()
}

/// The API server has read the object as its kind before it asks, so this is one that a newer version knows more of.
/// It may be anything, and so it counts as a host that violates; one that was unreadable before got no worse.
fn of_unreadable(
    new: &Asked,
    unreadable: &Unreadable,
    old: Option<&Asked>,
    policy: &Arc<Policy>,
    facts: &Snapshot,
) -> Answer {
    let mut answer = Answer {
        policy: Some(Arc::clone(&policy.name)),
        ..Answer::unjudged(Decision::Allowed)
    };
    let severity = match policy.rules.get(UNREADABLE.id) {
        Some(RuleLevel::Disabled) => return answer,
        Some(RuleLevel::Warning) => Severity::Warning,
        Some(RuleLevel::Violation) => Severity::Violation,
        None => UNREADABLE.severity.unwrap_or(Severity::Violation),
    };
    let finding = Finding {
        rule: &UNREADABLE,
        severity,
        path: FieldPath::fixed(""),
        filing: None,
        detail: Detail::Told(vec![("error", unreadable.error.as_str().into())]),
    };
    let line = words::line(&new.route.key.to_string(), &finding);
    let was_unreadable = old.is_some_and(|old| old.unreadable.is_some());
    answer.rules = vec![UNREADABLE.id];
    answer.outcome = Some(match severity {
        Severity::Warning => Outcome::Warned,
        Severity::Violation => Outcome::Violating,
    });
    let is_denied = severity == Severity::Violation
        && policy.admission == Admission::Deny
        && !was_unreadable
        && facts.has_trusted_filing(policy);
    if is_denied {
        answer.decision = Decision::Denied;
        answer.denial = words::denial(&[vec![line]]);
    } else {
        answer.decision = Decision::Warned;
        answer.warnings = words::warnings(vec![line]);
    }
    answer
}
