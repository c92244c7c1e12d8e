//! What to do about a filing or a server: its status, and the Events of its ends.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::Effect;
use super::notice::{Notice, Reference, shortened};
use super::reminder::{Due, Term, due, next_reminder, on_record};
use crate::api::keys::conditions::READY;
use crate::api::keys::reasons;
use crate::api::{Colour, DeclarationStatus, Stage, StatusFinding, StatusSeverity};
use crate::judge;
use crate::registry::{Policy, Unreadable};
use crate::rules::{Finding, Lang, Severity, UNREADABLE};

/// The most findings that a status lists.
const MAX_FINDINGS: usize = 32;
/// The longest message in a status, in bytes; the schema allows as many characters.
const MAX_MESSAGE: usize = 1000;
/// How long one has to answer a Yellow light: 72 hours.
const RESPONSE: SignedDuration = SignedDuration::from_hours(72);

/// What is known of a filing or a server before its status is written.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The object.
    pub reference: &'a Reference,
    /// The generation of the spec that was judged.
    pub generation: i64,
    /// The status as it stands.
    pub status: &'a DeclarationStatus,
    /// How many routes are served under it.
    pub routes: Option<u32>,
}

/// What was judged of it.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'a> {
    /// It was read and judged.
    Judged {
        /// The answer.
        verdict: &'a judge::Declaration,
        /// What of it ends.
        terms: &'a [Term],
        /// The reason of `Ready` where no violation is: how far it has come.
        standing: &'static str,
    },
    /// It can't be read.
    Unreadable(&'a Unreadable),
}

/// What to do about a filing or a server under a policy.
pub fn declaration(observed: Observed<'_>, declared: Declared<'_>, policy: &Policy, now: Timestamp) -> Vec<Effect> {
    let before = observed.status;
    let due = match declared {
        Declared::Judged { terms, .. } => due(terms, &before.reminders, policy, now),
        Declared::Unreadable(_) => Vec::new(),
    };
    let status = status(observed, declared, &due, policy, now);
    let reminders = due.iter().map(|due| reminder(observed.reference, due));
    let turned = turn(observed.reference, before, &status);
    let mut effects: Vec<Effect> = reminders
        .chain(turned)
        .map(|notice| Effect::Event(Box::new(notice)))
        .collect();
    if status != *before {
        effects.push(Effect::DeclarationStatus(Box::new(status)));
    }
    effects
}

fn status(
    observed: Observed<'_>,
    declared: Declared<'_>,
    due: &[Due],
    policy: &Policy,
    now: Timestamp,
) -> DeclarationStatus {
    let before = observed.status;
    let (colour, findings, next, terms) = match declared {
        Declared::Judged { verdict, terms, .. } => (verdict.colour, findings(verdict), verdict.next, terms),
        Declared::Unreadable(unreadable) => (
            Colour::Red,
            unreadable_findings(unreadable, policy),
            None,
            [].as_slice(),
        ),
    };
    let respond_by = (colour == Colour::Yellow).then(|| {
        let kept = before
            .respond_by
            .clone()
            .filter(|_| before.colour == Some(Colour::Yellow));
        kept.unwrap_or_else(|| Time(whole_seconds(now.saturating_add(RESPONSE).unwrap_or(now))))
    });
    DeclarationStatus {
        observed_generation: Some(observed.generation),
        policy: Some(policy.name.to_string()),
        colour: Some(colour),
        respond_by,
        conditions: vec![ready(observed, declared, policy, now)],
        findings,
        routes: observed.routes,
        next_transition: next.map(Time),
        next_reminder: next_reminder(terms, policy, now).map(Time),
        reminders: match declared {
            Declared::Judged { terms, .. } => on_record(terms, &before.reminders, due),
            // What ends in it is not known, so nothing that was reminded of is over.
            Declared::Unreadable(_) => before.reminders.clone(),
        },
        changes: before.changes.clone(),
    }
}

fn ready(observed: Observed<'_>, declared: Declared<'_>, policy: &Policy, now: Timestamp) -> Condition {
    let (is_ready, reason, message) = match declared {
        Declared::Unreadable(unreadable) => {
            // That a policy does not care makes it no more ready.
            let told = judge::unreadable(unreadable, policy).map(|finding| finding.sentence(Lang::En));
            (
                false,
                UNREADABLE.id.to_owned(),
                told.unwrap_or_else(|| unreadable.error.clone()),
            )
        }
        Declared::Judged { verdict, standing, .. } => match verdict.findings.first() {
            Some(worst) if worst.severity == Severity::Violation => {
                (false, worst.rule.id.to_owned(), worst.sentence(Lang::En))
            }
            worst => {
                let more = match worst {
                    Some(worst) => format!("; {}", worst.sentence(Lang::En)),
                    None if verdict.is_ready => ", and nothing is wrong with it".to_owned(),
                    None => String::new(),
                };
                (
                    verdict.is_ready,
                    standing.to_owned(),
                    in_words(standing).to_owned() + &more,
                )
            }
        },
    };
    condition(
        &observed.status.conditions,
        READY,
        is_ready,
        &reason,
        &message,
        observed.generation,
        now,
    )
}

