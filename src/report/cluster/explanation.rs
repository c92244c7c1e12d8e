//! One route, host by host and rule by rule: what each found, and what would mend it.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{Told, places};
use crate::effects::{self, Enforcement, Hindrance};
use crate::judge::{self, HostVerdict, Verdict};
use crate::registry::{Policy, Snapshot};
use crate::report::columns::{tame, wrap};
use crate::report::words;
use crate::route::Route;
use crate::rules::{self, CATALOGUE, Check, Lang, Rule, Severity};

/// One route, explained.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    schema: &'static str,
    now: Timestamp,
    route: String,
    /// None: no policy governs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    site: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'static str>,
    hosts: Vec<OfHost>,
    #[serde(skip)]
    lang: Lang,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfHost {
    host: String,
    path: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exemption: Option<String>,
    /// What rules have found.
    findings: Vec<Told>,
    /// The rules that were asked and found nothing.
    passed: Vec<&'static str>,
    /// The rules that there was nothing to ask about: no filing covers the host, or it is exempt.
    not_asked: Vec<&'static str>,
    /// The rules that the policy has switched off.
    disabled: Vec<&'static str>,
}

impl Explanation {
    /// Of a route at a moment.
    pub fn of(route: &Route, facts: &Snapshot, now: Timestamp, lang: Lang) -> Self {
        let verdict = judge::judge(route, facts, now);
        let enforcement = effects::enforcement(route, verdict.as_ref(), facts);
        let of_hosts = |verdict: &Verdict| -> Vec<OfHost> {
            let hosts = verdict.hosts.iter();
            hosts.map(|host| OfHost::of(host, &verdict.policy, lang)).collect()
        };
        Self {
            schema: "filing-operator.io/explain/v1",
            now,
            route: route.key.to_string(),
            policy: verdict.as_ref().map(|verdict| verdict.policy.name.to_string()),
            site: verdict.as_ref().map_or(String::new(), |verdict| places(&verdict.site)),
            outcome: verdict.as_ref().map(|verdict| verdict.outcome.as_str()),
            enforcement: state(enforcement),
            hosts: verdict.as_ref().map(of_hosts).unwrap_or_default(),
            lang,
        }
    }

    /// For a terminal that is so wide.
    pub fn text(&self, width: Option<usize>) -> String {
        let lang = self.lang;
        let mut text = format!("{}  Ingress", tame(&self.route));
        // Writing into a String cannot fail.
        match (&self.policy, self.outcome) {
            (Some(policy), Some(outcome)) => {
                let _ = write!(text, "  {outcome}  policy {policy}  {}", self.site);
            }
            _ => {
                let _ = write!(text, "  {}", words::ungoverned(lang));
            }
        }
        if let Some(state) = self.enforcement {
            let _ = write!(text, "  {state}");
        }
        text.push('\n');
        if self.policy.is_some() && self.hosts.is_empty() {
            let _ = writeln!(text, "\n{}", words::no_hosts(lang));
        }
        for host in &self.hosts {
            host.tell(&mut text, width, lang);
        }
        text
    }
}

/// How far what is enforced is done, in a word; none where there is nothing.
fn state(enforcement: Enforcement) -> Option<&'static str> {
    Some(match enforcement {
        Enforcement::Nothing => return None,
        Enforcement::Blocked => "Blocked",
        Enforcement::Due => "BlockDue",
        Enforcement::PutBack => "PutBack",
        Enforcement::LettingGo => "LettingGo",
        Enforcement::Hindered(Hindrance::NoQuarantine) => "NoQuarantineClass",
        Enforcement::Hindered(Hindrance::Excepted) => "Excepted",
        Enforcement::Hindered(Hindrance::NoRecord) => "NoRecord",
        Enforcement::Hindered(Hindrance::BreakGlass) => "BreakGlass",
    })
}

/// What a rule needs, to be asked about a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Host,
    Filing,
}

/// None: the rule is not about hosts.
fn needs(rule: &Rule) -> Option<Needs> {
    let of = |check: &Check| match check {
        Check::Host(_) => Some(Needs::Host),
        Check::Coverage(_) | Check::Access(_) | Check::Filing(_) => Some(Needs::Filing),
        // Where no filing is needed, there is nothing to go through rule by rule.
        Check::Outside(_) | Check::Server(_) | Check::Reading => None,
    };
    let needs: Vec<Needs> = rule.checks.iter().filter_map(of).collect();
    let first = needs.first().copied();
    needs.into_iter().find(|needs| *needs == Needs::Host).or(first)
}

impl OfHost {
    fn of(host: &HostVerdict, policy: &Policy, lang: Lang) -> Self {
        let (mut passed, mut not_asked, mut disabled) = (Vec::new(), Vec::new(), Vec::new());
        for rule in CATALOGUE {
            let Some(needs) = needs(rule) else { continue };
            if host.findings.iter().any(|finding| finding.rule == rule) {
                continue;
            }
            if rules::severity(rule, None, policy).is_none() {
                disabled.push(rule.id);
            } else if host.exemption.is_some() || (needs == Needs::Filing && host.filing.is_none()) {
                not_asked.push(rule.id);
            } else {
                passed.push(rule.id);
            }
        }
        Self {
            host: host.host.to_string(),
            path: host.path.as_str().to_owned(),
            outcome: host.outcome.as_str(),
            filing: host.filing.as_ref().map(|filing| filing.key.to_string()),
            number: host.filing.as_ref().and_then(|filing| filing.number.clone()),
            exemption: host
                .exemption
                .as_ref()
                .map(|exemption| words::exemption(exemption, lang)),
            findings: host.findings.iter().map(|finding| Told::new(finding, lang)).collect(),
            passed,
            not_asked,
            disabled,
        }
    }

    fn tell(&self, text: &mut String, width: Option<usize>, lang: Lang) {
        let _ = writeln!(text, "\n{}  {}  {}", tame(&self.host), self.outcome, tame(&self.path));
        let mut line = |mark: &str, said: &str| {
            let indent = 4;
            let room = width
                .map(|width| width.saturating_sub(indent))
                .filter(|room| *room > 20);
            for (nth, said) in wrap(&tame(said), room).iter().enumerate() {
                let mark = if nth == 0 { mark } else { " " };
                let _ = writeln!(text, "  {mark} {said}");
            }
        };
        match (&self.filing, &self.number) {
            (Some(filing), Some(number)) => line(" ", &format!("{filing}  {number}")),
            (Some(filing), None) => line(" ", filing),
            (None, _) => {}
        }
        if let Some(exemption) = &self.exemption {
            line("–", exemption);
        }
        for told in &self.findings {
            let is_violation = told.severity == Severity::Violation.as_str();
            let mark = if is_violation { "✗" } else { "!" };
            line(mark, &format!("{}: {}", told.rule, told.message));
            if !told.remedy.is_empty() {
                line(" ", &format!("{}{}", words::hint(lang), told.remedy));
            }
        }
        let (passed, not_asked, disabled) = match lang {
            Lang::En => ("nothing found: ", "not asked: ", "off: "),
            Lang::Zh => ("未发现问题：", "未涉及：", "未启用："),
        };
        for (mark, head, rules) in [
            ("✓", passed, &self.passed),
            ("–", not_asked, &self.not_asked),
            ("–", disabled, &self.disabled),
        ] {
            if !rules.is_empty() {
                line(mark, &format!("{head}{}", rules.join(", ")));
            }
        }
    }
}
