//! A policy as it is applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ObjectMeta, Selector, SelectorExt};

use super::snapshot::{HOME_LABEL, Labels};
use crate::api::{Admission, Brake, FilingPolicySpec, Grace, RuleLevel, Running, SiteSpec, keys};
use crate::domain::place::{canonical_provider, is_known_provider};
use crate::domain::{Day, FieldPath, Host, Location, Network, Place, Province, Site};

/// What is enforced where, and how hard.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Arc<str>,
    /// The generation of its spec; 0 in a manifest.
    pub generation: i64,
    /// The highest governs.
    pub precedence: i32,
    /// Where the routes are served; none: found from the nodes.
    pub site: Option<Site>,
    /// The public addresses of the site.
    pub addresses: Vec<Network>,
    /// Whether a CDN serves them on the mainland, wherever the cluster is.
    pub mainland_cdn: Option<Cdn>,
    /// The namespaces that it governs; none: all.
    pub namespaces: Option<Selector>,
    /// The classes that it governs; empty: all.
    pub ingress_classes: Vec<Arc<str>>,
    /// Whose filings count.
    pub trust: Trust,
    /// What happens to new and changed routes.
    pub admission: Admission,
    /// What happens to routes that already run.
    pub running: Running,
    /// Severities over the catalogue's.
    pub rules: BTreeMap<String, RuleLevel>,
    /// Days of grace.
    pub grace: Grace,
    /// Days before an end at which to remind, the greatest first.
    pub reminders: Vec<u32>,
    /// Who need not comply.
    pub exemptions: Vec<Exemption>,
    /// Controllers of classes whose routes are never put into quarantine.
    pub block_except: Vec<String>,
    /// How many routes may be put there without a person's word.
    pub brake: Brake,
    /// The digest of the routes that a person lets be put there all the same.
    pub released_brake: Option<String>,
    /// Whether it is marked to let every route go: nothing is put into quarantine, and what is there comes out.
    pub is_released: bool,
    /// What could not be understood of it, and what is done instead.
    pub problems: Vec<Problem>,
}

/// A content delivery network that serves on the mainland.
#[derive(Clone, Debug, PartialEq)]
pub struct Cdn {
    /// Its provider, where it is named.
    pub provider: Option<Arc<str>>,
}

/// Whose filings count.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// Everyone's.
    All,
    /// Those in the operator's own namespace.
    Home,
    /// Those in namespaces with such labels; nobody's where the selector can't be read.
    Namespaces(Option<Selector>),
}

/// Hosts that need not comply for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemption {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// The namespaces; empty: all.
    pub namespaces: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day.
    pub until: Day,
}

/// Something in a policy that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub path: FieldPath,
    /// What is wrong and what is done instead.
    pub message: String,
}

impl Policy {
    /// Reads what was typed. What can't be understood is left out in the stricter way, and told in `problems`.
    pub fn new(name: Arc<str>, metadata: &ObjectMeta, spec: &FilingPolicySpec) -> Self {
        let mut problems = Vec::new();
        let selection = spec.r#match.as_ref();
        let namespaces = selection
            .and_then(|selection| selection.namespace_selector.clone())
            .filter(|typed| !is_empty(typed));
        let mut reminders = spec.reminders.clone();
        reminders.sort_unstable_by(|a, b| b.cmp(a));
        let annotation = |key: &str| metadata.annotations.as_ref()?.get(key);
        Self {
            name,
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            generation: metadata.generation.unwrap_or_default(),
            precedence: spec.precedence,
            site: spec.site.as_ref().map(|site| Site::of([place(site, &mut problems)])),
            addresses: spec
                .site
                .iter()
                .flat_map(|site| &site.addresses)
                .filter_map(|typed| Network::parse(typed))
                .collect(),
            mainland_cdn: spec.mainland_cdn.as_ref().map(|cdn| Cdn {
                provider: cdn.provider.as_deref().map(|typed| canonical_provider(typed).into()),
            }),
            // A selector that can't be read governs everything: a slip must not open the gate.
            namespaces: namespaces.and_then(|typed| selector(&typed, "spec.match.namespaceSelector", &mut problems)),
            ingress_classes: selection
                .map(|selection| {
                    selection
                        .ingress_classes
                        .iter()
                        .map(|class| Arc::from(class.as_str()))
                        .collect()
                })
                .unwrap_or_default(),
            trust: trust(spec, &mut problems),
            admission: spec.admission,
            running: spec.running,
            rules: spec.rules.clone(),
            grace: spec.grace,
            reminders,
            exemptions: exemptions(spec, &mut problems),
            block_except: spec.block_except.clone(),
            brake: spec.brake,
            released_brake: annotation(keys::RELEASE_BRAKE).cloned(),
            is_released: annotation(keys::RELEASE).is_some(),
            problems,
        }
    }

    /// The greatest of the reminders, in days: what ends within them is expiring.
    pub fn expiring_within(&self) -> u32 {
        self.reminders.first().copied().unwrap_or_default()
    }

    /// Whether it governs routes in a namespace and class. An unknown class matches.
    pub fn governs(&self, labels: &Labels, class: Option<&str>, class_is_known: bool) -> bool {
        let class_fits = self.ingress_classes.is_empty()
            || !class_is_known
            || class.is_some_and(|class| self.ingress_classes.iter().any(|governed| **governed == *class));
        class_fits && self.namespaces.as_ref().is_none_or(|selector| selector.matches(labels))
    }

