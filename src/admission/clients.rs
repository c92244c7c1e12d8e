//! Who may call the webhook, where that is asked for: those with a client certificate of some authority under some name.
//!
//! Everyone else fails at the handshake of TLS, before anything that he sends is read.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError as Refused, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_parser::prelude::{GeneralName, X509Certificate};

use super::certificate::{CertificateError, certificates, told};

/// Who may call.
#[derive(Clone, Debug)]
pub struct Clients(Arc<Named>);

/// Those whom an authority knows, under these names.
#[derive(Debug)]
struct Named {
    known: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Clients {
    /// Those with a certificate of these authorities, in PEM, whose common name or DNS name is one of these.
    ///
    /// # Errors
    /// Where there is no authority in the text; `place` says where that is from.
    pub fn new(place: &str, authorities_pem: &[u8], names: Vec<String>) -> Result<Self, CertificateError> {
        let refuse = |error: String| CertificateError::Content {
            place: place.to_owned(),
            what: "certificate of an authority",
            error,
        };
        let mut roots = rustls::RootCertStore::empty();
        for authority in certificates(authorities_pem).map_err(|error| refuse(told(&error)))? {
            roots.add(authority).map_err(|error| refuse(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let known = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self(Arc::new(Named { known, names })))
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.0) as _
    }
}

impl Named {
    fn names(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else {
            return false;
        };
        names_of(&certificate).any(|name| self.names.iter().any(|allowed| allowed == name))
    }
}

/// The common names and DNS names of a certificate.
fn names_of<'a>(certificate: &'a X509Certificate<'a>) -> impl Iterator<Item = &'a str> {
    let common = certificate.subject().iter_common_name();
    let common = common.filter_map(|name| name.as_str().ok());
    let others = certificate.subject_alternative_name().ok().flatten();
    let others = others
        .into_iter()
        .flat_map(|extension| extension.value.general_names.iter());
    common.chain(others.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    }))
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.known.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.known.verify_client_cert(end_entity, intermediates, now)?;
        if self.names(end_entity) {
            Ok(verified)
        } else {
            Err(Error::InvalidCertificate(Refused::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.known.supported_verify_schemes()
    }
}

/// As what a handshake is counted that failed for its client's certificate; none: it failed for something else.
pub(super) fn refusal(error: &std::io::Error) -> Option<&'static str> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::NoCertificatesPresented => Some("no_client_certificate"),
        Error::InvalidCertificate(_) => Some("other_client_certificate"),
        _ => None,
    }
}
