//! A certificate that somebody else keeps, in files or in a Secret. It is read again, and what counts is what it holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use rustls::pki_types::CertificateDer;

use super::{Followed, KeepError, Look};
use crate::admission::authority::{end_of, to_pem};
use crate::admission::certificate::{CertificateError, Given as Content, Pair, certificates, read};
use crate::admission::follow::Live;
use crate::admission::registration::{Heard, Trust};
use crate::admission::rotation::{has_settled, later};
use crate::admission::secret::{CERTIFICATE, KEY, TRUSTED, value};

/// Two files.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    read: Option<(Vec<u8>, Vec<u8>)>,
}

impl Files {
    pub(super) fn new(certificate: &Path, key: &Path) -> Self {
        Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            read: None,
        }
    }

    pub(super) fn look(&mut self) -> Look {
        match self.pair() {
            Ok(pair) => Look {
                pair,
                ..Look::default()
            },
            Err(error) => Look {
                trouble: Some(error.into()),
                ..Look::default()
            },
        }
    }

    fn pair(&mut self) -> Result<Option<Pair>, CertificateError> {
        let found = (read(&self.certificate)?, read(&self.key)?);
        if self.read.as_ref() == Some(&found) {
            return Ok(None);
        }
        let (certificate, key) = (self.certificate.display().to_string(), self.key.display().to_string());
        let pair = Content {
            certificate: (&certificate, &found.0),
            key: (&key, &found.1),
        }
        .pair()?;
        self.read = Some(found);
        Ok(Some(pair))
    }
}

/// A Secret. Where it says by whom its certificate is to be trusted (`ca.crt`), the API server is told that, and before a
/// certificate is served that it does not trust yet.
pub(super) struct Given {
    secret: Followed,
    trust: Arc<Trust>,
    heard: Heard,
    served: Option<Held>,
    /// Those of what was served before, which are trusted until then: another replica may be slower.
    before: Option<(Vec<CertificateDer<'static>>, Timestamp)>,
    /// Whether another certificate is there, and its time has not come.
    waits: bool,
    settle: SignedDuration,
}

/// What the Secret held.
struct Held {
    content: [Option<Vec<u8>>; 3],
    authorities: Vec<CertificateDer<'static>>,
    ends: Option<Timestamp>,
}

impl Given {
    pub(super) fn new(secret: Followed, settle: SignedDuration, trust: Arc<Trust>) -> Self {
        Self {
            secret,
            heard: trust.heard(),
            trust,
            served: None,
            before: None,
            waits: false,
            settle,
        }
    }

    pub(super) async fn changed(&mut self) {
        tokio::select! {
            () = self.secret.changed() => {}
            () = self.heard.more() => {}
        }
    }

    pub(super) fn look(&mut self, now: Timestamp) -> Look {
        let found = match self.secret.seen() {
            Live::Unknown => return Look::default(),
            Live::Absent => Err("there is none".to_owned()),
            Live::There(secret) => self.take(&secret, now),
        };
        let (pair, trouble) = match found {
            Ok(pair) => (pair, None),
            Err(error) => (None, Some(error)),
        };
        let secret = self.secret.shown.clone();
        Look {
            pair,
            next: (self.waits || self.before.is_some()).then(|| later(now, self.settle)),
            trouble: trouble.map(|error| KeepError::Unusable { secret, error }),
            ..Look::default()
        }
    }

    fn take(&mut self, secret: &Secret, now: Timestamp) -> Result<Option<Pair>, String> {
        let content = [CERTIFICATE, KEY, TRUSTED].map(|key| value(secret, key).map(<[u8]>::to_vec));
        if self.before.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.before = None;
        }
        if let Some(served) = self.served.as_ref().filter(|served| served.content == content) {
            self.want(&served.authorities);
            self.waits = false;
            return Ok(None);
        }
        let (pair, held) = held(&self.secret.shown, content)?;
        self.waits = !self.may_serve(&held, now);
        if self.waits {
            return Ok(None);
        }
        self.want(&held.authorities);
        let served = self.served.replace(held);
        if let Some(served) = served {
            self.before = Some((served.authorities, later(now, self.settle)));
        }
        Ok(Some(pair))
    }

    /// Whether the time has come for another certificate. While the last is trusted there is no hurry, and the API server is
    /// told first.
    fn may_serve(&self, held: &Held, now: Timestamp) -> bool {
        let Some(served) = &self.served else { return true };
        let told_for = |authority: &CertificateDer<'_>| self.trust.told_for(authority);
        let is_trusted = served.ends.is_none_or(|ends| ends > now)
            && served.authorities.iter().any(|authority| told_for(authority).is_some());
        let mut authorities = held.authorities.iter();
        let is_known = authorities.all(|authority| has_settled(told_for(authority), self.settle));
        if !is_trusted || is_known {
            return true;
        }
        let both = held.authorities.iter().chain(&served.authorities);
        self.trust.want(bundle(both));
        false
    }

    fn want(&self, authorities: &[CertificateDer<'static>]) {
        let before = self.before.iter().flat_map(|(before, _)| before);
        self.trust.want(bundle(authorities.iter().chain(before)));
    }
}

/// All of them once, in PEM; none where there are none.
fn bundle<'a>(authorities: impl Iterator<Item = &'a CertificateDer<'static>>) -> Option<String> {
    let mut once: Vec<&CertificateDer<'_>> = Vec::new();
    for authority in authorities {
        if !once.contains(&authority) {
            once.push(authority);
        }
    }
    (!once.is_empty()).then(|| once.into_iter().map(|authority| to_pem(authority)).collect())
}

fn held(secret: &str, content: [Option<Vec<u8>>; 3]) -> Result<(Pair, Held), String> {
    let [certificate, key, trusted] = &content;
    let place = |key: &str| format!("{secret} {key}");
    let given = |key: &'static str, found: &Option<Vec<u8>>| found.clone().ok_or_else(|| format!("it has no {key}"));
    let pair = Content {
        certificate: (&place(CERTIFICATE), &given(CERTIFICATE, certificate)?),
        key: (&place(KEY), &given(KEY, key)?),
    }
    .pair()
    .map_err(|error| error.to_string())?;
    let authorities = match trusted.as_deref() {
        None | Some([]) => Vec::new(),
        Some(pem) => certificates(pem).map_err(|error| format!("its {TRUSTED} holds no certificates ({error:?})"))?,
    };
    let ends = pair.chain.first().and_then(end_of);
    let held = Held {
        content,
        authorities,
        ends,
    };
    Ok((pair, held))
}
