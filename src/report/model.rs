//! What there is to tell, whatever the format.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::FieldPath;
use crate::judge::{Declaration, Outcome, Verdict};
use crate::registry::FilingKey;
use crate::route::RouteKey;
use crate::rules::{Finding, Severity};

/// Everything that was found in some manifests.
#[derive(Clone, Debug)]
pub struct Report {
    /// The moment as of which it was judged.
    pub now: Timestamp,
    /// The routes, in the order of the input.
    pub routes: Vec<Judged>,
    /// The filings, in the order of the input.
    pub filings: Vec<Declared<FilingKey>>,
    /// The servers, in the order of the input.
    pub servers: Vec<Declared<Arc<str>>>,
    /// Documents of kinds that are of no interest here.
    pub skipped: usize,
    /// What of the input could not be read or used.
    pub errors: Vec<InputError>,
}

/// What standard input is called in place of a file.
pub const STDIN: &str = "<stdin>";
/// What the command line is called where it is at fault itself.
pub const COMMAND_LINE: &str = "the command line";

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As the user typed it, or below what was typed.
    pub file: Arc<str>,
    /// From 1; none where the file as a whole is meant.
    pub line: Option<u32>,
    /// From 1, in characters; none where the file as a whole is meant.
    pub column: Option<u32>,
}

impl Source {
    /// Whether it is in a file that others can open.
    pub fn is_file(&self) -> bool {
        !matches!(&*self.file, STDIN | COMMAND_LINE)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// Where an object and those of its fields stand of which something is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Where the object begins; none: it stands in no file, but in the cluster.
    pub object: Option<Source>,
    /// The fields.
    pub fields: BTreeMap<FieldPath, Source>,
}

impl Places {
    /// Where a field stands, or else the object, if that is in a file.
    pub fn of(&self, path: &FieldPath) -> Option<&Source> {
        self.fields.get(path).or(self.object.as_ref())
    }
}

/// A route and what was answered about it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which one.
    pub key: RouteKey,
    /// Where it stands.
    pub places: Places,
    /// The answer.
    pub answer: Answer,
    /// Of a route of the cluster that the files change nothing of but its verdict: how it stood without them.
    pub before: Option<Before>,
}

/// How a route of the cluster stands without the files that are judged beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its verdict; none where it was not judged.
    pub outcome: Option<Outcome>,
    /// Whether the files make it, or one of its hosts, stand worse.
    pub is_worse_now: bool,
}

/// What was answered about a route.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was judged.
    Verdict(Verdict),
    /// No policy governs it, so that there is nothing to judge.
    Ungoverned,
    /// It is there and can't be read; without a finding where the policy does not care.
    Unreadable(Option<Finding>),
}

impl Answer {
    /// How the route stands; none where that was not judged.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Verdict(verdict) => Some(verdict.outcome),
            Self::Ungoverned => None,
            Self::Unreadable(finding) => finding.as_ref().map(|finding| match finding.severity {
                Severity::Warning => Outcome::Warned,
                Severity::Violation => Outcome::Violating,
            }),
        }
    }
}

/// A filing or a server, and what was answered about it.
#[derive(Clone, Debug)]
pub struct Declared<K> {
    /// Which one.
    pub key: K,
    /// Where it stands.
    pub places: Places,
    /// The answer.
    pub answer: Declaration,
}

/// Something in the input that can't be read or used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The fact and, where there is one, the remedy.
    pub message: String,
    /// Where it stands.
    pub source: Source,
}

/// How many hosts stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub hosts: usize,
    /// Those that may be served.
    pub compliant: usize,
    /// Those that may be served and have something to mend.
    pub warned: usize,
    /// Those that may not be served.
    pub violating: usize,
    /// Those of which nothing is asked.
    pub exempt: usize,
}

impl Report {
    /// Counts the hosts.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for judged in &self.routes {
            let Answer::Verdict(verdict) = &judged.answer else {
                continue;
            };
            for host in &verdict.hosts {
                tally.hosts += 1;
                *match host.outcome {
                    Outcome::Compliant => &mut tally.compliant,
                    Outcome::Warned => &mut tally.warned,
                    Outcome::Violating => &mut tally.violating,
                    Outcome::Exempt => &mut tally.exempt,
                } += 1;
            }
        }
        tally
    }

    /// The worst that was found: of routes, and of filings and servers by themselves. A route that the files make stand
    /// better, if not yet well, is not held against them.
    pub fn worst(&self) -> Option<Severity> {
        let counts = |judged: &&Judged| judged.before.is_none_or(|before| before.is_worse_now);
        let of_routes = self.routes.iter().filter(counts);
        let of_routes = of_routes.filter_map(|judged| match judged.answer.outcome()? {
            Outcome::Violating => Some(Severity::Violation),
            Outcome::Warned => Some(Severity::Warning),
            Outcome::Compliant | Outcome::Exempt => None,
        });
        let of_filings = self.filings.iter().flat_map(|declared| &declared.answer.findings);
        let of_servers = self.servers.iter().flat_map(|declared| &declared.answer.findings);
        let declared = of_filings.chain(of_servers).map(|finding| finding.severity);
        of_routes.chain(declared).max()
    }
}
