//! What to do about a verdict: (what is observed, verdict) → effects, and none where nothing changes. Pure: an effect
//! is a description; the controller's writer carries it out, in order, and tries again what failed.

mod brake;
mod declaration;
mod denial;
mod enforcement;
mod history;
mod notice;
mod policy;
mod quarantine;
mod remembered;
mod reminder;
mod route;
mod self_check;
mod term;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::{DeclarationStatus, FilingPolicyStatus};

pub use brake::{Batch, Brake, Held, brake, leaves_window};
pub use declaration::{Declared, Observed, declaration, is_reminder_due, next_of_declaration, standing_of};
pub use denial::{Refused, denial};
pub use enforcement::{Enforcement, Hindrance, denies, enforcement};
pub use history::changed_since_approval;
pub use notice::{Notice, Reference, shortened};
pub use policy::{Blocking, Governing, Tally, policy, unreadable_policy};
pub use quarantine::{blocking, handing_back, restoring};
pub use remembered::Remembered;
pub use reminder::{Audience, next_of_policy};
pub use route::{Told, route, was_put_back};
pub use term::{End, Ending, Term, endings, terms_of_filing, terms_of_policy, terms_of_server};

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Create an Event, unless it is there already.
    Event(Box<Notice>),
    /// Let a route carry these of the operator's annotations and no others of them.
    Annotate(BTreeMap<&'static str, String>),
    /// Put a route of this version into quarantine.
    Block {
        /// The resource version that was judged.
        version: String,
        /// Since when it is there.
        at: Timestamp,
    },
    /// Let a route of this version go from quarantine, as far as that is still to be done.
    LetGo {
        /// The resource version that was judged.
        version: String,
    },
    /// Write the status of a Filing or AccessServer.
    DeclarationStatus(Box<DeclarationStatus>),
    /// Write the status of a FilingPolicy.
    PolicyStatus(Box<FilingPolicyStatus>),
}
