//! Events: what is said to people, about which object, and under which name it is said once.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::api::keys;
use crate::registry::FilingKey;
use crate::route::Route;

/// The longest note of an Event, in bytes (events.k8s.io/v1).
const MAX_NOTE: usize = 1024;

/// An Event to be created once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name: the same notice has the same, so that a second try meets the first.
    pub name: String,
    /// The object it is about.
    pub regarding: Reference,
    /// Another that it speaks of.
    pub related: Option<Reference>,
    /// Whether something got worse.
    pub is_warning: bool,
    /// The rule, or the word for what happened.
    pub reason: String,
    /// What the operator did.
    pub action: &'static str,
    /// What there is to say, at most 1 kB.
    pub note: String,
}

/// An object, as an Event refers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Group and version.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Namespace; none for what has none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Identity.
    pub uid: String,
}

impl Reference {
    /// To a route.
    pub fn to_route(route: &Route) -> Self {
        Self {
            api_version: route.key.kind.api_version(),
            kind: route.key.kind.kind(),
            namespace: Some(route.key.namespace.to_string()),
            name: route.key.name.to_string(),
            uid: route.uid.to_string(),
        }
    }

    /// To a filing.
    pub fn to_filing(key: &FilingKey, uid: &str) -> Self {
        Self::to_declared("Filing", Some(key.namespace.to_string()), &key.name, uid)
    }

    /// To a server.
    pub fn to_server(name: &str, uid: &str) -> Self {
        Self::to_declared("AccessServer", None, name, uid)
    }

    /// To a policy.
    pub fn to_policy(name: &str, uid: &str) -> Self {
        Self::to_declared("FilingPolicy", None, name, uid)
    }

    fn to_declared(kind: &'static str, namespace: Option<String>, name: &str, uid: &str) -> Self {
        Self {
            api_version: keys::API_VERSION,
            kind,
            namespace,
            name: name.to_owned(),
            uid: uid.to_owned(),
        }
    }
}

impl Notice {
    /// A notice under a name made of the object's identity and of what makes the notice a new one.
    pub fn new(regarding: Reference, reason: String, action: &'static str, note: &str, told_apart_by: &[&str]) -> Self {
        Self {
            name: name(&regarding, told_apart_by),
            regarding,
            related: None,
            is_warning: false,
            reason,
            action,
            note: shortened(note, MAX_NOTE),
        }
    }
}

/// A name for an Event: the object's, for people, and a digest of what makes it a new one, cut to what a name may be.
fn name(regarding: &Reference, told_apart_by: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in std::iter::once(regarding.uid.as_str()).chain(told_apart_by.iter().copied()) {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    // Object names are of the characters that an Event's name may have; 200 bytes leave room for the digest.
    let kept = regarding.name.floor_char_boundary(200);
    let kept = regarding.name.get(..kept).unwrap_or_default();
    let mut name = kept.trim_end_matches(['.', '-']).to_owned();
    name.push('.');
    for byte in digest.finalize().iter().take(8) {
        // Writing into a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// A text of at most so many bytes, whole characters alone. One that is longer ends in "…", so that a reader knows.
pub(super) fn shortened(text: &str, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}
