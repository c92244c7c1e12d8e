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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::api::{scripted, status};
    use super::*;

    fn own() -> DefaultPolicy {
        let spec = json!({"filingsFrom": {"all": true}, "site": {"provider": "alicloud"}, "precedence": 7});
        DefaultPolicy::new(serde_json::from_value(spec).unwrap())
    }

    fn stored() -> Value {
        json!({"apiVersion": keys::API_VERSION, "kind": "FilingPolicy", "metadata": {"name": "default"}})
    }

    #[tokio::test]
    async fn it_is_applied_below_every_other_policy_and_without_force() {
        let (kept, calls) = scripted(&[(200, stored())], async |client| own().keep(client).await).await;
        kept.unwrap();
        insta::assert_snapshot!(calls);
    }

    #[tokio::test]
    async fn what_others_own_of_it_is_theirs() {
        let message = "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.admission";
        let answer = status(409, "Conflict", message);
        let (kept, _) = scripted(&[(409, answer)], async |client| own().keep(client).await).await;
        let Err(DefaultPolicyError::OwnedByOthers { conflict }) = kept else {
            panic!("{kept:?}")
        };
        assert_eq!(conflict, message);
    }

    #[tokio::test]
    async fn any_other_refusal_is_an_error() {
        let answer = status(403, "Forbidden", "not allowed");
        let (kept, calls) = scripted(&[(403, answer)], async |client| own().keep(client).await).await;
        assert!(matches!(kept, Err(DefaultPolicyError::Apply(_))), "{kept:?}");
        assert_eq!(calls.matches("PATCH").count(), 1, "who asks decides when to try again");
    }
}
