//! The verdict on a route.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::verdict::{Exemption, FilingRef, HostVerdict, Outcome, Verdict};
use crate::api::{ServiceKind, Stage};
use crate::domain::{Host, Location, Network, Place};
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
    /// Where it is served: the route's addresses, or the site's where it has none.
    addresses: Cow<'a, [Network]>,
    rules: InForce,
}

impl<'a> Asked<'a> {
    fn of(route: &'a Route, facts: &'a Snapshot) -> Option<Self> {
        let policy = facts.policy_of(route)?;
        Some(Self {
            route,
            facts,
            policy,
            serving: Serving::of(facts, policy),
            addresses: served_at(route, policy),
            rules: InForce::under(policy),
        })
    }

    fn hosts(&self, moment: &Moment) -> Vec<HostVerdict> {
        let looked_at = |claim| OfHost {
            claim,
            namespace: &self.route.key.namespace,
            serving: &self.serving,
            addresses: &self.addresses,
            rules: &self.rules,
            context: Context {
                facts: self.facts,
                policy: self.policy,
                moment,
            },
        };
        let claims = self.route.claims.iter();
        claims.map(|claim| looked_at(claim).verdict()).collect()
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

/// Where the world sees a route: at its addresses, or the site's where it has none that are public.
fn served_at<'a>(route: &Route, policy: &'a Policy) -> Cow<'a, [Network]> {
    if policy.mainland_cdn.is_some() {
        // The world sees the CDN's, which nobody here knows.
        return Cow::default();
    }
    let addresses = route.addresses.iter().copied().map(Network::from);
    // What balances inside a private network says nothing of what the world sees.
    let public: Vec<Network> = addresses.filter(|address| !address.is_private()).collect();
    if public.is_empty() {
        Cow::Borrowed(&policy.addresses)
    } else {
        Cow::Owned(public)
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
    /// The places that need access; where nothing does, those that serve.
    places: Vec<Place>,
    /// Whether it is not known where the site is.
    is_nowhere: bool,
}

impl Serving {
    fn of(facts: &Snapshot, policy: &Policy) -> Self {
        let site = facts.site_of(policy);
        let is_outside = !site.is_empty() && site.places().iter().all(|place| place.location == Location::Outside);
        let serves_inside = policy.mainland_cdn.is_some();
        let mut places = if is_outside && serves_inside {
            Vec::new()
        } else {
            site.places().to_vec()
        };
        if let Some(provider) = policy.mainland_cdn.as_ref().and_then(|cdn| cdn.provider.as_deref())
            && !places
                .iter()
                .any(|place| *place.provider == *provider && place.location != Location::Unknown)
        {
            places.push(Place::named(provider, None, Location::Mainland(None)));
        }
        Self {
            is_outside: is_outside && !serves_inside,
            places,
            is_nowhere: site.is_empty(),
        }
    }
}

/// The rules that a policy has in force, by what they look at.
struct InForce {
    host: Vec<(&'static Rule, HostCheck)>,
    /// Those that look at hosts for which no filing is needed.
    outside: Vec<(&'static Rule, HostCheck)>,
    /// Those that look at a host and a filing for it.
    coverage: Vec<(&'static Rule, &'static Check)>,
    /// Those that look at a filing alone, and have no word of their own for its hosts.
    filing: Vec<&'static Rule>,
}

type HostCheck = fn(&HostCase<'_>) -> Option<Draft>;

impl InForce {
    fn under(policy: &Policy) -> Self {
        let (mut host, mut outside, mut coverage, mut filing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for rule in CATALOGUE {
            let Some(severity) = rules::severity(rule, None, policy) else {
                continue;
            };
            let mut is_of_hosts = false;
            for check in rule.checks {
                match check {
                    Check::Host(of_host) => host.push((rule, *of_host)),
                    Check::Outside(of_host) => outside.push((rule, *of_host)),
                    Check::Coverage(_) | Check::Access(_) => coverage.push((rule, check)),
                    Check::Filing(_) | Check::Server(_) | Check::Reading => continue,
                }
                is_of_hosts = true;
            }
            if !is_of_hosts && severity == Severity::Violation {
                filing.push(rule);
            }
        }
        Self {
            host,
            outside,
            coverage,
            filing,
        }
    }
}

/// One name that a route answers for, and what it is judged by.
struct OfHost<'a> {
    claim: &'a Claim,
    namespace: &'a str,
    serving: &'a Serving,
    addresses: &'a [Network],
    rules: &'a InForce,
    context: Context<'a>,
}

impl<'a> OfHost<'a> {
    fn verdict(&self) -> HostVerdict {
        let Self { claim, context, .. } = *self;
        let mut verdict = HostVerdict {
            host: claim.to.clone(),
            path: claim.path.clone(),
            outcome: Outcome::Exempt,
            filing: None,
            exemption: self.exemption(),
            findings: Vec::new(),
        };
        match verdict.exemption {
            Some(Exemption::PrivateName) => return verdict,
            Some(Exemption::OutsideMainland) => return self.outside(verdict),
            Some(Exemption::Policy { .. }) | None => {}
        }
        let covered = match &claim.to {
            Claimed::Host(host) => self.best_coverage(host),
            Claimed::NoHost { .. } | Claimed::Anything | Claimed::Opaque(_) => None,
        };
        let case = HostCase {
            context,
            claimed: &claim.to,
            filing: covered.as_ref().map(|covered| covered.filing),
            places: &self.serving.places,
        };
        let found = self.rules.host.iter();
        let found = found.filter_map(|(rule, of_host)| Found::new(rule, of_host(&case)?, context.policy));
        verdict.findings = found.map(|found| found.on(claim)).collect();
        if let Some(covered) = covered {
            verdict.filing = covered.told();
            verdict.findings.extend(covered.findings);
        }
        explain(&mut verdict.findings);
        if verdict.exemption.is_none() {
            verdict.outcome = outcome(&verdict.findings);
        }
        verdict
    }

    /// Off the mainland no filing is needed; but a policy may mind that a filed domain is served from there.
    fn outside(&self, mut verdict: HostVerdict) -> HostVerdict {
        let Self { claim, context, .. } = *self;
        let Claimed::Host(host) = &claim.to else {
            return verdict;
        };
        if self.rules.outside.is_empty() {
            return verdict;
        }
        let candidates = context.facts.candidates(context.policy, host.domain());
        let mut approved = candidates.filter(|filing| {
            filing.stage == Stage::Approved
                && filing.kind == ServiceKind::Website
                && context.facts.is_shared_with(filing, self.namespace)
        });
        let case = HostCase {
            context,
            claimed: &claim.to,
            filing: approved.next().map(|filing| &**filing),
            places: &self.serving.places,
        };
        let found = self.rules.outside.iter();
        let found = found.filter_map(|(rule, of_host)| Found::new(rule, of_host(&case)?, context.policy));
        verdict.findings = found.map(|found| found.on(claim)).collect();
        if !verdict.findings.is_empty() {
            explain(&mut verdict.findings);
            verdict.exemption = self.exempted(host);
            if verdict.exemption.is_none() {
                verdict.outcome = outcome(&verdict.findings);
            }
        }
        verdict
    }

    fn exemption(&self) -> Option<Exemption> {
        if self.serving.is_outside {
            return Some(Exemption::OutsideMainland);
        }
        let Claimed::Host(host) = &self.claim.to else {
            return None;
        };
        if host.is_private() {
            return Some(Exemption::PrivateName);
        }
        self.exempted(host)
    }

    /// What the policy says of it.
    fn exempted(&self, host: &Host) -> Option<Exemption> {
        let Context { policy, moment, .. } = self.context;
        let covering = policy.exemptions.iter();
        let covering = covering.filter(|exemption| exemption.covers(host, self.namespace));
        // Of several the one that lasts longest is told, so that the end of another changes nothing.
        let lasting = covering.filter(|exemption| !moment.is_past(exemption.until, 0));
        lasting
            .max_by_key(|exemption| exemption.until)
            .map(|exemption| Exemption::Policy {
                reason: exemption.reason.clone(),
                owner: exemption.owner.clone(),
                until: exemption.until,
            })
    }

    /// One that makes the host compliant wins; else one that only warns; else the one that explains it best.
    fn best_coverage(&self, host: &'a Host) -> Option<Coverage<'a>> {
        let Context { facts, policy, .. } = self.context;
        let mut best: Option<Coverage<'a>> = None;
        for filing in facts.candidates(policy, host.domain()) {
            let coverage = self.coverage(filing, host);
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

    fn coverage(&self, filing: &'a Filing, host: &Host) -> Coverage<'a> {
        let Self { context, namespace, .. } = *self;
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
            places: &self.serving.places,
            is_nowhere: self.serving.is_nowhere,
            addresses: self.addresses,
        };
        let found = self.rules.coverage.iter().filter_map(|(rule, check)| {
            let draft = match check {
                Check::Coverage(of_coverage) => of_coverage(&covers),
                Check::Access(of_access) => of_access(&access),
                Check::Host(_) | Check::Outside(_) | Check::Filing(_) | Check::Server(_) | Check::Reading => None,
            };
            Found::new(rule, draft?, context.policy)
        });
        let mut findings: Vec<Finding> = found.map(|found| found.on_host_of(self.claim, filing)).collect();
        let is_strange = *filing.key.namespace != *namespace;
        findings.extend(self.own_violations(filing).map(|found| {
            let finding = found.on_host_of(self.claim, filing);
            if is_strange { finding.withheld() } else { finding }
        }));
        keep_to_itself(&mut findings);
        explain(&mut findings);
        Coverage { filing, findings }
    }

    /// What violates in the filing itself, by rules that have no word of their own for its hosts. Each rule speaks once.
    fn own_violations(&self, filing: &'a Filing) -> impl Iterator<Item = Found> {
        let Self { context, .. } = *self;
        let case = FilingCase { context, filing };
        // What is cancelled says so, and there is no more to say of it.
        let rules = self.rules.filing.iter().filter(|_| filing.stage != Stage::Cancelled);
        rules.filter_map(move |rule| {
            let mut drafts = rule.checks.iter().flat_map(|check| match check {
                Check::Filing(of_filing) => of_filing(&case),
                _ => Vec::new(),
            });
            drafts
                .find_map(|draft| Found::new(rule, draft, context.policy))
                .filter(|found| found.severity == Severity::Violation)
        })
    }
}

/// What comes of findings, the worst of which is first.
fn outcome(findings: &[Finding]) -> Outcome {
    match findings.first().map(|finding| finding.severity) {
        None => Outcome::Compliant,
        Some(Severity::Warning) => Outcome::Warned,
        Some(Severity::Violation) => Outcome::Violating,
    }
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

/// What a rule found, with the severity that the policy gives it.
pub(super) struct Found {
    rule: &'static Rule,
    severity: Severity,
    draft: Draft,
}

impl Found {
    pub(super) fn new(rule: &'static Rule, draft: Draft, policy: &Policy) -> Option<Self> {
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
