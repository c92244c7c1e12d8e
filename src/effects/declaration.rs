//! What to do about a filing or a server: its status, and the Events of its ends.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::Effect;
use super::history::{approved, changes, core_of, stages_of_filing, stages_of_server};
use super::notice::{Notice, Reference, shortened};
use super::remembered::Remembered;
use super::reminder::{Audience, Due, due, next_reminder, notices, on_record};
use super::self_check::{after, next_self_check};
use super::term::{Term, terms_of_filing, terms_of_server};
use crate::api::keys::conditions::{EXPIRING, READY};
use crate::api::keys::reasons;
use crate::api::{Colour, DeclarationStatus, FieldValue, Stage, Stages, StatusFinding, StatusSeverity};
use crate::domain::Day;
use crate::judge;
use crate::registry::{Filing, Policy, Server, Unreadable};
use crate::rules::{Finding, Lang, Moment, Severity, UNREADABLE, Words, list};

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
    pub status: &'a Remembered,
    /// How many routes are served under it.
    pub routes: Option<u32>,
    /// The routes that are told where a reminder is due.
    pub audience: &'a Audience,
}

/// What was declared, and what was judged of it.
#[derive(Clone, Copy, Debug)]
pub enum Declared<'a> {
    /// A filing, and the answer about it.
    Filing(&'a Filing, &'a judge::Declaration),
    /// A server, and the answer about it.
    Server(&'a Server, &'a judge::Declaration),
    /// It can't be read.
    Unreadable(&'a Unreadable),
}

impl Declared<'_> {
    fn verdict(&self) -> Option<&judge::Declaration> {
        match self {
            Self::Filing(_, verdict) | Self::Server(_, verdict) => Some(verdict),
            Self::Unreadable(_) => None,
        }
    }

    fn terms(&self) -> Vec<Term> {
        match self {
            Self::Filing(filing, _) => terms_of_filing(filing),
            Self::Server(server, _) => terms_of_server(server),
            Self::Unreadable(_) => Vec::new(),
        }
    }

    fn stages(&self) -> Option<Stages> {
        match self {
            Self::Filing(filing, _) => Some(stages_of_filing(filing)),
            Self::Server(server, _) => Some(stages_of_server(server)),
            Self::Unreadable(_) => None,
        }
    }

    fn core(&self) -> Vec<FieldValue> {
        match self {
            Self::Filing(filing, _) => core_of(filing),
            Self::Server(..) | Self::Unreadable(_) => Vec::new(),
        }
    }

    fn domains(&self) -> Option<String> {
        let Self::Filing(filing, _) = self else { return None };
        let names = filing.covering_domains().map(ToString::to_string);
        Some(shortened(&list(names), MAX_MESSAGE)).filter(|names| !names.is_empty())
    }

    /// Since when its quarters are counted, while it is Blue: its approval, or when it was declared.
    fn self_checked_since(&self) -> Option<Day> {
        let (approved_at, created, verdict) = match self {
            Self::Filing(filing, verdict) => (filing.approved_at, filing.created, verdict),
            Self::Server(server, verdict) => (None, server.created, verdict),
            Self::Unreadable(_) => return None,
        };
        approved_at
            .or_else(|| created.map(Day::of))
            .filter(|_| verdict.colour == Colour::Blue)
    }
}

/// What to do about a filing or a server under a policy.
pub fn declaration(observed: Observed<'_>, declared: Declared<'_>, policy: &Policy, now: Timestamp) -> Vec<Effect> {
    let Observed {
        reference,
        status: remembered,
        audience,
        ..
    } = observed;
    let before = &remembered.recall();
    let terms = declared.terms();
    let due = due(&terms, &before.reminders, policy, now);
    let status = status(observed, before, declared, &terms, &due, policy, now);
    let reminders = due.iter().flat_map(|due| notices(reference, due, audience, now));
    let turned =
        turn(reference, before, &status).map(|notice| notice.in_chinese(&standing(declared, policy, Lang::Zh).message));
    let checked = self_check(reference, before, &status, now);
    let mut effects: Vec<Effect> = reminders
        .chain(turned)
        .chain(checked)
        .map(|notice| Effect::Event(Box::new(notice)))
        .collect();
    if !remembered.is(&status) {
        effects.push(Effect::DeclarationStatus(Box::new(status)));
    }
    effects
}

/// Whether a reminder of a filing or server is due: who it would be told to need not be found out before.
pub fn is_reminder_due(declared: Declared<'_>, status: &Remembered, policy: &Policy, now: Timestamp) -> bool {
    !due(&declared.terms(), &status.recall().reminders, policy, now).is_empty()
}

