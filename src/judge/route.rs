//! The verdict on a route.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::verdict::{Exemption, FilingRef, HostVerdict, Outcome, Verdict};
use crate::domain::{Host, Location, Place};
use crate::registry::{Filing, Policy, Snapshot};
use crate::route::{Claim, Claimed, Route};
use crate::rules::{
    self, AccessCase, CATALOGUE, Check, Context, CoverageCase, Detail, Draft, FILING_NOT_SHARED, FilingCase, Finding,
    HostCase, Moment, Rule, Severity, WRONG_SERVICE_KIND,
};

/// Judges a route. Without a policy that governs it there is nothing to judge.
pub fn judge(route: &Route, facts: &Snapshot, now: Timestamp) -> Option<Verdict> {
    Asked::of(route, facts).map(|asked| asked.verdict(asked.hosts(&Moment::new(now))))
}

/// Judges a route for one who waits: also says when the answer next changes by itself, if it does. Before that moment
/// it is this one, at that moment another. To find it, the route is judged anew for each date that matters to it.
pub fn judge_until(route: &Route, facts: &Snapshot, now: Timestamp) -> Option<(Verdict, Option<Timestamp>)> {
    let asked = Asked::of(route, facts)?;
    let moment = Moment::new(now);
    let hosts = asked.hosts(&moment);
    let next = next_change(&hosts, &moment, |moment| asked.hosts(moment));
    Some((asked.verdict(hosts), next))
}

/// What is asked of a route, at whatever moment.
struct Asked<'a> {
    route: &'a Route,
    facts: &'a Snapshot,
    policy: &'a Arc<Policy>,
    serving: Serving,
}

impl<'a> Asked<'a> {
    fn of(route: &'a Route, facts: &'a Snapshot) -> Option<Self> {
        let policy = facts.policy_of(route)?;
        Some(Self {
            route,
            facts,
            policy,
            serving: Serving::of(facts, policy),
        })
    }

    fn hosts(&self, moment: &Moment) -> Vec<HostVerdict> {
        let context = Context {
            facts: self.facts,
            policy: self.policy,
            moment,
        };
        let claims = self.route.claims.iter();
        claims
            .map(|claim| host(claim, &self.route.key.namespace, &self.serving, context))
            .collect()
    }

    fn verdict(&self, hosts: Vec<HostVerdict>) -> Verdict {
        let worst = hosts.iter().map(|host| host.outcome).max();
        Verdict {
            policy: Arc::clone(self.policy),
            site: self.facts.site_of(self.policy).places().to_vec(),
            outcome: worst.unwrap_or(Outcome::Compliant),
            hosts,
        }
    }
}

/// The first moment at which an answer is another. An answer about time may change without changing the whole, so
/// each such moment is judged in turn; there are as many as there are dates in what was asked.
pub(super) fn next_change<T: PartialEq>(
    answer: &T,
    moment: &Moment,
    judge_at: impl Fn(&Moment) -> T,
) -> Option<Timestamp> {
    let mut next = moment.next();
    while let Some(at) = next {
        let later = Moment::new(at);
        if judge_at(&later) != *answer {
            return Some(at);
        }
        next = later.next();
    }
    None
}

/// Where routes under a policy are served.
struct Serving {
    /// Nothing on the mainland serves them, so no filing is needed.
    is_outside: bool,
    /// The places that need access.
    places: Vec<Place>,
    /// Whether it is not known where the site is.
    is_nowhere: bool,
}

impl Serving {
    fn of(facts: &Snapshot, policy: &Policy) -> Self {
        let site = facts.site_of(policy);
        let is_outside = !site.is_empty() && site.places().iter().all(|place| place.location == Location::Outside);
        let mut places = if is_outside { Vec::new() } else { site.places().to_vec() };
        if let Some(provider) = policy.mainland_cdn.as_ref().and_then(|cdn| cdn.provider.as_deref())
            && !places
                .iter()
                .any(|place| *place.provider == *provider && place.location != Location::Unknown)
        {
            places.push(Place::named(provider, None, Location::Mainland(None)));
        }
        Self {
            is_outside: is_outside && policy.mainland_cdn.is_none(),
            places,
            is_nowhere: site.is_empty(),
        }
    }
}

