//! The facts that the cluster or the manifests declare, as small validated structs, indexed by domain.
//!
//! [`Snapshot`] is what is known at one time: immutable, shared, cheap to take. [`Registry`] owns the current one and
//! the routes; it takes changes one by one and says which routes, filings and servers each may touch. Pure: it never
//! decides whether a route may be served, and asks nobody for anything.

mod filing;
mod hashed;
mod index;
mod map;
mod owner;
mod policy;
mod rivals;
mod server;
mod snapshot;
#[cfg(test)]
mod tests;
mod uid;

pub use filing::{
    Access, Allowed, Filing, FilingKey, FilingName, FilingSubject, NumberRole, Numbered, Other, Particulars,
};
pub use owner::{Affected, Change, Registry, Subject, SubjectKind};
pub use policy::{Cdn, Exemption, Policy, Problem, Trust};
pub use server::Server;
pub use snapshot::{IngressClassFact, Kept, NodeKey, Snapshot, Unreadable};
pub use uid::Uid;
