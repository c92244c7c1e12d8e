//! The policy of the operator's file, kept as the FilingPolicy `default`.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::json;

use crate::api::keys::{self, managers};
use crate::api::{FilingPolicy, FilingPolicySpec};

/// The policy that the operator keeps.
#[derive(Clone, Debug)]
pub struct DefaultPolicy {
    spec: FilingPolicySpec,
}

/// The policy could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum DefaultPolicyError {
    /// Someone else owns its spec, which is left to them.
    #[error("its spec is owned by others: {conflict}")]
    OwnedByOthers {
        /// The API server's word for who owns what.
        conflict: String,
    },
    /// The API server did not take it.
    #[error("applying the FilingPolicy {}", keys::DEFAULT_POLICY)]
    Apply(#[source] Box<kube::Error>),
}

impl DefaultPolicy {
    /// Whatever a file says of its precedence, every other policy goes before it.
    pub fn new(spec: FilingPolicySpec) -> Self {
        Self {
            spec: FilingPolicySpec {
                precedence: i32::MIN,
                ..spec
            },
        }
    }

    /// Applies it, without force: what someone else owns of its spec is theirs.
    pub(super) async fn keep(&self, client: Client) -> Result<(), DefaultPolicyError> {
        let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<FilingPolicy>(&()));
        let policy = json!({
            "apiVersion": keys::API_VERSION,
            "kind": "FilingPolicy",
            "metadata": {"name": keys::DEFAULT_POLICY},
            "spec": self.spec,
        });
        match api
            .patch(
                keys::DEFAULT_POLICY,
                &PatchParams::apply(managers::POLICY),
                &Patch::Apply(policy),
            )
            .await
        {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.reason == "Conflict" => Err(DefaultPolicyError::OwnedByOthers {
                conflict: status.message.clone(),
            }),
            Err(error) => Err(DefaultPolicyError::Apply(Box::new(error))),
        }
    }
}
