//! Events: what is said to people, about which object, and under which name it is said once.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use sha2::{Digest, Sha256};

use crate::api::keys;
use crate::registry::FilingKey;
use crate::route::Route;

/// The longest note of an Event, in bytes (events.k8s.io/v1).
const MAX_NOTE: usize = 1024;
/// The longest name of who reports an Event, in bytes (events.k8s.io/v1).
const MAX_INSTANCE: usize = 128;

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
    /// The same in Chinese, at most 1 kB too, for people who are told elsewhere than in the Event; none where there is only the note.
    pub note_zh: Option<String>,
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
    /// Identity; empty for what has none yet.
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

    /// As an Event carries it.
    fn to_object(&self) -> ObjectReference {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ObjectReference {
            api_version: Some(self.api_version.to_owned()),
            kind: Some(self.kind.to_owned()),
            namespace: self.namespace.clone(),
            name: some(&self.name),
            uid: some(&self.uid),
            ..ObjectReference::default()
        }
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

impl fmt::Display for Reference {
    /// Namespace and name, or the name of what has no namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
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
            note_zh: None,
        }
    }

    /// With the same note in Chinese.
    #[must_use]
    pub fn in_chinese(self, note: &str) -> Self {
        Self {
            note_zh: Some(shortened(note, MAX_NOTE)),
            ..self
        }
    }

    /// The namespace that its Event lives in. Events about what has none live in `default`, where kubectl describe looks
    /// for them.
    pub fn namespace(&self) -> &str {
        self.regarding.namespace.as_deref().unwrap_or("default")
    }

    /// The Event of events.k8s.io/v1, as `instance` reports it now.
    pub fn to_event(&self, instance: &str, now: Timestamp) -> Event {
        Event {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace().to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(self.action.to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(self.note.clone()),
            reason: Some(self.reason.clone()),
            regarding: Some(self.regarding.to_object()),
            related: self.related.as_ref().map(Reference::to_object),
            reporting_controller: Some(keys::CONTROLLER.to_owned()),
            reporting_instance: instance
                .get(..instance.floor_char_boundary(MAX_INSTANCE))
                .map(str::to_owned),
            type_: Some(if self.is_warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
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
    name + &beginning_of(digest, 8)
}

/// The first bytes of a digest, in hexadecimal.
pub(super) fn beginning_of(digest: Sha256, bytes: usize) -> String {
    let mut text = String::new();
    for byte in digest.finalize().iter().take(bytes) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A text of at most so many bytes, whole characters alone. One that is longer ends in "…", so that a reader knows.
pub fn shortened(text: &str, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(MARK.len()));
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn about(name: &str) -> Reference {
        Reference::to_server(name, "5b0c")
    }

    fn notice(name: &str, note: &str, told_apart_by: &[&str]) -> Notice {
        Notice::new(about(name), "NoFiling".to_owned(), "Judge", note, told_apart_by)
    }

    /// What the API server asks of an object's name: a DNS subdomain (RFC 1123).
    fn is_object_name(name: &str) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_label = |label: &str| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|first| is_letter(*first))
                && bytes.last().is_some_and(|last| is_letter(*last))
                && bytes.iter().all(|byte| is_letter(*byte) || *byte == b'-')
        };
        name.len() <= 253 && name.split('.').all(is_label)
    }

    #[rstest]
    #[case::the_same(("web", "5b0c", &["1", "Violating"]), true)]
    #[case::another_object(("web", "77aa", &["1", "Violating"]), false)]
    #[case::another_word(("web", "5b0c", &["1", "Warned"]), false)]
    #[case::the_same_letters_in_other_words(("web", "5b0c", &["1V", "iolating"]), false)]
    fn a_name_is_the_same_for_the_same_notice_alone(#[case] other: (&str, &str, &[&str; 2]), #[case] same: bool) {
        let first = notice("web", "", &["1", "Violating"]);
        let (name, uid, words) = other;
        let second = Notice::new(
            Reference::to_server(name, uid),
            String::new(),
            "Judge",
            "another note",
            words,
        );
        assert_eq!(first.name == second.name, same);
    }

    #[test]
    fn a_note_that_is_too_long_is_cut_between_characters_and_says_so() {
        let note = notice("web", &"备案".repeat(400), &[]).note;
        assert!((1020..=1024).contains(&note.len()), "{}", note.len());
        assert!(note.ends_with("备…") || note.ends_with("案…"), "{note}");
        let fitting = "案".repeat(341);
        assert_eq!(notice("web", &fitting, &[]).note, fitting);
    }

    proptest! {
        #[test]
        fn a_name_is_one_that_the_api_server_takes(
            name in "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,3}", words in ".{0,40}",
        ) {
            let name = name.get(..name.len().min(253)).unwrap().trim_end_matches(['-', '.']).to_owned();
            prop_assert!(is_object_name(&name), "{}", name);
            let given = notice(&name, "", &[&words]).name;
            prop_assert!(is_object_name(&given), "{}", given);
        }

        #[test]
        fn a_shortened_text_begins_as_the_whole_and_fits(text in "\\PC{0,60}", bytes in 3_usize..120) {
            let short = shortened(&text, bytes);
            prop_assert!(short.len() <= bytes);
            prop_assert!(text.starts_with(short.trim_end_matches('…')) || text.contains('…'));
            prop_assert_eq!(short == text, text.len() <= bytes || short == text);
        }
    }
}
