//! Every domain that is served, filed or not; and what is to be declared of those that are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::Serialize;

use super::{Outcomes, columns, judge_all, unreadable};
use crate::api::{Access, AccessStage, Filing, FilingSpec, Nature, Stage, Subject};
use crate::domain::host::unicode;
use crate::domain::{Domain, Location, Place};
use crate::judge::{FilingRef, HostVerdict, Outcome};
use crate::registry::{Kept, Registry};
use crate::route::Claimed;
use crate::rules::NO_FILING;

/// How many hosts or routes a line names.
const NAMED: usize = 5;

/// Every domain that is served.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hosts {
    schema: &'static str,
    now: Timestamp,
    domains: Vec<OfDomain>,
    unreadable_routes: usize,
    #[serde(skip)]
    home: Arc<str>,
}

/// A domain, and how its hosts stand.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfDomain {
    /// As DNS has it; `*` for routes that answer for any, or for what can't be told.
    domain: String,
    /// The worst of its hosts'; NotJudged where no policy governs any.
    outcome: &'static str,
    filings: BTreeSet<String>,
    numbers: BTreeSet<String>,
    hosts: BTreeSet<String>,
    routes: BTreeSet<String>,
    rules: BTreeSet<&'static str>,
    outcomes: Outcomes,
    /// Whether no filing is declared for it.
    is_missing: bool,
    #[serde(skip)]
    worst: Option<Outcome>,
    /// Where it is served.
    #[serde(skip)]
    places: BTreeSet<Place>,
}

impl Hosts {
    /// Of a cluster at a moment; of one namespace, if that is named. `home` is the namespace for Filings that are missing.
    pub fn of(registry: &Registry, home: &str, namespace: Option<&str>, now: Timestamp) -> Self {
        let mut domains: BTreeMap<String, OfDomain> = BTreeMap::new();
        for judged in judge_all(registry, now) {
            if namespace.is_some_and(|namespace| *judged.key.namespace != *namespace) {
                continue;
            }
            let verdict = judged.verdict.as_ref();
            let hosts = verdict.into_iter().flat_map(|verdict| &verdict.hosts);
            let judged_hosts = hosts.map(|host| (&host.host, Some(host)));
            let claims = judged.route.claims.iter().filter(|_| verdict.is_none());
            for (claimed, host) in judged_hosts.chain(claims.map(|claim| (&claim.to, None))) {
                let domain = domain_of(registry, claimed, host.and_then(|host| host.filing.as_ref()));
                let of_domain = domains.entry(domain).or_default();
                of_domain.hosts.insert(claimed.to_string());
                of_domain.routes.insert(judged.key.to_string());
                if let (Some(host), Some(verdict)) = (host, verdict) {
                    of_domain.take(host, &verdict.site);
                }
            }
        }
        for (domain, of_domain) in &mut domains {
            of_domain.domain.clone_from(domain);
            of_domain.outcome = of_domain.worst.map_or("NotJudged", Outcome::as_str);
        }
        Self {
            schema: "filing-operator.io/hosts/v1",
            now,
            domains: domains.into_values().collect(),
            unreadable_routes: unreadable(registry),
            home: home.into(),
        }
    }

    /// As a table for a terminal that is so wide.
    pub fn table(&self, width: Option<usize>) -> String {
        columns(
            &["DOMAIN", "OUTCOME", "NUMBER", "FILING", "HOSTS", "ROUTES", "FINDINGS"],
            self.domains.iter().map(|domain| {
                vec![
                    unicode(&domain.domain).into_owned(),
                    domain.outcome.to_owned(),
                    some(&domain.numbers),
                    some(&domain.filings),
                    domain.hosts.len().to_string(),
                    some(&domain.routes),
                    some(&domain.rules),
                ]
            }),
            width,
        )
    }

