//! Certificate authorities (CAs) of the operator's own, and what they sign.
//!
//! Times here are the real ones, never a clock that tests moved: the API server compares them with its own.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::certificate::{CertificateError, Pair, told};

const COMMON_NAME: &str = "filing-operator webhook CA";
/// What is made is valid from a day before, for clocks that differ.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// A certificate authority, which signs what the webhook serves with.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    ends: Timestamp,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of logs.
        f.debug_struct("Authority")
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one (ECDSA P-256) that is valid until some time.
    pub fn generate(now: Timestamp, until: Timestamp) -> Result<Self, CertificateError> {
        let make = |source| CertificateError::Make {
            names: COMMON_NAME.to_owned(),
            source,
        };
        let key = KeyPair::generate().map_err(make)?;
        let mut params = params(now, until);
        params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(make)?.der().clone();
        Ok(Self {
            ends: end_of(&certificate).unwrap_or(until),
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Reads one. It may be over.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(certificate_pem: &str, key_pem: &str) -> Result<Self, CertificateError> {
        let broken = |what: String| CertificateError::Authority(what);
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| broken(format!("its certificate is no PEM ({})", told(&error))))?;
        let key = KeyPair::from_pem(key_pem).map_err(|error| broken(format!("its key can't be read ({error})")))?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)
            .map_err(|error| broken(format!("its certificate can't be read ({error})")))?;
        if !certificate.is_ca() {
            return Err(broken("its certificate is not an authority's".to_owned()));
        }
        if *certificate.public_key().subject_public_key.data != *key.public_key_raw() {
            return Err(broken("its key is not the certificate's".to_owned()));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|error| broken(format!("its certificate can't sign ({error})")))?;
        Ok(Self {
            ends: end_of(&der).unwrap_or(Timestamp::MAX),
            issuer,
            certificate: der,
        })
    }

    /// Its certificate, by which others know it.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The same in PEM, as in a `caBundle`.
    pub fn certificate_pem(&self) -> String {
        to_pem(&self.certificate)
    }

    /// When it ends.
    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Its key, to be kept where nobody else reads it.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// What to serve with under some names (DNS names or IP addresses) until some time, or until the authority ends. The key
    /// stays in memory.
    pub fn sign(&self, names: &[String], now: Timestamp, until: Timestamp) -> Result<Pair, CertificateError> {
        let (certificate, key) =
            self.leaf(names, now, until.min(self.ends))
                .map_err(|source| CertificateError::Make {
                    names: names.join(", "),
                    source,
                })?;
        Ok(Pair {
            chain: vec![certificate],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }

    fn leaf(
        &self,
        names: &[String],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(CertificateDer<'static>, KeyPair), rcgen::Error> {
        let mut params = params(now, until);
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        if let Some(name) = params.subject_alt_names.iter().find_map(dns_name) {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.der().clone(), key))
    }
}

/// When a certificate ends, where it says so readably.
pub(super) fn end_of(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// A certificate as PEM.
pub(super) fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

fn params(now: Timestamp, until: Timestamp) -> CertificateParams {
    let moment = |time: Timestamp| SystemTime::from(time).into();
    let mut params = CertificateParams::default();
    params.not_before = moment(now.saturating_sub(BEFORE).unwrap_or(now));
    params.not_after = moment(until);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

fn dns_name(name: &SanType) -> Option<String> {
    // A common name holds 64 characters.
    match name {
        SanType::DnsName(name) if name.as_str().len() <= 64 => Some(name.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::ToSpan as _;
    use rstest::rstest;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::UnixTime;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T04:00:00Z".parse().unwrap()
    }

    fn made() -> Authority {
        Authority::generate(now(), now() + (365 * 24).hours()).unwrap()
    }

    /// Verifies as a client that trusts an authority what is signed for 300 days.
    fn verify(authority: &Authority, served: &Authority, names: &[&str], asked: &str, at: &str) -> Result<(), String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let pair = served.sign(&names, now(), now() + (300 * 24).hours()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .unwrap();
        let at: Timestamp = at.parse().unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.as_second().unsigned_abs()));
        verifier
            .verify_server_cert(&pair.chain[0], &[], &asked.to_owned().try_into().unwrap(), &[], at)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::a_name("filing-operator.filing-system.svc", "2026-11-23T04:00:00Z", true)]
    #[case::an_address("127.0.0.1", "2026-11-23T04:00:00Z", true)]
    #[case::a_clock_that_is_slow("127.0.0.1", "2026-11-22T20:00:00Z", true)]
    #[case::nearly_at_its_end("127.0.0.1", "2027-09-19T03:59:59Z", true)]
    #[case::after_its_end("127.0.0.1", "2027-09-19T04:00:01Z", false)]
    #[case::another_name("other.example", "2026-11-23T04:00:00Z", false)]
    fn what_an_authority_signs_is_trusted_for_its_names_and_time(
        #[case] asked: &str,
        #[case] at: &str,
        #[case] trusted: bool,
    ) {
        let authority = made();
        let names = ["filing-operator.filing-system.svc", "127.0.0.1"];
        let answer = verify(&authority, &authority, &names, asked, at);
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        // Read back from where it is kept, it is the same authority.
        let kept = Authority::parse(&authority.certificate_pem(), &authority.key_pem()).unwrap();
        assert_eq!(kept.ends(), authority.ends());
        let answer = verify(&authority, &kept, &names, asked, at);
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        assert!(verify(&authority, &made(), &names, asked, at).is_err());
    }

    #[test]
    fn nothing_that_it_signs_outlives_it() {
        let authority = Authority::generate(now(), now() + 1.hour()).unwrap();
        let pair = authority
            .sign(&["127.0.0.1".to_owned()], now(), now() + 2.hours())
            .unwrap();
        assert_eq!(end_of(&pair.chain[0]), Some(authority.ends()));
    }

    #[test]
    fn a_broken_authority_is_refused_with_what_is_wrong() {
        let (authority, other) = (made(), made());
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        let refused = |certificate: &str, key: &str| Authority::parse(certificate, key).unwrap_err().to_string();
        assert_eq!(refused("", &key), "its certificate is no PEM (it has none)");
        assert!(refused(&certificate, "").starts_with("its key can't be read"));
        assert_eq!(
            refused(&certificate, &other.key_pem()),
            "its key is not the certificate's"
        );
        let leaf = KeyPair::generate().unwrap();
        let plain = params(now(), now() + 1.hour()).self_signed(&leaf).unwrap();
        let plain = refused(&plain.pem(), &leaf.serialize_pem());
        assert_eq!(plain, "its certificate is not an authority's");
    }

    #[test]
    fn the_key_does_not_show() {
        assert_eq!(format!("{:?}", made()), "Authority { ends: 2027-11-23T04:00:00Z, .. }");
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let names = ["示例.中国".to_owned()];
        let error = made().sign(&names, now(), now() + 1.hour()).unwrap_err();
        assert_eq!(error.to_string(), "a certificate for 示例.中国 can't be made");
    }
}
