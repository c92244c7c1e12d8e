//! What becomes of a load balancer when an Ingress leaves the class of its controller: a dated table with sources, not a
//! promise. Pure: no I/O, no look-up at any provider.

use std::sync::LazyLock;

use serde::Deserialize;

use super::facts;

/// The rows, in the order of the file.
static FACTS: LazyLock<Vec<ControllerFact>> =
    LazyLock::new(|| facts::rows(include_str!("../../facts/ingress-controllers.csv")));

/// Whether the address under which an Ingress is served may be lost when the Ingress is given another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleasesAddress {
    /// It goes with the class, by the controller's manual or source.
    Yes,
    /// It stays: it belongs to something else than the Ingress.
    No,
    /// Neither manual nor source says so, or they disagree.
    Unclear,
}

/// What is known of a controller of Ingresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerFact {
    /// What an IngressClass has in `spec.controller`, like `ingress.k8s.aws/alb`. Where the controller goes by the class's
    /// name alone, a name of that form that only this table gives it; the note says so.
    pub controller: &'static str,
    /// The class names that it serves without an IngressClass object of its own, separated by semicolons.
    legacy_classes: &'static str,
    /// Whether it serves, at its provider, the Ingresses that name no class.
    #[serde(rename = "classless", deserialize_with = "yes_or_no")]
    pub serves_classless: bool,
    /// Whether the address goes with the class.
    pub releases_address: ReleasesAddress,
    /// The cloud that runs it, as in the table of providers; empty where it runs anywhere.
    pub provider: &'static str,
    /// Its name, and what is known of it.
    pub note: &'static str,
    /// Where this was read.
    pub source: &'static str,
    /// The day of the source, or on which it was read.
    pub as_of: &'static str,
}

impl ControllerFact {
    /// The class names that it serves without an IngressClass object of its own, as in `kubernetes.io/ingress.class`.
    pub fn legacy_classes(&self) -> impl Iterator<Item = &'static str> {
        self.legacy_classes.split(';').filter(|class| !class.is_empty())
    }

    /// Whether its Ingresses are better left in their class. Doubt counts as yes: an address that is lost is lost to every
    /// host on it, and can't be had back.
    pub fn may_release_address(&self) -> bool {
        self.releases_address != ReleasesAddress::No
    }
}

/// What is known of the controller that an IngressClass names.
///
/// ```
/// use filing_operator::domain::controller;
///
/// let fact = controller::find("ingress.k8s.aws/alb").expect("the table speaks of it");
/// assert!(fact.may_release_address());
/// assert!(controller::find("example.com/ingress").is_none());
/// ```
pub fn find(controller: &str) -> Option<&'static ControllerFact> {
    FACTS.iter().find(|fact| fact.controller == controller)
}

/// The controllers that serve a class of that name where no IngressClass object says whose it is. There may be several:
/// `cce` is both Huawei's and Baidu's.
pub fn of_legacy_class(class: &str) -> impl Iterator<Item = &'static ControllerFact> {
    FACTS
        .iter()
        .filter(move |fact| fact.legacy_classes().any(|served| served == class))
}

/// The controllers whose Ingresses are better left in their class: what `blockExcept` should hold where they run.
pub fn releasing() -> impl Iterator<Item = &'static ControllerFact> {
    FACTS.iter().filter(|fact| fact.may_release_address())
}

fn yes_or_no<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Answer {
        Yes,
        No,
    }
    Ok(matches!(Answer::deserialize(deserializer)?, Answer::Yes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;
    use crate::domain::Day;

    #[test]
    fn every_row_is_read_and_says_what_and_where_from() {
        let names: BTreeSet<_> = FACTS.iter().map(|fact| fact.controller).collect();
        assert_eq!(names.len(), FACTS.len(), "a controller stands twice");
        for fact in FACTS.iter() {
            let name = fact.controller;
            assert!(
                name.split_once('/').is_some_and(|(group, _)| !group.is_empty()),
                "{name}"
            );
            assert!(fact.as_of.parse::<Day>().is_ok(), "{name}: {}", fact.as_of);
            assert!(!fact.note.is_empty(), "{name}");
            for source in fact.source.split("; ") {
                assert!(source.starts_with("https://"), "{name}: {source}");
            }
        }
    }

    #[test]
    fn a_name_that_the_table_gave_says_so() {
        // All others are found in an IngressClass.
        let own: Vec<_> = FACTS
            .iter()
            .filter(|fact| fact.note.contains("this table's own"))
            .map(|fact| fact.controller)
            .collect();
        assert_eq!(
            own,
            [
                "cloud.tencent.com/qcloud",
                "huaweicloud.com/cce",
                "cloud.baidu.com/cce",
                "k8s.io/ingress-gce",
                "zalando.org/skipper"
            ]
        );
    }

    #[rstest]
    #[case::tencent("cloud.tencent.com/qcloud", ReleasesAddress::Yes)]
    #[case::aws("ingress.k8s.aws/alb", ReleasesAddress::Yes)]
    #[case::alibaba_alb("ingress.k8s.alibabacloud/alb", ReleasesAddress::Unclear)]
    #[case::alibaba_mse("mse.alibabacloud.com/ingress", ReleasesAddress::Unclear)]
    #[case::huawei("huaweicloud.com/cce", ReleasesAddress::Unclear)]
    #[case::nginx("k8s.io/ingress-nginx", ReleasesAddress::No)]
    #[case::traefik("traefik.io/ingress-controller", ReleasesAddress::No)]
    fn a_controller_keeps_its_address_or_not(#[case] controller: &str, #[case] releases: ReleasesAddress) {
        assert_eq!(find(controller).map(|fact| fact.releases_address), Some(releases));
        assert_eq!(
            releasing().any(|fact| fact.controller == controller),
            releases != ReleasesAddress::No
        );
    }

    #[rstest]
    #[case("qcloud", &["cloud.tencent.com/qcloud"])]
    #[case::of_two_clouds("cce", &["huaweicloud.com/cce", "cloud.baidu.com/cce"])]
    #[case::in_the_middle("gce-internal", &["k8s.io/ingress-gce"])]
    #[case("nginx", &["k8s.io/ingress-nginx"])]
    #[case::no_class("", &[])]
    #[case::unknown("of-our-own", &[])]
    fn a_class_without_an_object_is_known_by_its_name(#[case] class: &str, #[case] controllers: &[&str]) {
        let found: Vec<_> = of_legacy_class(class).map(|fact| fact.controller).collect();
        assert_eq!(found, controllers);
    }

    #[test]
    fn those_that_take_what_names_no_class_say_at_which_provider() {
        let classless = FACTS.iter().filter(|fact| fact.serves_classless);
        let providers: Vec<_> = classless.map(|fact| fact.provider).collect();
        assert_eq!(providers, ["tencentcloud", "gcp"]);
    }
}
