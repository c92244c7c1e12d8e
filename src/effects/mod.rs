//! What to do about a verdict: (what is observed, verdict) → effects, and none where nothing changes. Pure: an effect
//! is a description; the controller's writer carries it out, in order, and tries again what failed.

mod declaration;
mod notice;
mod policy;
mod reminder;
mod route;

use std::collections::BTreeMap;

use crate::api::{DeclarationStatus, FilingPolicyStatus};

pub use declaration::{Declared, Observed, declaration, standing_of};
pub use notice::{Notice, Reference, shortened};
pub use policy::{Governing, Tally, policy, unreadable_policy};
pub use reminder::{Due, Term, due, next_reminder, terms_of_filing, terms_of_server};
pub use route::route;

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
