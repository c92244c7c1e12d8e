//! Events, as they are created: once, and in silence where nobody would read them.

use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::Client;
use kube::api::{Api, PostParams};

use crate::effects::Notice;

/// Creates the Event of a notice, as `instance` reports it now, and says whether it is new. That it is there already, or
/// that its namespace ends or has ended, is no error.
///
/// # Errors
/// Where the API server refuses it otherwise, or can't be reached.
pub async fn create_event(
    client: Client,
    notice: &Notice,
    instance: &str,
    now: Timestamp,
) -> Result<bool, kube::Error> {
    let api: Api<Event> = Api::namespaced(client, notice.namespace());
    match api
        .create(&PostParams::default(), &notice.to_event(instance, now))
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if is_already_there(&error) || is_in_ending_namespace(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_already_there(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.reason == "AlreadyExists")
}

/// Nothing new is taken into a namespace that is being deleted, where nobody would read it.
fn is_in_ending_namespace(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status)
        if status.code == 404 || (status.code == 403 && status.message.contains("because it is being terminated")))
}
