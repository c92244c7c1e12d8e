//! The names under which the operator writes: annotations, field managers, condition types and their reasons.
//!
//! They are part of the API: people, alerts and scripts read them. A constant here is never renamed within a version.

/// The API group, and the prefix of every key.
pub const GROUP: &str = "filing-operator.io";
/// The version of the API.
pub const VERSION: &str = "v1alpha1";
/// Both, as in `apiVersion`.
pub const API_VERSION: &str = "filing-operator.io/v1alpha1";
/// The name of the FilingPolicy that the operator keeps, and under which Filings and AccessServers are judged.
pub const DEFAULT_POLICY: &str = "default";

/// Annotation of a route: its verdict (`Compliant`, `Warned`, `Violating`, `Exempt`).
pub const VERDICT: &str = "filing-operator.io/verdict";
/// Annotation of a route: what is wrong with it, in sentences. Absent where nothing is.
pub const FINDINGS: &str = "filing-operator.io/findings";
/// Annotation of a route: the filing numbers under which its hosts are served.
pub const NUMBER: &str = "filing-operator.io/number";
/// The annotations by which a route shows its verdict, in one order.
pub const ROUTE_ANNOTATIONS: [&str; 3] = [VERDICT, FINDINGS, NUMBER];

/// The annotation that named an Ingress's class before `spec.ingressClassName` did; controllers still honour it.
pub const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";
/// The annotation of an IngressClass that makes it the one of Ingresses that name none.
pub const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// The names under which the operator owns fields by server-side apply. Each purpose has its own, so that applying for
/// one does not give up what another owns.
pub mod managers {
    /// Owns the annotations of routes, and nothing else of them.
    pub const ROUTES: &str = "filing-operator";
    /// Owns the statuses of Filings, AccessServers and FilingPolicies.
    pub const STATUS: &str = "filing-operator-status";
    /// Owns the spec of the FilingPolicy `default`.
    pub const POLICY: &str = "filing-operator-policy";
    /// Owns the lease of the replica that leads.
    pub const LEASE: &str = "filing-operator-lease";
    /// Owns the caBundle and the failurePolicy in the webhook configuration.
    pub const WEBHOOK: &str = "filing-operator-webhook";
}

/// Types of conditions.
pub mod conditions {
    /// A declaration is approved and has no violation of its own; a policy can be put into force as it is written.
    pub const READY: &str = "Ready";
}

/// Reasons of the conditions.
pub mod reasons {
    /// True: it is approved, and nothing is wrong with it.
    pub const APPROVED: &str = "Approved";
    /// True, of a server: it is in use, and nothing is wrong with it.
    pub const ACTIVE: &str = "Active";
    /// False: its stage is before Approved.
    pub const PENDING: &str = "Pending";
    /// False: it has been sent back.
    pub const REJECTED: &str = "Rejected";
    /// False: it has been cancelled.
    pub const CANCELLED: &str = "Cancelled";
    /// False: the object can't be read as its kind.
    pub const UNREADABLE: &str = "Unreadable";
    /// True, of a policy: it is in force.
    pub const IN_FORCE: &str = "InForce";
    /// False, of the policy `default`: someone else owns its spec, and the operator's own is not in force.
    pub const OWNED_BY_OTHERS: &str = "OwnedByOthers";
    /// False, of a policy: part of it could not be understood, and the message says what is done instead.
    pub const MISUNDERSTOOD: &str = "Misunderstood";
}

/// The name under which the operator reports Events.
pub const CONTROLLER: &str = "filing-operator.io/controller";