fn host(claim: &Claim, namespace: &str, serving: &Serving, context: Context<'_>) -> HostVerdict {
    let exemption = exemption(claim, namespace, serving, context);
    let mut verdict = HostVerdict {
        host: claim.to.clone(),
        path: claim.path.clone(),
        outcome: Outcome::Exempt,
        filing: None,
        exemption,
        findings: Vec::new(),
    };
    if matches!(
        verdict.exemption,
        Some(Exemption::PrivateName | Exemption::OutsideMainland)
    ) {
        return verdict;
    }
    let covered = match &claim.to {
        Claimed::Host(host) => best_coverage(host, claim, namespace, serving, context),
        Claimed::NoHost { .. } | Claimed::Anything | Claimed::Opaque(_) => None,
    };
    let filing = covered.as_ref().map(|covered| covered.filing);
    let case = HostCase {
        context,
        claimed: &claim.to,
        filing,
        places: &serving.places,
    };
    verdict.findings = check(context.policy, |check| match check {
        Check::Host(of_host) => of_host(&case).into_iter().collect(),
        _ => Vec::new(),
    })
    .map(|found| found.on(claim))
    .collect();
    if let Some(covered) = covered {
        verdict.filing = covered.told();
        verdict.findings.extend(covered.findings);
    }
    explain(&mut verdict.findings);
    if verdict.exemption.is_none() {
        verdict.outcome = match verdict.findings.first().map(|finding| finding.severity) {
            None => Outcome::Compliant,
            Some(Severity::Warning) => Outcome::Warned,
            Some(Severity::Violation) => Outcome::Violating,
        };
    }
    verdict
}

fn exemption(claim: &Claim, namespace: &str, serving: &Serving, context: Context<'_>) -> Option<Exemption> {
    if serving.is_outside {
        return Some(Exemption::OutsideMainland);
    }
    let Claimed::Host(host) = &claim.to else { return None };
    if host.is_private() {
        return Some(Exemption::PrivateName);
    }
    let covering = context
        .policy
        .exemptions
        .iter()
        .filter(|exemption| exemption.covers(host, namespace));
    // Of several the one that lasts longest is told, so that the end of another changes nothing.
    let lasting = covering.filter(|exemption| !context.moment.is_past(exemption.until, 0));
    lasting
        .max_by_key(|exemption| exemption.until)
        .map(|exemption| Exemption::Policy {
            reason: exemption.reason.clone(),
            owner: exemption.owner.clone(),
            until: exemption.until,
        })
}

/// A filing that has a domain at or above a host, and what speaks against it.
struct Coverage<'a> {
    filing: &'a Filing,
    findings: Vec<Finding>,
}

impl Coverage<'_> {
    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    fn told(&self) -> Option<FilingRef> {
        let is_withheld = self.findings.iter().any(|finding| *finding.rule == FILING_NOT_SHARED);
        (!is_withheld).then(|| FilingRef {
            key: self.filing.key.clone(),
            uid: self.filing.uid.clone(),
            number: self.filing.site_number().map(|number| number.text().to_owned()),
        })
    }

    /// Which of several filings is told of a host, the least first: one under which it may be served. Where there is
    /// none, a website's explains better than an App's, a nearer one better than a farther, and of two filings of one
    /// domain the one that is for this namespace.
    fn order(&self, host: &Host) -> (Option<Severity>, bool, Reverse<usize>, bool) {
        let has = |rule: &Rule| self.findings.iter().any(|finding| finding.rule == rule);
        let over = self
            .filing
            .covering_domains()
            .filter(|domain| domain.covers(host.domain()));
        let nearest = over.map(|domain| domain.as_str().len()).max().unwrap_or_default();
        (
            self.worst(),
            has(&WRONG_SERVICE_KIND),
            Reverse(nearest),
            has(&FILING_NOT_SHARED),
        )
    }
}

/// One that makes the host compliant wins; else one that only warns; else the one that explains it best.
fn best_coverage<'a>(
    host: &'a Host,
    claim: &Claim,
    namespace: &str,
    serving: &Serving,
    context: Context<'a>,
) -> Option<Coverage<'a>> {
    let candidates = context.facts.candidates(context.policy, host.domain());
    let mut best: Option<Coverage<'a>> = None;
    for filing in candidates {
        let coverage = coverage(filing, host, claim, namespace, serving, context);
        let worst = coverage.worst();
        if best.as_ref().is_none_or(|best| coverage.order(host) < best.order(host)) {
            best = Some(coverage);
        }
        if worst.is_none() {
            break;
        }
    }
    best
}

