//! Hosts that can't be told from what is written.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// Hosts that an annotation may add, and that can't be told from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opaque {
    /// The key of the annotation.
    pub annotation: Arc<str>,
    /// Why they can't be told.
    pub cause: Cause,
    /// Of what it says: where that is another, so may the hosts be, and it is not the same that was there before.
    digest: [u8; 32],
}

/// Why hosts can't be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is written in the controller's own language.
    Configuration,
    /// It is a regular expression: its beginning, as much as messages repeat.
    Pattern(Box<str>),
    /// It should be JSON, and can't be read.
    Malformed,
}

impl Opaque {
    pub(super) fn configuration(annotation: &str, text: &str) -> Self {
        Self::of(annotation, Cause::Configuration, text)
    }

    pub(super) fn pattern(annotation: &str, text: &str) -> Self {
        Self::of(annotation, Cause::Pattern(super::beginning(text, SHOWN).into()), text)
    }

    pub(super) fn malformed(annotation: &str, text: &str) -> Self {
        Self::of(annotation, Cause::Malformed, text)
    }

    fn of(annotation: &str, cause: Cause, text: &str) -> Self {
        Self {
            annotation: annotation.into(),
            cause,
            digest: Sha256::digest(text).into(),
        }
    }
}

/// How many characters of a regular expression a message repeats.
const SHOWN: usize = 80;
