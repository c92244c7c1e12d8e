//! `AccessServer`: a server, address pool or load balancer that is rented from a provider.
#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column has a type, which clippy takes for a repetition"
)]

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{null_is_absent, schema, status::DeclarationStatus};
use crate::domain::Day;

/// What the operator answers on an [`AccessServer`].
pub type AccessServerStatus = DeclarationStatus;

/// A server, address pool or load balancer that is rented from a provider. An access filing rests on it: where the lease
/// ends, the access ends with it. All dates are days in China Standard Time (UTC+8).
#[derive(CustomResource, JsonSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "filing-operator.io",
    version = "v1alpha1",
    kind = "AccessServer",
    status = "AccessServerStatus",
    shortname = "asrv",
    category = "filing-operator",
    doc = "A server, address pool or load balancer that is rented from a provider, and carries access filings.",
    printcolumn(
        name = "Provider",
        type_ = "string",
        json_path = ".spec.provider",
        description = "The provider."
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.region",
        description = "The region."
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".spec.state",
        description = "Whether it is in use."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether it can carry an access filing."
    ),
    printcolumn(
        name = "Colour",
        type_ = "string",
        json_path = ".status.colour",
        description = "How urgent it is."
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        json_path = ".spec.expiresAt",
        description = "The last day of the lease."
    ),
    printcolumn(
        name = "Renews",
        type_ = "boolean",
        json_path = ".spec.autoRenew",
        description = "Whether the lease renews itself."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How old the object is."
    ),
    printcolumn(
        name = "Addresses",
        type_ = "string",
        json_path = ".spec.addresses",
        description = "Its public addresses.",
        priority = 1
    ),
    printcolumn(
        name = "Holder",
        type_ = "string",
        json_path = ".spec.accountHolder",
        description = "In whose name the account is.",
        priority = 1
    ),
    derive = "Default",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct AccessServerSpec {
    /// The provider that it is rented from: alicloud, tencentcloud, huaweicloud, or the name of a data centre.
    #[schemars(schema_with = "schema::provider")]
    pub provider: String,
    /// Its region, by the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::region")]
    pub region: Option<String>,
    /// Its public addresses: IP addresses or CIDRs.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::addresses")]
    pub addresses: Vec<String>,
    /// In whose name the account at the provider is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub account_holder: Option<String>,
    /// The last day of the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
    /// Whether the lease renews itself.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub auto_renew: bool,
    /// Whether it is in use. One that is Suspended or Released carries nothing.
    #[serde(default, deserialize_with = "null_is_absent")]
    pub state: ServerState,
    /// Why it must not be used, where its addresses are on a blocklist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocklisted: Option<Blocklisted>,
}

/// Whether a server is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ServerState {
    /// In use.
    #[default]
    Active,
    /// Stopped by the provider, for debt say.
    Suspended,
    /// Given back.
    Released,
}

/// That a server's addresses are on a blocklist.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocklisted {
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// Why, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::sentence")]
    pub reason: Option<String>,
}
