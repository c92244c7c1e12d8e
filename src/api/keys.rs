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
/// Annotation of a route under `running: Block`: `Blocked` while it is in quarantine, `PutBack` once someone else has
/// taken it out. Absent where nothing is enforced.
pub const ENFORCEMENT: &str = "filing-operator.io/enforcement";
/// The annotations by which a route shows its verdict, in one order.
pub const ROUTE_ANNOTATIONS: [&str; 4] = [VERDICT, FINDINGS, NUMBER, ENFORCEMENT];

/// Annotation of a route in quarantine: the class that it had, as JSON, and who owned it.
pub const QUARANTINED_CLASS: &str = "filing-operator.io/quarantined-class";
/// Annotation of a route in quarantine: since when, in RFC 3339.
pub const QUARANTINED_AT: &str = "filing-operator.io/quarantined-at";
/// The IngressClass of routes in quarantine, which nothing serves.
pub const QUARANTINE_CLASS: &str = "filing-quarantine";
/// The controller that the quarantine class names.
pub const QUARANTINE_CONTROLLER: &str = "filing-operator.io/quarantine";
/// Annotation of a FilingPolicy: the digest of the routes that a person lets be blocked though the brake holds them.
pub const RELEASE_BRAKE: &str = "filing-operator.io/release-brake";
/// Annotation of a FilingPolicy, whatever its value: every route in quarantine is let go, and none is blocked.
pub const RELEASE: &str = "filing-operator.io/release";

/// Label of a namespace, which `"true"` alone turns on: nothing is denied there and nothing blocked, whatever its verdict.
pub const BREAK_GLASS: &str = "filing-operator.io/break-glass";

/// Annotation of a Report: how many results it leaves out, where there are too many.
pub const RESULTS_LEFT_OUT: &str = "filing-operator.io/results-left-out";

/// The annotation that named an Ingress's class before `spec.ingressClassName` did; controllers still honour it.
pub const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";
/// The annotation of an IngressClass that makes it the one of Ingresses that name none.
pub const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// The names under which the operator owns fields by server-side apply. Each purpose has its own, so that applying for
/// one does not give up what another owns.
pub mod managers {
    /// Owns the annotations of routes, and nothing else of them.
    pub const ROUTES: &str = "filing-operator";
    /// Owns the class of routes in quarantine, and the record of what it was.
    pub const QUARANTINE: &str = "filing-operator-quarantine";
    /// Owns the statuses of Filings, AccessServers and FilingPolicies.
    pub const STATUS: &str = "filing-operator-status";
    /// Owns the spec of the FilingPolicy `default`.
    pub const POLICY: &str = "filing-operator-policy";
    /// Owns the Reports of namespaces.
    pub const REPORTS: &str = "filing-operator-reports";
    /// Owns the lease of the replica that leads.
    pub const LEASE: &str = "filing-operator-lease";
    /// Owns the marks of FilingPolicies that `filing-operator release` sets.
    pub const RELEASE: &str = "filing-operator-release";
    /// Owns nothing: `filing-operator probe` asks as it, by dry runs, and is told that it was the operator who answered.
    pub const PROBE: &str = "filing-operator-probe";
    /// Owns the caBundle and the failurePolicy in the webhook configuration.
    pub const WEBHOOK: &str = "filing-operator-webhook";
}

/// Types of conditions.
pub mod conditions {
    /// A declaration is approved and has no violation of its own; a policy can be put into force as it is written.
    pub const READY: &str = "Ready";
    /// Something that a declaration rests on ends within the greatest reminder of the policy, or has ended. It stays Ready.
    pub const EXPIRING: &str = "Expiring";
    /// A policy's routes that are to be blocked are; False says why some are not.
    pub const ENFORCED: &str = "Enforced";
    /// More of a policy's routes are to be blocked at once than its brake allows.
    pub const BRAKE_HELD: &str = "BrakeHeld";
}

/// Reasons of the conditions, and of Events. Those of what ends are ids of the catalogue where it has such a rule.
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
    /// `Expiring` is False: nothing ends within the greatest reminder.
    pub const NOTHING_EXPIRES: &str = "NothingExpires";
    /// The record of a filing ends soon.
    pub const FILING_EXPIRING: &str = "FilingExpiring";
    /// The registration of its domain ends soon.
    pub const DOMAIN_EXPIRING: &str = "DomainExpiring";
    /// A server ends soon, and does not renew itself.
    pub const SERVER_EXPIRING: &str = "ServerExpiring";
    /// A commercial licence ends soon.
    pub const LICENCE_EXPIRING: &str = "LicenceExpiring";
    /// An approval that content needs ends soon.
    pub const PRE_APPROVAL_EXPIRING: &str = "PreApprovalExpiring";
    /// The ID of a filing's handler ends soon.
    pub const HANDLER_ID_EXPIRING: &str = "HandlerIdExpiring";
    /// An announced review is near.
    pub const REVIEW_DUE: &str = "ReviewDue";
    /// An exemption of a policy ends soon.
    pub const EXEMPTION_EXPIRING: &str = "ExemptionExpiring";
    /// Of an Event: the quarterly look at a filing or server that is Blue is due.
    pub const SELF_CHECK_DUE: &str = "SelfCheckDue";
    /// True, of a policy: it is in force.
    pub const IN_FORCE: &str = "InForce";
    /// False, of the policy `default`: someone else owns its spec, and the operator's own is not in force.
    pub const OWNED_BY_OTHERS: &str = "OwnedByOthers";
    /// True: every route that is to be blocked is.
    pub const ENFORCED: &str = "Enforced";
    /// False: the IngressClass of quarantine is missing, or another controller serves it.
    pub const NO_QUARANTINE_CLASS: &str = "QuarantineClassMissing";
    /// False: `blockExcept` names the controllers of some routes.
    pub const EXCEPTED: &str = "ControllerExcepted";
    /// False: of some routes in quarantine it can't be read what they were. Also of the Event on such a route.
    pub const NO_RECORD: &str = "RecordUnreadable";
    /// False: someone else takes routes out of quarantine.
    pub const PUT_BACK: &str = "PutBackByOthers";
    /// False: namespaces of some routes have the label [`super::BREAK_GLASS`]. Also of the Event on a route that is let go
    /// for it.
    pub const BREAK_GLASS: &str = "BreakGlass";
    /// Of Enforced, False: a person has marked the policy to let every route go. Of BrakeHeld, True: a person has let
    /// the routes that are held be blocked.
    pub const RELEASED: &str = "Released";
    /// True: more routes are to be blocked at once than the brake allows.
    pub const LIMIT_EXCEEDED: &str = "LimitExceeded";
    /// False: no more routes are to be blocked at once than the brake allows.
    pub const WITHIN_LIMIT: &str = "WithinLimit";
    /// False, of a policy: part of it could not be understood, and the message says what is done instead.
    pub const MISUNDERSTOOD: &str = "Misunderstood";
}

/// The name under which the operator reports Events.
pub const CONTROLLER: &str = "filing-operator.io/controller";