    /// Whether filings in a namespace count.
    pub fn trusts(&self, namespace: &str, labels: &Labels, home: &str) -> bool {
        match &self.trust {
            Trust::All => true,
            Trust::Home => namespace == home,
            Trust::Namespaces(selector) => selector.as_ref().is_some_and(|selector| selector.matches(labels)),
        }
    }
}

impl Exemption {
    /// Whether it speaks of a host in a namespace.
    pub fn covers(&self, host: &Host, namespace: &str) -> bool {
        (self.namespaces.is_empty() || self.namespaces.iter().any(|exempt| exempt == namespace))
            && self.hosts.iter().any(|pattern| pattern.covers(host))
    }
}

fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

fn selector(typed: &LabelSelector, path: &'static str, problems: &mut Vec<Problem>) -> Option<Selector> {
    match typed.clone().try_into() {
        Ok(selector) => Some(selector),
        Err(error) => {
            let message = format!("the selector can't be read ({error}); mend its operator or values");
            problems.push(Problem {
                path: FieldPath::fixed(path),
                message,
            });
            None
        }
    }
}

fn place(site: &SiteSpec, problems: &mut Vec<Problem>) -> Place {
    let known = Place::new(&site.provider, site.region.as_deref());
    let Some(typed) = site.province.as_deref() else {
        if known.location == Location::Unknown
            && is_known_provider(&site.provider)
            && let Some(region) = &site.region
        {
            problems.push(Problem {
                path: FieldPath::fixed("spec.site.region"),
                message: format!(
                    "{} has no region \"{region}\" in the table, so access can't be judged; mend it, or say where it is: \
                     province, like CN-BJ or 北京, or Outside",
                    known.provider
                ),
            });
        }
        return known;
    };
    let location = if typed == "Outside" {
        Location::Outside
    } else if let Some(province) = Province::find(typed) {
        Location::Mainland(Some(province))
    } else {
        let message = format!("\"{typed}\" is no province; write its ISO code or name, like CN-BJ or 北京, or Outside");
        problems.push(Problem {
            path: FieldPath::fixed("spec.site.province"),
            message,
        });
        return known;
    };
    // The table knows better than a policy where a provider's region is.
    if known.location == Location::Unknown {
        Place { location, ..known }
    } else {
        known
    }
}

fn trust(spec: &FilingPolicySpec, problems: &mut Vec<Problem>) -> Trust {
    let Some(from) = &spec.filings_from else {
        return Trust::Home;
    };
    if from.all {
        return Trust::All;
    }
    if let Some(typed) = from.namespace_selector.as_ref().filter(|typed| !is_empty(typed)) {
        return Trust::Namespaces(selector(typed, "spec.filingsFrom.namespaceSelector", problems));
    }
    problems.push(Problem {
        path: FieldPath::fixed("spec.filingsFrom.namespaceSelector"),
        message: "an empty selector trusts nobody's filings; write all: true to trust everyone's".to_owned(),
    });
    Trust::Namespaces(None)
}

fn exemptions(spec: &FilingPolicySpec, problems: &mut Vec<Problem>) -> Vec<Exemption> {
    let mut exemptions = Vec::with_capacity(spec.exemptions.len());
    for (at, typed) in spec.exemptions.iter().enumerate() {
        let mut hosts = Vec::with_capacity(typed.hosts.len());
        for (host_at, host) in typed.hosts.iter().enumerate() {
            let refused = match Host::parse(host) {
                Ok(parsed) if parsed.domain().is_public_suffix() && !parsed.is_private() => {
                    "is a public suffix; exempt names below it".to_owned()
                }
                Ok(parsed) => {
                    hosts.push(parsed);
                    continue;
                }
                Err(error) => format!("exempts nothing: {error}"),
            };
            let path = FieldPath::from(format!("spec.exemptions[{at}].hosts[{host_at}]"));
            problems.push(Problem {
                path,
                message: format!("\"{host}\" {refused}"),
            });
        }
        exemptions.push(Exemption {
            hosts,
            namespaces: typed.namespaces.clone(),
            reason: typed.reason.clone(),
            owner: typed.owner.clone(),
            until: typed.until,
        });
    }
    exemptions
}

/// Labels of a namespace of which nothing is known but its name.
pub(super) fn labels_of(namespace: &str) -> Labels {
    Labels::from([(HOME_LABEL.to_owned(), namespace.to_owned())])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case::a_region_of_the_table(json!({"provider": "alicloud", "region": "cn-shanghai"}), None)]
    #[case::a_mistyped_one(json!({"provider": "alicloud", "region": "cn-shangai"}), Some("spec.site.region"))]
    #[case::a_new_one_with_its_province(json!({"provider": "alicloud", "region": "cn-new", "province": "CN-SH"}), None)]
    #[case::ones_own_data_centre(json!({"provider": "idc-telecom", "region": "jiuxianqiao"}), None)]
    #[case::no_province(json!({"provider": "idc-telecom", "province": "Xanadu"}), Some("spec.site.province"))]
    fn a_site_that_can_not_be_told_is_a_problem_where_a_slip_is_likely(
        #[case] site: Value,
        #[case] expected: Option<&str>,
    ) {
        let spec: FilingPolicySpec = serde_json::from_value(json!({"site": site})).unwrap();
        let policy = Policy::new("p".into(), &ObjectMeta::default(), &spec);
        assert_eq!(policy.problems.first().map(|problem| problem.path.as_str()), expected);
    }
}
