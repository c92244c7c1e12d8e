//! What is answered to a request: pure, from the facts at one time.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::answer::{Answer, Decision};
use super::request::{Asked, Envelope, Request, Subject};
use super::words;
use crate::api::keys::managers;
use crate::api::{Admission, Running};
use crate::domain::Host;
use crate::effects::denies;
use crate::judge::{self, HostVerdict, Outcome, Verdict};
use crate::registry::{Policy, Snapshot, Unreadable};
use crate::route::{Claimed, Route};
use crate::rules::{CATALOGUE, Finding, Severity};

/// Answers a request from the facts.
///
/// A change is refused only for what it makes worse, so that a route that turned bad by itself can still be repaired,
/// scaled, labelled and finalised. What the operator itself writes, under its `account`, passes: it moves routes only as
/// their verdicts say, and must be able to let them go whatever those are.
pub fn review(request: &Request, account: &str, facts: &Snapshot, now: Timestamp) -> Answer {
    if is_sent_by(&request.envelope, account, &[managers::QUARANTINE, managers::ROUTES]) {
        return Answer::unjudged(Decision::Own);
    }
    let (new, mut answer) = match &request.subject {
        Subject::Create(new) => (new, of_creation(new, facts, now)),
        Subject::Update { old, new } => (new, of_route(new, old.as_ref(), facts, now)),
        Subject::Nothing => return Answer::unjudged(Decision::Unasked),
        Subject::UnknownKind => return Answer::unjudged(Decision::UnknownKind),
    };
    let namespace = &*new.route.key.namespace;
    if answer.decision == Decision::Denied && facts.breaks_glass(namespace) {
        answer = lifted(answer, namespace);
    }
    if let Some(warning) = words::unreadable_policies(facts.unreadable_policies().map(|(name, _)| &**name)) {
        answer.warnings.insert(0, warning);
        if answer.decision == Decision::Allowed {
            answer.decision = Decision::Warned;
        }
    }
    answer
}

/// What the break-glass label makes of a denial, whatever that was for: warnings, and a decision that is counted apart.
fn lifted(denied: Answer, namespace: &str) -> Answer {
    Answer {
        decision: Decision::BreakGlass,
        warnings: words::lifted(namespace, &denied.denial),
        denial: String::new(),
        denied_for: None,
        // Who is let through need not wait until that is sure.
        may_be_late: false,
        ..denied
    }
}

/// A record that a route is made with says nothing of where it was. But the operator takes every record for its own, and
/// puts the route into the class that is recorded; so it may be made only where it may be made there, too.
fn of_creation(new: &Asked, facts: &Snapshot, now: Timestamp) -> Answer {
    if new.route.class.recorded.is_none() {
        return of_route(new, None, facts, now);
    }
    let mut without_record = new.clone();
    without_record.route.class.recorded = None;
    let put_back = of_route(new, None, facts, now);
    if put_back.decision == Decision::Denied {
        return put_back;
    }
    of_route(&without_record, None, facts, now)
}

fn of_route(new: &Asked, old: Option<&Asked>, facts: &Snapshot, now: Timestamp) -> Answer {
    if let Some(answer) = old.and_then(|old| of_escape(&new.route, &old.route, facts, now)) {
        return answer;
    }
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
        None => match judge::judge(&new.route, facts, now) {
            Some(verdict) => of_verdict(&verdict, &new.route, old, facts),
            None => Answer::unjudged(Decision::Ungoverned),
        },
    }
}

/// Whether the operator sent it, as one of its managers of fields. A person may use the same account, as where it runs beside a test API server, but writes
/// as another manager of fields; and that name alone, which anyone may use, is not enough.
pub(super) fn is_sent_by(asked: &Envelope, account: &str, managers: &[&str]) -> bool {
    let manager = asked.field_manager.as_deref();
    asked.username.as_deref() == Some(account) && manager.is_some_and(|manager| managers.contains(&manager))
}

