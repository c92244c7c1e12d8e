//! Filings and servers, judged for their status.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::keys;
use crate::effects::{Declared, Reference, Term, next_reminder, standing_of, terms_of_filing, terms_of_server};
use crate::judge::{self, Declaration};
use crate::registry::{Kept, Registry, Subject, Unreadable};

/// A filing or a server, judged or not to be read.
pub(super) struct JudgedDeclaration {
    pub(super) reference: Reference,
    pub(super) generation: i64,
    judged: Result<(Declaration, Vec<Term>, &'static str), Arc<Unreadable>>,
}

impl JudgedDeclaration {
    pub(super) fn of(registry: &Registry, subject: &Subject, now: Timestamp) -> Option<Self> {
        let facts = registry.snapshot();
        match subject {
            Subject::Filing(key) => Some(match facts.filing(key)? {
                Kept::Read(filing) => Self {
                    reference: Reference::to_filing(key, &filing.uid),
                    generation: filing.generation,
                    judged: Ok((
                        judge::judge_filing(filing, facts, now),
                        terms_of_filing(filing),
                        standing_of(filing.stage),
                    )),
                },
                Kept::Unreadable(unreadable) => Self {
                    reference: Reference::to_filing(key, &unreadable.uid),
                    generation: unreadable.generation,
                    judged: Err(Arc::clone(unreadable)),
                },
            }),
            Subject::Server(name) => Some(match facts.server(name)? {
                Kept::Read(server) => Self {
                    reference: Reference::to_server(name, &server.uid),
                    generation: server.generation,
                    judged: Ok((
                        judge::judge_server(server, facts, now),
                        terms_of_server(server),
                        keys::reasons::ACTIVE,
                    )),
                },
                Kept::Unreadable(unreadable) => Self {
                    reference: Reference::to_server(name, &unreadable.uid),
                    generation: unreadable.generation,
                    judged: Err(Arc::clone(unreadable)),
                },
            }),
            _ => None,
        }
    }

    pub(super) fn declared(&self) -> Declared<'_> {
        match &self.judged {
            Ok((verdict, terms, standing)) => Declared::Judged {
                verdict,
                terms,
                standing,
            },
            Err(unreadable) => Declared::Unreadable(unreadable),
        }
    }
}

/// When a filing or server next needs a look: its verdict changes, or a reminder is due.
pub(super) fn next_of_declaration(registry: &Registry, subject: &Subject, now: Timestamp) -> Option<Timestamp> {
    let (verdict, terms, _) = JudgedDeclaration::of(registry, subject, now)?.judged.ok()?;
    let reminder = next_reminder(&terms, registry.snapshot().default_policy(), now);
    verdict.next.into_iter().chain(reminder).min()
}
