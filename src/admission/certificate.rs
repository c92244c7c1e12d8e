//! The webhook's certificate: read from files, or signed in memory by an authority of the operator's own.
//!
//! Times here are the real ones, never a clock that tests moved: the API server compares them with its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// How long an authority lasts. Nothing renews it, so it outlives any installation.
const YEARS: i16 = 10;
const COMMON_NAME: &str = "filing-operator webhook CA";

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
    /// A file that holds something else.
    #[error("{} holds no {what} in PEM ({error}); give one", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        error: String,
    },
    /// A certificate and a key that don't go together.
    #[error("{} and {} can't be served with: {error}; give a certificate and its own key", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
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
    /// The library refuses the certificate that was made.
    #[error("the certificate that was made can't be served with")]
    Tls(#[from] rustls::Error),
}

/// What to serve with, from a certificate (with its chain) and its key in two PEM files.
///
/// # Errors
/// Names the file, and what is wrong with it.
pub fn from_files(certificate: &Path, key: &Path) -> Result<Serving, CertificateError> {
    let content = |path: &Path, what, error: pem::Error| CertificateError::Content {
        path: path.to_owned(),
        what,
        error: told(&error),
    };
    let (certificate_pem, key_pem) = (read(certificate)?, read(key)?);
    let chain = CertificateDer::pem_slice_iter(&certificate_pem)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|chain| {
            if chain.is_empty() {
                Err(pem::Error::NoItemsFound)
            } else {
                Ok(chain)
            }
        })
        .map_err(|error| content(certificate, "certificate", error))?;
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| content(key, "private key", error))?;
    Serving::new(chain, private).map_err(|error| CertificateError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        error,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::File {
        path: path.to_owned(),
        source,
    })
}

fn told(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it has none".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the webhook serves with.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The certificate with its key, and the versions and ciphers of TLS.
    pub config: Arc<ServerConfig>,
    /// When the certificate ends, where it says so readably.
    pub ends: Option<Timestamp>,
}

impl Serving {
    /// ring, named here so that no provider need be installed for the whole process.
    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, rustls::Error> {
        let leaf = chain
            .first()
            .and_then(|leaf| x509_parser::parse_x509_certificate(leaf).ok());
        let ends = leaf.and_then(|(_, leaf)| Timestamp::from_second(leaf.validity().not_after.timestamp()).ok());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        Ok(Self { config, ends })
    }
}

