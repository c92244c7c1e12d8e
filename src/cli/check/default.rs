//! The policy of last resort: under it filings and servers are judged, and routes that no other policy governs.

use std::path::Path;
use std::sync::Arc;

use kube::ResourceExt as _;
use kube::core::ObjectMeta;

use super::input::{self, Facts};
use super::load::{load, objects};
use super::trouble::Trouble;
use crate::api::keys;
use crate::api::{FilingPolicy, FilingPolicySpec, FilingsFrom, SiteSpec, Stage};
use crate::domain::place::is_known_provider;
use crate::domain::shown::shown;
use crate::domain::{Location, Place, Site};
use crate::manifest::{Object, Strictness};
use crate::registry::{Change, Kept, Policy, Trust};
use crate::report::{Answer, COMMAND_LINE, Report};
use crate::rules::{self, Lang, TOO_MANY_CHANGES};

/// What the command line says of it.
pub(super) struct DefaultPolicy {
    /// From `--policy`.
    given: Option<Policy>,
    /// From `--provider` and `--region`.
    site: Option<Site>,
    /// Of these what no table has.
    unlisted: Option<String>,
    troubles: Vec<Trouble>,
    is_asked_for: bool,
}

/// Where the cluster is, as the command line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whereabouts<'a> {
    pub(super) provider: &'a str,
    pub(super) region: Option<&'a str>,
    /// Of a data centre that is in no table.
    pub(super) province: Option<&'a str>,
}

/// What the reader should know about the policies in force.
#[allow(clippy::struct_excessive_bools, reason = "each stands for a sentence of its own")]
pub(super) struct Notes {
    unlisted: Option<String>,
    replaced: Option<String>,
    is_live: bool,
    is_built_in: bool,
    is_only_one: bool,
    /// The policies that trust the operator's own namespace, and that namespace.
    trusts_home: Vec<Arc<str>>,
    home: String,
    /// Whether what has changed since the approval is asked for, and not known.
    knows_no_changes: bool,
}

impl DefaultPolicy {
    pub(super) fn read(file: Option<&Path>, whereabouts: Option<Whereabouts<'_>>) -> Self {
        let mut troubles = Vec::new();
        troubles.extend(whereabouts.and_then(unknown_region));
        Self {
            given: file
                .and_then(|file| from_file(file, &mut troubles))
                .map(|(_, spec)| last_resort(spec)),
            site: whereabouts.and_then(Whereabouts::site),
            unlisted: whereabouts
                .filter(|told| !is_known_provider(told.provider) && told.province.is_none())
                .map(|told| told.provider.to_owned()),
            troubles,
            is_asked_for: file.is_some(),
        }
    }

    /// Puts it beside what the input declares, and the cluster where that is looked at, too (`is_live`). What they have
    /// stands, unless the command line gives another. A cluster without one has none: it judges nothing by itself.
    pub(super) fn add_to(self, facts: &mut Facts, home: &str, is_live: bool) -> Notes {
        let mut notes = Notes {
            unlisted: self.unlisted,
            replaced: None,
            is_live,
            is_built_in: false,
            is_only_one: facts.policies.is_empty(),
            trusts_home: Vec::new(),
            home: home.to_owned(),
            knows_no_changes: false,
        };
        facts.troubles.splice(0..0, self.troubles);
        let in_input = facts.policies.iter().find(|(name, _)| **name == *keys::DEFAULT_POLICY);
        let in_input = in_input.map(|(_, object)| format!("at {}", object.location()));
        let own = {
            let mut policies = facts.registry.snapshot().policies();
            policies.find(|policy| *policy.name == *keys::DEFAULT_POLICY).cloned()
        };
        let policy = match (self.given, own) {
            (Some(given), own) => {
                notes.replaced = in_input.or_else(|| own.map(|_| "of the cluster".to_owned()));
                Some(given)
            }
            (None, Some(own)) => Some(Policy::clone(&own)),
            // One that can't be read governs nothing, and is told as an error.
            (None, None) if in_input.is_some() => None,
            (None, None) if is_live => self.site.is_some().then(|| last_resort(FilingPolicySpec::default())),
            (None, None) => {
                notes.is_built_in = !self.is_asked_for;
                Some(built_in())
            }
        };
        if let Some(mut policy) = policy {
            if self.site.is_some() {
                policy.site = self.site;
            }
            facts.apply(Change::Policy(Arc::clone(&policy.name), Ok(policy)));
        }
        let policies = facts.registry.snapshot().policies();
        let at_home = policies.filter(|policy| policy.trust == Trust::Home);
        let snapshot = facts.registry.snapshot();
        notes.knows_no_changes = rules::severity(&TOO_MANY_CHANGES, None, snapshot.default_policy()).is_some()
            && snapshot.filings().any(|(_, kept)| match kept {
                Kept::Read(filing) => filing.stage == Stage::Approved && filing.changed.is_none(),
                Kept::Unreadable(_) => false,
            });
        notes.trusts_home = at_home.map(|policy| Arc::clone(&policy.name)).collect();
        notes
    }
}

