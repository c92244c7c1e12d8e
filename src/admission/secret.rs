//! Where the webhook's authority is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tracing::info;

use super::certificate::{Authority, CertificateError};

const TYPE: &str = "kubernetes.io/tls";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Why the authority can't be had from its Secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The API server said no.
    #[error("{what} can't be {done}")]
    Api {
        /// What was asked for.
        what: String,
        /// What should have been done to it.
        done: &'static str,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// A Secret of that name holds no authority that can be used. It is somebody's, so it stays as it is.
    #[error(
        "secret {secret} can't be used: {error}; delete it, and a new one is made, or name another, or give --tls-cert and --tls-key"
    )]
    Foreign {
        /// Its namespace and name.
        secret: String,
        /// What is wrong with it.
        error: String,
    },
    /// No authority could be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// The authority that a Secret keeps; it is made where there is none. Of several operators that start at once one
/// makes it, and the others take it.
///
/// # Errors
/// Where the API server refuses, or a Secret of that name holds something else; it is never overwritten.
pub async fn authority(client: Client, namespace: &str, name: &str, now: Timestamp) -> Result<Authority, SecretError> {
    let secret = format!("{namespace}/{name}");
    let secrets: Api<Secret> = Api::namespaced(client, namespace);
    let failed = |done| {
        let what = format!("secret {secret}");
        move |error: kube::Error| SecretError::Api {
            what,
            done,
            source: Box::new(error),
        }
    };
    let read = |kept: &Secret| {
        parse(kept, now).map_err(|error| SecretError::Foreign {
            secret: secret.clone(),
            error,
        })
    };
    if let Some(kept) = secrets.get_opt(name).await.map_err(failed("read"))? {
        return read(&kept);
    }
    let made = Authority::generate(now)?;
    match secrets.create(&PostParams::default(), &to_secret(name, &made)).await {
        Ok(_) => {
            info!(secret, "a certificate authority was made");
            Ok(made)
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            read(&secrets.get(name).await.map_err(failed("read"))?)
        }
        Err(error) => Err(failed("made")(error)),
    }
}

fn to_secret(name: &str, authority: &Authority) -> Secret {
    let bytes = |text: String| ByteString(text.into_bytes());
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([
                ("app.kubernetes.io/name".to_owned(), "filing-operator".to_owned()),
                ("app.kubernetes.io/managed-by".to_owned(), "filing-operator".to_owned()),
            ])),
            ..ObjectMeta::default()
        },
        type_: Some(TYPE.to_owned()),
        data: Some(BTreeMap::from([
            (CERTIFICATE.to_owned(), bytes(authority.certificate_pem().to_owned())),
            (KEY.to_owned(), bytes(authority.key_pem())),
        ])),
        ..Secret::default()
    }
}

fn parse(secret: &Secret, now: Timestamp) -> Result<Authority, String> {
    let value = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        let bytes = bytes.ok_or_else(|| format!("it has no {key}"))?;
        std::str::from_utf8(&bytes.0).map_err(|_| format!("its {key} is no text"))
    };
    Authority::parse(value(CERTIFICATE)?, value(KEY)?, now).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::real_now;
    use super::*;

    #[test]
    fn a_secret_gives_back_the_authority_that_it_keeps() {
        let now = real_now();
        let made = Authority::generate(now).unwrap();
        let secret = to_secret("webhook-ca", &made);
        let kept = parse(&secret, now).unwrap();
        assert_eq!(kept.certificate_pem(), made.certificate_pem());
        assert_eq!(kept.key_pem(), made.key_pem());
    }

    #[test]
    fn a_secret_of_something_else_is_refused_with_what_it_lacks() {
        let now = real_now();
        let mut secret = to_secret("webhook-ca", &Authority::generate(now).unwrap());
        let set = |secret: &mut Secret, key: &str, value: Option<&[u8]>| {
            let data = secret.data.as_mut().unwrap();
            match value {
                Some(value) => data.insert(key.to_owned(), ByteString(value.to_vec())),
                None => data.remove(key),
            };
        };
        set(&mut secret, KEY, Some(&[0xff]));
        assert_eq!(parse(&secret, now).unwrap_err(), "its tls.key is no text");
        set(&mut secret, KEY, None);
        assert_eq!(parse(&secret, now).unwrap_err(), "it has no tls.key");
        secret.data = None;
        assert_eq!(parse(&secret, now).unwrap_err(), "it has no tls.crt");
    }
}