/// How far it has come, where no violation says more.
fn in_words(standing: &str) -> &'static str {
    match standing {
        reasons::APPROVED => "it is approved",
        reasons::ACTIVE => "it is in use",
        reasons::REJECTED => "it has been sent back, and covers no host",
        reasons::CANCELLED => "it has been cancelled, and covers no host",
        _ => "it is not approved yet, and covers no host",
    }
}

/// A condition whose transition time moves only when its status flips.
pub(super) fn condition(
    before: &[Condition],
    type_: &str,
    holds: bool,
    reason: &str,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let status = if holds { "True" } else { "False" };
    let known = before
        .iter()
        .find(|condition| condition.type_ == type_ && condition.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: shortened(message, MAX_MESSAGE),
        observed_generation: Some(generation),
        last_transition_time: known.map_or_else(
            || Time(whole_seconds(now)),
            |condition| condition.last_transition_time.clone(),
        ),
    }
}

/// The API server keeps whole seconds; what is compared with what it gives back must too.
pub(super) fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

fn findings(verdict: &judge::Declaration) -> Vec<StatusFinding> {
    let told = verdict.findings.iter().take(MAX_FINDINGS);
    told.map(status_finding).collect()
}

fn unreadable_findings(unreadable: &Unreadable, policy: &Policy) -> Vec<StatusFinding> {
    let found = judge::unreadable(unreadable, policy).into_iter();
    found
        .map(|finding| StatusFinding {
            path: "spec".to_owned(),
            ..status_finding(&finding)
        })
        .collect()
}

fn status_finding(finding: &Finding) -> StatusFinding {
    StatusFinding {
        rule: finding.rule.id.to_owned(),
        severity: match finding.severity {
            Severity::Violation => StatusSeverity::Violation,
            Severity::Warning => StatusSeverity::Warning,
        },
        path: finding.path.to_string(),
        message: shortened(&finding.sentence(Lang::En), MAX_MESSAGE),
    }
}

fn reminder(reference: &Reference, due: &Due) -> Notice {
    let Due { term, threshold } = due;
    let date = term.date.to_string();
    let note = format!("{} ends on {date}, within {threshold} days of this reminder", term.what);
    // The threshold is part of the reason, so that no recorder merges one reminder into another.
    let reason = format!("{}In{threshold}Days", term.rule);
    let told_apart_by = [term.rule, date.as_str(), &threshold.to_string()];
    let mut notice = Notice::new(reference.clone(), reason, "Remind", &note, &told_apart_by);
    notice.is_warning = true;
    notice
}

/// The Event of `Ready` turning. That a new object is ready, or is still under way, is no news.
fn turn(reference: &Reference, before: &DeclarationStatus, after: &DeclarationStatus) -> Option<Notice> {
    let was = before.conditions.iter().find(|condition| condition.type_ == READY);
    let is = after.conditions.iter().find(|condition| condition.type_ == READY)?;
    let is_ready = is.status == "True";
    let is_no_news = is_ready || is.reason == reasons::PENDING;
    if was.map_or(is_no_news, |was| was.status == is.status) {
        return None;
    }
    let since = was
        .map(|was| was.last_transition_time.0.to_string())
        .unwrap_or_default();
    let told_apart_by = [READY, is.status.as_str(), is.reason.as_str(), since.as_str()];
    let mut notice = Notice::new(
        reference.clone(),
        is.reason.clone(),
        "Judge",
        &is.message,
        &told_apart_by,
    );
    notice.is_warning = !is_ready;
    Some(notice)
}

/// The reason of a filing's `Ready` by its stage.
pub fn standing_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Approved => reasons::APPROVED,
        Stage::Rejected => reasons::REJECTED,
        Stage::Cancelled => reasons::CANCELLED,
        Stage::Draft | Stage::Submitted | Stage::FirstReview | Stage::SecondReview | Stage::Publicity => {
            reasons::PENDING
        }
    }
}

#[cfg(test)]
mod tests;