impl Whereabouts<'_> {
    /// As a policy would say it.
    fn site(self) -> Option<Site> {
        let site = SiteSpec {
            provider: self.provider.to_owned(),
            region: self.region.map(str::to_owned),
            province: self.province.map(str::to_owned),
            addresses: Vec::new(),
        };
        let spec = FilingPolicySpec {
            site: Some(site),
            ..FilingPolicySpec::default()
        };
        policy(&spec).site
    }
}

impl Notes {
    pub(super) fn told(&self, report: &Report, lang: Lang) -> Vec<String> {
        let said = |en: String, zh: String| match lang {
            Lang::En => en,
            Lang::Zh => zh,
        };
        let mut told = Vec::new();
        if let Some(name) = &self.unlisted {
            told.push(said(
                format!("the provider {name} is in no table, so where it is can't be told; say it with --region and --province"),
                format!("表中没有接入商 {name}，无法判断它在何处；请用 --region 和 --province 写明"),
            ));
        }
        if let Some(place) = &self.replaced {
            told.push(said(
                format!("--policy stands in place of the policy default {place}"),
                format!("以 --policy 代替策略 default（{place}）"),
            ));
        }
        // Where nothing was read, what is trusted in it is beside the point.
        if self.is_built_in && self.is_only_one && !is_nothing(report) {
            told.push(said(
                "no policy is given: every Filing in the input is trusted".to_owned(),
                "没有给出策略：信任输入中的每个 Filing".to_owned(),
            ));
        } else if self.is_built_in {
            let governs = |answer: &Answer| match answer {
                Answer::Verdict(verdict) => *verdict.policy.name == *keys::DEFAULT_POLICY,
                Answer::Ungoverned | Answer::Unreadable(_) => false,
            };
            let count = report.routes.iter().filter(|judged| governs(&judged.answer)).count();
            if count > 0 {
                told.push(said(
                    format!("no policy of the input governs {count} of the routes: for them every Filing in the input is trusted"),
                    format!("输入中没有策略管辖其中 {count} 条路由：对它们信任输入中的每个 Filing"),
                ));
            }
        }
        for name in &self.trusts_home {
            let name = shown(name);
            told.push(said(
                format!("policy {name} has no filingsFrom: only Filings in {} count", self.home),
                format!("策略 {name} 没有 filingsFrom：只有 {} 中的 Filing 算数", self.home),
            ));
        }
        if self.knows_no_changes {
            let rule = TOO_MANY_CHANGES.id;
            told.push(said(
                format!("{rule} can't be told of a Filing without a status: what was approved, only a cluster knows"),
                format!("没有 status 的 Filing 无法判断 {rule}：审核通过时的内容只有集群知道"),
            ));
        }
        if report.routes.is_empty() && report.errors.is_empty() && !self.is_live {
            told.push(said(
                "there is no route in the input".to_owned(),
                "输入中没有路由".to_owned(),
            ));
        }
        told
    }
}

/// Whether nothing at all could be read, as of a mistyped path.
fn is_nothing(report: &Report) -> bool {
    report.routes.is_empty() && report.filings.is_empty() && report.servers.is_empty() && report.skipped == 0
}

