//! `Filing`: the record of an ICP filing (ICP备案) of one site, App or mini-program.
#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column has a type, which clippy takes for a repetition"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{null_is_absent, schema, status::DeclarationStatus};
use crate::domain::{ContentFact, Day};

/// The printed column that the operator reads to tell whether it has seen every filing.
pub(crate) const VERSION_COLUMN: &str = "Version";

/// What the operator answers on a [`Filing`].
pub type FilingStatus = DeclarationStatus;

/// The record of an ICP filing (ICP备案) as its keeper declares it: for which domains, in whose name, and through which
/// providers they may be served on the Chinese mainland. All dates are days in China Standard Time (UTC+8).
#[derive(CustomResource, JsonSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "filing-operator.io",
    version = "v1alpha1",
    kind = "Filing",
    namespaced,
    status = "FilingStatus",
    shortname = "fl",
    category = "filing-operator",
    doc = "The record of an ICP filing (ICP备案): for which domains, in whose name, and through which providers they \
           may be served on the Chinese mainland.",
    printcolumn(
        name = "Number",
        type_ = "string",
        json_path = ".spec.number",
        description = "The number of the site."
    ),
    printcolumn(
        name = "Domains",
        type_ = "string",
        json_path = ".status.domains",
        description = "The domains that it covers."
    ),
    printcolumn(name = "Stage", type_ = "string", json_path = ".spec.stage", description = "How far the filing is."),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the filing holds."
    ),
    printcolumn(name = "Colour", type_ = "string", json_path = ".status.colour", description = "How urgent it is."),
    printcolumn(
        name = "Expires",
        type_ = "string",
        json_path = ".status.expiresAt",
        description = "The first day on which something that it rests on ends."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How old the object is."
    ),
    printcolumn(
        name = "Subject",
        type_ = "string",
        json_path = ".spec.subject.name",
        description = "Who files.",
        priority = 1
    ),
    printcolumn(
        name = "Routes",
        type_ = "integer",
        json_path = ".status.routes",
        description = "How many routes are served under it.",
        priority = 1
    ),
    printcolumn(
        name = "Policy",
        type_ = "string",
        json_path = ".status.policy",
        description = "The policy under which it was judged.",
        priority = 1
    ),
    printcolumn(
        name = "Version",
        type_ = "string",
        json_path = ".metadata.resourceVersion",
        description = "The version of the object, by which the operator tells whether it has seen it.",
        priority = 1
    ),
    validation = MIRROR_RULE,
    derive = "Default",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(FILING_RULES)))]
pub struct FilingSpec {
    /// The domains that are filed. Each covers itself and every host under it.
    #[schemars(schema_with = "schema::domains")]
    pub domains: Vec<String>,
    /// The number of the site, with its service number: 京ICP备2021012345号-1. Also a licence's (京ICP证…, 京B2-…-1). Absent
    /// before approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::number")]
    pub number: Option<String>,
    /// How far the first filing is. Only an Approved one covers hosts.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub stage: Stage,
    /// A change filing (变更) that is under way. The site stays up meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Who files (主体).
    pub subject: Subject,
    /// What is filed (服务): the website, App or mini-program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The registration of the domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// The access filings (接入备案): one entry for each provider that serves it. Several may coexist.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["provider"]))]
    pub access: Vec<Access>,
    /// The day on which it was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Day>,
    /// The day on which it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Day>,
    /// The day on which the site was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Day>,
    /// The last day on which it is valid, where the record has one. A filing as such has no term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
    /// The day of an announced annual review or self-check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_review_at: Option<Day>,
    /// Who looks after the filing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<Handler>,
    /// The licence for commercial information services (ICP经营许可证). It runs for five years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// The filing with public security (公安联网备案).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_security: Option<PublicSecurity>,
    /// The approvals that its content needs before it is filed (前置审批): one entry for each kind.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["kind"]))]
    pub approvals: Vec<Approval>,
    /// The namespaces that may serve under the filing. Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
}

/// What holds between a filing and its name.
const MIRROR_RULE: (&str, &str) = (
    "!has(self.spec.service) || !has(self.spec.service.mirrorOf) || self.spec.service.mirrorOf != \
     self.metadata.name",
    "mirrorOf is the filing itself; write the name of the Filing that it mirrors",
);

