//! Rows put together: those of one filing, with several domains or providers, become one Filing, and those of one server one
//! AccessServer. Where one of them can't be read the object is left out whole, for half of it would mislead.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use super::field::{self, ACCESS, APPROVALS, SERVER};
use super::import::{Imported, Layout, Options, Piece};
use super::problem::{Note, Problem, RowError};
use super::{name, valid};
use crate::api::read::read;
use crate::api::{AccessServer, AccessServerSpec, Filing, FilingSpec};
use crate::domain::{Domain, Number};

/// By which rows are of one filing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Its name is written.
    Named(String),
    /// The number of the site, App or mini-program.
    Site(String),
    /// Its domains, with a number that says nothing of the site, or none.
    Domains(String, Vec<String>),
}

/// Values by field, each with the row that it was first met in.
type Values = BTreeMap<&'static str, (Value, u32)>;

/// The most items of a list, and entries of a filing, that are put together. A resource has fewer: what is beyond is told as too
/// many, and left out with all of it.
pub(super) const MOST: usize = 1000;

/// What lists have already: the field, the entry that it is of, and the item as it is compared.
type Seen = HashSet<(&'static str, String, String)>;

/// What several rows say of one object.
#[derive(Default)]
struct Draft {
    rows: Vec<u32>,
    broken: Vec<u32>,
    values: Values,
    /// The entries, in the order of the rows.
    access: Vec<Values>,
    approvals: Vec<Values>,
    /// By provider the servers that rows name beside it, as they are called.
    carriers: BTreeMap<String, Vec<String>>,
    seen: Seen,
}

pub(super) struct Assembly<'a> {
    layout: &'a Layout,
    options: &'a Options<'a>,
    errors: Vec<RowError>,
    /// The cells that these are of.
    told: HashSet<(u32, &'static str)>,
    filings: BTreeMap<(String, Key), Draft>,
    /// By what they are called.
    servers: BTreeMap<String, Draft>,
    /// Rows that are of no filing.
    apart: BTreeSet<u32>,
}

/// What carriers are among what is seen: no field.
const CARRIERS: &str = "carriers";

/// What a row says that is of no filing yet.
const SHARED: [&str; 3] = ["namespace", "access.provider", "access.regions"];

impl<'a> Assembly<'a> {
    pub(super) fn new(layout: &'a Layout, options: &'a Options<'a>) -> Self {
        Self {
            layout,
            options,
            errors: Vec::new(),
            told: HashSet::new(),
            filings: BTreeMap::new(),
            servers: BTreeMap::new(),
            apart: BTreeSet::new(),
        }
    }

    fn fail(&mut self, row: u32, id: &'static str, value: &str, problem: Problem) {
        // One for each cell.
        if self.told.insert((row, id)) {
            self.errors.push(self.layout.error(row, id, value, problem));
        }
    }

    /// Takes what a row says.
    pub(super) fn take(&mut self, piece: &Piece) {
        let of_server = |id: &str| id.starts_with(SERVER);
        let has_server = piece.values.keys().any(|id| of_server(id));
        let has_filing = piece.values.keys().any(|id| !of_server(id) && !SHARED.contains(id));
        let mut is_broken = piece.is_broken;
        let is_of_filing = has_filing || (!has_server && !piece.is_broken);
        let mut called = None;
        // Of a row that can't be read nothing is taken; but a server of which a cell can't be read is not whole in any row.
        if has_server && (piece.breaks_server || !piece.is_broken) {
            called = self.server(piece);
            is_broken |= called.is_none();
        }
        if is_of_filing {
            self.filing(piece, called, is_broken);
        } else {
            self.apart.insert(piece.row);
        }
    }

    /// Takes what a row says of a server, and gives what it is called; none where that can't be told.
    fn server(&mut self, piece: &Piece) -> Option<String> {
        let text = |id: &str| piece.values.get(id).and_then(Value::as_str);
        let first_address = || piece.values.get("server.addresses")?.as_array()?.first()?.as_str();
        let Some(called) = text("server.name").or_else(first_address).map(str::to_owned) else {
            if !piece.is_broken {
                self.fail(piece.row, "server.name", "", Problem::Missing);
            }
            return None;
        };
        if called.contains(['、', ',', '，', ';', '；', '\n']) {
            self.fail(piece.row, "server.name", &called, Problem::SeveralServers);
            return None;
        }
        let mut values: BTreeMap<&'static str, Value> = piece
            .values
            .iter()
            .filter(|(id, _)| id.starts_with(SERVER))
            .map(|(id, value)| (*id, value.clone()))
            .collect();
        let of_row = piece.values.get("access.provider").cloned();
        let provider = of_row.or_else(|| self.options.provider.map(Value::from));
        if let Some(provider) = provider {
            values.entry("server.provider").or_insert(provider);
        }
        if let Some([region]) = piece
            .values
            .get("access.regions")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            values.entry("server.region").or_insert_with(|| region.clone());
        }
        let draft = self.servers.entry(called.clone()).or_default();
        draft.rows.push(piece.row);
        if piece.is_broken {
            draft.broken.push(piece.row);
        }
        let clashes = merge(&mut draft.values, &mut draft.seen, "", values, piece.row);
        if !clashes.is_empty() {
            draft.broken.push(piece.row);
            self.clash(piece.row, clashes);
        }
        Some(called)
    }

    fn clash(&mut self, row: u32, clashes: Vec<Clash>) {
        for Clash { id, value, other } in clashes {
            let problem = Problem::Differs {
                row: other.1,
                other: super::problem::shown(&text(&other.0)),
            };
            self.fail(row, id, &text(&value), problem);
        }
    }

    fn filing(&mut self, piece: &Piece, carrier: Option<String>, is_broken: bool) {
        let Some(key) = key(piece, self.options.namespace) else {
            if !piece.is_broken {
                self.fail(piece.row, "domains", "", Problem::Missing);
            }
            return;
        };
        let (mut access, mut approval, mut values) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (id, value) in &piece.values {
            if id.starts_with(ACCESS) {
                access.insert(*id, value.clone());
            } else if id.starts_with(APPROVALS) {
                approval.insert(*id, value.clone());
            } else if !id.starts_with(SERVER) {
                values.insert(*id, value.clone());
            }
        }
        let mut problems = Vec::new();
        if access.is_empty() && carrier.is_none() {
            // The provider that is given for all counts where no row has one.
        } else if !access.contains_key("access.provider") {
            match (piece.values.get("server.provider"), self.options.provider) {
                (Some(provider), _) => {
                    access.insert("access.provider", provider.clone());
                }
                (None, Some(provider)) => {
                    access.insert("access.provider", provider.into());
                }
                (None, None) => problems.push(("access.provider", Problem::AccessNeedsProvider)),
            }
        }
        if !approval.is_empty() && !approval.contains_key("approvals.kind") {
            problems.push(("approvals.kind", Problem::Missing));
        }
        let draft = self.filings.entry(key).or_default();
        draft.rows.push(piece.row);
        let seen = &mut draft.seen;
        let mut clashes = merge(&mut draft.values, seen, "", values, piece.row);
        if let (Some(provider), Some(called)) = (access.get("access.provider").map(text), carrier) {
            let carriers = draft.carriers.entry(provider.clone()).or_default();
            if carriers.len() <= MOST && seen.insert((CARRIERS, provider, called.clone())) {
                carriers.push(called);
            }
        }
        clashes.extend(merge_entry(
            &mut draft.access,
            seen,
            access,
            "access.provider",
            piece.row,
        ));
        clashes.extend(merge_entry(
            &mut draft.approvals,
            seen,
            approval,
            "approvals.kind",
            piece.row,
        ));
        if is_broken || !clashes.is_empty() || !problems.is_empty() {
            draft.broken.push(piece.row);
        }
        for (id, problem) in problems {
            // What could not be read is told already.
            if !piece.is_broken {
                self.fail(piece.row, id, "", problem);
            }
        }
        self.clash(piece.row, clashes);
    }

    /// Makes the objects.
    pub(super) fn finish(mut self, imported: &mut Imported) {
        let mut left_out: BTreeSet<u32> = BTreeSet::new();
        let names = self.make_servers(imported, &mut left_out);
        self.make_filings(&names, imported, &mut left_out);
        let unread: BTreeSet<u32> = self
            .errors
            .iter()
            .chain(&imported.errors)
            .map(|error| error.row)
            .collect();
        imported.errors.append(&mut self.errors);
        imported.counts.left_out = left_out.difference(&unread).count();
    }

    /// Leaves an object out, and says which rows go with those that can't be read.
    fn leave_out(draft: &Draft, imported: &mut Imported, left_out: &mut BTreeSet<u32>) {
        let mut with = draft.broken.clone();
        with.sort_unstable();
        with.dedup();
        let is_broken = |row: &u32| with.binary_search(row).is_ok();
        let rows: Vec<u32> = draft.rows.iter().copied().filter(|row| !is_broken(row)).collect();
        left_out.extend(draft.rows.iter().copied());
        if !rows.is_empty() {
            imported.notes.push(Note::LeftOut { rows, with });
        }
    }

    /// Makes the servers, and gives the name of each by what it is called.
    fn make_servers(&mut self, imported: &mut Imported, left_out: &mut BTreeSet<u32>) -> BTreeMap<String, String> {
        let servers = std::mem::take(&mut self.servers);
        let mut names = BTreeMap::new();
        let mut taken: BTreeSet<String> = servers.keys().filter(|called| is_name(called)).cloned().collect();
        for (called, mut draft) in servers {
            let own = if is_name(&called) {
                called.clone()
            } else if draft.values.contains_key("server.name") {
                name::free(&name::of_server(&called), &called, &taken)
            } else {
                name::free(&name::of_address(&called), &called, &taken)
            };
            taken.insert(own.clone());
            names.insert(called.clone(), own.clone());
            let spec = if draft.broken.is_empty() {
                self.server_spec(&called, &draft)
            } else {
                None
            };
            if let Some(spec) = spec {
                imported.servers.push(AccessServer {
                    metadata: ObjectMeta {
                        name: Some(own),
                        ..ObjectMeta::default()
                    },
                    spec,
                    status: None,
                });
            } else {
                if draft.broken.is_empty() {
                    draft.broken.extend(draft.rows.first());
                }
                left_out.extend(draft.rows.iter().filter(|row| self.apart.contains(row)));
                draft.broken.sort_unstable();
                draft.broken.dedup();
                imported.notes.push(Note::ServerLeftOut {
                    called,
                    with: draft.broken,
                });
            }
        }
        imported.servers.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        names
    }

    fn server_spec(&mut self, called: &str, draft: &Draft) -> Option<AccessServerSpec> {
        let row = draft.rows.first().copied().unwrap_or_default();
        if !draft.values.contains_key("server.provider") {
            self.fail(row, "access.provider", called, Problem::ServerNeedsProvider);
            return None;
        }
        let mut spec = Map::new();
        let mut blocklisted = None;
        for (id, (value, _)) in &draft.values {
            match *id {
                "server.name" => {}
                "server.blocklisted" => blocklisted = value.as_bool(),
                id => set(&mut spec, id.trim_start_matches(SERVER), value.clone()),
            }
        }
        match (blocklisted, spec.contains_key("blocklisted")) {
            (Some(true), false) => set(&mut spec, "blocklisted", Value::Object(Map::new())),
            (Some(false), true) => {
                self.fail(row, "server.blocklisted", "false", Problem::NotBlocklisted);
                return None;
            }
            _ => {}
        }
        let spec = Value::Object(spec);
        let faults = valid::server(&spec);
        self.read(&spec, &faults, draft)
    }

    fn make_filings(
        &mut self,
        servers: &BTreeMap<String, String>,
        imported: &mut Imported,
        left_out: &mut BTreeSet<u32>,
    ) {
        let mut drafts: Vec<_> = std::mem::take(&mut self.filings).into_iter().collect();
        // The older number, which is the smaller one, keeps the plain name.
        drafts.sort_by_cached_key(|((namespace, key), draft)| {
            let number = draft.values.get("number").map(|(number, _)| text(number));
            (namespace.clone(), !matches!(key, Key::Named(_)), number, key.clone())
        });
        let mut taken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut assumed = 0;
        for ((namespace, key), mut draft) in drafts {
            let taken = taken.entry(namespace.clone()).or_default();
            let named = named(&key, &draft, taken);
            taken.insert(named.clone());
            let spec = if draft.broken.is_empty() {
                self.filing_spec(&named, &mut draft, servers, &mut assumed)
            } else {
                None
            };
            if let Some(spec) = spec {
                imported.filings.push(Filing {
                    metadata: ObjectMeta {
                        name: Some(named),
                        namespace: Some(namespace),
                        ..ObjectMeta::default()
                    },
                    spec,
                    status: None,
                });
            } else {
                if draft.broken.is_empty() {
                    draft.broken.extend(draft.rows.first());
                }
                Self::leave_out(&draft, imported, left_out);
            }
        }
        let place = |filing: &Filing| (filing.metadata.namespace.clone(), filing.metadata.name.clone());
        imported.filings.sort_by_cached_key(place);
        if assumed > 0 {
            imported.notes.push(Note::AccessTaken(assumed));
        }
    }

    fn filing_spec(
        &mut self,
        named: &str,
        draft: &mut Draft,
        servers: &BTreeMap<String, String>,
        assumed: &mut usize,
    ) -> Option<FilingSpec> {
        let row = draft.rows.first().copied().unwrap_or_default();
        let needed = ["domains", "subject.name", "subject.nature"];
        let missing: Vec<&str> = needed.into_iter().filter(|id| !draft.values.contains_key(id)).collect();
        for id in &missing {
            if let Some(field) = field::of_id(id) {
                self.fail(row, field.id, "", Problem::Missing);
            }
        }
        if !missing.is_empty() {
            return None;
        }
        let reached = if draft.values.contains_key("number") {
            "Approved"
        } else {
            "Draft"
        };
        let stage = draft
            .values
            .entry("stage")
            .or_insert_with(|| (reached.into(), row))
            .0
            .clone();
        if let Some(provider) = self.options.provider.filter(|_| draft.access.is_empty()) {
            let entry = Values::from([("access.provider", (provider.into(), row))]);
            draft.access.push(entry);
        }
        for entry in &mut draft.access {
            let provider = entry.get("access.provider").map(|(provider, _)| text(provider));
            let provider = provider.unwrap_or_default();
            let carriers = draft.carriers.get(&provider).into_iter().flatten();
            let carriers: Vec<Value> = carriers
                .filter_map(|called| servers.get(called))
                .map(|name| name.as_str().into())
                .collect();
            if !carriers.is_empty() {
                let (listed, _) = entry
                    .entry("access.servers")
                    .or_insert_with(|| (Value::Array(Vec::new()), row));
                unite(listed, &mut draft.seen, "access.servers", &provider, carriers);
            }
            if !entry.contains_key("access.stage") && stage == "Approved" {
                entry.insert("access.stage", ("Approved".into(), row));
                *assumed += 1;
            }
        }
        let mut spec = Map::new();
        for (id, (value, _)) in &draft.values {
            if !matches!(*id, "name" | "namespace") {
                set(&mut spec, id, value.clone());
            }
        }
        for (entries, part) in [(&draft.access, ACCESS), (&draft.approvals, APPROVALS)] {
            let list: Vec<Value> = entries.iter().map(|entry| entry_of(entry, part)).collect();
            if !list.is_empty() {
                set(&mut spec, part.trim_end_matches('.'), list.into());
            }
        }
        let spec = Value::Object(spec);
        let faults = valid::filing(named, &spec);
        self.read(&spec, &faults, draft)
    }

    /// Makes a value a spec, unless the API server would not take it.
    fn read<T: serde::de::DeserializeOwned>(
        &mut self,
        spec: &Value,
        faults: &[valid::Fault],
        draft: &Draft,
    ) -> Option<T> {
        let first = draft.rows.first().copied().unwrap_or_default();
        for valid::Fault { id, value, problem } in faults {
            let met = |values: &Values| values.get(id).map(|(_, row)| *row);
            let entries = draft.access.iter().chain(&draft.approvals);
            let row = std::iter::once(&draft.values).chain(entries).find_map(met);
            self.fail(row.unwrap_or(first), id, value, problem.clone());
        }
        if !faults.is_empty() {
            return None;
        }
        match read(spec) {
            Ok(spec) => Some(spec),
            Err(error) => {
                self.fail(first, "domains", "", Problem::Unfit(error.to_string()));
                None
            }
        }
    }
}

