//! The report for programs, in the form `filing-operator.io/check/v1`.
//!
//! Hosts and domains are as DNS and the object have them, in ASCII; messages show them as people read them.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::model::{Answer, Declared, InputError, Judged, Places, Report, Source};
use crate::api::Colour;
use crate::domain::{Day, Location, Place};
use crate::judge::{Exemption, FilingRef, HostVerdict, Outcome};
use crate::route::Claimed;
use crate::rules::{Finding, Lang};

/// Names the form of what follows. Fields may be added to it; what there is stays.
const SCHEMA: &str = "filing-operator.io/check/v1";

/// The report as JSON, with messages and remedies in a language.
///
/// # Errors
/// None that is known; the writer of JSON allows for them.
pub fn json(report: &Report, lang: Lang) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&json_view(report, lang))
}

/// The same for whoever writes it piece by piece: of many routes the text takes more memory than all that is known of them.
pub fn json_view(report: &Report, lang: Lang) -> impl Serialize + '_ {
    let tally = report.tally();
    Document {
        schema: SCHEMA,
        now: report.now,
        summary: Summary {
            routes: report.routes.len(),
            hosts: tally.hosts,
            compliant: tally.compliant,
            warned: tally.warned,
            violating: tally.violating,
            exempt: tally.exempt,
            skipped: report.skipped,
            errors: report.errors.len(),
        },
        routes: Each(move || report.routes.iter().map(move |judged| route(judged, lang))),
        filings: Each(move || report.filings.iter().map(move |declared| filing(declared, lang))),
        servers: Each(move || report.servers.iter().map(move |declared| server(declared, lang))),
        errors: Each(move || report.errors.iter().map(error)),
    }
}

/// A list whose elements are made when they are written.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<R, F, S, E> {
    schema: &'static str,
    now: Timestamp,
    summary: Summary,
    routes: R,
    filings: F,
    servers: S,
    errors: E,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    routes: usize,
    hosts: usize,
    compliant: usize,
    warned: usize,
    violating: usize,
    exempt: usize,
    skipped: usize,
    errors: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteEntry<'a> {
    api_version: &'static str,
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    /// Null where no policy governs it.
    verdict: Option<&'static str>,
    policy: Option<&'a str>,
    sites: Vec<SiteEntry<'a>>,
    /// Null of a route of the cluster.
    source: Option<SourceEntry<'a>>,
    /// Whether it is the cluster's; absent of one in a file.
    #[serde(skip_serializing_if = "is_false")]
    live: bool,
    /// How it stands without the files; absent where that is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<BeforeEntry>,
    hosts: Vec<HostEntry<'a>>,
    /// What concerns the route as a whole: that it can't be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Serialize)]
struct BeforeEntry {
    /// Null where no policy governed it.
    verdict: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SiteEntry<'a> {
    provider: &'a str,
    region: Option<&'a str>,
    province: Option<&'static str>,
    /// Null where that is not known.
    mainland: Option<bool>,
}

#[derive(Serialize)]
struct SourceEntry<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HostEntry<'a> {
    host: String,
    domain: Option<&'a str>,
    verdict: &'static str,
    filing: Option<FilingRefEntry<'a>>,
    exemption: Option<ExemptionEntry<'a>>,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Serialize)]
struct FilingRefEntry<'a> {
    namespace: &'a str,
    name: &'a str,
    number: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum ExemptionEntry<'a> {
    PrivateName,
    OutsideMainland,
    Policy {
        reason: &'a str,
        owner: &'a str,
        until: Day,
    },
}

#[derive(Serialize)]
struct FindingEntry<'a> {
    rule: &'static str,
    severity: &'static str,
    path: &'a str,
    message: String,
    remedy: String,
    /// Null of an object of the cluster.
    source: Option<SourceEntry<'a>>,
}

#[derive(Serialize)]
struct FilingEntry<'a> {
    namespace: &'a str,
    name: &'a str,
    colour: Colour,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Serialize)]
struct ServerEntry<'a> {
    name: &'a str,
    colour: Colour,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Serialize)]
struct ErrorEntry<'a> {
    message: &'a str,
    source: SourceEntry<'a>,
}

