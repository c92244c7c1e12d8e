//! Filings and servers, judged for their status.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::Colour;
use crate::effects::{self, Declared, Reference};
use crate::judge::{self, Declaration};
use crate::registry::{Filing, Kept, Policy, Registry, Server, Subject, Unreadable};

/// A filing or a server, judged or not to be read.
pub(super) struct JudgedDeclaration {
    pub(super) reference: Reference,
    pub(super) generation: i64,
    judged: Judged,
}

enum Judged {
    Filing(Arc<Filing>, Declaration),
    Server(Arc<Server>, Declaration),
    Unreadable(Arc<Unreadable>),
}

impl JudgedDeclaration {
    pub(super) fn of(registry: &Registry, subject: &Subject, now: Timestamp) -> Option<Self> {
        let facts = registry.snapshot();
        match subject {
            Subject::Filing(key) => Some(match facts.filing(key)? {
                Kept::Read(filing) => Self {
                    reference: Reference::to_filing(key, &filing.uid.to_string()),
                    generation: filing.generation,
                    judged: Judged::Filing(Arc::clone(filing), judge::judge_filing(filing, facts, now)),
                },
                Kept::Unreadable(unreadable) => Self {
                    reference: Reference::to_filing(key, &unreadable.uid),
                    generation: unreadable.generation,
                    judged: Judged::Unreadable(Arc::clone(unreadable)),
                },
            }),
            Subject::Server(name) => Some(match facts.server(name)? {
                Kept::Read(server) => Self {
                    reference: Reference::to_server(name, &server.uid),
                    generation: server.generation,
                    judged: Judged::Server(Arc::clone(server), judge::judge_server(server, facts, now)),
                },
                Kept::Unreadable(unreadable) => Self {
                    reference: Reference::to_server(name, &unreadable.uid),
                    generation: unreadable.generation,
                    judged: Judged::Unreadable(Arc::clone(unreadable)),
                },
            }),
            _ => None,
        }
    }

    pub(super) fn declared(&self) -> Declared<'_> {
        match &self.judged {
            Judged::Filing(filing, verdict) => Declared::Filing(filing, verdict),
            Judged::Server(server, verdict) => Declared::Server(server, verdict),
            Judged::Unreadable(unreadable) => Declared::Unreadable(unreadable),
        }
    }
    /// Its light.
    pub(super) fn colour(&self) -> Colour {
        match &self.judged {
            Judged::Filing(_, verdict) | Judged::Server(_, verdict) => verdict.colour,
            Judged::Unreadable(_) => Colour::Red,
        }
    }

    /// When it next needs a look, if nothing else happens.
    pub(super) fn next(&self, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        effects::next_of_declaration(self.declared(), policy, now)
    }
}