/// A region that is none of a known provider's is a typing error.
fn unknown_region(told: Whereabouts<'_>) -> Option<Trouble> {
    let Whereabouts {
        provider,
        region,
        province,
    } = told;
    let region = region.filter(|_| province.is_none())?;
    let is_unknown = is_known_provider(provider) && Place::new(provider, Some(region)).location == Location::Unknown;
    is_unknown.then(|| {
        let message = format!(
            "{provider} has no region \"{region}\" in the table, so access can't be judged; mend --region, or say where it is with \
             --province"
        );
        Trouble::new(message, super::whole(&COMMAND_LINE.into()))
    })
}

/// Where nobody says whose filings count, everyone's do.
fn built_in() -> Policy {
    let spec = FilingPolicySpec {
        filings_from: Some(FilingsFrom {
            all: true,
            ..FilingsFrom::default()
        }),
        precedence: i32::MIN,
        ..FilingPolicySpec::default()
    };
    policy(&spec)
}

fn policy(spec: &FilingPolicySpec) -> Policy {
    Policy::new(keys::DEFAULT_POLICY.into(), &ObjectMeta::default(), spec)
}

/// The spec of the policy in a file, for those who have nothing else to read.
///
/// # Errors
/// With everything that is wrong with it, each with its place.
pub(in crate::cli) fn read_policy(file: &Path) -> anyhow::Result<FilingPolicySpec> {
    read_named_policy(file).map(|(_, spec)| spec)
}

/// The policy in a file: its name, if it has one, and its spec.
///
/// # Errors
/// As [`read_policy`].
pub(in crate::cli) fn read_named_policy(file: &Path) -> anyhow::Result<(Option<String>, FilingPolicySpec)> {
    let mut troubles = Vec::new();
    let read = from_file(file, &mut troubles);
    let told: Vec<&str> = troubles.iter().map(|trouble| trouble.rendered.as_str()).collect();
    read.filter(|_| told.is_empty())
        .ok_or_else(|| anyhow::anyhow!("the policy in {} can't be used\n{}", file.display(), told.join("\n")))
}

/// The default policy, whatever precedence it was given.
fn last_resort(spec: FilingPolicySpec) -> Policy {
    policy(&FilingPolicySpec {
        precedence: i32::MIN,
        ..spec
    })
}

/// Reads a FilingPolicy, or a spec alone, which has no name.
fn from_file(file: &Path, troubles: &mut Vec<Trouble>) -> Option<(Option<String>, FilingPolicySpec)> {
    let loaded = load(&[file.to_owned()]);
    let (objects, unread) = objects(&loaded);
    troubles.extend(unread.all());
    let [object] = objects.as_slice() else {
        if troubles.is_empty() {
            let message = format!("{} objects where one FilingPolicy is due", objects.len());
            let name = match loaded.sources.first() {
                Some((input, _)) => input.name(),
                None => file.to_string_lossy().into(),
            };
            troubles.push(Trouble::new(message, super::whole(&name)));
        }
        return None;
    };
    let (name, spec) = spec_of(object, troubles)?;
    troubles.extend(input::problems(object, &policy(&spec), name.is_none()));
    Some((name, spec))
}

fn spec_of(object: &Object, troubles: &mut Vec<Trouble>) -> Option<(Option<String>, FilingPolicySpec)> {
    let meta = object.meta();
    let read = if meta.api_version.is_empty() && meta.kind.is_empty() {
        object.read(Strictness::Strict).map(|spec| (None, spec))
    } else if input::is_ours(meta) && meta.kind == "FilingPolicy" {
        object
            .read::<FilingPolicy>(Strictness::Strict)
            .map(|policy| (Some(policy.name_any()), policy.spec))
    } else {
        let message = format!("{} {} stands where a FilingPolicy is due", meta.api_version, meta.kind);
        troubles.push(Trouble::new(message, super::source(object.location())));
        return None;
    };
    match read {
        Ok(read) => Some(read),
        Err(errors) => {
            troubles.extend(errors.into_iter().map(Trouble::from));
            None
        }
    }
}