/// When a filing or server next needs a look, if nothing else happens: its verdict or what is told of its ends changes,
/// or a reminder or self-check is due.
pub fn next_of_declaration(declared: Declared<'_>, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let terms = declared.terms();
    let (_, transition) = expiring(&terms, "", policy, now);
    let verdict = declared.verdict().and_then(|verdict| verdict.next);
    // What was sent is not asked: to look at a moment at which nothing is to be sent does no harm.
    let reminder = next_reminder(&terms, &[], policy, now);
    let check = declared.self_checked_since().map(|since| after(since, now));
    [verdict, transition, reminder, check].into_iter().flatten().min()
}

fn status(
    observed: Observed<'_>,
    before: &DeclarationStatus,
    declared: Declared<'_>,
    terms: &[Term],
    due: &[Due],
    policy: &Policy,
    now: Timestamp,
) -> DeclarationStatus {
    let (colour, findings, next) = match declared {
        Declared::Filing(_, verdict) | Declared::Server(_, verdict) => {
            (verdict.colour, findings(verdict), verdict.next)
        }
        Declared::Unreadable(unreadable) => (Colour::Red, unreadable_findings(unreadable, policy), None),
    };
    let respond_by = (colour == Colour::Yellow).then(|| {
        let kept = before
            .respond_by
            .clone()
            .filter(|_| before.colour == Some(Colour::Yellow));
        kept.unwrap_or_else(|| Time(whole_seconds(now.saturating_add(RESPONSE).unwrap_or(now))))
    });
    let next_check = declared.self_checked_since().map(|since| {
        let known = before.next_self_check.as_ref().map(|check| check.0);
        next_self_check(since, known, now)
    });
    let reminders = match declared {
        // What ends in it is not known, so nothing that was reminded of is over.
        Declared::Unreadable(_) => before.reminders.clone(),
        Declared::Filing(..) | Declared::Server(..) => on_record(terms, &before.reminders, due),
    };
    let (expiring, expiring_until) = expiring(terms, &observed.reference.to_string(), policy, now);
    let expiring = match declared {
        Declared::Unreadable(_) => (
            "Unknown",
            reasons::UNREADABLE,
            "what ends in it can't be read".to_owned(),
        ),
        Declared::Filing(..) | Declared::Server(..) => expiring,
    };
    let stages = declared.stages();
    DeclarationStatus {
        observed_generation: Some(observed.generation),
        policy: Some(policy.name.to_string()),
        colour: Some(colour),
        respond_by,
        next_self_check: next_check.map(Time),
        expires_at: terms
            .iter()
            .filter(|term| term.end.is_loss())
            .map(|term| term.date)
            .min(),
        domains: declared.domains(),
        conditions: vec![
            ready(observed, &before.conditions, declared, policy, now),
            condition_that_is(&before.conditions, EXPIRING, expiring, observed.generation, now),
        ],
        findings,
        routes: observed.routes,
        next_transition: [next, expiring_until].into_iter().flatten().min().map(Time),
        next_reminder: next_reminder(terms, &reminders, policy, now).map(Time),
        reminders,
        changes: stages.as_ref().map_or_else(
            || before.changes.clone(),
            |stages| changes(before, stages, &declared.core(), whole_seconds(now)),
        ),
        approved: match declared {
            Declared::Filing(filing, _) => approved(before, filing),
            Declared::Server(..) => Vec::new(),
            // What can't be read is still what was approved.
            Declared::Unreadable(_) => before.approved.clone(),
        },
        // What can't be read is as far as it was when it could be.
        observed: stages.or_else(|| before.observed.clone()),
    }
}

/// The status, reason and message of the condition `Expiring`, and when they change by themselves.
fn expiring(
    terms: &[Term],
    name: &str,
    policy: &Policy,
    now: Timestamp,
) -> ((&'static str, &'static str, String), Option<Timestamp>) {
    let moment = Moment::new(now);
    let within = policy.expiring_within();
    let mut near: Vec<&Term> = terms
        .iter()
        .filter(|term| moment.is_within(term.date, within))
        .collect();
    near.sort_by_key(|term| term.date);
    let told: Vec<String> = near.iter().map(|term| term.sentence(name, &moment, Lang::En)).collect();
    let condition = match near.first() {
        Some(first) => ("True", first.end.rule(), told.join("; ")),
        None => (
            "False",
            reasons::NOTHING_EXPIRES,
            match within {
                1 => "nothing that it rests on ends within a day".to_owned(),
                days => format!("nothing that it rests on ends within {days} days"),
            },
        ),
    };
    (condition, moment.next())
}

