//! The policy of last resort: under it filings and servers are judged, and routes that no other policy governs.

use std::path::Path;
use std::sync::Arc;

use kube::ResourceExt as _;
use kube::core::ObjectMeta;

use super::input::{self, Facts, Trouble};
use crate::api::keys;
use crate::api::{FilingPolicy, FilingPolicySpec, FilingsFrom};
use crate::domain::place::is_known_provider;
use crate::domain::{Location, Place, Site};
use crate::manifest::{Input, Object, Strictness};
use crate::registry::{Change, Policy, Trust};
use crate::report::{Answer, COMMAND_LINE, Report};
use crate::rules::Lang;

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

/// What the reader should know about the policies in force.
pub(super) struct Notes {
    unlisted: Option<String>,
    replaced: Option<String>,
    is_built_in: bool,
    is_only_one: bool,
    /// The policies that trust the operator's own namespace, and that namespace.
    trusts_home: Vec<Arc<str>>,
    home: String,
}

impl DefaultPolicy {
    pub(super) fn read(file: Option<&Path>, provider: Option<&str>, region: Option<&str>) -> Self {
        let mut troubles = Vec::new();
        troubles.extend(
            provider
                .zip(region)
                .and_then(|(provider, region)| unknown_region(provider, region)),
        );
        Self {
            given: file
                .and_then(|file| from_file(file, &mut troubles))
                .map(|(_, spec)| last_resort(spec)),
            site: provider.map(|provider| Site::of([Place::new(provider, region)])),
            unlisted: provider
                .filter(|provider| !is_known_provider(provider))
                .map(str::to_owned),
            troubles,
            is_asked_for: file.is_some(),
        }
    }

    /// Puts it beside what the input declares. That of the input stands, unless the command line gives another.
    pub(super) fn add_to(self, facts: &mut Facts, home: &str) -> Notes {
        let mut notes = Notes {
            unlisted: self.unlisted,
            replaced: None,
            is_built_in: false,
            is_only_one: facts.policies.is_empty(),
            trusts_home: Vec::new(),
            home: home.to_owned(),
        };
        facts.troubles.splice(0..0, self.troubles);
        let in_input = facts.policies.iter().find(|(name, _)| **name == *keys::DEFAULT_POLICY);
        let policy = match (self.given, in_input) {
            (Some(given), None) => Some(given),
            (Some(given), Some((_, object))) => {
                notes.replaced = Some(object.location().to_string());
                Some(given)
            }
            (None, Some(_)) => {
                let policies = facts.registry.snapshot().policies();
                let mut own = policies.filter(|policy| *policy.name == *keys::DEFAULT_POLICY);
                // One that can't be read governs nothing, and is told as an error.
                own.next().map(|policy| Policy::clone(policy))
            }
            (None, None) => {
                notes.is_built_in = !self.is_asked_for;
                Some(built_in())
            }
        };
        if let Some(mut policy) = policy {
            if self.site.is_some() {
                policy.site = self.site;
            }
            facts
                .registry
                .apply(Change::Policy(Arc::clone(&policy.name), Ok(policy)));
        }
        let policies = facts.registry.snapshot().policies();
        let at_home = policies.filter(|policy| policy.trust == Trust::Home);
        notes.trusts_home = at_home.map(|policy| Arc::clone(&policy.name)).collect();
        notes
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
                format!("the provider {name} is in no table, so where it is can't be told; the site of a policy says it with province"),
                format!("表中没有接入商 {name}，无法判断它在何处；请在策略的 site 中用 province 写明"),
            ));
        }
        if let Some(place) = &self.replaced {
            told.push(said(
                format!("--policy stands in place of the policy default at {place}"),
                format!("以 --policy 代替 {place} 处的策略 default"),
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
            told.push(said(
                format!("policy {name} has no filingsFrom: only Filings in {} count", self.home),
                format!("策略 {name} 没有 filingsFrom：只有 {} 中的 Filing 算数", self.home),
            ));
        }
        if report.routes.is_empty() && report.errors.is_empty() {
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
fn unknown_region(provider: &str, region: &str) -> Option<Trouble> {
    let is_unknown = is_known_provider(provider) && Place::new(provider, Some(region)).location == Location::Unknown;
    is_unknown.then(|| {
        let message = format!(
            "{provider} has no region \"{region}\" in the table, so access can't be judged; mend --region, or say in a policy where it is: \
             site, with province"
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
    let input = if file == Path::new("-") {
        Input::Stdin
    } else {
        Input::File(file.to_owned())
    };
    let mut objects = Vec::new();
    match input.load() {
        Err(error) => troubles.push(error.into()),
        Ok(source) => {
            for document in source.documents() {
                match document {
                    Err(error) => troubles.push(error.into()),
                    Ok(document) => {
                        for object in document.objects() {
                            match object {
                                Ok(object) => objects.push(object),
                                Err(error) => troubles.push(error.into()),
                            }
                        }
                    }
                }
            }
        }
    }
    let [object] = objects.as_slice() else {
        if troubles.is_empty() {
            let message = format!("{} objects where one FilingPolicy is due", objects.len());
            troubles.push(Trouble::new(message, super::whole(&input.name())));
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