/// The answer to one who takes a route out of quarantine that still violates, or touches the record of it. Whatever
/// class they give it, it is judged where it was.
fn of_escape(new: &Route, old: &Route, facts: &Snapshot, now: Timestamp) -> Option<Answer> {
    let escapes = old.class.is_quarantined() && !new.class.is_quarantined();
    if !escapes && new.class.recorded == old.class.recorded {
        return None;
    }
    let as_it_was = Route {
        class: old.class.clone(),
        ..new.clone()
    };
    let verdict = judge::judge(&as_it_was, facts, now)?;
    let policy = &verdict.policy;
    let is_kept = policy.running == Running::Block && !policy.is_released && verdict.outcome == Outcome::Violating;
    if !is_kept || policy.admission == Admission::Disabled {
        return None;
    }
    let violating: Vec<&HostVerdict> = verdict.violating().collect();
    let mut lines: Vec<Vec<String>> = violating
        .iter()
        .take(words::HOSTS.saturating_sub(1))
        .map(|host| words::lines(host, Severity::Violation))
        .collect();
    lines.insert(0, vec![words::ESCAPE.to_owned()]);
    let mut answer = Answer {
        outcome: Some(verdict.outcome),
        policy: Some(Arc::clone(&policy.name)),
        rules: broken(&verdict),
        ..Answer::unjudged(Decision::Warned)
    };
    if denies(policy, facts) {
        answer.denial = words::denial(&lines, violating.len().saturating_add(1));
        deny(&mut answer, &violating);
    } else {
        let told: Vec<String> = lines.concat();
        answer.warnings = words::warnings(&told, told.len());
    }
    Some(answer)
}

fn of_verdict(verdict: &Verdict, new: &Route, old: Option<&Asked>, facts: &Snapshot) -> Answer {
    let policy = &verdict.policy;
    let mut answer = Answer {
        outcome: Some(verdict.outcome),
        policy: Some(Arc::clone(&policy.name)),
        rules: broken(verdict),
        ..Answer::unjudged(Decision::Allowed)
    };
    let denied: Vec<&HostVerdict> = if denies(policy, facts) {
        let read = old.filter(|old| old.unreadable.is_none() && is_tolerated(&old.route, new, policy, facts));
        let tolerated = read.map(|old| Named::by(&old.route));
        let is_new = |host: &&HostVerdict| !tolerated.as_ref().is_some_and(|old| old.has(&host.host));
        verdict.violating().filter(is_new).collect()
    } else {
        Vec::new()
    };
    if denied.is_empty() {
        answer.warnings = warnings(verdict, facts);
        if !answer.warnings.is_empty() {
            answer.decision = Decision::Warned;
        }
    } else {
        let told = denied.iter().take(words::HOSTS);
        let told: Vec<Vec<String>> = told.map(|host| words::lines(host, Severity::Violation)).collect();
        answer.denial = words::denial(&told, denied.len());
        deny(&mut answer, &denied);
    }
    answer
}

/// Denies for what violates on some hosts.
fn deny(answer: &mut Answer, hosts: &[&HostVerdict]) {
    let violations = || hosts.iter().flat_map(|host| words::findings(host, Severity::Violation));
    answer.decision = Decision::Denied;
    answer.denied_for = violations().next().map(|(_, finding)| finding.rule.id);
    answer.may_be_late = violations().any(|(_, finding)| !finding.rule.is_of_the_name_alone);
}

/// What a route that is let through should hear: of hosts that violate first, then of those with warnings.
fn warnings(verdict: &Verdict, facts: &Snapshot) -> Vec<String> {
    let violations = verdict
        .violating()
        .flat_map(|host| words::findings(host, Severity::Violation));
    let asked = verdict.hosts.iter().filter(|host| host.outcome > Outcome::Compliant);
    let slight = asked.flat_map(|host| words::findings(host, Severity::Warning));
    let all: Vec<(&HostVerdict, &Finding)> = violations.chain(slight).collect();
    let told = all.iter().take(words::HOSTS);
    let told: Vec<String> = told
        .map(|(host, finding)| words::line(&words::named(&host.host), finding))
        .collect();
    let mut warnings = words::warnings(&told, all.len());
    if verdict.outcome == Outcome::Violating {
        warnings.splice(0..0, not_set_up(&verdict.policy, facts));
    }
    warnings
}

