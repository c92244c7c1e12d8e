//! The report of a namespace as other tools read it: a Report of openreports.io/v1alpha1.
//!
//! Its fields are those of the definition that the OpenReports project ships (github.com/openreports/reports-api, v0.2.1 of
//! 2025-09-08). It has no moments in it, so that it changes only when what fails does.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{Running, keys};
use crate::effects::shortened;
use crate::judge::{HostVerdict, Outcome, Verdict};
use crate::route::Route;
use crate::rules::{Finding, Lang, Severity};

/// The most results that a report has. With the longest texts that is half a megabyte; etcd takes 1.5.
pub const MAX_RESULTS: usize = 200;
/// The longest message of a result, in bytes.
const MAX_MESSAGE: usize = 1024;
/// The longest of its properties, in bytes: whoever makes a route can write anything for a host.
const MAX_PROPERTY: usize = 256;

/// The version of the group that reports are written in.
pub const API_VERSION: &str = "openreports.io/v1alpha1";
/// The kind of a report.
pub const KIND: &str = "Report";
/// The name of a namespace's report; also who reports, and the value of its label.
pub const NAME: &str = "filing-operator";
/// The label by which the operator knows its reports.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// How many findings fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Those for which a host may not be served.
    pub violations: usize,
    /// Those that should be mended.
    pub warnings: usize,
}

impl Failures {
    /// Of a route. One that is exempt, or that its policy does not look after while it runs, fails nothing.
    pub fn of(verdict: &Verdict) -> Self {
        let mut failures = Self::default();
        for (_, finding) in failing(verdict) {
            *match finding.severity {
                Severity::Violation => &mut failures.violations,
                Severity::Warning => &mut failures.warnings,
            } += 1;
        }
        failures
    }

    /// Whether nothing does.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// All of them.
    pub fn count(self) -> usize {
        self.violations.saturating_add(self.warnings)
    }
}

fn failing(verdict: &Verdict) -> impl Iterator<Item = (&HostVerdict, &Finding)> {
    let is_looked_after = verdict.policy.running != Running::Disabled;
    verdict
        .findings()
        .filter(move |(host, _)| is_looked_after && host.outcome != Outcome::Exempt)
}

/// The report of a namespace in which so much fails, by these routes in their order. No more of them are needed than have
/// [`MAX_RESULTS`] findings; an annotation counts the results that are left out.
pub fn open_report(namespace: &str, failures: Failures, routes: &[(Arc<Route>, Verdict)]) -> Value {
    let results = routes.iter().flat_map(|(route, verdict)| {
        let findings = failing(verdict);
        findings.map(move |(host, finding)| result(route, verdict, host, finding))
    });
    let results: Vec<Value> = results.take(MAX_RESULTS).collect();
    let mut metadata = json!({"name": NAME, "namespace": namespace, "labels": {MANAGED_BY: NAME}});
    if let left_out @ 1.. = failures.count().saturating_sub(results.len())
        && let Some(metadata) = metadata.as_object_mut()
    {
        let annotations = json!({keys::RESULTS_LEFT_OUT: left_out.to_string()});
        metadata.insert("annotations".to_owned(), annotations);
    }
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "source": NAME,
        "scope": {"apiVersion": "v1", "kind": "Namespace", "name": namespace},
        "configuration": {"limits": {"maxResults": MAX_RESULTS, "statusFilter": ["fail", "warn"]}},
        "summary": {"pass": 0, "fail": failures.violations, "warn": failures.warnings, "error": 0, "skip": 0},
        "results": results,
    })
}

fn result(route: &Route, verdict: &Verdict, host: &HostVerdict, finding: &Finding) -> Value {
    let is_violation = finding.severity == Severity::Violation;
    json!({
        "policy": &*verdict.policy.name,
        "rule": finding.rule.id,
        "category": "ICP filing",
        "severity": if is_violation { "high" } else { "medium" },
        "result": if is_violation { "fail" } else { "warn" },
        // By the words of the definition, what is only warned of is not scored.
        "scored": is_violation,
        "message": shortened(&format!("{}: {}", host.host, finding.sentence(Lang::En)), MAX_MESSAGE),
        "resources": [{
            "apiVersion": route.key.kind.api_version(),
            "kind": route.key.kind.kind(),
            "namespace": &*route.key.namespace,
            "name": &*route.key.name,
            "uid": &*route.uid,
        }],
        "properties": {
            "host": shortened(&host.host.to_string(), MAX_PROPERTY),
            "field": shortened(&finding.path.to_string(), MAX_PROPERTY),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::support::{filing, ingress, now, policy, registry, routes};

    /// The report of the routes among these documents.
    fn reported(documents: &[Value]) -> Value {
        let registry = registry(documents);
        let judged = routes(&registry).into_iter().filter_map(|route| {
            let verdict = judge(&route, registry.snapshot(), now())?;
            Some((route, verdict))
        });
        let judged: Vec<_> = judged.collect();
        let mut failures = Failures::default();
        for (_, verdict) in &judged {
            let of_route = Failures::of(verdict);
            failures.violations += of_route.violations;
            failures.warnings += of_route.warnings;
        }
        open_report("shop", failures, &judged)
    }

    #[test]
    fn a_report_tells_what_fails_and_nothing_else() {
        let report = reported(&[
            filing("filings/example-com", json!({"expiresAt": "2026-12-31"})),
            ingress("shop/web", &["www.example.com", "shop.example.net"]),
            ingress("shop/inner", &["web.internal"]),
        ]);
        insta::assert_json_snapshot!(report);
    }

    #[test]
    fn what_the_namespace_may_not_know_is_not_in_its_report() {
        let report = reported(&[
            filing("filings/example-com", json!({"allowedNamespaces": {"from": "Same"}})),
            ingress("shop/web", &["www.example.com"]),
        ])
        .to_string();
        assert!(report.contains("FilingNotShared"), "{report}");
        assert!(
            !report.contains("京ICP备") && !report.contains("example-com"),
            "{report}"
        );
    }

    #[test]
    fn a_policy_that_does_not_look_after_running_routes_reports_none() {
        let report = reported(&[
            policy("default", json!({"running": "Disabled"})),
            ingress("shop/web", &["www.example.com"]),
        ]);
        assert_eq!(report["results"], json!([]));
        assert_eq!(report["summary"]["fail"], 0);
    }

    #[test]
    fn a_report_is_bounded_and_counts_what_it_leaves_out() {
        let host = |at: usize| format!("{}.example.net", format!("h{at}-").repeat(12).trim_end_matches('-'));
        let hosts: Vec<String> = (0..300).map(host).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let report = reported(&[ingress("shop/web", &hosts)]);
        assert_eq!(report["results"].as_array().unwrap().len(), MAX_RESULTS);
        assert_eq!(report["summary"]["fail"], 300);
        assert_eq!(report["metadata"]["annotations"][keys::RESULTS_LEFT_OUT], "100");
        assert!(report.to_string().len() < 400_000, "{}", report.to_string().len());
    }
}
