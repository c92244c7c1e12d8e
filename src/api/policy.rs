//! `FilingPolicy`: what is enforced in a cluster, and how hard.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{schema, status::Reminder};
use crate::domain::Day;

/// What is enforced here, and how hard. A route is governed by exactly one policy: of those that match it, the one with
/// the highest precedence, then the first by name.
#[derive(CustomResource, JsonSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "filing-operator.io",
    version = "v1alpha1",
    kind = "FilingPolicy",
    plural = "filingpolicies",
    status = "FilingPolicyStatus",
    shortname = "fp",
    category = "filings",
    derive = "Default",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct FilingPolicySpec {
    /// Where the routes are served from. Absent: found from the nodes, and shown in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteSpec>,
    /// The CDN that serves the routes on the mainland, wherever the cluster is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mainland_cdn: Option<MainlandCdn>,
    /// Which routes it governs. Absent or empty: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#match: Option<RouteMatch>,
    /// Which policy governs a route that several match: the highest, then the first by name.
    #[serde(default)]
    pub precedence: i32,
    /// Whose Filings count. Absent: those in the operator's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filings_from: Option<FilingsFrom>,
    /// What happens to a new or changed route that violates.
    #[serde(default)]
    pub admission: Admission,
    /// What happens to a running route that violates.
    #[serde(default)]
    pub running: Running,
    /// Rules by their id that weigh other than the catalogue says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, RuleLevel>,
    /// How many days after an end it is still let pass.
    #[serde(default)]
    pub grace: Grace,
    /// How many days before an end a reminder goes out. "Expiring" begins with the greatest.
    #[serde(default = "default_reminders")]
    pub reminders: Vec<u32>,
    /// Hosts that need no filing here, with the reason, the owner and the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// Controllers of IngressClasses whose routes are annotated, never moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub block_except: Vec<String>,
    /// How much may be blocked without a person's word.
    #[serde(default)]
    pub brake: Brake,
}

fn default_reminders() -> Vec<u32> {
    vec![90, 30, 20, 15, 10]
}

impl Default for FilingPolicySpec {
    fn default() -> Self {
        Self {
            site: None,
            mainland_cdn: None,
            r#match: None,
            precedence: 0,
            filings_from: None,
            admission: Admission::default(),
            running: Running::default(),
            rules: BTreeMap::new(),
            grace: Grace::default(),
            reminders: default_reminders(),
            exemptions: Vec::new(),
            block_except: Vec::new(),
            brake: Brake::default(),
        }
    }
}

/// Where routes are served from.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteSpec {
    /// The provider: alicloud, tencentcloud, huaweicloud, or the name of a data centre.
    pub provider: String,
    /// The region, by the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The province of a data centre that is not a known region: CN-BJ, 北京 or 京; Outside for abroad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The public addresses of the site: IP addresses or CIDRs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// A CDN that serves on the mainland.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MainlandCdn {
    /// The provider, whose access filing is then needed. Absent: only the filing itself is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// Which routes a policy governs.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteMatch {
    /// The namespaces, by their labels. Absent or empty: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// The IngressClasses, by name. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress_classes: Vec<String>,
}

/// Whose Filings count.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilingsFrom {
    /// The namespaces, by their labels. An empty selector is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Every Filing counts, whoever wrote it.
    #[serde(default)]
    pub all: bool,
}

/// What happens to a new or changed route that violates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Admission {
    /// It is refused.
    #[default]
    Deny,
    /// It is let in with a warning.
    Warn,
    /// Nothing.
    Disabled,
}

/// What happens to a running route that violates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Running {
    /// It is moved to the quarantine class, and put back when it complies.
    Block,
    /// It is annotated.
    #[default]
    Annotate,
    /// Nothing.
    Disabled,
}

/// What a rule weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum RuleLevel {
    /// A route must not be served so.
    Violation,
    /// It needs a look.
    Warning,
    /// The rule is off.
    Disabled,
}

/// How many days after an end it is still let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grace {
    /// After the end of a filing.
    pub filing: u32,
    /// After the end of a domain's registration.
    pub domain: u32,
    /// After the end of a server's lease.
    pub server: u32,
    /// After the beginning of a migration between providers.
    pub migration: u32,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            filing: 0,
            domain: 0,
            server: 3,
            migration: 90,
        }
    }
}

/// Hosts that need no filing here.
#[derive(Clone, Debug, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// The hosts: `intra.example.com`, or `*.intra.example.com` for every name below it, but not itself.
    pub hosts: Vec<String>,
    /// The namespaces, by name. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Why they need none.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day of the exemption.
    pub until: Day,
}

/// How much may be blocked without a person's word: the smaller of the two, but at least one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Brake {
    /// How many routes within the window.
    pub routes: u32,
    /// How many percent of the governed routes within the window.
    pub percent: u32,
    /// The window, in minutes.
    pub minutes: u32,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            routes: 10,
            percent: 20,
            minutes: 10,
        }
    }
}

/// What the operator makes of a policy. Written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilingPolicyStatus {
    /// The generation of the spec that the rest speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the governed routes are served from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub site: Vec<SitePlace>,
    /// How many routes it governs, by their verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<RouteCounts>,
    /// Its conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// When the next reminder of an exemption's end goes out: 09:00 of a day in China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub next_reminder: Option<Time>,
    /// The reminders that have gone out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<Reminder>,
}

/// A place that routes are served from.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SitePlace {
    /// The provider.
    pub provider: String,
    /// The region, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The province, where it is known: CN-BJ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// Whether it is on the mainland; absent where that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mainland: Option<bool>,
}

/// Routes by their verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteCounts {
    /// Under a filing that holds.
    pub compliant: u32,
    /// With warnings.
    pub warned: u32,
    /// Without a filing that holds.
    pub violating: u32,
    /// In no need of one.
    pub exempt: u32,
}