/// What holds between the fields of a filing.
const FILING_RULES: [(&str, &str); 5] = [
    (
        "self.stage != 'Approved' || has(self.number)",
        "an approved filing has a number; write it as number: 京ICP备2021012345号-1, or the stage that it has \
         reached",
    ),
    (
        "!has(self.number) || !(self.stage in ['Draft', 'Submitted', 'FirstReview', 'SecondReview'])",
        "a number comes with the approval; write stage: Approved, or leave the number out until then",
    ),
    (
        "!has(self.change) || !(self.stage in ['Draft', 'Submitted', 'FirstReview', 'SecondReview', \
         'Publicity'])",
        "a change filing changes one that was approved; write how far the first filing is in stage, and leave \
         change out",
    ),
    (
        "!has(self.submittedAt) || !has(self.approvedAt) || self.submittedAt <= self.approvedAt",
        "approvedAt is before submittedAt; write the day of the approval, which is not before the day on \
         which it was handed in",
    ),
    (
        "!has(self.approvedAt) || !has(self.expiresAt) || self.approvedAt <= self.expiresAt",
        "expiresAt is before approvedAt; write the last day on which the filing is valid, or leave it out \
         where the record has none",
    ),
];

/// How far a filing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Stage {
    /// Not handed in yet.
    #[default]
    Draft,
    /// With the provider.
    Submitted,
    /// The provider's first review (初审).
    FirstReview,
    /// The bureau's review (管局审核).
    SecondReview,
    /// Announced to the public.
    Publicity,
    /// Approved: it has a number.
    Approved,
    /// Sent back.
    Rejected,
    /// Cancelled (注销). The number can't be restored.
    Cancelled,
}

/// A change filing (变更备案) that is under way.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// How far the change is.
    pub stage: Stage,
    /// The day on which it was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Day>,
}

/// Who files (主体).
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The name as its certificate has it.
    #[schemars(schema_with = "schema::name")]
    pub name: String,
    /// What it is.
    pub nature: Nature,
    /// The province of its domicile (not of the server): CN-BJ, 北京 or 京.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::province")]
    pub province: Option<String>,
    /// The number of the subject, without a service number: 京ICP备2021012345号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::number")]
    pub main_number: Option<String>,
}

/// What a subject is (主体性质).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Nature {
    /// A company (企业).
    #[default]
    Enterprise,
    /// A person (个人).
    Individual,
    /// A government body (政府机关).
    Government,
    /// A public institution (事业单位).
    PublicInstitution,
    /// A social organisation (社会团体).
    SocialOrganization,
}

/// What is filed (服务): a website, App, mini-program or quick app.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// The name that was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub name: Option<String>,
    /// What it is. Each is filed on its own: only a Website covers hosts.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub kind: ServiceKind,
    /// What it is about.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30), extend("x-kubernetes-list-type" = "set"))]
    pub content_types: Vec<ContentType>,
    /// Whether it sells information (经营性), which needs a licence.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub paid: bool,
    /// The Filing in the same namespace whose site this one mirrors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::object_name")]
    pub mirror_of: Option<String>,
    /// The remark in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub remark: Option<String>,
}

/// What kind of service is filed. Each is filed on its own, and none covers another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ServiceKind {
    /// A website (网站).
    #[default]
    Website,
    /// An App.
    App,
    /// A mini-program (小程序).
    MiniProgram,
    /// A quick app (快应用).
    QuickApp,
}

/// What a service is about. Some of it needs an approval first (前置审批).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ContentType {
    /// News (新闻).
    News,
    /// Online publishing (出版).
    Publishing,
    /// Education (教育).
    Education,
    /// Health (医疗保健).
    Healthcare,
    /// Drugs and medical devices (药品和医疗器械).
    Drugs,
    /// Culture: music, live performance, animation (网络文化).
    Culture,
    /// Audio-visual programmes (视听节目).
    Audiovisual,
    /// Production of radio and television programmes (广播电视节目制作).
    TvProduction,
    /// Online games (网络游戏).
    Games,
    /// Ride hailing (网络预约车).
    RideHailing,
    /// Finance (金融).
    Finance,
    /// Forums and comments (电子公告服务).
    Bbs,
    /// Religion (宗教).
    Religion,
    /// Government bodies and public institutions (党政机关、事业单位).
    Government,
    /// Party building, in Xinjiang (网站党建).
    PartyBuilding,
    /// Personal space or blog (个人空间/博客).
    BlogPersonal,
    /// Travel agency (旅行社).
    TravelAgency,
    /// Paid information services (经营性互联网信息服务).
    CommercialIcp,
    /// A company presents itself (企业展示).
    Corporate,
    /// Trade (电子商务).
    Commerce,
    /// Tools (工具).
    Tool,
    /// Media that are none of the above (媒体).
    Media,
}

