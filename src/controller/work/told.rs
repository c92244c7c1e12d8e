//! What is to be written about an object, from all that is known of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::Work;
use super::declared::JudgedDeclaration;
use crate::api::keys;
use crate::api::{FilingPolicyStatus, Running};
use crate::controller::watch::Beside;
use crate::effects::{self, Audience, Effect, Governing, Observed, Reference, Remembered, is_reminder_due};
use crate::judge::{self, Outcome};
use crate::registry::{FilingKey, Kept, Registry, Subject};
use crate::route::{Route, RouteKey};
use crate::rules;

impl Work {
    /// What is to be written about an object, if it is there.
    pub(super) fn effects_on(
        &self,
        registry: &Registry,
        subject: &Subject,
        now: Timestamp,
    ) -> Option<(Reference, Vec<Effect>)> {
        match subject {
            Subject::Route(key) => {
                let Kept::Read(route) = registry.route(key)? else {
                    return None;
                };
                // Once it is where it is to be, all is told at once.
                if self.is_being_moved(key) || self.enforcing.is_about_to_move(key) {
                    return None;
                }
                let version = self.version_of(subject).unwrap_or_default();
                let verdict = judge::judge(route, registry.snapshot(), now);
                let (told, enforcement) = (self.told.get(key).copied(), self.enforcing.of(key));
                Some((
                    Reference::to_route(route),
                    effects::route(route, version, told, verdict.as_ref(), enforcement),
                ))
            }
            Subject::Filing(_) | Subject::Server(_) => self.effects_on_declaration(registry, subject, now),
            Subject::Policy(name) => self.effects_on_policy(registry, name, now),
            Subject::Namespace(_) | Subject::Class(_) | Subject::Node(_) => None,
        }
    }

    fn effects_on_declaration(
        &self,
        registry: &Registry,
        subject: &Subject,
        now: Timestamp,
    ) -> Option<(Reference, Vec<Effect>)> {
        let declaration = JudgedDeclaration::of(registry, subject, now)?;
        let nothing = Remembered::default();
        let status = match self.known.get(subject) {
            Some(Beside::Declaration(status)) => status,
            _ => &nothing,
        };
        let routes = match subject {
            Subject::Filing(key) => {
                let served = self.served.get(key).map(BTreeSet::len).unwrap_or_default();
                Some(u32::try_from(served).unwrap_or(u32::MAX))
            }
            _ => None,
        };
        let policy = registry.snapshot().default_policy();
        let audience = if is_reminder_due(declaration.declared(), status, policy, now) {
            self.audience(registry, subject)
        } else {
            Audience::default()
        };
        let observed = Observed {
            reference: &declaration.reference,
            generation: declaration.generation,
            status,
            routes,
            audience: &audience,
        };
        let effects = effects::declaration(observed, declaration.declared(), policy, now);
        Some((declaration.reference, effects))
    }

    /// The routes that are told when a filing or server is reminded of: those that it serves, but for those that are exempt
    /// or left alone.
    fn audience(&self, registry: &Registry, subject: &Subject) -> Audience {
        let filings: Vec<&FilingKey> = match subject {
            Subject::Filing(key) => vec![key],
            Subject::Server(name) => registry.filings_on(name).collect(),
            _ => Vec::new(),
        };
        let keys: BTreeSet<&RouteKey> = filings
            .into_iter()
            .filter_map(|filing| self.served.get(filing))
            .flatten()
            .collect();
        let is_told = |route: &&Arc<Route>| {
            let policy = registry.snapshot().policy_of(route);
            let standing = self.routes.get(&route.key);
            policy.is_some_and(|policy| policy.running != Running::Disabled)
                && standing.is_some_and(|standing| standing.outcome != Outcome::Exempt)
        };
        let routes = keys.into_iter().filter_map(|key| match registry.route(key)? {
            Kept::Read(route) => Some(route),
            Kept::Unreadable(_) => None,
        });
        Audience::of(routes.filter(is_told).map(|route| &**route))
    }

    fn effects_on_policy(
        &self,
        registry: &Registry,
        name: &Arc<str>,
        now: Timestamp,
    ) -> Option<(Reference, Vec<Effect>)> {
        let facts = registry.snapshot();
        let nothing = FilingPolicyStatus::default();
        let before = match self.known.get(&Subject::Policy(Arc::clone(name))) {
            Some(Beside::Policy(status)) => status,
            _ => &nothing,
        };
        if let Some((_, unreadable)) = facts.unreadable_policies().find(|(known, _)| *known == name) {
            let effects = effects::unreadable_policy(unreadable, before, now);
            return Some((Reference::to_policy(name, &unreadable.uid), effects));
        }
        let policy = facts.policies().find(|policy| policy.name == *name)?;
        let mut problems = policy.problems.clone();
        problems.extend(rules::unknown_in(policy));
        let is_default = **name == *keys::DEFAULT_POLICY;
        let governing = Governing {
            site: facts.site_of(policy).places(),
            tally: self.standing.policies.get(name).copied().unwrap_or_default(),
            owned_by: self.keeping.owners.as_deref().filter(|_| is_default),
            problems: &problems,
            blocking: self.enforcing.under(name),
        };
        let effects = effects::policy(policy, before, governing, now);
        Some((Reference::to_policy(name, &policy.uid), effects))
    }
}