fn is_name(called: &str) -> bool {
    // An address is one, too, but not a good one.
    super::cell::checked_name(called).is_ok() && called.parse::<std::net::IpAddr>().is_err()
}

/// Of which filing a row is; none where it does not say.
fn key(piece: &Piece, namespace: &str) -> Option<(String, Key)> {
    let text = |id: &str| piece.values.get(id).and_then(Value::as_str).map(str::to_owned);
    let namespace = text("namespace").unwrap_or_else(|| namespace.to_owned());
    if let Some(name) = text("name") {
        return Some((namespace, Key::Named(name)));
    }
    let number = text("number");
    let read = number.as_deref().and_then(|number| Number::parse(number).ok());
    if let Some(site) = read.filter(|number| number.service.is_some()) {
        return Some((namespace, Key::Site(site.text().to_owned())));
    }
    let domains = piece.values.get("domains").and_then(Value::as_array)?;
    let mut domains: Vec<String> = domains.iter().filter_map(Value::as_str).map(in_ascii).collect();
    domains.sort_unstable();
    Some((namespace, Key::Domains(number.unwrap_or_default(), domains)))
}

fn in_ascii(domain: &str) -> String {
    Domain::parse(domain).map_or_else(|_| domain.to_owned(), |domain| domain.as_str().to_owned())
}

