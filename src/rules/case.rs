//! What a rule sees.

use super::finding::{Draft, Value};
use super::moment::Moment;
use crate::api::AccessStage;
use crate::domain::{Day, FieldPath, Host, Location, Network, Place};
use crate::registry::{Access, Filing, Kept, Other, Policy, Server, Snapshot};
use crate::route::Claimed;

/// What every case has in common.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The facts.
    pub facts: &'a Snapshot,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The time.
    pub moment: &'a Moment,
}

/// A name that a route answers for, by itself.
#[derive(Clone, Copy, Debug)]
pub struct HostCase<'a> {
    /// Facts, policy and time.
    pub context: Context<'a>,
    /// What the route answers for.
    pub claimed: &'a Claimed,
    /// The filing that is judged to cover it best, if any has a domain at or above it.
    pub filing: Option<&'a Filing>,
    /// The places that serve it.
    pub places: &'a [Place],
}

/// A host and a filing that has a domain at or above it.
#[derive(Clone, Copy, Debug)]
pub struct CoverageCase<'a> {
    /// Facts, policy and time.
    pub context: Context<'a>,
    /// The host.
    pub host: &'a Host,
    /// The namespace of its route.
    pub namespace: &'a str,
    /// The filing.
    pub filing: &'a Filing,
}

/// A host, its filing, and the places that serve it.
#[derive(Clone, Copy, Debug)]
pub struct AccessCase<'a> {
    /// Facts, policy and time.
    pub context: Context<'a>,
    /// The host.
    pub host: &'a Host,
    /// The filing.
    pub filing: &'a Filing,
    /// The places that serve it, of which each must have access. Of some it may not be known where they are.
    pub places: &'a [Place],
    /// Whether the places are unknown altogether.
    pub is_nowhere: bool,
    /// The addresses that it is served at: the route's, or the site's where it has none; empty where none are known.
    pub addresses: &'a [Network],
}

/// A filing by itself.
#[derive(Clone, Copy, Debug)]
pub struct FilingCase<'a> {
    /// Facts, policy and time.
    pub context: Context<'a>,
    /// The filing.
    pub filing: &'a Filing,
}

/// A server by itself.
#[derive(Clone, Copy, Debug)]
pub struct ServerCase<'a> {
    /// Facts, policy and time.
    pub context: Context<'a>,
    /// The server.
    pub server: &'a Server,
}

impl FilingCase<'_> {
    /// That something of it has ended; the date stands at a path.
    pub fn ended(&self, what: Other, path: &'static str) -> Vec<Draft> {
        let ended = self
            .filing
            .end_of(what)
            .filter(|date| self.context.moment.is_past(*date, 0));
        ended.map(|date| of_date(date, path)).into_iter().collect()
    }

    /// That something of it ends soon; the date stands at a path.
    pub fn near(&self, what: Other, path: &'static str) -> Vec<Draft> {
        let near = self.filing.end_of(what);
        let near = near.filter(|date| self.context.ends_soon(*date, 0).is_some());
        near.map(|date| of_date(date, path)).into_iter().collect()
    }
}

fn of_date(date: Day, path: &'static str) -> Draft {
    Draft::new().with("date", date).at(FieldPath::fixed(path))
}

impl Context<'_> {
    /// How something that has not ended for good ends, where it is within the greatest reminder or within its grace.
    pub fn ends_soon(&self, date: Day, grace: u32) -> Option<Value> {
        if !self.moment.is_within(date, self.policy.expiring_within()) || self.moment.is_past(date, grace) {
            return None;
        }
        Some(if self.moment.is_past(date, 0) {
            let last = date.plus(grace);
            Value::Both {
                en: format!("ended on {date}, and is tolerated until {last}"),
                zh: format!("已于 {date} 到期，宽限至 {last}"),
            }
        } else {
            Value::Both {
                en: format!("ends on {date}"),
                zh: format!("将于 {date} 到期"),
            }
        })
    }
}

impl<'a> AccessCase<'a> {
    /// The places of which it is known where they are.
    pub fn known_places(&self) -> impl Iterator<Item = &'a Place> {
        self.places.iter().filter(|place| place.location != Location::Unknown)
    }

    /// The filing's access entry for the provider of a place. Of several (under two names of one provider, or in a
    /// manifest that no API server has checked) the one for its region, then the one that is furthest.
    pub fn entry(&self, place: &Place) -> Option<&'a Access> {
        let entries = self.filing.access.iter();
        entries
            .filter(|access| *access.provider == *place.provider)
            .min_by_key(|access| {
                let stage = match access.stage {
                    AccessStage::Approved => 0,
                    AccessStage::Submitted => 1,
                    AccessStage::Cancelled => 2,
                };
                (!access.is_for(place), stage)
            })
    }

    /// The entries that serve the places, each once.
    pub fn entries(&self) -> Vec<&'a Access> {
        let mut entries: Vec<&Access> = Vec::new();
        for entry in self.known_places().filter_map(|place| self.entry(place)) {
            if !entries.iter().any(|known| std::ptr::eq(*known, entry)) {
                entries.push(entry);
            }
        }
        entries
    }

    /// The providers of the entries that serve the places and are at a stage.
    pub fn providers_at(&self, stage: AccessStage) -> Vec<&'a str> {
        let entries = self.entries().into_iter().filter(|entry| entry.stage == stage);
        entries.map(|entry| &*entry.provider).collect()
    }

    /// The servers of an entry that may carry the host: those at the addresses that it is served at; else those of which no address
    /// is known, or all of them where it is not known what it is served at.
    pub fn carriers(&self, entry: &'a Access) -> Vec<(&'a str, &'a Kept<Server>)> {
        let servers = self.servers(entry);
        let is_at = |server: &Server| {
            let mut addresses = server.addresses.iter();
            addresses.any(|at| self.addresses.iter().any(|served| at.meets(*served)))
        };
        let those = |holds: &dyn Fn(&Server) -> bool| -> Vec<_> {
            let all = servers.iter().copied();
            all.filter(|(_, kept)| matches!(kept, Kept::Read(server) if holds(server)))
                .collect()
        };
        if self.addresses.is_empty() {
            return servers;
        }
        let at = those(&is_at);
        if at.is_empty() {
            those(&|server| server.addresses.is_empty())
        } else {
            at
        }
    }

    /// The servers that an entry names and that exist. One that can't be read exists.
    pub fn servers(&self, entry: &'a Access) -> Vec<(&'a str, &'a Kept<Server>)> {
        let facts = self.context.facts;
        entry
            .servers
            .iter()
            .filter_map(|name| facts.server(name).map(|server| (&**name, server)))
            .collect()
    }
}
