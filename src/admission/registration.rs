//! How the API server learns of the webhook: what the operator keeps of its ValidatingWebhookConfiguration.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tracing::{info, warn};

use crate::api::keys::managers;

/// The webhook that asks about Ingresses.
const WEBHOOK: &str = "ingresses.filing-operator.io";

/// Why the API server can't be told of the webhook.
#[derive(Debug, thiserror::Error)]
#[error("ValidatingWebhookConfiguration {name} can't be {done}")]
pub struct RegistrationError {
    name: String,
    done: &'static str,
    source: Box<kube::Error>,
}

/// What became of the `caBundle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaBundle {
    /// It was written.
    Applied,
    /// It was right already.
    Unchanged,
    /// There is no such configuration, or it has no such webhook. The operator never makes one.
    Missing,
}

/// Tells the API server which authority to trust when it calls the webhook: writes the `caBundle` of `ingresses.filing-operator.io` and
/// nothing else, over whoever wrote it, for with another one no call arrives.
///
/// # Errors
/// Where the API server refuses.
pub async fn apply_ca_bundle(client: Client, configuration: &str, ca_pem: &str) -> Result<CaBundle, RegistrationError> {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client);
    let failed = |done| {
        move |error: kube::Error| RegistrationError {
            name: configuration.to_owned(),
            done,
            source: Box::new(error),
        }
    };
    let live = configurations.get_opt(configuration).await.map_err(failed("read"))?;
    let webhook = live.as_ref().and_then(|live| {
        let webhooks = live.webhooks.iter().flatten();
        Some((live, webhooks.into_iter().find(|webhook| webhook.name == WEBHOOK)?))
    });
    let Some((live, webhook)) = webhook else {
        warn!(
            configuration,
            webhook = WEBHOOK,
            exists = live.is_some(),
            "the API server does not call the webhook: its configuration is missing"
        );
        return Ok(CaBundle::Missing);
    };
    let bundle = ByteString(ca_pem.as_bytes().to_vec());
    if webhook.client_config.ca_bundle.as_ref() == Some(&bundle) {
        return Ok(CaBundle::Unchanged);
    }
    let patch = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        // With its uid it can't come into being by this, if it is deleted meanwhile.
        "metadata": {"name": configuration, "uid": live.metadata.uid},
        "webhooks": [{"name": WEBHOOK, "clientConfig": {"caBundle": bundle}}],
    });
    let params = PatchParams::apply(managers::WEBHOOK).force();
    configurations
        .patch(configuration, &params, &Patch::Apply(&patch))
        .await
        .map_err(failed("changed"))?;
    info!(configuration, webhook = WEBHOOK, "the webhook's caBundle was written");
    Ok(CaBundle::Applied)
}
