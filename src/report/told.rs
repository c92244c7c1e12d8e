//! The findings of a report in a row, for formats that know neither routes nor hosts.

use super::model::{Answer, Declared, Judged, Places, Report, Source};
use super::words;
use crate::judge::Exemption;
use crate::route::Claimed;
use crate::rules::{Finding, Lang};

/// A finding, and what it was found on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) finding: &'a Finding,
    pub(super) object: Object<'a>,
    /// The name that a route answers for; none where it is about the object itself.
    pub(super) host: Option<&'a Claimed>,
    /// Why it does not count, if so.
    pub(super) exemption: Option<&'a Exemption>,
    /// Where it stands; none: in no file, but in the cluster.
    pub(super) source: Option<&'a Source>,
}

/// An object of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    pub(super) kind: &'static str,
    /// None where objects of its kind are in none.
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) places: &'a Places,
}

impl Object<'_> {
    /// `Ingress shop/web`, `AccessServer beijing`.
    pub(super) fn title(&self) -> String {
        match self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

impl<'a> Told<'a> {
    /// Of an object itself.
    pub(super) fn of(finding: &'a Finding, object: Object<'a>) -> Self {
        Self {
            finding,
            object,
            host: None,
            exemption: None,
            source: object.places.of(&finding.path),
        }
    }

    /// What it is about, as people write it: the host, or else the object.
    pub(super) fn subject(&self) -> String {
        self.host.map_or_else(|| self.object.title(), ToString::to_string)
    }

    /// What it is about, the fact and the remedy in one line, without a full stop.
    pub(super) fn line(&self, lang: Lang) -> String {
        words::line(
            &self.subject(),
            &self.finding.message(lang),
            &self.finding.remedy(lang),
            lang,
        )
    }
}

impl Judged {
    pub(super) fn object(&self) -> Object<'_> {
        Object {
            kind: self.key.kind.kind(),
            namespace: Some(&self.key.namespace),
            name: &self.key.name,
            places: &self.places,
        }
    }

    pub(super) fn told(&self) -> Vec<Told<'_>> {
        let object = self.object();
        match &self.answer {
            Answer::Verdict(verdict) => {
                let told = verdict.findings().map(|(host, finding)| Told {
                    host: Some(&host.host),
                    exemption: host.exemption.as_ref(),
                    ..Told::of(finding, object)
                });
                told.collect()
            }
            Answer::Unreadable(finding) => finding.iter().map(|finding| Told::of(finding, object)).collect(),
            Answer::Ungoverned => Vec::new(),
        }
    }
}

impl Report {
    /// The filings and servers, each with what was found on it.
    pub(super) fn declared(&self) -> impl Iterator<Item = (Object<'_>, &[Finding])> {
        fn of<'a, K>(
            declared: &'a Declared<K>,
            kind: &'static str,
            namespace: Option<&'a str>,
            name: &'a str,
        ) -> (Object<'a>, &'a [Finding]) {
            let object = Object {
                kind,
                namespace,
                name,
                places: &declared.places,
            };
            (object, &declared.answer.findings)
        }
        let filings = self
            .filings
            .iter()
            .map(|declared| of(declared, "Filing", Some(&declared.key.namespace), &declared.key.name));
        let servers = self
            .servers
            .iter()
            .map(|declared| of(declared, "AccessServer", None, &declared.key));
        filings.chain(servers)
    }

    /// Every finding, in the order of the input: of routes, filings and servers.
    pub(super) fn told(&self) -> impl Iterator<Item = Told<'_>> {
        let declared = self
            .declared()
            .flat_map(|(object, findings)| findings.iter().map(move |finding| Told::of(finding, object)));
        self.routes.iter().flat_map(Judged::told).chain(declared)
    }
}
