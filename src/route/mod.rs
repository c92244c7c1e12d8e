//! What a route answers for: its hosts with their field paths, and its class. One file a kind of route says how that
//! kind gives one, and another what annotations add. Pure: a route is read from an object, nothing is looked up or decided here.

mod annotations;
mod claims;
mod class;
mod fields;
mod ingress;
mod marks;
mod opaque;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{FieldPath, Host, HostError};

pub(crate) use class::MAX_OWNERS;
pub use class::{ClassRef, FieldOwner, Record, Recorded};
pub use fields::{IngressJson, MetaFields, SpecFields};
pub use ingress::{from_fields, from_ingress, from_object, without_spec};
pub use marks::Marks;
pub use opaque::{Cause, Opaque};

/// A kind of object that carries hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RouteKind {
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
}

impl RouteKind {
    /// The group and version, as in `apiVersion`.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Ingress => "networking.k8s.io/v1",
        }
    }

    /// The kind, as in `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
        }
    }
}

/// Which route: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteKey {
    /// The namespace it lives in.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: RouteKind,
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A route as the judge sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which one.
    pub key: RouteKey,
    /// The identity that the API server gave it; empty in a manifest.
    pub uid: Arc<str>,
    /// The class it asks for.
    pub class: ClassRef,
    /// Everything it answers for, each once, in the order of the object.
    pub claims: Vec<Claim>,
    /// The addresses that it is served at, as its load balancer says.
    pub addresses: Box<[IpAddr]>,
    /// Those of its annotations that are this operator's, by key.
    pub marks: Marks,
}

/// One name that a route answers for, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it answers for.
    pub to: Claimed,
    /// The field that says so first.
    pub path: FieldPath,
}

/// What a route answers for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claimed {
    /// A host, or every host below a domain.
    Host(Host),
    /// A text that is no host name.
    NoHost {
        /// As it stands in the object.
        typed: String,
        /// Why it is none.
        error: HostError,
    },
    /// Whatever domain is pointed at it: a rule without a host, a default backend, or too many hosts by annotation.
    Anything,
    /// Hosts that can't be told.
    Opaque(Arc<Opaque>),
}

impl fmt::Display for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::NoHost { typed, .. } => f.write_str(typed),
            Self::Anything => f.write_str("*"),
            Self::Opaque(_) => f.write_str("?"),
        }
    }
}

impl Claimed {
    /// What a host field claims: an empty one claims everything.
    fn by_field(typed: Option<&str>) -> Self {
        match typed {
            None | Some("") => Self::Anything,
            Some(typed) => match Host::parse(typed) {
                Ok(host) => Self::Host(host),
                Err(HostError::Everything) => Self::Anything,
                Err(error) => Self::NoHost {
                    typed: beginning(typed, MAX_TYPED),
                    error,
                },
            },
        }
    }
}

/// How many characters are kept of a text that is no host name; those that are one are shorter.
const MAX_TYPED: usize = 300;

/// The first characters of a text.
fn beginning(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
