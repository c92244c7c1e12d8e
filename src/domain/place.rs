//! Where a cluster stands: providers, their regions, and which of them are on the mainland.
//!
//! A region's name decides nothing by its prefix: Alibaba's `cn-hongkong` is not mainland, Tencent's `ap-guangzhou` is. The
//! tables say (facts/regions.csv, facts/providers.csv), and what they don't know stays unknown.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::Deserialize;

use super::facts;
use super::province::Province;

/// Whether a place is on the mainland (境内), where sites need a filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// In this province, or in one that isn't known.
    Mainland(Option<&'static Province>),
    /// In Hong Kong, Macau, Taiwan or abroad.
    Outside,
    /// Not to be told.
    Unknown,
}

/// A region of a provider, or a data centre of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The provider's canonical name, like `alicloud`; a name of one's own otherwise.
    pub provider: Arc<str>,
    /// The region's canonical name, like `ap-guangzhou` for Tencent's `gz`.
    pub region: Option<Arc<str>>,
    /// Whether it is on the mainland.
    pub location: Location,
}

impl Place {
    /// A place by the names that people and nodes use. What the tables don't have is at an unknown location.
    ///
    /// ```
    /// use filing_operator::domain::place::Place;
    ///
    /// assert_eq!(Place::new("tencentcloud", Some("gz")).to_string(), "tencentcloud ap-guangzhou (广州)");
    /// assert!(!Place::new("alicloud", Some("cn-hongkong")).is_on_mainland());
    /// ```
    pub fn new(provider: &str, region: Option<&str>) -> Self {
        let region = region.map(str::trim).filter(|region| !region.is_empty());
        let Some(known) = Provider::find(provider) else {
            return Self::named(provider.trim(), region, Location::Unknown);
        };
        match region {
            Some(region) => known.region(region).map_or_else(
                || Self {
                    provider: known.id.clone(),
                    region: Some(region.into()),
                    location: Location::Unknown,
                },
                |found| found.place.clone(),
            ),
            None => Self {
                provider: known.id.clone(),
                region: None,
                location: Location::Unknown,
            },
        }
    }

    /// A place whose location is said by a person: a data centre that is in no table.
    pub fn named(provider: &str, region: Option<&str>, location: Location) -> Self {
        Self {
            provider: provider.into(),
            region: region.map(Into::into),
            location,
        }
    }

    /// Where a node stands, by its `spec.providerID` and its labels; none where the provider can't be told.
    pub fn from_node(provider_id: Option<&str>, labels: &BTreeMap<String, String>) -> Option<Self> {
        let labelled = || {
            REGION_LABELS
                .iter()
                .filter_map(|label| labels.get(*label))
                .map(String::as_str)
        };
        let identified = match provider_id.filter(|id| !id.is_empty()) {
            Some(id) => match identify(id) {
                Identity::Provider(provider, region) => Some((provider, region)),
                Identity::Anywhere => return None,
                Identity::Untold => None,
            },
            None => None,
        };
        let (provider, from_id) = match identified {
            Some(identified) => identified,
            None => (labelled().find_map(only_provider_with)?, None),
        };
        let mut regions = labelled().filter(|region| !region.is_empty()).chain(from_id);
        // A region that the table has beats one that it doesn't: labels can be set by hand.
        let known = regions.clone().find(|region| provider.region(region).is_some());
        Some(Self::new(&provider.id, known.or_else(|| regions.next())))
    }

    /// Whether it is judged as being on the mainland: an unknown place is.
    pub fn is_on_mainland(&self) -> bool {
        self.location != Location::Outside
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.provider)?;
        let Some(region) = &self.region else { return Ok(()) };
        write!(f, " {region}")?;
        let city = Provider::find(&self.provider)
            .and_then(|provider| provider.region(region))
            .map(|found| found.city);
        match (city.filter(|city| !city.is_empty()), self.location) {
            (Some(city), _) => write!(f, " ({city})"),
            (None, Location::Mainland(Some(province))) => write!(f, " ({province})"),
            (None, _) => Ok(()),
        }
    }
}

/// The places that a cluster serves from, sorted. Those off the mainland are left out when there is one on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site(Arc<[Place]>);

impl Site {
    /// The site of these places. A place of unknown location counts as on the mainland.
    pub fn of(places: impl IntoIterator<Item = Place>) -> Self {
        let mut places: Vec<_> = places.into_iter().collect();
        if places.iter().any(Place::is_on_mainland) {
            places.retain(Place::is_on_mainland);
        }
        places.sort_unstable();
        places.dedup();
        Self(places.into())
    }

    /// The places, in their order.
    pub fn places(&self) -> &[Place] {
        &self.0
    }

