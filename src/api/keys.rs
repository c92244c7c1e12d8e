//! The names under which the operator writes: annotations, labels, field managers, condition types and reasons.

/// The API group, and the prefix of every key.
pub const GROUP: &str = "filing-operator.io";
/// The version of the API.
pub const VERSION: &str = "v1alpha1";

/// On a route: its verdict (`Compliant`, `Warned`, `Violating`, `Exempt`).
pub const VERDICT: &str = "filing-operator.io/verdict";
/// On a route: what is wrong with it.
pub const FINDINGS: &str = "filing-operator.io/findings";
/// On a route: the numbers under which its hosts are served.
pub const NUMBER: &str = "filing-operator.io/number";
/// The annotations by which a route shows its verdict, in one order.
pub const ROUTE_ANNOTATIONS: [&str; 3] = [VERDICT, FINDINGS, NUMBER];

/// On a quarantined route: the class that it had.
pub const QUARANTINED_CLASS: &str = "filing-operator.io/quarantined-class";
/// On a quarantined route: since when.
pub const QUARANTINED_AT: &str = "filing-operator.io/quarantined-at";
/// On a policy, by a person: the digest of the set of routes that may be blocked in spite of the brake.
pub const RELEASE_BRAKE: &str = "filing-operator.io/release-brake";

/// Condition: the object can do what it is for.
pub const READY: &str = "Ready";
/// Reason of `Ready=True` on a Filing or AccessServer: nothing speaks against it.
pub const REASON_VALID: &str = "Valid";
/// Reason of `Ready=True` on a FilingPolicy: it governs.
pub const REASON_IN_FORCE: &str = "InForce";
/// Reason of `Ready=False` on a FilingPolicy: part of it could not be understood.
pub const REASON_MISUNDERSTOOD: &str = "Misunderstood";

/// The field manager of everything that the operator writes.
pub const FIELD_MANAGER: &str = "filing-operator";
/// The name under which the operator reports Events.
pub const CONTROLLER: &str = "filing-operator.io/controller";
