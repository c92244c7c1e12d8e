//! The verdict on what is declared: a filing or a server by itself, under the default policy.

use jiff::Timestamp;

use super::route::{Found, explain, next_change};
use crate::api::{Colour, Stage};
use crate::domain::content::Asked;
use crate::domain::{Day, FieldPath};
use crate::registry::{Filing, Other, Policy, Server, Snapshot};
use crate::rules::{self, CATALOGUE, Check, Context, Draft, FilingCase, Finding, Moment, ServerCase, Severity};

/// Days before an end at which the light changes, unless it renews itself.
const SOON: u32 = 30;

/// The answer about a filing or a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// What was found, the worst and best explaining first.
    pub findings: Vec<Finding>,
    /// The light: Red, Yellow or Blue.
    pub colour: Colour,
    /// The first day within 30 days, or past, on which something of it ends; none where nothing does, or it is cancelled or rejected.
    pub ends_soon: Option<Day>,
    /// Whether it can carry a host: approved, and without a violation of its own.
    pub is_ready: bool,
    /// When the answer next changes by itself, if it does.
    pub next: Option<Timestamp>,
}

/// Judges a filing by itself.
pub fn judge_filing(filing: &Filing, facts: &Snapshot, now: Timestamp) -> Declaration {
    let standing = match filing.stage {
        Stage::Approved => Standing::Well,
        Stage::Rejected | Stage::Cancelled => Standing::Lost,
        Stage::Draft | Stage::Submitted | Stage::FirstReview | Stage::SecondReview | Stage::Publicity => {
            Standing::UnderWay
        }
    };
    // What ends in a violation turns Red before it does, and what ends in a warning Yellow.
    let violates = |(other, _): &&(Other, Day)| match other {
        Other::Approval(content) => content.fact().is_some_and(|fact| fact.asked == Asked::Everywhere),
        Other::Licence | Other::HandlerId | Other::Review => false,
    };
    let (approvals, others): (Vec<_>, Vec<_>) = filing.others.iter().partition(violates);
    let days = |ends: Vec<&(Other, Day)>| ends.into_iter().map(|(_, day)| *day).collect::<Vec<_>>();
    let mut losses = days(approvals);
    losses.extend([filing.expires_at, filing.domain_expires_at].into_iter().flatten());
    let ends = if standing == Standing::Lost {
        Ends::default()
    } else {
        Ends {
            losses,
            nuisances: days(others),
        }
    };
    judge(facts, now, standing, &ends, |check, context| match check {
        // What is cancelled can't be restored, and nothing of it is worth mending.
        Check::Filing(of_filing) if filing.stage != Stage::Cancelled => of_filing(&FilingCase { context, filing }),
        _ => Vec::new(),
    })
}

/// Judges a server by itself.
pub fn judge_server(server: &Server, facts: &Snapshot, now: Timestamp) -> Declaration {
    let ends = Ends {
        losses: server.expires_at.filter(|_| !server.auto_renew).into_iter().collect(),
        nuisances: Vec::new(),
    };
    judge(facts, now, Standing::Well, &ends, |check, context| match check {
        Check::Server(of_server) => of_server(&ServerCase { context, server }).into_iter().collect(),
        _ => Vec::new(),
    })
}

/// What ends, by what comes of it.
#[derive(Default)]
struct Ends {
    /// A violation.
    losses: Vec<Day>,
    /// A warning.
    nuisances: Vec<Day>,
}

/// How far the thing itself has come, apart from any finding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Well,
    UnderWay,
    Lost,
}

fn judge(
    facts: &Snapshot,
    now: Timestamp,
    standing: Standing,
    ends: &Ends,
    run: impl Fn(&Check, Context<'_>) -> Vec<Draft>,
) -> Declaration {
    let policy = facts.default_policy();
    let judge_at = |moment: &Moment| {
        let context = Context { facts, policy, moment };
        let found = check(policy, |check| run(check, context));
        let mut findings: Vec<Finding> = found
            .map(|found| found.on_declaration(FieldPath::fixed("spec")))
            .collect();
        explain(&mut findings);
        let (lost_soon, warned_soon) = (first_soon(&ends.losses, moment), first_soon(&ends.nuisances, moment));
        let violates = findings.iter().any(|finding| finding.severity == Severity::Violation);
        let colour = if violates || lost_soon.is_some() || standing == Standing::Lost {
            Colour::Red
        } else if warned_soon.is_some()
            || findings.iter().any(|finding| !finding.rule.foretells)
            || standing == Standing::UnderWay
        {
            // An end that is foretold is more than 30 days away here, which leaves the light Blue.
            Colour::Yellow
        } else {
            Colour::Blue
        };
        (findings, colour, violates)
    };
    let moment = Moment::new(now);
    let answer = judge_at(&moment);
    let next = next_change(&answer, &moment, judge_at);
    let (findings, colour, violates) = answer;
    // It explains the light, and is not asked when that changes.
    let asked = Moment::new(now);
    let soon = [&ends.losses, &ends.nuisances].map(|ends| first_soon(ends, &asked));
    Declaration {
        findings,
        colour,
        ends_soon: soon.into_iter().flatten().min(),
        is_ready: standing == Standing::Well && !violates,
        next,
    }
}

fn first_soon(ends: &[Day], moment: &Moment) -> Option<Day> {
    ends.iter().copied().filter(|day| moment.is_within(*day, SOON)).min()
}

/// Everything that the rules in force find, in the order of the catalogue.
fn check<'a>(policy: &'a Policy, mut run: impl FnMut(&Check) -> Vec<Draft> + 'a) -> impl Iterator<Item = Found> + 'a {
    let rules = CATALOGUE
        .iter()
        .copied()
        .filter(|rule| rules::severity(rule, None, policy).is_some());
    rules
        .flat_map(|rule| rule.checks.iter().map(move |check| (rule, check)))
        .flat_map(move |(rule, check)| {
            let drafts = run(check);
            drafts
                .into_iter()
                .filter_map(move |draft| Found::new(rule, draft, policy))
        })
}