    /// Whether nothing is known of where the cluster stands.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether the tables have a provider of this name or alias.
pub fn is_known_provider(typed: &str) -> bool {
    Provider::find(typed).is_some()
}

/// The canonical name of a provider (`tencentcloud` for `qcloud`), or what was typed.
pub fn canonical_provider(typed: &str) -> &str {
    Provider::find(typed).map_or(typed.trim(), |provider| &provider.id)
}

/// Whether two names mean one region of a provider: `gz` and `ap-guangzhou` of Tencent's do.
pub fn same_region(provider: &str, a: &str, b: &str) -> bool {
    Place::new(provider, Some(a)).region == Place::new(provider, Some(b)).region
}

/// The labels of a node that name its region, the one in use first.
const REGION_LABELS: [&str; 2] = [
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
];

/// The scheme of providerIDs without one, in the table.
const NO_SCHEME: &str = "none";

#[derive(Deserialize)]
struct ProviderRow {
    id: &'static str,
    aliases: &'static str,
    schemes: &'static str,
    node_id: &'static str,
}

#[derive(Deserialize)]
struct RegionRow {
    provider: &'static str,
    region: &'static str,
    aliases: &'static str,
    zones: &'static str,
    city: &'static str,
    province: &'static str,
    mainland: &'static str,
}

struct Provider {
    id: Arc<str>,
    node_id: Option<Regex>,
    /// By name, alias, and the first digits of numeric zones.
    regions: HashMap<&'static str, Region>,
}

#[derive(Clone)]
struct Region {
    place: Place,
    city: &'static str,
}

struct Tables {
    providers: Vec<Provider>,
    by_name: HashMap<&'static str, usize>,
    /// None: programs whose nodes stand anywhere.
    by_scheme: HashMap<&'static str, Option<usize>>,
    /// The one provider that has a region of this name; none where several do.
    by_region: HashMap<&'static str, Option<usize>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables {
        providers: Vec::new(),
        by_name: HashMap::new(),
        by_scheme: HashMap::new(),
        by_region: HashMap::new(),
    };
    for row in facts::rows::<ProviderRow>(include_str!("../../facts/providers.csv")) {
        let at = (!row.id.is_empty()).then_some(tables.providers.len());
        tables
            .by_scheme
            .extend(row.schemes.split_whitespace().map(|scheme| (scheme, at)));
        let Some(at) = at else { continue };
        tables.by_name.insert(row.id, at);
        tables
            .by_name
            .extend(row.aliases.split_whitespace().map(|alias| (alias, at)));
        // A test compiles every one of them.
        let node_id = Some(row.node_id)
            .filter(|it| !it.is_empty())
            .and_then(|it| Regex::new(it).ok());
        tables.providers.push(Provider {
            id: row.id.into(),
            node_id,
            regions: HashMap::new(),
        });
    }
    for row in facts::rows::<RegionRow>(include_str!("../../facts/regions.csv")) {
        let Some(&at) = tables.by_name.get(row.provider) else {
            continue;
        };
        let Some(provider) = tables.providers.get_mut(at) else {
            continue;
        };
        let location = match row.mainland {
            "yes" => Location::Mainland(Province::find(row.province)),
            "no" => Location::Outside,
            _ => Location::Unknown,
        };
        let place = Place {
            provider: provider.id.clone(),
            region: Some(row.region.into()),
            location,
        };
        for name in [row.region].into_iter().chain(row.aliases.split_whitespace()) {
            provider.regions.insert(
                name,
                Region {
                    place: place.clone(),
                    city: row.city,
                },
            );
            // An alias alone names no provider (`de` may be anyone's), but it can keep another from being the only one.
            let only = (name == row.region).then_some(at);
            tables
                .by_region
                .entry(name)
                .and_modify(|one| *one = None)
                .or_insert(only);
        }
        for zone in row.zones.split_whitespace() {
            provider.regions.insert(
                zone,
                Region {
                    place: place.clone(),
                    city: row.city,
                },
            );
        }
    }
    tables
});

impl Provider {
    fn find(typed: &str) -> Option<&'static Self> {
        let name = typed.trim();
        let at = TABLES
            .by_name
            .get(name)
            .or_else(|| TABLES.by_name.get(name.to_ascii_lowercase().as_str()));
        at.and_then(|at| TABLES.providers.get(*at))
    }

    /// The region of this name, alias or numeric zone.
    fn region(&self, typed: &str) -> Option<&Region> {
        let numeric = typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit());
        if numeric {
            return typed.get(..4).and_then(|zone| self.regions.get(zone));
        }
        self.regions
            .get(typed)
            .or_else(|| self.regions.get(typed.to_ascii_lowercase().as_str()))
    }

    /// The name of the region of a zone: that of the table, or the zone without its own letter.
    fn region_of_zone<'a>(&self, zone: &'a str) -> &'a str {
        let by_number = zone
            .rsplit_once('-')
            .filter(|(_, n)| n.len() < 3)
            .map(|(region, _)| region);
        let by_letter = zone
            .strip_suffix(|last: char| last.is_ascii_lowercase())
            .map(|it| it.trim_end_matches('-'));
        let candidates = [Some(zone), by_number, by_letter];
        let known = candidates
            .into_iter()
            .flatten()
            .find(|region| self.region(region).is_some());
        known.or(by_letter).unwrap_or(zone)
    }
}

enum Identity<'a> {
    /// The provider, and the region where the id has one.
    Provider(&'static Provider, Option<&'a str>),
    /// A program whose nodes stand anywhere made the node.
    Anywhere,
    /// The id says nothing of a provider.
    Untold,
}

/// What a node's `spec.providerID` says.
fn identify(id: &str) -> Identity<'_> {
    let (scheme, body) = id.split_once("://").unwrap_or((NO_SCHEME, id));
    let lower = scheme.to_ascii_lowercase();
    let provider = match TABLES.by_scheme.get(lower.as_str()) {
        None => return Identity::Untold,
        Some(None) => return Identity::Anywhere,
        Some(Some(at)) => TABLES.providers.get(*at),
    };
    let Some(provider) = provider else {
        return Identity::Untold;
    };
    let captures = provider.node_id.as_ref().and_then(|regex| regex.captures(body));
    let region = captures.as_ref().and_then(|found| {
        let region = found.name("region").map(|it| it.as_str());
        region.or_else(|| found.name("zone").map(|it| provider.region_of_zone(it.as_str())))
    });
    if scheme == NO_SCHEME && region.is_none() {
        return Identity::Untold;
    }
    Identity::Provider(provider, region)
}

fn only_provider_with(region: &str) -> Option<&'static Provider> {
    TABLES
        .by_region
        .get(region)
        .copied()
        .flatten()
        .and_then(|at| TABLES.providers.get(at))
}
