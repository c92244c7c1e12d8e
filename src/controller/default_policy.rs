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
    #[error("its spec is owned by {owner}")]
    OwnedByOthers {
        /// Their field manager.
        owner: String,
    },
    /// Whose it is could not be seen.
    #[error("reading the FilingPolicy {}", keys::DEFAULT_POLICY)]
    Read(#[source] Box<kube::Error>),
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

    /// Applies it, unless someone else owns some of its spec: then it is theirs, also what they left out.
    pub(super) async fn keep(&self, client: Client) -> Result<(), DefaultPolicyError> {
        let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<FilingPolicy>(&()));
        let there = api.get_opt(keys::DEFAULT_POLICY).await;
        if let Some(owner) = there
            .map_err(|error| DefaultPolicyError::Read(Box::new(error)))?
            .and_then(|there| owner_of(&there))
        {
            return Err(DefaultPolicyError::OwnedByOthers { owner });
        }
        let policy = json!({
            "apiVersion": keys::API_VERSION,
            "kind": "FilingPolicy",
            "metadata": {"name": keys::DEFAULT_POLICY},
            "spec": self.spec,
        });
        // Without force: who has come in between is left alone too.
        let params = PatchParams::apply(managers::POLICY);
        match api.patch(keys::DEFAULT_POLICY, &params, &Patch::Apply(policy)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.reason == "Conflict" => Err(DefaultPolicyError::OwnedByOthers {
                owner: "someone who came in between".to_owned(),
            }),
            Err(error) => Err(DefaultPolicyError::Apply(Box::new(error))),
        }
    }
}

/// Who else owns some of its spec.
fn owner_of(policy: &DynamicObject) -> Option<String> {
    let entries = policy.metadata.managed_fields.iter().flatten();
    let mut others = entries.filter(|entry| entry.manager.as_deref() != Some(managers::POLICY));
    let owner = others.find(|entry| {
        entry
            .fields_v1
            .as_ref()
            .is_some_and(|fields| fields.0.get("f:spec").is_some())
    })?;
    Some(owner.manager.clone().unwrap_or_else(|| "an unnamed manager".to_owned()))
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

    fn stored(manager: &str) -> Value {
        let owned = json!([{"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:admission": {}}}}]);
        json!({
            "apiVersion": keys::API_VERSION, "kind": "FilingPolicy",
            "metadata": {"name": "default", "managedFields": owned},
        })
    }

    fn none() -> (u16, Value) {
        (404, status(404, "NotFound", "there is none"))
    }

    #[tokio::test]
    async fn it_is_applied_below_every_other_policy_and_without_force() {
        let answers = [none(), (200, stored(managers::POLICY))];
        let (kept, calls) = scripted(&answers, async |client| own().keep(client).await).await;
        kept.unwrap();
        insta::assert_snapshot!(calls);
    }

    #[tokio::test]
    async fn one_that_is_the_operators_own_is_applied_anew() {
        let answers = [(200, stored(managers::POLICY)), (200, stored(managers::POLICY))];
        let (kept, calls) = scripted(&answers, async |client| own().keep(client).await).await;
        kept.unwrap();
        assert_eq!(calls.matches("PATCH").count(), 1);
    }

    #[tokio::test]
    async fn one_that_others_own_some_of_is_left_alone() {
        let (kept, calls) = scripted(&[(200, stored("kubectl"))], async |client| own().keep(client).await).await;
        let Err(DefaultPolicyError::OwnedByOthers { owner }) = kept else {
            panic!("{kept:?}")
        };
        assert_eq!(owner, "kubectl");
        assert_eq!(calls.matches("PATCH").count(), 0);
    }

    #[tokio::test]
    async fn one_that_others_took_in_between_is_left_alone() {
        let message = "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.admission";
        let answers = [none(), (409, status(409, "Conflict", message))];
        let (kept, _) = scripted(&answers, async |client| own().keep(client).await).await;
        assert!(
            matches!(kept, Err(DefaultPolicyError::OwnedByOthers { .. })),
            "{kept:?}"
        );
    }

    #[tokio::test]
    async fn any_other_refusal_is_an_error() {
        let answers = [none(), (403, status(403, "Forbidden", "not allowed"))];
        let (kept, calls) = scripted(&answers, async |client| own().keep(client).await).await;
        assert!(matches!(kept, Err(DefaultPolicyError::Apply(_))), "{kept:?}");
        assert_eq!(calls.matches("PATCH").count(), 1, "who asks decides when to try again");
    }
}
