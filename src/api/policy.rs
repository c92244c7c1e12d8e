//! `FilingPolicy`: what is enforced in a cluster, and how hard.
#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column has a type, which clippy takes for a repetition"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{null_is_absent, schema, status::Reminder};
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
    category = "filing-operator",
    doc = "What is enforced in a cluster, and how hard.",
    printcolumn(
        name = "Precedence",
        type_ = "integer",
        json_path = ".spec.precedence",
        description = "The highest that matches governs a route."
    ),
    printcolumn(
        name = "Admission",
        type_ = "string",
        json_path = ".spec.admission",
        description = "What happens to new routes that violate."
    ),
    printcolumn(
        name = "Running",
        type_ = "string",
        json_path = ".spec.running",
        description = "What happens to running routes that violate."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether it is in force."
    ),
    printcolumn(
        name = "Violating",
        type_ = "integer",
        json_path = ".status.routes.violating",
        description = "How many of its routes violate."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How old the object is."
    ),
    printcolumn(
        name = "Warned",
        type_ = "integer",
        json_path = ".status.routes.warned",
        description = "How many of its routes have warnings.",
        priority = 1
    ),
    printcolumn(
        name = "Compliant",
        type_ = "integer",
        json_path = ".status.routes.compliant",
        description = "How many of its routes comply.",
        priority = 1
    ),
    printcolumn(
        name = "Exempt",
        type_ = "integer",
        json_path = ".status.routes.exempt",
        description = "How many of its routes need no filing.",
        priority = 1
    ),
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
    #[serde(default, deserialize_with = "null_is_absent")]
    pub precedence: i32,
    /// Whose Filings count. Absent: those in the operator's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filings_from: Option<FilingsFrom>,
    /// What happens to a new or changed route that violates.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub admission: Admission,
    /// What happens to a running route that violates.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub running: Running,
    /// Rules by their id that weigh other than the catalogue says.
    #[serde(
        default,
        deserialize_with = "null_is_absent",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    #[schemars(schema_with = "schema::levels")]
    pub rules: BTreeMap<String, RuleLevel>,
    /// How many days after an end it is still let pass.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub grace: Grace,
    /// How many days before an end a reminder goes out. "Expiring" begins with the greatest.
    #[serde(default = "default_reminders", deserialize_with = "null_is_default_reminders")]
    #[schemars(schema_with = "schema::reminders")]
    pub reminders: Vec<u32>,
    /// Hosts that need no filing here, with the reason, the owner and the end.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    pub exemptions: Vec<Exemption>,
    /// Controllers of IngressClasses whose routes are annotated, never moved.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::controllers")]
    pub block_except: Vec<String>,
    /// How much may be blocked without a person's word.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub brake: Brake,
}

/// How many days before an end reminders go out, where the policy says nothing.
pub(super) fn default_reminders() -> Vec<u32> {
    vec![90, 30, 20, 15, 10]
}

fn null_is_default_reminders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_reminders))
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
    #[schemars(schema_with = "schema::provider")]
    pub provider: String,
    /// The region, by the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::region")]
    pub region: Option<String>,
    /// The province of a data centre that is not a known region: CN-BJ, 北京 or 京; Outside for abroad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::whereabouts")]
    pub province: Option<String>,
    /// The public addresses of the site: IP addresses or CIDRs.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::addresses")]
    pub addresses: Vec<String>,
}

/// A CDN that serves on the mainland.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MainlandCdn {
    /// The provider, whose access filing is then needed. Absent: only the filing itself is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::provider")]
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
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::object_names")]
    pub ingress_classes: Vec<String>,
}

/// Whose Filings count.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(FILINGS_FROM_RULES)))]
pub struct FilingsFrom {
    /// The namespaces, by their labels. An empty selector is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Every Filing counts, whoever wrote it.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub all: bool,
}

/// What holds between the fields of [`FilingsFrom`].
const FILINGS_FROM_RULES: [(&str, &str); 3] = [
    (
        "self.all || has(self.namespaceSelector)",
        "this trusts no Filing; write a namespaceSelector, or all: true, or leave filingsFrom out: then those \
         in the operator's own namespace count",
    ),
    (
        "!self.all || !has(self.namespaceSelector)",
        "all: true trusts every Filing; leave the namespaceSelector out, or leave all out to keep to it",
    ),
    (
        "!has(self.namespaceSelector) || (has(self.namespaceSelector.matchLabels) && \
         self.namespaceSelector.matchLabels.size() > 0) || (has(self.namespaceSelector.matchExpressions) && \
         self.namespaceSelector.matchExpressions.size() > 0)",
        "an empty selector would trust the Filings of every namespace; write all: true if that is meant, or a \
         label: {matchLabels: {kubernetes.io/metadata.name: filing-system}}",
    ),
];

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
    #[schemars(range(max = 3650))]
    pub filing: u32,
    /// After the end of a domain's registration.
    #[schemars(range(max = 3650))]
    pub domain: u32,
    /// After the end of a server's lease.
    #[schemars(range(max = 3650))]
    pub server: u32,
    /// After the beginning of a migration between providers.
    #[schemars(range(max = 3650))]
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
    #[schemars(schema_with = "schema::hosts")]
    pub hosts: Vec<String>,
    /// The namespaces, by name. None: all.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::object_names")]
    pub namespaces: Vec<String>,
    /// Why they need none.
    #[schemars(schema_with = "schema::sentence")]
    pub reason: String,
    /// Who answers for it.
    #[schemars(schema_with = "schema::name")]
    pub owner: String,
    /// The last day of the exemption.
    pub until: Day,
}

/// How much may be blocked without a person's word: the smaller of the two, but at least one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Brake {
    /// How many routes within the window.
    #[schemars(range(max = 100_000))]
    pub routes: u32,
    /// How many percent of the governed routes within the window.
    #[schemars(range(max = 100))]
    pub percent: u32,
    /// The window, in minutes.
    #[schemars(range(min = 1, max = 1440))]
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
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
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
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
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
