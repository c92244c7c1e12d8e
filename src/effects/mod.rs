//! What to do about a verdict: (what is observed, verdict) → effects, and none where nothing changes. Pure: an effect
//! is a description; the controller's writer carries it out, in order, and tries again what failed.

mod declaration;
mod history;
mod notice;
mod policy;
mod reminder;
mod route;
mod self_check;
mod term;

use std::collections::BTreeMap;

use crate::api::{DeclarationStatus, FilingPolicyStatus};

pub use declaration::{Declared, Observed, declaration, is_reminder_due, next_of_declaration};
pub use notice::{Notice, Reference};
pub use policy::{Governing, Tally, policy, unreadable_policy};
pub use reminder::{Audience, next_of_policy};
pub use route::route;
pub use term::{End, Term, terms_of_filing, terms_of_policy, terms_of_server};

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Create an Event, unless it is there already.
    Event(Box<Notice>),
    /// Let a route carry these of the operator's annotations and no others of them.
    Annotate(BTreeMap<&'static str, String>),
    /// Write the status of a Filing or AccessServer.
    DeclarationStatus(Box<DeclarationStatus>),
    /// Write the status of a FilingPolicy.
    PolicyStatus(Box<FilingPolicyStatus>),
}
