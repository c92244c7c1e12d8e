//! What the API server asks about filings, servers and policies.

use std::sync::Arc;

use kube::core::admission::Operation;
use kube::core::{DynamicObject, GroupVersionKind};
use serde::Deserialize;
use serde_json::Value;

use super::super::request::{BadRequest, Envelope, read_review, shown, text};
use crate::api::read::read;
use crate::api::{AccessServerSpec, FilingPolicySpec, FilingSpec, RouteCounts, keys};
use crate::registry::{Filing, FilingKey, Policy, Server, Unreadable};

/// A request of the API server about a filing, a server or a policy.
#[derive(Debug)]
pub struct DeclaredRequest {
    /// The request without its objects.
    pub envelope: Envelope,
    /// What it is about.
    pub subject: DeclaredSubject,
}

/// What a request is about.
#[derive(Debug)]
pub enum DeclaredSubject {
    /// An object that is made or changed.
    Declared(Box<Declared>),
    /// An object that is deleted.
    Deleted(Deleted),
    /// Something that there is nothing to say of: a connection, a status, an object that is on its way out.
    Nothing,
    /// Another kind.
    UnknownKind,
}

/// An object, as it shall be.
#[derive(Debug)]
pub enum Declared {
    /// A filing.
    Filing(Filing),
    /// A server.
    Server(Server),
    /// A policy.
    Policy(Policy),
    /// One that can't be read as its kind: the CRDs let through more than fits.
    Unreadable(Unreadable),
}

/// An object that is deleted, and what hangs on it, where its status says so: that is as it was last judged.
#[derive(Debug)]
pub enum Deleted {
    /// A filing, and how many routes are served under it.
    Filing {
        /// The routes.
        routes: u32,
    },
    /// A server.
    Server(Arc<str>),
    /// A policy, and the routes that it governs.
    Policy {
        /// The routes, as they stand.
        routes: RouteCounts,
    },
}

#[derive(Clone, Copy)]
enum Kind {
    Filing,
    Server,
    Policy,
}

impl DeclaredRequest {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// Where it is no request.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let (envelope, object, old) = read_review(text(body)?)?;
        let subject = subject(&envelope, object, old)?;
        Ok(Self { envelope, subject })
    }
}

fn subject(
    envelope: &Envelope,
    object: Option<DynamicObject>,
    old: Option<DynamicObject>,
) -> Result<DeclaredSubject, BadRequest> {
    let Some(kind) = kind(&envelope.kind) else {
        return Ok(DeclaredSubject::UnknownKind);
    };
    if !envelope.sub_resource.is_empty() {
        return Ok(DeclaredSubject::Nothing);
    }
    Ok(match envelope.operation {
        Operation::Create | Operation::Update => {
            let object = object.ok_or(BadRequest::NoObject)?;
            if object.metadata.deletion_timestamp.is_some() {
                DeclaredSubject::Nothing
            } else {
                DeclaredSubject::Declared(Box::new(declared(kind, &object, envelope)))
            }
        }
        Operation::Delete => old.map_or(DeclaredSubject::Nothing, |old| {
            DeclaredSubject::Deleted(deleted(kind, &old, &envelope.name))
        }),
        Operation::Connect => DeclaredSubject::Nothing,
    })
}

fn kind(asked: &GroupVersionKind) -> Option<Kind> {
    if asked.group != keys::GROUP || asked.version != keys::VERSION {
        return None;
    }
    match asked.kind.as_str() {
        "Filing" => Some(Kind::Filing),
        "AccessServer" => Some(Kind::Server),
        "FilingPolicy" => Some(Kind::Policy),
        _ => None,
    }
}

fn declared(kind: Kind, object: &DynamicObject, envelope: &Envelope) -> Declared {
    let metadata = &object.metadata;
    let name: Arc<str> = metadata.name.as_deref().unwrap_or(&envelope.name).into();
    let namespace = metadata.namespace.as_deref().unwrap_or(&envelope.namespace);
    let read = match kind {
        Kind::Filing => spec::<FilingSpec>(object).map(|spec| {
            let key = FilingKey::new(namespace, &*name);
            Declared::Filing(Filing::new(key, metadata, &spec))
        }),
        Kind::Server => {
            spec::<AccessServerSpec>(object).map(|spec| Declared::Server(Server::new(name, metadata, &spec)))
        }
        Kind::Policy => {
            spec::<FilingPolicySpec>(object).map(|spec| Declared::Policy(Policy::new(name, metadata, &spec)))
        }
    };
    read.unwrap_or_else(Declared::Unreadable)
}

fn spec<'a, T: Deserialize<'a>>(object: &'a DynamicObject) -> Result<T, Unreadable> {
    read(object.data.get("spec").unwrap_or(&Value::Null))
        .map_err(|error| Unreadable::new(&object.metadata, shown(&format!("spec.{error}"))))
}

fn deleted(kind: Kind, object: &DynamicObject, name: &str) -> Deleted {
    let routes = object.data.pointer("/status/routes");
    match kind {
        Kind::Filing => Deleted::Filing {
            routes: routes
                .and_then(Value::as_u64)
                .map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX)),
        },
        Kind::Server => Deleted::Server(object.metadata.name.as_deref().unwrap_or(name).into()),
        Kind::Policy => Deleted::Policy {
            routes: routes.and_then(|routes| read(routes).ok()).unwrap_or_default(),
        },
    }
}
