//! Where a cluster stands: providers, their regions, and which of them are on the mainland.
//!
//! A region's name decides nothing by its prefix: Alibaba's `cn-hongkong` is not mainland, Tencent's `ap-guangzhou` is. The
//! tables say (facts/regions.csv, facts/providers.csv), and what they don't know stays unknown.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

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

/// The provider that people call so: by its name in any language, that of its company (阿里云计算有限公司), or as
/// [`canonical_provider`] knows it.
///
/// ```
/// use filing_operator::domain::place::provider_called;
///
/// assert_eq!(provider_called("阿里云"), Some("alicloud"));
/// assert_eq!(provider_called("Tencent  cloud"), Some("tencentcloud"));
/// assert_eq!(provider_called("某机房"), None);
/// ```
pub fn provider_called(typed: &str) -> Option<&'static str> {
    let by_label = || {
        let at = TABLES.by_label.get(label(typed).as_str())?;
        TABLES.providers.get(*at)
    };
    Provider::find(typed).or_else(by_label).map(|provider| &*provider.id)
}

/// The region of a provider that people call so: by its name, or by the city in the text (华北2（北京）), where one of its regions
/// alone is there, beside those for banks and governments.
///
/// ```
/// use filing_operator::domain::place::region_called;
///
/// assert_eq!(region_called("alicloud", "华北2（北京）"), Some("cn-beijing"));
/// assert_eq!(region_called("tencentcloud", "gz"), Some("ap-guangzhou"));
/// ```
pub fn region_called(provider: &str, typed: &str) -> Option<&'static str> {
    let provider = Provider::find(provider)?;
    if let Some(region) = provider.region(typed.trim()) {
        return region.place.region.as_deref();
    }
    let in_city = || {
        let regions = provider.regions.values();
        regions.filter(|region| !region.city.is_empty() && typed.contains(region.city))
    };
    let only = |regions: &mut dyn Iterator<Item = &'static Region>| {
        let mut names: Vec<&str> = regions.filter_map(|region| region.place.region.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        <[&str; 1]>::try_from(names).ok().map(|[name]| name)
    };
    only(&mut in_city().filter(|region| region.is_plain)).or_else(|| only(&mut in_city()))
}

/// A name without what differs from hand to hand: letter case, width, white space and brackets.
fn label(name: &str) -> String {
    let folded = name.nfkc().filter(|letter| letter.is_alphanumeric());
    folded.flat_map(char::to_lowercase).take(LONGEST_LABEL).collect()
}

/// No name of a provider is nearly as long.
const LONGEST_LABEL: usize = 80;

/// Whether two names mean one region of a provider: `gz` and `ap-guangzhou` of Tencent's do.
pub fn same_region(provider: &str, a: &str, b: &str) -> bool {
    a == b || Place::new(provider, Some(a)).region == Place::new(provider, Some(b)).region
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
    name_zh: &'static str,
    name_en: &'static str,
    labels: &'static str,
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
    note: &'static str,
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
    /// Whether there is nothing to say of it: it is for anybody.
    is_plain: bool,
}

