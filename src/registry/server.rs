//! A server as it is judged.

use std::sync::Arc;

use jiff::Timestamp;
use kube::core::ObjectMeta;

use crate::api::{AccessServerSpec, Blocklisted, ServerState};
use crate::domain::{Day, Network};

/// A server, address pool or load balancer rented from a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name.
    pub name: Arc<str>,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Arc<str>,
    /// When the API server took it; none in a manifest.
    pub created: Option<Timestamp>,
    /// The generation of its spec; 0 in a manifest.
    pub generation: i64,
    /// Its public addresses. What is none is left out.
    pub addresses: Box<[Network]>,
    /// In whose name the account at the provider is.
    pub account_holder: Option<Box<str>>,
    /// That its addresses are on a blocklist.
    pub blocklisted: Option<Box<Blocklisted>>,
    /// The last day of the contract.
    pub expires_at: Option<Day>,
    /// Whether the contract renews itself.
    pub auto_renew: bool,
    /// Whether it is in use.
    pub state: ServerState,
}

impl Server {
    /// Reads what was typed.
    pub fn new(name: Arc<str>, metadata: &ObjectMeta, spec: &AccessServerSpec) -> Self {
        Self {
            name,
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            generation: metadata.generation.unwrap_or_default(),
            addresses: spec
                .addresses
                .iter()
                .filter_map(|typed| Network::parse(typed))
                .collect(),
            account_holder: spec.account_holder.as_deref().map(Box::from),
            blocklisted: spec.blocklisted.clone().map(Box::new),
            expires_at: spec.expires_at,
            auto_renew: spec.auto_renew,
            state: spec.state,
        }
    }
}