fn ready(
    observed: Observed<'_>,
    before: &[Condition],
    declared: Declared<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Condition {
    let Standing {
        is_ready,
        reason,
        message,
    } = standing(declared, policy, Lang::En);
    condition(before, READY, is_ready, reason, &message, observed.generation, now)
}

/// Whether it is ready, and why.
struct Standing {
    is_ready: bool,
    reason: &'static str,
    message: String,
}

fn standing(declared: Declared<'_>, policy: &Policy, lang: Lang) -> Standing {
    let (verdict, reason) = match declared {
        Declared::Filing(filing, verdict) => (verdict, standing_of(filing.stage)),
        Declared::Server(_, verdict) => (verdict, reasons::ACTIVE),
        Declared::Unreadable(unreadable) => {
            // That a policy does not care makes it no more ready.
            let told = judge::unreadable(unreadable, policy).map(|finding| finding.sentence(lang));
            return Standing {
                is_ready: false,
                reason: UNREADABLE.id,
                message: told.unwrap_or_else(|| unreadable.error.clone()),
            };
        }
    };
    let worst = verdict.findings.first();
    if let Some(worst) = worst.filter(|worst| worst.severity == Severity::Violation) {
        return Standing {
            is_ready: false,
            reason: worst.rule.id,
            message: worst.sentence(lang),
        };
    }
    let more = match (worst, lang) {
        (Some(worst), Lang::En) => format!("; {}", worst.sentence(lang)),
        (Some(worst), Lang::Zh) => format!("；{}", worst.sentence(lang)),
        (None, Lang::En) if verdict.is_ready => ", and nothing is wrong with it".to_owned(),
        (None, Lang::Zh) if verdict.is_ready => "，没有发现问题".to_owned(),
        (None, _) => String::new(),
    };
    Standing {
        is_ready: verdict.is_ready,
        reason,
        message: in_words(reason).get(lang).to_owned() + &more,
    }
}

/// How far it has come, where no violation says more.
fn in_words(standing: &str) -> Words {
    let (en, zh) = match standing {
        reasons::APPROVED => ("it is approved", "备案已通过"),
        reasons::ACTIVE => ("it is in use", "服务器正常使用"),
        reasons::REJECTED => (
            "it has been sent back, and covers no host",
            "备案已被驳回，不覆盖任何主机名",
        ),
        reasons::CANCELLED => (
            "it has been cancelled, and covers no host",
            "备案已注销，不覆盖任何主机名",
        ),
        _ => (
            "it is not approved yet, and covers no host",
            "备案尚未通过，不覆盖任何主机名",
        ),
    };
    Words { en, zh }
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
    condition_that_is(before, type_, (status, reason, message.to_owned()), generation, now)
}

/// A condition of a status (True, False or Unknown), reason and message; its transition time moves only when the status
/// flips.
fn condition_that_is(
    before: &[Condition],
    type_: &str,
    (status, reason, message): (&str, &str, String),
    generation: i64,
    now: Timestamp,
) -> Condition {
    let known = before
        .iter()
        .find(|condition| condition.type_ == type_ && condition.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: shortened(&message, MAX_MESSAGE),
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

/// The Event of a self-check that has come.
fn self_check(
    reference: &Reference,
    before: &DeclarationStatus,
    after: &DeclarationStatus,
    now: Timestamp,
) -> Option<Notice> {
    let come = before.next_self_check.as_ref().filter(|check| check.0 <= now)?;
    let next = Day::of(after.next_self_check.as_ref()?.0);
    let note = |lang| match lang {
        Lang::En => format!(
            "the quarterly self-check of {reference} is due: see that what is declared, and what it rests on, still \
             holds; the next is on {next}"
        ),
        Lang::Zh => format!(
            "{reference} 应进行季度自查：请核对所声明的内容及其依赖的域名、服务器是否仍然属实；下次自查日期为 {next}"
        ),
    };
    let reason = reasons::SELF_CHECK_DUE;
    let told_apart_by = [reason, &come.0.to_string()];
    let notice = Notice::new(
        reference.clone(),
        reason.to_owned(),
        "Remind",
        &note(Lang::En),
        &told_apart_by,
    );
    Some(notice.in_chinese(&note(Lang::Zh)))
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
