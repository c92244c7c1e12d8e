//! How the operator's own authorities are kept in a Secret, and what of a Secret is served with.
//!
//! In its own Secret `tls.crt` and `tls.key` are the authority that signs, `next.crt` and `next.key` the one that will,
//! `ca.crt` all that are trusted, and `since` is when the first began to sign.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;

use super::authority::Authority;
use super::certificate::certificates;
use super::rotation::Kept;

const TYPE: &str = "kubernetes.io/tls";
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
pub(super) const TRUSTED: &str = "ca.crt";
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";
const SINCE: &str = "since";

/// The label that says who made an object, and its value where that was the operator.
const MADE_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "filing-operator");

/// The Secret of these authorities: the one that was read, in its version, or a new one.
pub(super) fn to_secret(name: &str, read: Option<&Secret>, kept: &Kept) -> Secret {
    let mut data = BTreeMap::from([
        (CERTIFICATE, kept.current.certificate_pem()),
        (KEY, kept.current.key_pem()),
        (TRUSTED, kept.bundle()),
        (SINCE, kept.since.to_string()),
    ]);
    if let Some(next) = &kept.next {
        data.insert(NEXT_CERTIFICATE, next.certificate_pem());
        data.insert(NEXT_KEY, next.key_pem());
    }
    let data = data.into_iter();
    let new = || ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(BTreeMap::from([
            ("app.kubernetes.io/name".to_owned(), "filing-operator".to_owned()),
            (MADE_BY.0.to_owned(), MADE_BY.1.to_owned()),
        ])),
        ..ObjectMeta::default()
    };
    let metadata = read.map_or_else(new, |read| read.metadata.clone());
    Secret {
        metadata,
        type_: Some(TYPE.to_owned()),
        data: Some(
            data.map(|(key, text)| (key.to_owned(), ByteString(text.into_bytes())))
                .collect(),
        ),
        ..Secret::default()
    }
}

/// The authorities that a Secret keeps, or what is wrong with it.
pub(super) fn parse(secret: &Secret) -> Result<Kept, String> {
    if secret.labels().get(MADE_BY.0).map(String::as_str) != Some(MADE_BY.1) {
        return Err(format!(
            "it is not the operator's own, without the label {}={}",
            MADE_BY.0, MADE_BY.1
        ));
    }
    let text = |key: &str| text(secret, key);
    let authority = |certificate: &str, key: &str| {
        let parsed = Authority::parse(text(certificate)?, text(key)?);
        parsed.map(Arc::new).map_err(|error| format!("{certificate}: {error}"))
    };
    let mut kept = Kept {
        current: authority(CERTIFICATE, KEY)?,
        next: match value(secret, NEXT_CERTIFICATE) {
            Some(_) => Some(authority(NEXT_CERTIFICATE, NEXT_KEY)?),
            None => None,
        },
        retired: Vec::new(),
        since: match value(secret, SINCE) {
            Some(_) => text(SINCE)?
                .parse()
                .map_err(|error| format!("its {SINCE} is no time ({error})"))?,
            None => Timestamp::UNIX_EPOCH,
        },
    };
    if value(secret, TRUSTED).is_some() {
        let trusted = certificates(text(TRUSTED)?.as_bytes());
        let trusted = trusted.map_err(|error| format!("its {TRUSTED} holds no certificates ({error:?})"))?;
        let others = |certificate: &_| !kept.trusted().any(|known| known == certificate);
        let retired: Vec<_> = trusted.into_iter().filter(others).collect();
        kept.retired = retired;
    }
    Ok(kept)
}

/// What a Secret has under a key.
pub(super) fn value<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    Some(&secret.data.as_ref()?.get(key)?.0)
}

fn text<'a>(secret: &'a Secret, key: &str) -> Result<&'a str, String> {
    let bytes = value(secret, key).ok_or_else(|| format!("it has no {key}"))?;
    std::str::from_utf8(bytes).map_err(|_| format!("its {key} is no text"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::real_now;
    use super::super::rotation::{Lifetimes, Step};
    use super::*;

    /// Authorities in the middle of a change, one that is retired among them.
    fn kept() -> Kept {
        let (now, lifetimes) = (real_now(), Lifetimes::default());
        let mut kept = Kept::new(now, &lifetimes).unwrap();
        for step in [Step::Prepare, Step::TakeOver, Step::Prepare] {
            kept = kept.after(step, now, &lifetimes).unwrap();
        }
        kept
    }

    #[test]
    fn a_secret_gives_back_the_authorities_that_it_keeps() {
        let made = kept();
        let secret = to_secret("webhook-ca", None, &made);
        let kept = parse(&secret).unwrap();
        assert_eq!(kept.bundle(), made.bundle());
        assert_eq!(kept.trusted().count(), 3);
        assert_eq!(kept.current.key_pem(), made.current.key_pem());
        assert_eq!(kept.next.unwrap().key_pem(), made.next.unwrap().key_pem());
        assert_eq!(kept.since, made.since);
    }

    #[test]
    fn one_of_before_there_was_a_change_is_read() {
        let now = real_now();
        let made = Kept::new(now, &Lifetimes::default()).unwrap();
        let mut secret = to_secret("webhook-ca", None, &made);
        let data = secret.data.as_mut().unwrap();
        data.retain(|key, _| key.starts_with("tls."));
        assert_eq!(parse(&secret).unwrap().bundle(), made.bundle());
    }

    #[test]
    fn a_change_is_written_over_the_version_that_was_read() {
        let made = kept();
        let mut read = to_secret("webhook-ca", None, &made);
        read.metadata.resource_version = Some("7".to_owned());
        read.annotations_mut().insert("theirs".to_owned(), "kept".to_owned());
        let written = to_secret("webhook-ca", Some(&read), &made);
        assert_eq!(written.metadata, read.metadata);
    }

    #[rstest]
    #[case::a_key_of_no_text(KEY, Some(&[0xff][..]), "its tls.key is no text")]
    #[case::no_key(KEY, None, "it has no tls.key")]
    #[case::no_certificate(CERTIFICATE, None, "it has no tls.crt")]
    #[case::no_key_of_the_next(NEXT_KEY, None, "it has no next.key")]
    #[case::another_next(NEXT_CERTIFICATE, Some(&b"-"[..]), "next.crt: its certificate is no PEM (it has none)")]
    #[case::nothing_trusted(TRUSTED, Some(&b""[..]), "its ca.crt holds no certificates (NoItemsFound)")]
    fn a_secret_of_something_else_is_refused_with_what_it_lacks(
        #[case] key: &str,
        #[case] value: Option<&[u8]>,
        #[case] expected: &str,
    ) {
        let mut secret = to_secret("webhook-ca", None, &kept());
        let data = secret.data.as_mut().unwrap();
        match value {
            Some(value) => data.insert(key.to_owned(), ByteString(value.to_vec())),
            None => data.remove(key),
        };
        assert_eq!(parse(&secret).unwrap_err(), expected);
    }

    #[test]
    fn a_secret_that_the_operator_did_not_make_is_refused_whatever_it_holds() {
        let mut secret = to_secret("webhook-ca", None, &kept());
        secret.metadata.labels = None;
        assert_eq!(
            parse(&secret).unwrap_err(),
            "it is not the operator's own, without the label app.kubernetes.io/managed-by=filing-operator"
        );
    }
}