fn named(key: &Key, draft: &Draft, taken: &BTreeSet<String>) -> String {
    let domains = draft.values.get("domains").and_then(|(domains, _)| domains.as_array());
    let first = domains.and_then(|domains| domains.first()).and_then(Value::as_str);
    let of_domain = || name::of_domain(first.unwrap_or_default());
    match key {
        Key::Named(name) => name.clone(),
        Key::Site(number) => name::free(&of_domain(), number, taken),
        Key::Domains(number, domains) => {
            let of = format!("{number} {}", domains.join(" "));
            name::free(&of_domain(), &of, taken)
        }
    }
}

/// Two rows of one object that say different things.
struct Clash {
    id: &'static str,
    value: Value,
    other: (Value, u32),
}

/// Adds what a row says of an object, or of the entry `of` it: lists grow, and anything else is the same in each row that has it.
fn merge(into: &mut Values, seen: &mut Seen, of: &str, values: BTreeMap<&'static str, Value>, row: u32) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for (id, value) in values {
        match (into.get_mut(id), value) {
            (None, value) => {
                // What one cell has is kept as it is.
                for item in value.as_array().into_iter().flatten() {
                    seen.insert((id, of.to_owned(), compared(id, item)));
                }
                into.insert(id, (value, row));
            }
            (Some((known, _)), value) if *known == value => {}
            (Some((known, _)), Value::Array(items)) => unite(known, seen, id, of, items),
            (Some(other), value) => clashes.push(Clash {
                id,
                value,
                other: other.clone(),
            }),
        }
    }
    clashes
}