fn route(judged: &Judged, lang: Lang) -> RouteEntry<'_> {
    let Judged {
        key,
        places,
        answer,
        before,
    } = judged;
    let verdict = match answer {
        Answer::Verdict(verdict) => Some(verdict),
        Answer::Ungoverned | Answer::Unreadable(_) => None,
    };
    let of_route = match answer {
        Answer::Unreadable(finding) => finding.as_slice(),
        Answer::Verdict(_) | Answer::Ungoverned => &[],
    };
    RouteEntry {
        api_version: key.kind.api_version(),
        kind: key.kind.kind(),
        namespace: &key.namespace,
        name: &key.name,
        verdict: answer.outcome().map(Outcome::as_str),
        policy: verdict.map(|verdict| &*verdict.policy.name),
        sites: verdict.iter().flat_map(|verdict| &verdict.site).map(site).collect(),
        source: places.object.as_ref().map(source),
        live: places.object.is_none(),
        before: before.map(|before| BeforeEntry {
            verdict: before.outcome.map(Outcome::as_str),
        }),
        hosts: verdict
            .iter()
            .flat_map(|verdict| &verdict.hosts)
            .map(|verdict| host(verdict, places, lang))
            .collect(),
        findings: findings(of_route, places, lang),
    }
}

fn site(place: &Place) -> SiteEntry<'_> {
    let (province, mainland) = match place.location {
        Location::Mainland(province) => (province.map(|province| province.code), Some(true)),
        Location::Outside => (None, Some(false)),
        Location::Unknown => (None, None),
    };
    SiteEntry {
        provider: &place.provider,
        region: place.region.as_deref(),
        province,
        mainland,
    }
}

fn host<'a>(verdict: &'a HostVerdict, places: &'a Places, lang: Lang) -> HostEntry<'a> {
    let (host, domain) = match &verdict.host {
        Claimed::Host(host) => (host.as_ascii(), host.domain().registrable()),
        Claimed::NoHost { .. } | Claimed::Anything | Claimed::Opaque(_) => (verdict.host.to_string(), None),
    };
    HostEntry {
        host,
        domain,
        verdict: verdict.outcome.as_str(),
        filing: verdict.filing.as_ref().map(filing_ref),
        exemption: verdict.exemption.as_ref().map(exemption),
        findings: findings(&verdict.findings, places, lang),
    }
}

fn filing_ref(filing: &FilingRef) -> FilingRefEntry<'_> {
    FilingRefEntry {
        namespace: &filing.key.namespace,
        name: &filing.key.name,
        number: filing.number.as_deref(),
    }
}

fn exemption(exemption: &Exemption) -> ExemptionEntry<'_> {
    match exemption {
        Exemption::PrivateName => ExemptionEntry::PrivateName,
        Exemption::OutsideMainland => ExemptionEntry::OutsideMainland,
        Exemption::Policy { reason, owner, until } => ExemptionEntry::Policy {
            reason,
            owner,
            until: *until,
        },
    }
}

fn findings<'a>(findings: &'a [Finding], places: &'a Places, lang: Lang) -> Vec<FindingEntry<'a>> {
    findings
        .iter()
        .map(|finding| FindingEntry {
            rule: finding.rule.id,
            severity: finding.severity.as_str(),
            path: finding.path.as_str(),
            message: finding.message(lang),
            remedy: finding.remedy(lang),
            source: places.of(&finding.path).map(source),
        })
        .collect()
}

fn filing(declared: &Declared<crate::registry::FilingKey>, lang: Lang) -> FilingEntry<'_> {
    FilingEntry {
        namespace: &declared.key.namespace,
        name: &declared.key.name,
        colour: declared.answer.colour,
        findings: findings(&declared.answer.findings, &declared.places, lang),
    }
}

fn server(declared: &Declared<std::sync::Arc<str>>, lang: Lang) -> ServerEntry<'_> {
    ServerEntry {
        name: &declared.key,
        colour: declared.answer.colour,
        findings: findings(&declared.answer.findings, &declared.places, lang),
    }
}

fn error(error: &InputError) -> ErrorEntry<'_> {
    ErrorEntry {
        message: &error.message,
        source: source(&error.source),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn source(source: &Source) -> SourceEntry<'_> {
    SourceEntry {
        file: &source.file,
        line: source.line,
        column: source.column,
    }
}