struct Tables {
    providers: Vec<Provider>,
    by_name: HashMap<&'static str, usize>,
    /// By the names that people have for them.
    by_label: HashMap<String, usize>,
    /// None: programs whose nodes stand anywhere.
    by_scheme: HashMap<&'static str, Option<usize>>,
    /// The one provider that has a region of this name; none where several do.
    by_region: HashMap<&'static str, Option<usize>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables {
        providers: Vec::new(),
        by_name: HashMap::new(),
        by_label: HashMap::new(),
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
        let labels = [row.name_zh, row.name_en]
            .into_iter()
            .chain(row.labels.split_whitespace());
        tables.by_label.extend(labels.map(|name| (label(name), at)));
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
                    is_plain: row.note.is_empty(),
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
                    is_plain: row.note.is_empty(),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_reference_lists_every_provider_and_region() {
        use std::fmt::Write as _;
        let rows = |file: &str| {
            let path = format!("{}/facts/{file}", env!("CARGO_MANIFEST_DIR"));
            let mut reader = csv::Reader::from_path(path).unwrap();
            reader
                .deserialize::<BTreeMap<String, String>>()
                .map(Result::unwrap)
                .collect::<Vec<_>>()
        };
        let regions = rows("regions.csv");
        let mut page = String::from(
            "# Providers and regions\n\n*For those who write Filings and policies. Generated from the tables in facts/, which have the \
             sources.*\n\nA provider that is not here is a data centre of your own: give it a name, and in a policy's `site` its `province`. A \
             region that is not here is none that is known; `Outside` the mainland no filing is needed.\n",
        );
        for provider in rows("providers.csv") {
            let (id, aliases) = (&provider["id"], &provider["aliases"]);
            write!(page, "\n## {id}\n\n{}, {}", provider["name_zh"], provider["name_en"]).unwrap();
            if !aliases.is_empty() {
                write!(page, "; also written {}", aliases.replace(' ', ", ")).unwrap();
            }
            page.push_str(".\n\n| region | | province |\n|---|---|---|\n");
            for region in regions.iter().filter(|region| region["provider"] == *id) {
                let where_it_is = if region["mainland"] == "yes" {
                    region["province"].as_str()
                } else {
                    "Outside"
                };
                writeln!(page, "| `{}` | {} | {where_it_is} |", region["region"], region["city"]).unwrap();
            }
        }
        crate::support::is_generated("docs/reference/places.md", &page);
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    const NOW: &str = "topology.kubernetes.io/region";
    const BEFORE: &str = "failure-domain.beta.kubernetes.io/region";

    #[test]
    fn region_names_are_unique_for_each_provider_and_every_mainland_one_has_a_province_or_says_unknown() {
        let mut seen = BTreeSet::new();
        for row in facts::rows::<RegionRow>(include_str!("../../facts/regions.csv")) {
            assert!(TABLES.by_name.contains_key(row.provider), "{}", row.provider);
            let names = [row.region].into_iter().chain(row.aliases.split_whitespace());
            for name in names.chain(row.zones.split_whitespace()) {
                assert!(seen.insert((row.provider, name)), "{} {name}", row.provider);
            }
            match row.mainland {
                "yes" => assert!(
                    row.province == "unknown" || Province::find(row.province).is_some(),
                    "{}",
                    row.region
                ),
                "no" => assert!(row.province.is_empty(), "{}", row.region),
                other => panic!("{}: {other}", row.region),
            }
        }
    }

    #[test]
    fn names_and_schemes_of_providers_are_unique_and_every_pattern_compiles() {
        let (mut names, mut schemes, mut labels) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for row in facts::rows::<ProviderRow>(include_str!("../../facts/providers.csv")) {
            let called = [row.name_zh, row.name_en]
                .into_iter()
                .chain(row.labels.split_whitespace());
            for name in called.filter(|_| !row.id.is_empty()) {
                assert!(labels.insert(label(name)), "{name}");
                assert_eq!(provider_called(name), Some(row.id));
            }
            for name in [row.id].into_iter().chain(row.aliases.split_whitespace()) {
                assert!(names.insert(name), "{name}");
            }
            for scheme in row.schemes.split_whitespace() {
                assert!(schemes.insert(scheme), "{scheme}");
            }
            Regex::new(row.node_id).unwrap();
        }
    }

    #[test]
    fn every_row_names_its_source_and_day() {
        #[derive(Deserialize)]
        struct Origin {
            source: &'static str,
            date: &'static str,
        }
        for table in [
            include_str!("../../facts/regions.csv"),
            include_str!("../../facts/providers.csv"),
        ] {
            for row in facts::rows::<Origin>(table) {
                assert!(!row.source.is_empty() && row.date.parse::<crate::domain::Day>().is_ok());
            }
        }
    }

    #[rstest]
    #[case::alicloud("cn-hangzhou.i-bp1abc", &[(NOW, "cn-hangzhou")], "alicloud cn-hangzhou (杭州)", true)]
    #[case::alicloud_by_id("cn-hangzhou.i-bp1abc", &[], "alicloud cn-hangzhou (杭州)", true)]
    #[case::alicloud_with_scheme("alicloud://cn-beijing.i-2ze1", &[], "alicloud cn-beijing (北京)", true)]
    #[case::alicloud_hong_kong("cn-hongkong.i-j6c1", &[(NOW, "cn-hongkong")], "alicloud cn-hongkong (香港)", false)]
    #[case::tke("qcloud:///100003/ins-3abc", &[(NOW, "gz")], "tencentcloud ap-guangzhou (广州)", true)]
    #[case::tke_by_numeric_zone("qcloud:///160001/ins-3abc", &[], "tencentcloud ap-chengdu (成都)", true)]
    #[case::tke_full_name("qcloud:///100003/ins-3abc", &[(NOW, "ap-guangzhou")], "tencentcloud ap-guangzhou (广州)", true)]
    #[case::tke_hong_kong("qcloud:///300003/ins-3abc", &[(BEFORE, "hk")], "tencentcloud ap-hongkong (香港)", false)]
    #[case::tencent_old_controller("tencentcloud:///ap-beijing-3/ins-3abc", &[], "tencentcloud ap-beijing (北京)", true)]
    #[case::huawei("huaweicloud://6f9619ff-8b86-d011-b42d-00cf4fc964ff", &[(NOW, "cn-north-1")], "huaweicloud cn-north-1 (北京)", true)]
    #[case::cce("6f9619ff-8b86-d011-b42d-00cf4fc964ff", &[(NOW, "cn-north-4")], "huaweicloud cn-north-4 (北京)", true)]
    #[case::huawei_hong_kong("huaweicloud://6f9619ff", &[(NOW, "ap-southeast-1")], "huaweicloud ap-southeast-1 (香港)", false)]
    #[case::volcengine("volcengine://i-yc1abc", &[(NOW, "cn-beijing")], "volcengine cn-beijing (北京)", true)]
    #[case::baidu("cce://i-abc", &[(NOW, "gz")], "baiducloud gz (广州)", true)]
    #[case::jdcloud("jdcloud://i-abc", &[(NOW, "cn-east-1")], "jdcloud cn-east-1 (宿迁)", true)]
    #[case::ucloud("UCloud://uhost-abc", &[(NOW, "cn-bj2")], "ucloud cn-bj2 (北京)", true)]
    #[case::aws("aws:///cn-north-1a/i-0abc", &[], "aws cn-north-1 (北京)", true)]
    #[case::aws_ningxia("aws:///cn-northwest-1b/i-0abc", &[(NOW, "cn-northwest-1")], "aws cn-northwest-1 (宁夏)", true)]
    #[case::aws_singapore("aws:///ap-southeast-1a/i-0abc", &[], "aws ap-southeast-1 (新加坡)", false)]
    #[case::azure("azure:///subscriptions/x/resourceGroups/y", &[(NOW, "chinanorth3")], "azure chinanorth3 (河北)", true)]
    #[case::gcp("gce://project/asia-east2-a/node", &[], "gcp asia-east2 (香港)", false)]
    #[case::unknown_region("alicloud://cn-atlantis.i-1", &[], "alicloud cn-atlantis", true)]
    #[case::no_region("azure:///subscriptions/x", &[], "azure", true)]
    #[case::label_that_the_table_lacks("qcloud:///100003/ins-3abc", &[(NOW, "east")], "tencentcloud ap-guangzhou (广州)", true)]
    #[case::old_label_behind_the_new("cce://i-abc", &[(BEFORE, "gz"), (NOW, "bj")], "baiducloud bj (北京)", true)]
    #[case::ksyun_by_label("", &[(NOW, "cn-beijing-6")], "ksyun cn-beijing-6 (北京)", true)]
    fn a_node_tells_its_place(
        #[case] id: &str,
        #[case] pairs: &[(&str, &str)],
        #[case] place: &str,
        #[case] on_mainland: bool,
    ) {
        let found = Place::from_node(Some(id), &labels(pairs)).unwrap();
        assert_eq!(
            (found.to_string().as_str(), found.is_on_mainland()),
            (place, on_mainland)
        );
    }

    #[rstest]
    #[case::nothing(None, &[])]
    #[case::cce_region_that_others_have_too(Some("6f9619ff-8b86-d011-b42d-00cf4fc964ff"), &[(NOW, "cn-north-1")])]
    #[case::alibaba_or_volcengine(None, &[(NOW, "cn-beijing")])]
    #[case::tencent_or_baidu(None, &[(NOW, "gz")])]
    #[case::an_alias_names_nobody(None, &[(NOW, "de")])]
    #[case::a_machine_outside_alibaba(Some("ack-hybrid://machine"), &[(NOW, "cn-hangzhou")])]
    #[case::kind(Some("kind://docker/kind/kind-control-plane"), &[])]
    #[case::k3s(Some("k3s://server"), &[])]
    #[case::kwok(Some("kwok://node-0"), &[])]
    #[case::vsphere(Some("vsphere://4230"), &[(NOW, "beijing")])]
    #[case::a_dot_is_no_region(Some("node.example"), &[])]
    fn a_node_without_a_provider_has_no_place(#[case] id: Option<&str>, #[case] pairs: &[(&str, &str)]) {
        assert_eq!(Place::from_node(id, &labels(pairs)), None);
    }

    #[rstest]
    #[case("aliyun", Some("CN-Beijing"), "alicloud cn-beijing (北京)")]
    #[case(" tencentcloud ", Some("100003"), "tencentcloud ap-guangzhou (广州)")]
    #[case("qcloud", None, "tencentcloud")]
    #[case("tencentcloud", Some(" "), "tencentcloud")]
    #[case("idc-telecom", Some("jiuxianqiao"), "idc-telecom jiuxianqiao")]
    fn names_become_canonical(#[case] provider: &str, #[case] region: Option<&str>, #[case] place: &str) {
        assert_eq!(Place::new(provider, region).to_string(), place);
    }

    #[rstest]
    #[case("idc-telecom", Some("jiuxianqiao"))]
    #[case("alicloud", None)]
    #[case("alicloud", Some("cn-beijing-2"))]
    #[case("alicloud", Some("gz"))]
    fn what_the_tables_lack_is_unknown_and_judged_as_mainland(#[case] provider: &str, #[case] region: Option<&str>) {
        let place = Place::new(provider, region);
        assert_eq!((place.location, place.is_on_mainland()), (Location::Unknown, true));
    }

    #[test]
    fn a_data_centre_of_ones_own_says_where_it_is() {
        let place = Place::named(
            "idc-telecom",
            Some("jiuxianqiao"),
            Location::Mainland(Province::find("CN-BJ")),
        );
        assert_eq!(place.to_string(), "idc-telecom jiuxianqiao (北京)");
    }

    #[test]
    fn regions_are_compared_by_what_they_mean() {
        assert!(same_region("tencentcloud", "gz", "ap-guangzhou"));
        assert!(same_region("idc", "a", "a"));
        assert!(!same_region("baiducloud", "gz", "ap-guangzhou"));
        assert!(!same_region("alicloud", "cn-beijing", "cn-beijing-finance-1"));
    }

    #[test]
    fn providers_go_by_their_aliases() {
        assert!(is_known_provider("qcloud") && is_known_provider("ctyun") && !is_known_provider("idc-telecom"));
        assert_eq!(
            (canonical_provider("qcloud"), canonical_provider("idc")),
            ("tencentcloud", "idc")
        );
    }

    #[test]
    fn places_off_the_mainland_drop_out_when_there_is_one_on_it() {
        let place = |region: &str| Place::new("alicloud", Some(region));
        let of = |regions: &[&str]| {
            let site = Site::of(regions.iter().map(|region| place(region)));
            site.places()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(
            of(&["cn-hongkong", "cn-shanghai", "cn-beijing", "cn-shanghai"]),
            "alicloud cn-beijing (北京), alicloud cn-shanghai (上海)"
        );
        assert_eq!(
            of(&["cn-hongkong", "us-west-1"]),
            "alicloud cn-hongkong (香港), alicloud us-west-1 (硅谷)"
        );
        assert_eq!(of(&["cn-hongkong", "cn-atlantis"]), "alicloud cn-atlantis");
        assert!(Site::of([]).is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(id in ".*", label in ".*") {
            let _ = Place::from_node(Some(&id), &labels(&[(NOW, &label)]));
            let place = Place::new(&id, Some(&label));
            // What was typed may hold empty brackets; the display adds none.
            let brackets = |text: &str| text.matches("()").count();
            prop_assert!(brackets(&place.to_string()) <= brackets(&id) + brackets(&label));
            let again = Place::new(&place.provider, place.region.as_deref());
            prop_assert_eq!(again, place);
        }

        #[test]
        fn nodes_of_any_zone_are_read(scheme in "(qcloud|aws|gce|alicloud|cce)", zone in "[a-zé0-9.-]{0,12}") {
            let _ = Place::from_node(Some(&format!("{scheme}://p/{zone}/i")), &BTreeMap::new());
        }
    }
}
