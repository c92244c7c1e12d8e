//! What is due, and when: from what is declared and a day to a list of entries in order of date. Each says what to do, by
//! when, for which object, and what it rests on. Pure: it knows no clock, writes nothing, and judges nothing.

mod entry;
mod facts;
mod migration;
mod procedure;
mod renewal;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::ResourceExt as _;

pub use self::entry::{Entry, Object, ObjectKind, Task, Urgency};
pub use self::facts::{Duration, Paper, RenewalStep, Unit};
use crate::api::{AccessServer, AccessStage, Filing, FilingPolicy, Stage};
use crate::domain::{Day, Domain, workday};
use crate::registry::{self, Change, FilingKey, Policy, Registry, Server, Snapshot};

/// What is declared.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    /// The filings.
    pub filings: &'a [Filing],
    /// The servers.
    pub servers: &'a [AccessServer],
    /// The policies: for their reminders, days of grace and exemptions.
    pub policies: &'a [FilingPolicy],
}

/// What is due within some days, and what is overdue.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The day as of which it is told.
    pub today: Day,
    /// The last day that it looks at.
    pub last: Day,
    /// What is overdue first, then the rest, each in order of date.
    pub entries: Vec<Entry>,
}

impl Plan {
    /// The plan as of a day, for so many days from then on.
    ///
    /// ```
    /// use filing_operator::domain::Day;
    /// use filing_operator::plan::{Declared, Plan};
    ///
    /// let nothing = Declared { filings: &[], servers: &[], policies: &[] };
    /// assert!(Plan::of(nothing, Day::new(2026, 11, 23), 365).entries.is_empty());
    /// ```
    pub fn of(declared: Declared<'_>, today: Day, days: u32) -> Self {
        let snapshot = snapshot(declared);
        let horizon = Horizon {
            today,
            last: today.plus(days),
        };
        let mut planner = Planner {
            horizon,
            domains: Domains::of(declared),
            entries: Vec::new(),
        };
        planner.renewals(&snapshot);
        for server in declared.servers {
            planner.renews_itself(server);
        }
        let grace = snapshot.default_policy().grace.migration;
        for filing in declared.filings {
            planner.filing(filing, grace);
        }
        let mut entries = planner.entries;
        entries.sort_by_cached_key(Entry::rank);
        Self {
            today,
            last: horizon.last,
            entries,
        }
    }

    /// The years that it looks at and whose holidays are not announced.
    pub fn unknown_years(&self) -> Vec<i16> {
        (self.today.year()..=self.last.year())
            .filter(|year| workday::known_years().all(|known| known != *year))
            .collect()
    }
}

/// The facts as the operator keeps them, so that what ends is what it reminds of.
fn snapshot(declared: Declared<'_>) -> Snapshot {
    // Whose filings are trusted is of no matter here.
    let mut registry = Registry::new(Snapshot::new("", true));
    for policy in declared.policies {
        let name: Arc<str> = policy.name_any().into();
        let read = Policy::new(Arc::clone(&name), &policy.metadata, &policy.spec);
        registry.apply(Change::Policy(name, Ok(read)));
    }
    for server in declared.servers {
        let name: Arc<str> = server.name_any().into();
        let read = Server::new(Arc::clone(&name), &server.metadata, &server.spec);
        registry.apply(Change::Server(name, Ok(read)));
    }
    for filing in declared.filings {
        let key = FilingKey::new(filing.namespace().unwrap_or_default(), filing.name_any());
        let read = registry::Filing::new(key.clone(), &filing.metadata, &filing.spec);
        registry.apply(Change::Filing(key, Ok(read)));
    }
    registry.snapshot().clone()
}

