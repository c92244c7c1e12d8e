//! What the webhook serves with: a certificate and its key, out of files, a Secret, or an authority of the operator's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::authority::end_of;
use super::clients::Clients;

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file that can't be read.
    #[error("{} can't be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that should hold a certificate or a key, and holds something else.
    #[error("{place} holds no {what} in PEM ({error}); give one")]
    Content {
        /// The file, or the Secret and its key.
        place: String,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        error: String,
    },
    /// A certificate and a key that don't go together.
    #[error("{certificate} and {key} can't be served with: {error}; give a certificate and its own key")]
    Pair {
        /// Where the certificate is.
        certificate: String,
        /// Where the key is.
        key: String,
        /// What is wrong with them.
        error: rustls::Error,
    },
    /// No certificate authority, or a broken one.
    #[error("{0}")]
    Authority(String),
    /// Something that can't be put into a certificate.
    #[error("a certificate for {names} can't be made")]
    Make {
        /// The names that it should have.
        names: String,
        /// Why.
        source: rcgen::Error,
    },
    /// The library refuses what was made.
    #[error("the certificate that was made can't be served with")]
    Tls(#[from] rustls::Error),
}

/// A certificate, with those that lead to its authority, and its key.
#[derive(Debug)]
pub struct Pair {
    /// The certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for Pair {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

/// A certificate and its key as somebody has given them, and where they were found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    pub(super) certificate: (&'a str, &'a [u8]),
    pub(super) key: (&'a str, &'a [u8]),
}

impl Given<'_> {
    /// What to serve with.
    ///
    /// # Errors
    /// Where it can't be.
    pub(super) fn pair(self) -> Result<Pair, CertificateError> {
        let ((certificate, certificate_pem), (key, key_pem)) = (self.certificate, self.key);
        let content = |place: &str, what, error: pem::Error| CertificateError::Content {
            place: place.to_owned(),
            what,
            error: told(&error),
        };
        let pair = Pair {
            chain: certificates(certificate_pem).map_err(|error| content(certificate, "certificate", error))?,
            key: PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| content(key, "private key", error))?,
        };
        match Serving::new(pair.clone(), None) {
            Ok(_) => Ok(pair),
            Err(error) => Err(CertificateError::Pair {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
                error,
            }),
        }
    }
}

/// The certificates in a text, of which there is at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        return Err(pem::Error::NoItemsFound);
    }
    Ok(found)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::File {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn told(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it has none".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the webhook serves with.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The certificate with its key, whom it is shown to, and the versions and ciphers of TLS.
    pub config: Arc<ServerConfig>,
    /// When the certificate ends, where it says so readably.
    pub ends: Option<Timestamp>,
}

impl Serving {
    /// ring, named here so that no provider need be installed for the whole process.
    pub fn new(pair: Pair, clients: Option<&Clients>) -> Result<Self, rustls::Error> {
        let ends = pair.chain.first().and_then(end_of);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let config = match clients {
            Some(clients) => config.with_client_cert_verifier(clients.verifier()),
            None => config.with_no_client_auth(),
        };
        let mut config = config.with_single_cert(pair.chain, pair.key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Ok(Self { config, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::authority;
    use super::*;

    #[test]
    fn what_does_not_serve_is_named() {
        let (one, other) = (authority(), authority());
        let (certificate, key, other) = (one.certificate_pem(), one.key_pem(), other.key_pem());
        let answer = |certificate: &str, key: &str| {
            let given = Given {
                certificate: ("tls.crt", certificate.as_bytes()),
                key: ("tls.key", key.as_bytes()),
            };
            given.pair().map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(answer(&certificate, &key), Ok(()));
        insta::assert_snapshot!(
            [answer("", &key), answer(&certificate, ""), answer(&key, &key), answer(&certificate, &other)]
                .map(Result::unwrap_err).join("\n"),
            @r"
        tls.crt holds no certificate in PEM (it has none); give one
        tls.key holds no private key in PEM (it has none); give one
        tls.crt holds no certificate in PEM (it has none); give one
        tls.crt and tls.key can't be served with: keys may not be consistent: KeyMismatch; give a certificate and its own key
        "
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("missing")).unwrap_err();
        assert_eq!(error.to_string(), "missing can't be read");
    }
}