/// A certificate authority (CA) of the operator's own, which signs what the webhook serves with.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
    last_day: Date,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key stays out of logs.
        f.debug_struct("Authority")
            .field("last_day", &self.last_day)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one (ECDSA P-256, ten years).
    pub fn generate(now: Timestamp) -> Result<Self, CertificateError> {
        let make = |source| CertificateError::Make {
            names: COMMON_NAME.to_owned(),
            source,
        };
        let key = KeyPair::generate().map_err(make)?;
        let today = day(now);
        let last_day = today.saturating_add(YEARS.years());
        let mut params = params(today, last_day);
        params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate_pem = params.self_signed(&key).map_err(make)?.pem();
        Ok(Self {
            certificate_pem,
            issuer: Issuer::new(params, key),
            last_day,
        })
    }

    /// Reads one, and makes sure that it can sign now.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(certificate_pem: &str, key_pem: &str, now: Timestamp) -> Result<Self, CertificateError> {
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
        let validity = certificate.validity();
        let end = Timestamp::from_second(validity.not_after.timestamp()).unwrap_or(Timestamp::MAX);
        if validity.not_before.timestamp() > now.as_second() || end <= now {
            let (begin, end) = (validity.not_before, validity.not_after);
            return Err(broken(format!(
                "its certificate is valid from {begin} to {end}, and not now"
            )));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|error| broken(format!("its certificate can't sign ({error})")))?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            issuer,
            last_day: day(end),
        })
    }

    /// Its certificate, which is the webhook's `caBundle`.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The beginning of the last day on which it is valid, in UTC.
    pub fn ends(&self) -> Timestamp {
        self.last_day
            .to_zoned(TimeZone::UTC)
            .map_or(Timestamp::MAX, |day| day.timestamp())
    }

    /// Its key, to be kept where nobody else reads it.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// What to serve with under some names (DNS names or IP addresses). Key and certificate stay in memory. Nothing
    /// renews them while the operator runs, so they last as long as the authority.
    pub fn sign(&self, names: &[String], now: Timestamp) -> Result<Serving, CertificateError> {
        let (certificate, key) = self.leaf(names, now).map_err(|source| CertificateError::Make {
            names: names.join(", "),
            source,
        })?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(Serving::new(vec![certificate], key.into())?)
    }

    fn leaf(&self, names: &[String], now: Timestamp) -> Result<(CertificateDer<'static>, KeyPair), rcgen::Error> {
        let mut params = params(day(now), self.last_day);
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

/// Valid from the day before, for clocks that differ.
fn params(today: Date, last_day: Date) -> CertificateParams {
    let moment = |day: Date| date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs());
    let mut params = CertificateParams::default();
    params.not_before = moment(today.saturating_sub(1.day()));
    params.not_after = moment(last_day);
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

fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::UnixTime;
    use tempfile::TempDir;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T04:00:00Z".parse().unwrap()
    }

    /// Verifies as a client that trusts an authority.
    fn verify(authority: &Authority, served: &Authority, names: &[&str], asked: &str, at: &str) -> Result<(), String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (leaf, _) = served.leaf(&names, now()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .unwrap();
        let at: Timestamp = at.parse().unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.as_second().unsigned_abs()));
        verifier
            .verify_server_cert(&leaf, &[], &asked.to_owned().try_into().unwrap(), &[], at)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::a_name("filing-operator.filing-system.svc", "2026-11-23T04:00:00Z", true)]
    #[case::an_address("127.0.0.1", "2026-11-23T04:00:00Z", true)]
    #[case::a_clock_that_is_slow("127.0.0.1", "2026-11-22T20:00:00Z", true)]
    #[case::nearly_ten_years_later("127.0.0.1", "2036-11-22T20:00:00Z", true)]
    #[case::ten_years_later("127.0.0.1", "2036-11-24T00:00:00Z", false)]
    #[case::another_name("other.example", "2026-11-23T04:00:00Z", false)]
    fn what_an_authority_signs_is_trusted_for_its_names_and_time(
        #[case] asked: &str,
        #[case] at: &str,
        #[case] trusted: bool,
    ) {
        let authority = Authority::generate(now()).unwrap();
        let names = ["filing-operator.filing-system.svc", "127.0.0.1"];
        let answer = verify(&authority, &authority, &names, asked, at);
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        // Read back from where it is kept, it is the same authority.
        let kept = Authority::parse(authority.certificate_pem(), &authority.key_pem(), now()).unwrap();
        let answer = verify(&authority, &kept, &names, asked, at);
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        let other = Authority::generate(now()).unwrap();
        assert!(verify(&authority, &other, &names, asked, at).is_err());
    }

    #[test]
    fn a_broken_authority_is_refused_with_what_is_wrong() {
        let authority = Authority::generate(now()).unwrap();
        let other = Authority::generate(now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        let refused =
            |certificate: &str, key: &str, now| Authority::parse(certificate, key, now).unwrap_err().to_string();
        assert_eq!(refused("", &key, now()), "its certificate is no PEM (it has none)");
        assert!(refused(certificate, "", now()).starts_with("its key can't be read"));
        assert_eq!(
            refused(certificate, &other.key_pem(), now()),
            "its key is not the certificate's"
        );
        let leaf = KeyPair::generate().unwrap();
        let plain = params(day(now()), day(now()).saturating_add(1.year()))
            .self_signed(&leaf)
            .unwrap();
        let plain = refused(&plain.pem(), &leaf.serialize_pem(), now());
        assert_eq!(plain, "its certificate is not an authority's");
        let later = "2037-01-01T00:00:00Z".parse().unwrap();
        let ended = refused(certificate, &key, later);
        assert!(ended.starts_with("its certificate is valid from Nov 22"), "{ended}");
    }

    #[test]
    fn files_that_do_not_serve_are_named() {
        let folder = TempDir::new().unwrap();
        let (one, other) = (Authority::generate(now()).unwrap(), Authority::generate(now()).unwrap());
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let certificate = file("tls.crt", one.certificate_pem());
        let key = file("tls.key", &one.key_pem());
        let other = file("other.key", &other.key_pem());
        let empty = file("empty", "");
        assert!(from_files(&certificate, &key).is_ok());
        let refused = |certificate: &Path, key: &Path| {
            let error = from_files(certificate, key).unwrap_err();
            error.to_string().replace(&*folder.path().to_string_lossy(), "DIR")
        };
        let missing = folder.path().join("missing");
        insta::assert_snapshot!(
            [refused(&missing, &key), refused(&empty, &key), refused(&certificate, &empty), refused(&key, &key),
             refused(&certificate, &other)].join("\n"),
            @r"
        DIR/missing can't be read
        DIR/empty holds no certificate in PEM (it has none); give one
        DIR/empty holds no private key in PEM (it has none); give one
        DIR/tls.key holds no certificate in PEM (it has none); give one
        DIR/tls.crt and DIR/other.key can't be served with: keys may not be consistent: KeyMismatch; give a certificate and its own key
        "
        );
    }

    #[test]
    fn the_key_does_not_show() {
        let authority = Authority::generate(now()).unwrap();
        assert_eq!(format!("{authority:?}"), "Authority { last_day: 2036-11-23, .. }");
    }

    #[test]
    fn a_name_that_is_none_is_named() {
        let authority = Authority::generate(now()).unwrap();
        let error = authority.sign(&["示例.中国".to_owned()], now()).unwrap_err();
        assert_eq!(error.to_string(), "a certificate for 示例.中国 can't be made");
    }
}
