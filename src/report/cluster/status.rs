//! A cluster on a page: where it is, what governs it, how all stands, what ends next, what is blocked and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{Judged, Outcomes, Told, columns, days_until, in_days, judge_all, places, unreadable};
use crate::api::keys::conditions::BRAKE_HELD;
use crate::api::{Admission, Colour, FilingPolicyStatus, Running};
use crate::domain::Day;
use crate::effects::{Ending, Enforcement, endings};
use crate::judge::{self, Declaration, Verdict, judge_filing, judge_server};
use crate::registry::{Kept, Registry, Snapshot};
use crate::report::words;
use crate::rules::Lang;

/// How many of what ends next are told.
const NEXT: usize = 10;
/// How many filings and servers are told that are Red or Yellow.
const ATTENTION: usize = 20;
/// How many routes in quarantine are told.
const BLOCKED: usize = 50;

/// A cluster on a page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    schema: &'static str,
    now: Timestamp,
    policies: Vec<PolicyLine>,
    filings: Lights,
    access_servers: Lights,
    hosts: Outcomes,
    #[serde(skip_serializing_if = "is_none")]
    ungoverned_routes: usize,
    #[serde(skip_serializing_if = "is_none")]
    unreadable_routes: usize,
    attention: Vec<Attention>,
    next: Vec<Due>,
    blocked: Vec<Blocked>,
    blocked_in_all: usize,
    #[serde(skip)]
    lang: Lang,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyLine {
    name: Arc<str>,
    /// None: it can't be read, and is not in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    admission: Option<Admission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
    site: String,
    routes: Outcomes,
    /// What a person has to say a word to.
    #[serde(skip_serializing_if = "Option::is_none")]
    brake: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Lights {
    blue: u32,
    yellow: u32,
    red: u32,
}

impl Lights {
    fn add(&mut self, colour: Colour) {
        let count = match colour {
            Colour::Blue => &mut self.blue,
            Colour::Yellow => &mut self.yellow,
            Colour::Red => &mut self.red,
        };
        *count = count.saturating_add(1);
    }
}

/// A filing or server that is Red or Yellow, and the first thing that was found.
#[derive(Clone, Debug, Serialize)]
struct Attention {
    object: String,
    colour: Colour,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<Told>,
    /// Why, where nothing was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Something that ends.
#[derive(Clone, Debug, Serialize)]
struct Due {
    date: Day,
    days: i64,
    what: String,
}

#[derive(Clone, Debug, Serialize)]
struct Blocked {
    route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    hosts: Vec<BlockedHost>,
}

#[derive(Clone, Debug, Serialize)]
struct BlockedHost {
    host: String,
    findings: Vec<Told>,
}

impl Status {
    /// Of a cluster at a moment. `statuses` are those of the policies.
    pub fn of(
        registry: &Registry,
        statuses: &BTreeMap<Arc<str>, FilingPolicyStatus>,
        now: Timestamp,
        lang: Lang,
    ) -> Self {
        let facts = registry.snapshot();
        let routes = judge_all(registry, now);
        let mut by_policy: BTreeMap<Arc<str>, Outcomes> = BTreeMap::new();
        let mut hosts = Outcomes::default();
        for verdict in routes.iter().filter_map(|judged| judged.verdict.as_ref()) {
            let policy = Arc::clone(&verdict.policy.name);
            by_policy.entry(policy).or_default().add(verdict.outcome);
            verdict.hosts.iter().for_each(|host| hosts.add(host.outcome));
        }
        let (filings, access_servers, attention) = lights(facts, now, lang);
        let is_blocked = |judged: &&Judged<'_>| judged.enforcement == Enforcement::Blocked;
        let blocked: Vec<&Judged<'_>> = routes.iter().filter(is_blocked).collect();
        Self {
            schema: "filing-operator.io/status/v1",
            now,
            policies: policies(facts, &by_policy, statuses),
            filings,
            access_servers,
            attention,
            hosts,
            ungoverned_routes: routes.iter().filter(|judged| judged.verdict.is_none()).count(),
            unreadable_routes: unreadable(registry),
            next: next(facts, now, lang),
            blocked: blocked
                .iter()
                .take(BLOCKED)
                .map(|judged| of_blocked(judged, lang))
                .collect(),
            blocked_in_all: blocked.len(),
            lang,
        }
    }

    /// As a page for a terminal that is so wide.
    pub fn table(&self, width: Option<usize>) -> String {
        let lang = self.lang;
        let count = |count: u32| count.to_string();
        let mut page = columns(
            &[
                "POLICY",
                "SITE",
                "ADMISSION",
                "RUNNING",
                "ROUTES",
                "COMPLIANT",
                "WARNED",
                "VIOLATING",
                "EXEMPT",
            ],
            self.policies.iter().map(|policy| {
                let routes = &policy.routes;
                vec![
                    policy.name.to_string(),
                    policy.site.clone(),
                    policy
                        .admission
                        .map_or("unreadable".to_owned(), |admission| format!("{admission:?}")),
                    policy.running.map_or(String::new(), |running| format!("{running:?}")),
                    count(routes.sum()),
                    count(routes.compliant),
                    count(routes.warned),
                    count(routes.violating),
                    count(routes.exempt),
                ]
            }),
            width,
        );
        page.push('\n');
        let lights = [("Filings", self.filings), ("AccessServers", self.access_servers)];
        page.push_str(&columns(
            &["", "BLUE", "YELLOW", "RED"],
            lights.map(|(kind, lights)| {
                vec![
                    kind.to_owned(),
                    count(lights.blue),
                    count(lights.yellow),
                    count(lights.red),
                ]
            }),
            width,
        ));
        if !self.attention.is_empty() {
            page.push('\n');
            page.push_str(&columns(
                &["RED AND YELLOW", "", "RULE", "WHY"],
                self.attention.iter().map(Attention::row),
                width,
            ));
            let all = [self.filings, self.access_servers].map(|lights| lights.red.saturating_add(lights.yellow));
            let shown = u32::try_from(self.attention.len()).unwrap_or(u32::MAX);
            let left_out = all.into_iter().fold(0, u32::saturating_add).saturating_sub(shown);
            if left_out > 0 {
                let _ = writeln!(page, "… {left_out}");
            }
        }
        self.notes(&mut page);
        if !self.next.is_empty() {
            page.push('\n');
            page.push_str(&columns(
                &[
                    "ENDS",
                    "IN",
                    match lang {
                        Lang::En => "WHAT",
                        Lang::Zh => "内容",
                    },
                ],
                self.next
                    .iter()
                    .map(|due| vec![due.date.to_string(), in_days(due.days, lang), due.what.clone()]),
                width,
            ));
        }
        if !self.blocked.is_empty() {
            page.push('\n');
            page.push_str(&columns(
                &["BLOCKED", "SINCE", "HOST", "RULE", "WHY"],
                self.blocked.iter().flat_map(rows_of_blocked),
                width,
            ));
            if self.blocked_in_all > self.blocked.len() {
                let _ = writeln!(page, "… {}", self.blocked_in_all.saturating_sub(self.blocked.len()));
            }
        }
        page
    }

    /// What is not a row of any table.
    fn notes(&self, page: &mut String) {
        let mut note = |text: String| {
            // Writing into a String cannot fail.
            let _ = write!(page, "\n{text}\n");
        };
        for policy in &self.policies {
            if let Some(brake) = &policy.brake {
                note(format!("{}: {brake}", policy.name));
            }
        }
        let (ungoverned, unreadable) = (self.ungoverned_routes, self.unreadable_routes);
        if ungoverned > 0 {
            note(match self.lang {
                Lang::En => format!(
                    "governed by no policy: {}",
                    words::counted(ungoverned, "route", "routes")
                ),
                Lang::Zh => format!("{ungoverned} 条路由没有策略管辖"),
            });
        }
        if unreadable > 0 {
            note(match self.lang {
                Lang::En => format!("not to be read: {}", words::counted(unreadable, "route", "routes")),
                Lang::Zh => format!("{unreadable} 条路由无法读取"),
            });
        }
    }
}

fn policies(
    facts: &Snapshot,
    by_policy: &BTreeMap<Arc<str>, Outcomes>,
    statuses: &BTreeMap<Arc<str>, FilingPolicyStatus>,
) -> Vec<PolicyLine> {
    let brake = |name: &Arc<str>| {
        let conditions = &statuses.get(name)?.conditions;
        let held = conditions.iter().find(|condition| condition.type_ == BRAKE_HELD)?;
        (held.status == "True").then(|| held.message.clone())
    };
    let read = facts.policies().map(|policy| PolicyLine {
        name: Arc::clone(&policy.name),
        admission: Some(policy.admission),
        running: Some(policy.running),
        site: places(facts.site_of(policy).places()),
        routes: by_policy.get(&policy.name).copied().unwrap_or_default(),
        brake: brake(&policy.name),
    });
    let unreadable = facts.unreadable_policies().map(|(name, _)| PolicyLine {
        name: Arc::clone(name),
        admission: None,
        running: None,
        site: String::new(),
        routes: Outcomes::default(),
        brake: None,
    });
    read.chain(unreadable).collect()
}

impl Attention {
    fn row(&self) -> Vec<String> {
        let finding = self.finding.as_ref();
        vec![
            self.object.clone(),
            format!("{:?}", self.colour),
            finding.map_or(String::new(), |told| told.rule.to_owned()),
            finding
                .map(|told| told.message.clone())
                .or_else(|| self.reason.clone())
                .unwrap_or_default(),
        ]
    }
}

/// Of the filings and of the servers; and which of them are not Blue, the Red ones first.
fn lights(facts: &Snapshot, now: Timestamp, lang: Lang) -> (Lights, Lights, Vec<Attention>) {
    let (mut filings, mut servers, mut attention) = (Lights::default(), Lights::default(), Vec::new());
    let mut note = |lights: &mut Lights, object: String, answer: &Declaration| {
        lights.add(answer.colour);
        if answer.colour != Colour::Blue {
            attention.push(Attention {
                object,
                colour: answer.colour,
                finding: answer.findings.first().map(|finding| Told::new(finding, lang)),
                reason: words::light(answer, lang),
            });
        }
    };
    for (key, kept) in facts.filings() {
        let answer = match kept {
            Kept::Read(filing) => judge_filing(filing, facts, now),
            Kept::Unreadable(unreadable) => judge::unreadable_declaration(unreadable, facts),
        };
        note(&mut filings, format!("Filing {key}"), &answer);
    }
    for (name, kept) in facts.servers() {
        let answer = match kept {
            Kept::Read(server) => judge_server(server, facts, now),
            Kept::Unreadable(unreadable) => judge::unreadable_declaration(unreadable, facts),
        };
        note(&mut servers, format!("AccessServer {name}"), &answer);
    }
    attention.sort_by_key(|attention| attention.colour);
    attention.truncate(ATTENTION);
    (filings, servers, attention)
}

/// What ends next, from today on, with what has ended within the last 30 days.
fn next(facts: &Snapshot, now: Timestamp, lang: Lang) -> Vec<Due> {
    let recently = Day::of(now).minus(30);
    let mut next: Vec<Ending<'_>> = endings(facts).filter(|ending| ending.term.date >= recently).collect();
    next.sort_by_key(|ending| ending.term.date);
    let due = next.into_iter().take(NEXT).map(|ending| Due {
        date: ending.term.date,
        days: days_until(ending.term.date, now),
        what: ending.told(lang),
    });
    due.collect()
}

fn of_blocked(judged: &Judged<'_>, lang: Lang) -> Blocked {
    let violating = judged.verdict.iter().flat_map(Verdict::violating);
    Blocked {
        route: judged.key.to_string(),
        since: judged.route.class.recorded.as_ref().and_then(|recorded| recorded.since),
        hosts: violating
            .map(|host| BlockedHost {
                host: host.host.to_string(),
                findings: host.findings.iter().map(|finding| Told::new(finding, lang)).collect(),
            })
            .collect(),
    }
}

fn rows_of_blocked(blocked: &Blocked) -> impl Iterator<Item = Vec<String>> {
    blocked.hosts.iter().enumerate().map(|(nth, host)| {
        // What is the same as in the row above is not said again.
        let first = |text: String| if nth == 0 { text } else { String::new() };
        let why = host.findings.first();
        vec![
            first(blocked.route.clone()),
            first(blocked.since.map_or(String::new(), |since| format!("{since:.0}"))),
            host.host.clone(),
            why.map_or(String::new(), |told| told.rule.to_owned()),
            why.map_or(String::new(), |told| told.message.clone()),
        ]
    })
}
