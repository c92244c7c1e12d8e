//! Where channels are read: Secrets in the operator's own namespace, each with a GET when it is needed, so that a changed
//! one counts from the next message on, and nothing has to be watched.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use super::channel::{Channel, ChannelError};

/// The Secrets of the operator's own namespace.
#[derive(Clone)]
pub(super) struct Secrets {
    api: Api<Secret>,
    namespace: String,
}

/// A channel can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("there is no such Secret in the operator's namespace; make it, or leave out its --channel")]
    Missing,
    #[error("the Secret is no channel")]
    Bad(#[from] ChannelError),
    #[error("the Secret can't be read")]
    Api(#[source] Box<kube::Error>),
}

impl Secrets {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
        }
    }

    /// The namespace that they are in.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) async fn read(&self, name: &str) -> Result<Channel, ReadError> {
        let secret = self
            .api
            .get_opt(name)
            .await
            .map_err(|error| ReadError::Api(Box::new(error)))?;
        let secret = secret.ok_or(ReadError::Missing)?;
        Ok(Channel::parse(&secret.data.unwrap_or_default())?)
    }
}
