//! What to do about a running route.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Effect;
use super::notice::{Notice, Reference, shortened};
use crate::api::{Running, keys};
use crate::judge::{Exemption, Outcome, Verdict};
use crate::route::Route;
use crate::rules::Lang;

/// The longest annotation that is written, in bytes.
const MAX_ANNOTATION: usize = 2048;

/// What to do about a route that is governed or is not. `version` is the route's resource version: the same change of
/// verdict on the same version is told once, and on a later one again. `told` is what was written last, as far as this
/// process knows: that someone has taken it away is mended, and is no news.
pub fn route(
    route: &Route,
    version: &str,
    told: Option<&BTreeMap<&'static str, String>>,
    verdict: Option<&Verdict>,
) -> Vec<Effect> {
    let verdict = verdict.filter(|verdict| verdict.policy.running != Running::Disabled);
    let annotations = verdict.map(annotations).unwrap_or_default();
    if annotations == route.marks {
        return Vec::new();
    }
    let is_news = told.is_none_or(|told| *told != annotations);
    let news = verdict
        .filter(|_| is_news)
        .and_then(|verdict| notice(route, version, verdict, &annotations));
    let event = news.map(|notice| Effect::Event(Box::new(notice)));
    event.into_iter().chain([Effect::Annotate(annotations)]).collect()
}

fn annotations(verdict: &Verdict) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([(keys::VERDICT, verdict.outcome.to_string())]);
    let findings = findings(verdict);
    if !findings.is_empty() {
        annotations.insert(keys::FINDINGS, shortened(&findings, MAX_ANNOTATION));
    }
    let numbers: BTreeSet<&str> = verdict
        .hosts
        .iter()
        .filter_map(|host| host.filing.as_ref()?.number.as_deref())
        .collect();
    if !numbers.is_empty() {
        let numbers: Vec<&str> = numbers.into_iter().collect();
        annotations.insert(keys::NUMBER, shortened(&numbers.join(", "), MAX_ANNOTATION));
    }
    annotations
}

/// A line for each host that something was found about.
fn findings(verdict: &Verdict) -> String {
    let mut lines = String::new();
    for (host, finding) in verdict.findings() {
        if !lines.is_empty() {
            lines.push('\n');
        }
        // Writing into a String cannot fail.
        let _ = write!(
            lines,
            "{}: {} [{}]",
            host.host,
            finding.message(Lang::En),
            finding.rule.id
        );
        if let Some(Exemption::Policy { until, .. }) = &host.exemption {
            let _ = write!(lines, " (exempt until {until})");
        }
        if lines.len() > MAX_ANNOTATION {
            break;
        }
    }
    lines
}

/// The Event of a change of verdict. That a route is well when it is first seen is no news.
fn notice(route: &Route, version: &str, verdict: &Verdict, after: &BTreeMap<&'static str, String>) -> Option<Notice> {
    let before = route.marks.get(keys::VERDICT);
    let was = before.and_then(|word| Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word));
    let is_well = verdict.outcome <= Outcome::Compliant;
    let is_changed = was != Some(verdict.outcome) || route.marks.get(keys::FINDINGS) != after.get(keys::FINDINGS);
    if !is_changed || (is_well && was.is_none_or(|was| was <= Outcome::Compliant)) {
        return None;
    }
    // The worst host's first finding explains it best; what is found about exempt hosts does not.
    let mut counting = verdict
        .findings()
        .filter(|(host, _)| host.outcome != Outcome::Exempt)
        .collect::<Vec<_>>();
    counting.sort_by_key(|(host, _)| Reverse(host.outcome));
    let (reason, note) = match counting.first() {
        Some((host, finding)) if !is_well => {
            let others = counting.len().saturating_sub(1);
            let more = if others == 0 {
                String::new()
            } else {
                format!(" (and {others} more)")
            };
            (
                finding.rule.id,
                format!("{}: {}{more}", host.host, finding.sentence(Lang::En)),
            )
        }
        _ => (verdict.outcome.as_str(), "every host may be served".to_owned()),
    };
    let told_apart_by = [
        version,
        verdict.outcome.as_str(),
        after.get(keys::FINDINGS).map_or("", String::as_str),
    ];
    let mut notice = Notice::new(
        Reference::to_route(route),
        reason.to_owned(),
        "Judge",
        &note,
        &told_apart_by,
    );
    notice.is_warning = was.is_none_or(|was| verdict.outcome >= was) && !is_well;
    Some(notice)
}
