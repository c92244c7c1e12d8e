mod catalogue;
mod coverage;
mod governance;
mod laws;
mod rivals;

use std::fmt::Write as _;

use serde_json::Value;

use super::judge;
use crate::rules::Lang;
use crate::support;

/// What the judge says of each host, in a line: the host, how it stands, under which filing, and what was found.
fn told(documents: &[Value]) -> Vec<String> {
    told_at(documents, support::now())
}

fn told_at(documents: &[Value], now: jiff::Timestamp) -> Vec<String> {
    let registry = support::registry(documents);
    let mut lines = Vec::new();
    for route in support::routes(&registry) {
        let Some(verdict) = judge(&route, registry.snapshot(), now) else {
            lines.push(format!("{}: ungoverned", route.key));
            continue;
        };
        for host in &verdict.hosts {
            let mut line = format!("{}: {}", host.host, host.outcome);
            if let Some(filing) = &host.filing {
                let _ = write!(line, " by {}", filing.key);
            }
            let found: Vec<&str> = host.findings.iter().map(|finding| finding.rule.id).collect();
            if !found.is_empty() {
                let _ = write!(line, " for {}", found.join(", "));
            }
            lines.push(line);
        }
    }
    lines
}

/// Every word that the judge says of the routes.
fn words(documents: &[Value]) -> String {
    let registry = support::registry(documents);
    let mut text = String::new();
    for route in support::routes(&registry) {
        let verdict = judge(&route, registry.snapshot(), support::now()).unwrap();
        for (host, finding) in verdict.findings() {
            let _ = writeln!(
                text,
                "{:?} {:?} {} {}",
                host.filing,
                finding.filing,
                finding.sentence(Lang::En),
                finding.sentence(Lang::Zh)
            );
        }
    }
    text
}
