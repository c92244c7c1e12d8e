//! `AccessServer`: a server, address pool or load balancer that is rented from a provider.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::DeclarationStatus;
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
    category = "filings",
    derive = "Default",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct AccessServerSpec {
    /// The provider that it is rented from: alicloud, tencentcloud, huaweicloud, or the name of a data centre.
    pub provider: String,
    /// Its region, by the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Its public addresses: IP addresses or CIDRs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// In whose name the account at the provider is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_holder: Option<String>,
    /// The last day of the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
    /// Whether the lease renews itself.
    #[serde(default)]
    pub auto_renew: bool,
    /// Whether it is in use. One that is Suspended or Released carries nothing.
    #[serde(default)]
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
    pub reason: Option<String>,
}
