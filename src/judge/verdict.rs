//! What the judge answers about a route.

use std::fmt;
use std::sync::Arc;

use crate::domain::{Day, FieldPath, Place};
use crate::registry::{FilingKey, Policy, Uid};
use crate::route::Claimed;
use crate::rules::Finding;

/// How a host or a route stands; a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing is asked of it.
    Exempt,
    /// It may be served.
    Compliant,
    /// It may be served, and something should be mended.
    Warned,
    /// It may not be served.
    Violating,
}

impl Outcome {
    /// Every outcome, the best first.
    pub const ALL: [Self; 4] = [Self::Exempt, Self::Compliant, Self::Warned, Self::Violating];

    /// The word that annotations and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "Exempt",
            Self::Compliant => "Compliant",
            Self::Warned => "Warned",
            Self::Violating => "Violating",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer about a route.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The policy that governs it.
    pub policy: Arc<Policy>,
    /// Where it is served; empty: not known.
    pub site: Vec<Place>,
    /// The worst of its hosts'.
    pub outcome: Outcome,
    /// One for each name that it answers for, in the order of the object.
    pub hosts: Vec<HostVerdict>,
}

/// The answer about one name that a route answers for.
#[derive(Clone, Debug, PartialEq)]
pub struct HostVerdict {
    /// The name.
    pub host: Claimed,
    /// The field that says so.
    pub path: FieldPath,
    /// How it stands.
    pub outcome: Outcome,
    /// The filing that covers it, or that comes nearest; none where the reader may not know of it.
    pub filing: Option<FilingRef>,
    /// Why nothing is asked of it, if so. Findings are told all the same.
    pub exemption: Option<Exemption>,
    /// What was found, the worst and best explaining first.
    pub findings: Vec<Finding>,
}

/// A filing, by key and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilingRef {
    /// Which one.
    pub key: FilingKey,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Uid,
    /// Its number as it is rightly written, where it has one that can be read.
    pub number: Option<String>,
}

/// Why nothing is asked of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The name is not public.
    PrivateName,
    /// It is served from outside the mainland.
    OutsideMainland,
    /// The policy says so.
    Policy {
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// The last day.
        until: Day,
    },
}

impl Verdict {
    /// The hosts that may not be served.
    pub fn violating(&self) -> impl Iterator<Item = &HostVerdict> {
        self.hosts.iter().filter(|host| host.outcome == Outcome::Violating)
    }

    /// Every finding, host by host.
    pub fn findings(&self) -> impl Iterator<Item = (&HostVerdict, &Finding)> {
        self.hosts
            .iter()
            .flat_map(|host| host.findings.iter().map(move |finding| (host, finding)))
    }
}