/// Why a policy that should deny only warns, if so.
fn not_set_up(policy: &Policy, facts: &Snapshot) -> Option<String> {
    (policy.admission == Admission::Deny && !denies(policy, facts)).then(|| {
        let name = words::one_line(&policy.name, words::NAME);
        format!("nothing is denied yet, for there is no Filing that policy {name} trusts; declare one where its filingsFrom looks")
    })
}

/// Whether what the old route named may stay: it was under the eyes of a policy, in the class that it keeps, and served. A
/// policy that is marked to let everything go lets people do so too. Whoever puts a route away by hand may, wherever it was:
/// nothing serves it there, and without a record the operator leaves it.
fn is_tolerated(old: &Route, new: &Route, policy: &Policy, facts: &Snapshot) -> bool {
    let is_put_away = new.class.is_quarantined() && new.class.recorded.is_none();
    let is_same_class = class(old, facts) == class(new, facts);
    let is_let_out = old.class.is_quarantined() && !new.class.is_quarantined() && !policy.is_released;
    let was_asked = facts
        .policy_of(old)
        .is_some_and(|policy| policy.admission != Admission::Disabled);
    is_put_away || (is_same_class && !is_let_out && was_asked)
}

fn class<'a>(route: &'a Route, facts: &'a Snapshot) -> Option<&'a Arc<str>> {
    route.class.name().or_else(|| facts.default_class())
}

/// What a route answers for, to be asked of by another with as many hosts.
struct Named<'a> {
    each: HashSet<&'a Claimed>,
    /// The domains that it answers for every host below of.
    all_below: HashSet<&'a str>,
}

impl<'a> Named<'a> {
    fn by(route: &'a Route) -> Self {
        let wildcards = route.claims.iter().filter_map(|claim| match &claim.to {
            Claimed::Host(host) if host.is_wildcard() => Some(host.domain().as_str()),
            _ => None,
        });
        Self {
            each: route.claims.iter().map(|claim| &claim.to).collect(),
            all_below: wildcards.collect(),
        }
    }

    /// Whether the route answers for something already: for the same, or for every host below a domain above it. A
    /// catch-all is only ever itself: it is let pass where a policy weighs it lightly, and must not open the way for
    /// named hosts.
    fn has(&self, claimed: &Claimed) -> bool {
        let is_below = |host: &Host| {
            let mut above = host.domain().ancestors().skip(1);
            above.any(|domain| self.all_below.contains(domain))
        };
        self.each.contains(claimed) || matches!(claimed, Claimed::Host(host) if is_below(host))
    }
}

/// The rules that do not hold, in the order of the catalogue.
fn broken(verdict: &Verdict) -> Vec<&'static str> {
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
    let Some(finding) = judge::unreadable(unreadable, policy) else {
        return answer;
    };
    let severity = finding.severity;
    let line = words::line(&new.route.key, &finding);
    let was_unreadable =
        old.is_some_and(|old| old.unreadable.is_some() && is_tolerated(&old.route, &new.route, policy, facts));
    answer.rules = vec![finding.rule.id];
    answer.outcome = Some(match severity {
        Severity::Warning => Outcome::Warned,
        Severity::Violation => Outcome::Violating,
    });
    if severity == Severity::Violation && !was_unreadable && denies(policy, facts) {
        answer.decision = Decision::Denied;
        answer.denial = words::denial(&[vec![line]], 1);
        answer.denied_for = Some(finding.rule.id);
    } else {
        answer.decision = Decision::Warned;
        answer.warnings = words::warnings(&[line], 1);
        if severity == Severity::Violation {
            answer.warnings.splice(0..0, not_set_up(policy, facts));
        }
    }
    answer
}

#[cfg(test)]
mod tests;