fn coverage<'a>(
    filing: &'a Filing,
    host: &Host,
    claim: &Claim,
    namespace: &str,
    serving: &Serving,
    context: Context<'_>,
) -> Coverage<'a> {
    let covers = CoverageCase {
        context,
        host,
        namespace,
        filing,
    };
    let access = AccessCase {
        context,
        host,
        filing,
        places: &serving.places,
        is_nowhere: serving.is_nowhere,
    };
    let of_filing = FilingCase { context, filing };
    let is_strange = *filing.key.namespace != *namespace;
    let mut findings: Vec<Finding> = Vec::new();
    for found in check(context.policy, |check| match check {
        Check::Coverage(of_coverage) => of_coverage(&covers).into_iter().collect(),
        Check::Access(of_access) => of_access(&access).into_iter().collect(),
        Check::Filing(_) | Check::Host(_) | Check::Server(_) | Check::Reading => Vec::new(),
    }) {
        findings.push(found.on_host_of(claim, filing));
    }
    findings.extend(own_violations(&of_filing).map(|found| {
        let finding = found.on_host_of(claim, filing);
        if is_strange { finding.withheld() } else { finding }
    }));
    keep_to_itself(&mut findings);
    explain(&mut findings);
    Coverage { filing, findings }
}

/// Where a filing is not for the namespace, what else is found may not tell of it. If the policy makes that a violation,
/// it is all there is to say; else what else violates still counts, without detail.
fn keep_to_itself(findings: &mut Vec<Finding>) {
    let Some(refused) = findings.iter().position(|finding| *finding.rule == FILING_NOT_SHARED) else {
        return;
    };
    let refusal = Finding {
        filing: None,
        ..findings.swap_remove(refused)
    };
    let others = std::mem::take(findings).into_iter();
    if refusal.severity < Severity::Violation {
        let violations = others.filter(|finding| finding.severity == Severity::Violation);
        findings.extend(violations.map(Finding::withheld));
    }
    findings.push(refusal);
}

/// What violates in the filing itself, by rules that have no word of their own for its hosts. Each rule speaks once.
fn own_violations<'a>(case: &'a FilingCase<'a>) -> impl Iterator<Item = Found> + 'a {
    let policy = case.context.policy;
    let rules = CATALOGUE.iter().copied().filter(move |rule| {
        rules::severity(rule, None, policy) == Some(Severity::Violation)
            && !rule
                .checks
                .iter()
                .any(|check| matches!(check, Check::Host(_) | Check::Coverage(_) | Check::Access(_)))
    });
    rules.filter_map(move |rule| {
        let mut drafts = rule.checks.iter().flat_map(|check| match check {
            Check::Filing(of_filing) => of_filing(case),
            _ => Vec::new(),
        });
        drafts
            .find_map(|draft| Found::new(rule, draft, policy))
            .filter(|found| found.severity == Severity::Violation)
    })
}

/// What a rule found, with the severity that the policy gives it.
pub(super) struct Found {
    rule: &'static Rule,
    severity: Severity,
    draft: Draft,
}

impl Found {
    fn new(rule: &'static Rule, draft: Draft, policy: &Policy) -> Option<Self> {
        let severity = rules::severity(rule, draft.severity, policy)?;
        Some(Self { rule, severity, draft })
    }

    fn on(self, claim: &Claim) -> Finding {
        let Self { rule, severity, draft } = self;
        Finding {
            rule,
            severity,
            path: claim.path.clone(),
            filing: None,
            detail: Detail::Told(draft.values),
        }
    }

    fn on_host_of(self, claim: &Claim, filing: &Filing) -> Finding {
        Finding {
            filing: Some(filing.key.clone()),
            ..self.on(claim)
        }
    }

    pub(super) fn on_declaration(self, whole: crate::domain::FieldPath) -> Finding {
        let Self { rule, severity, draft } = self;
        let path = draft.path.unwrap_or(whole);
        Finding {
            rule,
            severity,
            path,
            filing: None,
            detail: Detail::Told(draft.values),
        }
    }
}

/// Everything that the rules in force find, in the order of the catalogue.
pub(super) fn check<'a>(
    policy: &'a Policy,
    mut run: impl FnMut(&Check) -> Vec<Draft> + 'a,
) -> impl Iterator<Item = Found> + 'a {
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

/// Leaves out what another finding says more to the point, and puts the best explanation first.
pub(super) fn explain(findings: &mut Vec<Finding>) {
    if findings.len() < 2 {
        return;
    }
    let told: Vec<(&'static str, Severity)> = findings
        .iter()
        .map(|finding| (finding.rule.id, finding.severity))
        .collect();
    findings.retain(|finding| {
        !told
            .iter()
            .any(|(id, severity)| *severity >= finding.severity && finding.rule.yields_to.contains(id))
    });
    findings.sort_by_key(|finding| (Reverse(finding.severity), rules::rank(finding.rule)));
}