/// Adds what a row says to the entry of the same provider, or kind of approval.
fn merge_entry(
    entries: &mut Vec<Values>,
    seen: &mut Seen,
    values: BTreeMap<&'static str, Value>,
    by: &'static str,
    row: u32,
) -> Vec<Clash> {
    let Some(of) = values.get(by).cloned() else {
        return Vec::new();
    };
    let same = entries
        .iter()
        .position(|entry| entry.get(by).is_some_and(|(known, _)| *known == of));
    let at = match same {
        Some(at) => at,
        None if entries.len() > MOST => return Vec::new(),
        None => {
            entries.push(Values::new());
            entries.len().saturating_sub(1)
        }
    };
    match entries.get_mut(at) {
        Some(entry) => merge(entry, seen, &text(&of), values, row),
        None => Vec::new(),
    }
}

/// Adds what a list does not have yet. A domain is the same in any letters and in either of its forms.
fn unite(list: &mut Value, seen: &mut Seen, id: &'static str, of: &str, more: Vec<Value>) {
    let Some(list) = list.as_array_mut() else {
        return;
    };
    for value in more {
        if list.len() > MOST {
            return;
        }
        if seen.insert((id, of.to_owned(), compared(id, &value))) {
            list.push(value);
        }
    }
}

fn compared(id: &str, item: &Value) -> String {
    let item = text(item);
    if id == "domains" { in_ascii(&item) } else { item }
}

fn entry_of(entry: &Values, part: &str) -> Value {
    let mut object = Map::new();
    for (id, (value, _)) in entry {
        set(&mut object, id.trim_start_matches(part), value.clone());
    }
    Value::Object(object)
}

/// Puts a value at a path.
fn set(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let within = object.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Some(within) = within.as_object_mut() {
                set(within, rest, value);
            }
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
