//! A policy, tried on the routes that run: what would be answered otherwise if it were in force, before it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{Judged, Told, columns, judge_all};
use crate::api::FilingPolicyStatus;
use crate::effects::{Batch, Brake, Enforcement, brake};
use crate::judge::Verdict;
use crate::registry::{Change, Policy, Registry};
use crate::report::words;
use crate::route::RouteKey;
use crate::rules::Lang;

/// What a policy would change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    schema: &'static str,
    now: Timestamp,
    policy: String,
    /// Whether there is one of this name, which it would replace.
    replaces: bool,
    /// How many routes it would govern.
    governs: usize,
    /// The routes that would be denied if they were applied anew, and are not today.
    newly_denied: usize,
    /// The routes that would be put into quarantine, and are not today.
    newly_blocked: usize,
    /// The routes that would be let go.
    let_go: usize,
    /// What the policy's brake would say to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    brake: Option<HeldUp>,
    changes: Vec<Changed>,
    #[serde(skip)]
    lang: Lang,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct HeldUp {
    due: usize,
    limit: usize,
}

/// A route about which something else would be answered.
#[derive(Clone, Debug, Serialize)]
struct Changed {
    route: String,
    before: Answer,
    after: Answer,
    /// What is found then on hosts that violate.
    findings: Vec<Told>,
}

/// What is answered about a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Whether it would be denied if it were applied anew.
    denied: bool,
    /// Whether it is in quarantine, or is to be put there.
    blocked: bool,
}

impl Answer {
    fn of(judged: &Judged<'_>) -> Self {
        let verdict = judged.verdict.as_ref();
        Self {
            policy: verdict.map(|verdict| verdict.policy.name.to_string()),
            outcome: verdict.map(|verdict| verdict.outcome.as_str()),
            denied: judged.is_denied,
            blocked: matches!(
                judged.enforcement,
                Enforcement::Blocked | Enforcement::Due | Enforcement::PutBack
            ),
        }
    }

    fn told(&self) -> String {
        let mut told = self.outcome.unwrap_or("not judged").to_owned();
        if self.denied {
            told.push_str(", denied");
        }
        if self.blocked {
            told.push_str(", blocked");
        }
        told
    }
}

impl Simulation {
    /// Of a policy in a cluster at a moment. `status` is that of the policy which it replaces.
    pub fn of(
        registry: &Registry,
        policy: &Policy,
        status: Option<&FilingPolicyStatus>,
        now: Timestamp,
        lang: Lang,
    ) -> Self {
        let name = policy.name.to_string();
        let replaces = registry.snapshot().policies().any(|known| known.name == policy.name);
        let mut supposed = registry.clone();
        supposed.apply(Change::Policy(policy.name.clone(), Ok(policy.clone())));
        let before = judge_all(registry, now);
        let after = judge_all(&supposed, now);
        let governed: Vec<&Judged<'_>> = after.iter().filter(|judged| is_under(judged, policy)).collect();
        let mut simulation = Self {
            schema: "filing-operator.io/simulate/v1",
            now,
            policy: name,
            replaces,
            governs: governed.len(),
            newly_denied: 0,
            newly_blocked: 0,
            let_go: 0,
            brake: held_up(policy, status, &governed, now),
            changes: Vec::new(),
            lang,
        };
        // Both are in the order of the registry, and of the same routes.
        for (before, after) in before.iter().zip(&after) {
            simulation.compare(before, after);
        }
        simulation
    }

    fn compare(&mut self, before: &Judged<'_>, after: &Judged<'_>) {
        let (was, is) = (Answer::of(before), Answer::of(after));
        if was == is {
            return;
        }
        let count = |count: &mut usize, is_so: bool| *count = count.saturating_add(usize::from(is_so));
        count(&mut self.newly_denied, is.denied && !was.denied);
        count(&mut self.newly_blocked, is.blocked && !was.blocked);
        count(&mut self.let_go, was.blocked && !is.blocked);
        let violating = after.verdict.iter().flat_map(Verdict::violating);
        let findings = violating.filter_map(|host| host.findings.first());
        self.changes.push(Changed {
            route: after.key.to_string(),
            before: was,
            after: is,
            findings: findings.map(|finding| Told::new(finding, self.lang)).collect(),
        });
    }

    /// As a table for a terminal that is so wide, and what it comes to.
    pub fn table(&self, width: Option<usize>) -> String {
        let mut text = String::new();
        if !self.changes.is_empty() {
            text = columns(
                &["ROUTE", "NOW", "THEN", "WHY"],
                self.changes.iter().map(|changed| {
                    let why = changed.findings.first();
                    vec![
                        changed.route.clone(),
                        changed.before.told(),
                        changed.after.told(),
                        why.map_or(String::new(), |told| format!("{}: {}", told.rule, told.message)),
                    ]
                }),
                width,
            );
            text.push('\n');
        }
        // Writing into a String cannot fail.
        let _ = match self.lang {
            Lang::En => writeln!(
                text,
                "policy {} would govern {}: {} more denied if applied anew, {} more blocked, {} let go",
                self.policy,
                words::counted(self.governs, "route", "routes"),
                self.newly_denied,
                self.newly_blocked,
                self.let_go
            ),
            Lang::Zh => writeln!(
                text,
                "策略 {} 将管辖 {} 条路由：重新提交时多拒绝 {} 条，多封停 {} 条，放行 {} 条",
                self.policy, self.governs, self.newly_denied, self.newly_blocked, self.let_go
            ),
        };
        if let Some(HeldUp { due, limit }) = self.brake {
            let _ = match self.lang {
                Lang::En => writeln!(
                    text,
                    "its brake would hold all {due}: without a person's word it lets {limit} be blocked at most"
                ),
                Lang::Zh => writeln!(text, "刹车将暂缓全部 {due} 条：未经人工确认最多封停 {limit} 条"),
            };
        }
        text
    }
}

fn is_under(judged: &Judged<'_>, policy: &Policy) -> bool {
    let verdict = judged.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.policy.name == policy.name)
}

/// What the brake would hold, if it would.
fn held_up(
    policy: &Policy,
    status: Option<&FilingPolicyStatus>,
    governed: &[&Judged<'_>],
    now: Timestamp,
) -> Option<HeldUp> {
    let due: BTreeSet<RouteKey> = governed
        .iter()
        .filter(|judged| judged.enforcement == Enforcement::Due)
        .map(|judged| judged.key.clone())
        .collect();
    let blocked: BTreeMap<RouteKey, Timestamp> = governed
        .iter()
        .filter(|judged| judged.enforcement == Enforcement::Blocked)
        .filter_map(|judged| Some((judged.key.clone(), judged.route.class.recorded.as_ref()?.since?)))
        .collect();
    let conditions = status.map_or(&[][..], |status| status.conditions.as_slice());
    let batch = Batch {
        due: &due,
        blocked: &blocked,
        governed: u32::try_from(governed.len()).unwrap_or(u32::MAX),
    };
    match brake(policy, conditions, batch, now) {
        Brake::Held(held) => Some(HeldUp {
            due: held.due,
            limit: held.limit,
        }),
        Brake::Open | Brake::Released => None,
    }
}