/// The registration of a domain name.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// In whose name it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub holder: Option<String>,
    /// The last day of the registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
    /// Whether the holder's name is verified (实名认证).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// An access filing (接入备案): a provider vouches for what it serves.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(ACCESS_RULES)))]
pub struct Access {
    /// The provider that gives access: alicloud, tencentcloud, huaweicloud, or the name of a data centre.
    #[schemars(schema_with = "schema::provider")]
    pub provider: String,
    /// The regions that the entry is for. None: every mainland region of the provider.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::regions")]
    pub regions: Vec<String>,
    /// The AccessServers that carry it, by name.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::object_names")]
    pub servers: Vec<String>,
    /// How far the access filing is.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub stage: AccessStage,
    /// Since when the provider gives access, or the migration to it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// The provider that it moves from. The migration is under way since `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::provider")]
    pub migrating_from: Option<String>,
}

/// What holds between the fields of an access entry.
const ACCESS_RULES: [(&str, &str); 2] = [
    (
        "!has(self.migratingFrom) || self.migratingFrom != self.provider",
        "migratingFrom is the provider itself; write the one that it moves from",
    ),
    (
        "!has(self.migratingFrom) || has(self.since)",
        "a migration has a beginning, from which its grace runs; write it as since: 2026-11-01",
    ),
];

/// How far an access filing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum AccessStage {
    /// Handed in.
    #[default]
    Submitted,
    /// Approved.
    Approved,
    /// Cancelled (取消接入).
    Cancelled,
}

/// Who looks after a filing.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handler {
    /// A name; a role is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub name: Option<String>,
    /// The last day of the handler's ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_expires_at: Option<Day>,
}

/// A licence for commercial information services (ICP经营许可证).
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Licence {
    /// The number: 京ICP证030173号 or 京B2-20210001.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::number")]
    pub number: Option<String>,
    /// The last day of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
}

/// A filing with public security (公安联网备案).
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicSecurity {
    /// The number: 京公网安备11010502030123号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::number")]
    pub number: Option<String>,
    /// The day on which it was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_at: Option<Day>,
}

/// An approval that content needs before it is filed (前置审批).
#[derive(Clone, Debug, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The content that it is for.
    pub kind: ContentType,
    /// The number of the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::number")]
    pub number: Option<String>,
    /// The last day of the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
}

/// Who may serve under a filing.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(ALLOWED_NAMESPACES_RULES)))]
pub struct AllowedNamespaces {
    /// All namespaces, the filing's own, or those that the selector picks.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub from: NamespacesFrom,
    /// The namespaces, by their labels. Only with `from: Selector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// What holds between the fields of [`AllowedNamespaces`].
const ALLOWED_NAMESPACES_RULES: [(&str, &str); 3] = [
    (
        "self.from != 'Selector' || has(self.selector)",
        "from: Selector needs a selector; write selector: {matchLabels: {team: shop}}",
    ),
    (
        "self.from == 'Selector' || !has(self.selector)",
        "a selector is read only with from: Selector; write that, or leave the selector out",
    ),
    (
        "!has(self.selector) || (has(self.selector.matchLabels) && self.selector.matchLabels.size() > 0) || \
         (has(self.selector.matchExpressions) && self.selector.matchExpressions.size() > 0)",
        "an empty selector picks every namespace; write from: All if that is meant, or a label",
    ),
];

/// Which namespaces may serve under a filing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum NamespacesFrom {
    /// All namespaces.
    #[default]
    All,
    /// The namespace of the Filing alone.
    Same,
    /// Those that the selector picks.
    Selector,
}

impl ContentType {
    /// What it needs before it is filed, by the table; none where nothing is known.
    pub fn fact(self) -> Option<&'static ContentFact> {
        // Its name is the same in Rust and in the resource.
        ContentFact::find(&format!("{self:?}"))
    }
}

impl FilingSpec {
    /// What kind of service is filed; a website where nothing is said.
    pub fn kind(&self) -> ServiceKind {
        self.service
            .as_ref()
            .map_or(ServiceKind::Website, |service| service.kind)
    }
}
