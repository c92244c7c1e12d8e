//! The resources of group `filing-operator.io`, version `v1alpha1`, as users write them and as the operator answers.
//!
//! What is here is what was typed, checked for its shape alone. It must not judge: whether a number, a domain or a
//! filing is good is for the rooms to the right.

mod crds;
pub mod filing;
pub mod keys;
pub mod policy;
mod schema;
pub mod server;
pub mod status;

pub use crds::{crd_files, crds, crds_yaml};
pub use filing::{
    Access, AccessStage, AllowedNamespaces, Approval, Change, ContentType, Filing, FilingSpec, FilingStatus, Handler,
    Licence, NamespacesFrom, Nature, PublicSecurity, Registration, Service, ServiceKind, Stage, Subject,
};
pub use policy::{
    Admission, Brake, Exemption, FilingPolicy, FilingPolicySpec, FilingPolicyStatus, FilingsFrom, Grace, MainlandCdn,
    RouteCounts, RouteMatch, RuleLevel, Running, SitePlace, SiteSpec,
};
pub use server::{AccessServer, AccessServerSpec, AccessServerStatus, Blocklisted, ServerState};
pub use status::{Colour, DeclarationStatus, FieldChange, Reminder, StatusFinding, StatusSeverity};