    /// Filings to begin with, for the domains that have none: what can be known of them, as drafts that cover nothing yet.
    ///
    /// # Errors
    /// None that is known; the writer of YAML allows for them.
    pub fn skeletons(&self) -> Result<String, serde_saphyr::ser::Error> {
        let mut text = String::new();
        let mut names = BTreeSet::new();
        let missing = self.domains.iter().filter(|domain| domain.is_missing);
        for (nth, domain) in missing.enumerate() {
            // Of a-com.cn and a.com.cn one keeps its dots.
            let mut name = domain.domain.replace('.', "-");
            if !names.insert(name.clone()) {
                name.clone_from(&domain.domain);
            }
            if nth > 0 {
                text.push_str("---\n");
            }
            // Writing into a String cannot fail.
            let _ = writeln!(text, "# {}", some(&domain.hosts));
            let _ = writeln!(text, "# served by {}", some(&domain.routes));
            text.push_str(
                "# A draft covers nothing; but with a first Filing, draft or not, a policy that denies begins to deny.\n\
                 # Once it is filed: stage Approved, with its number, subject and access.\n",
            );
            text.push_str(&serde_saphyr::to_string(&domain.skeleton(name, &self.home))?);
        }
        Ok(text)
    }

    /// How many domains have no filing.
    pub fn missing(&self) -> usize {
        self.domains.iter().filter(|domain| domain.is_missing).count()
    }
}

/// The first few, and how many more.
fn some<T: AsRef<str>>(all: &BTreeSet<T>) -> String {
    if all.is_empty() {
        return "-".to_owned();
    }
    let first: Vec<&str> = all.iter().take(NAMED).map(AsRef::as_ref).collect();
    let mut text = first.join(", ");
    if all.len() > NAMED {
        // Writing into a String cannot fail.
        let _ = write!(text, " +{}", all.len().saturating_sub(NAMED));
    }
    text
}

/// The domain that a host is filed under: the one that its filing names, else the one that is registered.
fn domain_of(registry: &Registry, claimed: &Claimed, filing: Option<&FilingRef>) -> String {
    let Claimed::Host(name) = claimed else {
        return "*".to_owned();
    };
    let filing = filing.and_then(|filing| registry.snapshot().filing(&filing.key));
    if let Some(Kept::Read(filing)) = filing {
        let covering = filing.covering_domains().find(|domain| domain.covers(name.domain()));
        if let Some(domain) = covering {
            return domain.as_str().to_owned();
        }
    }
    let domain: &Domain = name.domain();
    domain.registrable().unwrap_or(domain.as_str()).to_owned()
}

impl OfDomain {
    fn take(&mut self, host: &HostVerdict, site: &[Place]) {
        self.rules.extend(host.findings.iter().map(|finding| finding.rule.id));
        self.outcomes.add(host.outcome);
        self.worst = self.worst.max(Some(host.outcome));
        self.is_missing |= host.exemption.is_none() && host.findings.iter().any(|finding| *finding.rule == NO_FILING);
        self.places
            .extend(site.iter().filter(|place| place.location != Location::Outside).cloned());
        if let Some(filing) = &host.filing {
            self.filings.insert(filing.key.to_string());
            self.numbers.extend(filing.number.clone());
        }
    }

    fn skeleton(&self, name: String, home: &str) -> Filing {
        let mut access: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for place in &self.places {
            let regions = access.entry(&place.provider).or_default();
            regions.extend(place.region.as_deref().map(str::to_owned));
        }
        let spec = FilingSpec {
            domains: vec![unicode(&self.domain).into_owned()],
            stage: Stage::Draft,
            subject: Subject {
                name: "TODO".to_owned(),
                nature: Nature::Enterprise,
                ..Subject::default()
            },
            access: access
                .into_iter()
                .map(|(provider, regions)| Access {
                    provider: provider.to_owned(),
                    regions,
                    stage: AccessStage::Submitted,
                    ..Access::default()
                })
                .collect(),
            ..FilingSpec::default()
        };
        Filing {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(home.to_owned()),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        }
    }
}
