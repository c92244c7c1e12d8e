//! What is answered about filings, servers and policies that are declared: what is found of them, while their author is
//! there to mend it. Never a denial, so that nothing here can stand in the way of a repair.

mod request;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use tracing::{Instrument as _, debug};

use super::answer::{Answer, Decision};
use super::metrics::{self, Endpoint};
use super::review::is_sent_by;
use super::server::{ON_ITS_WAY, Webhook};
use super::trace;
use super::words;
use crate::api::keys::managers;
use crate::judge;
use crate::registry::{FilingKey, Kept, Policy, Problem, Snapshot};
use crate::rules::{self, Finding, Lang};

pub use request::{Declared, DeclaredRequest, DeclaredSubject, Deleted};

/// Where the API server asks about filings, servers and policies.
pub const DECLARATIONS_PATH: &str = "/admission/declarations";

/// What is said where nothing can be said.
const NOT_SYNCED: &str = "the operator has not seen the whole cluster yet, so nothing was looked at; see the status";

/// Answers a request from the facts: with what status and `check` will say of the object, as if it were there already.
/// Without facts it says so. What the operator itself writes, under its `account`, passes without a word.
pub fn review_declaration(
    request: &DeclaredRequest,
    account: &str,
    facts: Option<&Snapshot>,
    now: Timestamp,
) -> Answer {
    if is_sent_by(&request.envelope, account, &[managers::POLICY]) {
        return Answer::unjudged(Decision::Own);
    }
    let subject = match &request.subject {
        DeclaredSubject::Nothing => return Answer::unjudged(Decision::Unasked),
        DeclaredSubject::UnknownKind => return Answer::unjudged(Decision::UnknownKind),
        subject => subject,
    };
    let Some(facts) = facts else {
        return Answer {
            warnings: vec![NOT_SYNCED.to_owned()],
            ..Answer::unjudged(Decision::NotSynced)
        };
    };
    let mut answer = match subject {
        DeclaredSubject::Declared(declared) => of_declared(declared, facts, now),
        DeclaredSubject::Deleted(deleted) => of_deletion(deleted, facts),
        DeclaredSubject::Nothing | DeclaredSubject::UnknownKind => Answer::unjudged(Decision::Unasked),
    };
    if answer.warnings.is_empty() {
        answer.decision = Decision::Allowed;
    }
    answer.policy = Some(Arc::clone(&facts.default_policy().name));
    answer
}

fn of_declared(declared: &Declared, facts: &Snapshot, now: Timestamp) -> Answer {
    match declared {
        Declared::Filing(filing) => {
            let supposed = facts.with_filing(filing.clone());
            of_findings(&judge::judge_filing(filing, &supposed, now).findings)
        }
        Declared::Server(server) => of_findings(&judge::judge_server(server, facts, now).findings),
        Declared::Policy(policy) => of_policy(policy),
        Declared::Unreadable(unreadable) => {
            let finding = judge::unreadable(unreadable, facts.default_policy());
            of_findings(finding.as_slice())
        }
    }
}

fn of_findings(findings: &[Finding]) -> Answer {
    let told = findings.iter().take(words::HOSTS);
    let told: Vec<String> = told
        .map(|finding| match finding.path.as_str() {
            "" => finding.sentence(Lang::En),
            path => words::line(&path, finding),
        })
        .collect();
    Answer {
        rules: rules::CATALOGUE
            .iter()
            .filter(|rule| findings.iter().any(|finding| finding.rule == **rule))
            .map(|rule| rule.id)
            .collect(),
        ..warned(&told, findings.len())
    }
}

/// A policy is not judged: what could not be understood of it is told, and what is done instead.
fn of_policy(policy: &Policy) -> Answer {
    let problems: Vec<Problem> = policy
        .problems
        .iter()
        .cloned()
        .chain(rules::unknown_in(policy))
        .collect();
    let told = problems.iter().take(words::HOSTS);
    let told: Vec<String> = told
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect();
    warned(&told, problems.len())
}

fn of_deletion(deleted: &Deleted, facts: &Snapshot) -> Answer {
    let told = match deleted {
        Deleted::Filing { routes } => words::routes_of_filing(*routes),
        Deleted::Server(name) => words::filings_on_server(&filings_on(facts, name)),
        Deleted::Policy { routes } => words::routes_of_policy(*routes),
    };
    warned(told.as_slice(), told.iter().len())
}

/// A deletion of a server is rare enough to look at each filing.
fn filings_on<'a>(facts: &'a Snapshot, server: &str) -> Vec<&'a FilingKey> {
    let named = facts.filings().filter(|(_, kept)| match kept {
        Kept::Read(filing) => filing.servers().any(|name| **name == *server),
        Kept::Unreadable(_) => false,
    });
    named.map(|(key, _)| key).collect()
}

fn warned(told: &[String], count: usize) -> Answer {
    Answer {
        warnings: words::warnings(told, count),
        ..Answer::unjudged(Decision::Warned)
    }
}

pub(super) async fn admit(State(webhook): State<Arc<Webhook>>, headers: HeaderMap, body: Bytes) -> Response {
    let began = Instant::now();
    let span = trace::span(&headers, DECLARATIONS_PATH);
    let response = webhook.look_at(&headers, &body).instrument(span.clone()).await;
    webhook.metrics.took(began.elapsed(), &span);
    response
}

impl Webhook {
    async fn look_at(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        if let Some(refusal) = self.refusal_of_type(headers) {
            return refusal;
        }
        let request = match DeclaredRequest::parse(body) {
            Ok(request) => request,
            Err(error) => return self.refuse_body(&error),
        };
        let answer = || {
            let facts = self.facts.load_full();
            review_declaration(&request, &self.account, facts.as_deref(), (self.clock)())
        };
        let mut answered = answer();
        if answered.decision == Decision::Warned {
            // What it lacks may have been declared just before it, as in one file. For a warning, a short wait is enough.
            tokio::time::sleep(ON_ITS_WAY).await;
            answered = answer();
        }
        let envelope = &request.envelope;
        self.metrics.answered(Endpoint::Declarations, envelope, &answered);
        trace::answered(envelope, &answered);
        debug!(
            kind = envelope.kind.kind,
            namespace = envelope.namespace,
            name = envelope.name,
            operation = metrics::operation(&envelope.operation),
            dry_run = envelope.dry_run,
            decision = answered.decision.as_str(),
            rules = answered.rules.join(","),
            "a declaration was looked at"
        );
        answered.tell_probe(envelope);
        Json(answered.to_review(&envelope.uid)).into_response()
    }
}
