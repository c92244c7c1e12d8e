//! The hosts that annotations add, by the table of those that do.
//!
//! An annotation counts whatever the class of its Ingress is. Which controller serves a class can't always be told, and
//! it changes with an IngressClass alone; so what a controller might read is taken as read.

mod json;

use super::claims::Claims;
use super::fields::SpecFields;
use super::{Claimed, Opaque};
use crate::domain::annotation::{self, Adds, AnnotationFact};
use crate::domain::{FieldPath, Host};

/// The most hosts that the annotations of one Ingress may add; where there are more, it counts as answering for anything.
/// Without a bound, what the API server takes for annotations could name some eighty thousand.
const MAX_HOSTS: usize = 4096;

/// Adds what the annotations of an Ingress claim, after what its spec does.
pub(super) fn claim<'a>(
    claims: &mut Claims,
    annotations: impl Iterator<Item = (&'a str, &'a str)>,
    spec: Option<&SpecFields<'_>>,
) {
    let mut left = MAX_HOSTS;
    for (key, value) in annotations {
        if let Some(fact) = annotation::find(key)
            && !value.trim().is_empty()
        {
            let mut reader = Reader {
                fact,
                key,
                claims,
                left: &mut left,
            };
            reader.read(value, spec);
        }
    }
}

/// Reads one annotation.
struct Reader<'a> {
    fact: &'static AnnotationFact,
    key: &'a str,
    claims: &'a mut Claims,
    /// How many more hosts the annotations of the Ingress may add.
    left: &'a mut usize,
}

impl Reader<'_> {
    fn read(&mut self, value: &str, spec: Option<&SpecFields<'_>>) {
        match self.fact.adds {
            Adds::Hosts => {
                for host in value.split(|c: char| c == ',' || c.is_whitespace()) {
                    self.host(host);
                }
            }
            Adds::WwwTwins => {
                if is_true(value.trim()) {
                    self.www_twins(spec);
                }
            }
            Adds::Json => {
                if json::read(value, self).is_err() {
                    self.opaque(Opaque::malformed(self.key, value));
                }
            }
            Adds::Pattern => self.pattern(value.trim()),
            Adds::Configuration => self.opaque(Opaque::configuration(self.key, value)),
            Adds::Location => {
                if names_a_server(value) {
                    self.opaque(Opaque::configuration(self.key, value));
                }
            }
            Adds::Matcher => {
                if !value.trim().bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    self.opaque(Opaque::configuration(self.key, value));
                }
            }
        }
    }

    fn host(&mut self, typed: &str) {
        if typed.starts_with('~') {
            self.pattern(typed);
        } else if !typed.is_empty() {
            self.one_of_many(Claimed::by_field(Some(typed)));
        }
    }

    fn pattern(&mut self, typed: &str) {
        if !typed.is_empty() {
            self.one_of_many(Claimed::Opaque(Opaque::pattern(self.key, typed).into()));
        }
    }

    fn opaque(&mut self, opaque: Opaque) {
        self.add(Claimed::Opaque(opaque.into()));
    }

    fn one_of_many(&mut self, to: Claimed) {
        if self.claims.has(&to) {
            return;
        }
        if let Some(left) = self.left.checked_sub(1) {
            *self.left = left;
            self.add(to);
        } else {
            self.add(Claimed::Anything);
        }
    }

    /// The other name under which ingress-nginx answers for each rule's host, in order to redirect. There are no more
    /// than the rules have hosts.
    fn www_twins(&mut self, spec: Option<&SpecFields<'_>>) {
        for typed in spec.into_iter().flat_map(SpecFields::rule_hosts).flatten() {
            if let Ok(host) = Host::parse(typed)
                && !host.is_wildcard()
            {
                let name = host.domain().as_str();
                let twin = match name.strip_prefix("www.") {
                    Some(bare) => Claimed::by_field(Some(bare)),
                    None => Claimed::by_field(Some(&format!("www.{name}"))),
                };
                self.add(twin);
            }
        }
    }

    fn add(&mut self, to: Claimed) {
        self.claims.add(to, || FieldPath::annotation(self.key));
    }
}

/// As Go reads a boolean.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "True" | "TRUE")
}

/// Whether nginx could find the directive `server_name` in a text, not only the variable or a longer word. It can't be
/// written otherwise: nginx reads directives in lower case, and has no escape for a letter.
fn names_a_server(text: &str) -> bool {
    const DIRECTIVE: &str = "server_name";
    text.match_indices(DIRECTIVE).any(|(at, _)| {
        let (before, from) = text.split_at(at);
        let behind = from.strip_prefix(DIRECTIVE).unwrap_or_default();
        let begins = !before.ends_with("${")
            && before
                .chars()
                .next_back()
                .is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}' | '"' | '\''));
        let ends = behind
            .chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\''));
        begins && ends
    })
}

#[cfg(test)]
mod tests;
