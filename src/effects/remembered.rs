//! What is remembered of a declaration's status: as much as the next one is made of, and what tells whether that is
//! another. A cluster may have a hundred thousand of them, and most of a status is text that is only written.

use sha2::{Digest as _, Sha256};

use crate::api::DeclarationStatus;

/// The status of a filing or server as it was last seen or written, in a third of its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of the whole.
    digest: [u8; 16],
    /// What [`Remembered::recall`] gives back, as JSON.
    kept: Box<[u8]>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::of(DeclarationStatus::default())
    }
}

impl Remembered {
    /// Remembers a status.
    pub fn of(status: DeclarationStatus) -> Self {
        let digest = digest(&status);
        // Each field that is not kept is written anew each time, whatever it was.
        let mut kept = DeclarationStatus {
            observed_generation: None,
            policy: None,
            expires_at: None,
            domains: None,
            findings: Vec::new(),
            routes: None,
            next_transition: None,
            next_reminder: None,
            ..status
        };
        for condition in &mut kept.conditions {
            condition.reason = String::new();
            condition.message = String::new();
            condition.observed_generation = None;
        }
        Self {
            digest,
            kept: json(&kept).into_boxed_slice(),
        }
    }

    /// What the next status is made of: the moments that stay, the conditions without their words, what was reminded of,
    /// and how it has come so far.
    pub(super) fn recall(&self) -> DeclarationStatus {
        serde_json::from_slice(&self.kept).unwrap_or_default()
    }

    /// Whether a status is the one that is remembered.
    pub(super) fn is(&self, status: &DeclarationStatus) -> bool {
        self.digest == digest(status)
    }
}

/// Half of its SHA-256: nobody can make two that are alike.
fn digest(status: &DeclarationStatus) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(json(status)).into();
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

/// Its keys are texts and its numbers whole, so that it can always be written.
fn json(status: &DeclarationStatus) -> Vec<u8> {
    serde_json::to_vec(status).unwrap_or_default()
}