/// The domains of each object, as people write them.
struct Domains<'a> {
    filings: BTreeMap<(String, String), Vec<String>>,
    servers: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Domains<'a> {
    fn of(declared: Declared<'a>) -> Self {
        let mut domains = Self {
            filings: BTreeMap::new(),
            servers: BTreeMap::new(),
        };
        for filing in declared.filings {
            let shown =
                |typed: &String| Domain::parse(typed).map_or_else(|_| typed.clone(), |domain| domain.to_string());
            let names: Vec<String> = filing.spec.domains.iter().map(shown).collect();
            if filing.spec.stage != Stage::Cancelled {
                let access = filing.spec.access.iter();
                let access = access.filter(|access| access.stage != AccessStage::Cancelled);
                for server in access.flat_map(|access| &access.servers) {
                    let carried = domains.servers.entry(server).or_default();
                    carried.extend(names.iter().cloned());
                }
            }
            let key = (filing.namespace().unwrap_or_default(), filing.name_any());
            domains.filings.insert(key, names);
        }
        for carried in domains.servers.values_mut() {
            carried.sort_unstable();
            carried.dedup();
        }
        domains
    }

    fn of_object(&self, object: &Object) -> Vec<String> {
        let found = match object.kind {
            ObjectKind::Filing => self.filings.get(&(object.namespace.clone(), object.name.clone())),
            ObjectKind::AccessServer => self.servers.get(object.name.as_str()),
            ObjectKind::FilingPolicy => None,
        };
        found.cloned().unwrap_or_default()
    }
}

/// From which day to which it is planned.
#[derive(Clone, Copy)]
struct Horizon {
    today: Day,
    last: Day,
}

struct Planner<'a> {
    horizon: Horizon,
    domains: Domains<'a>,
    entries: Vec<Entry>,
}

/// When something is to be done.
#[derive(Clone, Debug)]
struct When {
    date: Day,
    until: Option<Day>,
    unknown_years: Vec<i16>,
}

impl When {
    fn on(date: Day) -> Self {
        Self {
            date,
            until: None,
            unknown_years: Vec::new(),
        }
    }

    /// From one day to another, which is not earlier.
    fn between(first: Day, last: Day) -> Self {
        Self {
            until: Some(last.max(first)),
            ..Self::on(first)
        }
    }

    fn through(mut self, mut unknown_years: Vec<i16>) -> Self {
        unknown_years.sort_unstable();
        unknown_years.dedup();
        self.unknown_years = unknown_years;
        self
    }
}

impl Planner<'_> {
    /// Puts something on the list, unless it begins after the last day that is planned.
    fn add(&mut self, object: &Object, when: When, task: Task) {
        if when.date > self.horizon.last {
            return;
        }
        let due = when.until.unwrap_or(when.date);
        self.entries.push(Entry {
            date: when.date,
            until: when.until,
            days: self.horizon.today.days_until(due),
            urgency: Urgency::of(self.horizon.today.days_until(due)),
            domains: self.domains.of_object(object),
            object: object.clone(),
            unknown_years: when.unknown_years,
            task,
        });
    }

    /// What else of a filing is due, but for what ends.
    fn filing(&mut self, filing: &Filing, grace: u32) {
        let object = Object::filing(filing);
        if filing.spec.stage == Stage::Cancelled {
            // A number that is cancelled can't be restored: nothing is left to do for it.
            return;
        }
        self.annual_reports(&object, filing);
        self.public_security(&object, filing);
        match filing.spec.stage {
            Stage::Approved => {
                self.change(&object, filing);
                self.access(&object, filing, grace);
            }
            _ => self.first_filing(&object, filing),
        }
    }

    /// The filing with public security (公安联网备案), within 30 days of the launch.
    fn public_security(&mut self, object: &Object, filing: &Filing) {
        let Some(launched) = filing.spec.launched_at else {
            return;
        };
        let filed = filing.spec.public_security.as_ref();
        if filed.is_some_and(|filed| filed.number.is_some()) {
            return;
        }
        let term = facts::duration("public-security");
        let last = launched.plus(term.longest());
        self.add(
            object,
            When::between(launched, last),
            Task::FilePublicSecurity { launched, term },
        );
    }

    /// The annual reports of a commercial licence (经营许可证年报), from January to March each year.
    fn annual_reports(&mut self, object: &Object, filing: &Filing) {
        let Some(licence) = &filing.spec.licence else { return };
        let Horizon { today, last } = self.horizon;
        for year in today.year()..=last.year() {
            let (first, due) = (Day::new(year, 1, 1), Day::new(year, 3, 31));
            // Whether an earlier one was made is not declared, and so none is called overdue.
            if due >= today && licence.expires_at.is_none_or(|end| end >= first) {
                self.add(object, When::between(first, due), Task::ReportLicence { year });
            }
        }
    }
}
