//! The report as SARIF 2.1.0, the form in which code scanners tell what they found.
//!
//! Findings are results, and what of the input can't be read are notifications: the run did not see all of it. What is
//! exempt is a suppressed result.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html>

mod fingerprint;
mod form;
mod rule;

use std::path::Path;

use self::fingerprint::Fingerprints;
use self::form::{
    Artifact, ArtifactLocation, Base, Bases, Component, Document, Invocation, Level, Location, LogicalLocation,
    Message, Notification, PartialFingerprints, PhysicalLocation, Region, Result, Run, Suppression, Tool,
};
use super::columns::tame;
use super::model::{InputError, Report, STDIN, Source};
use super::path::FilePath;
use super::told::Told;
use super::words;
use crate::rules::{CATALOGUE, Lang, Rule, Severity};

/// Of which version of which standard it is.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const VERSION: &str = "2.1.0";
/// Where the project is at home.
const HOME: &str = "https://github.com/filing-operator/filing-operator";
/// What paths are relative to: by this name GitHub knows the checkout.
const ROOT: &str = "%SRCROOT%";

/// The report as SARIF. `folder` is where the command ran.
///
/// # Errors
/// None that is known; the writer of JSON allows for them.
pub fn sarif(report: &Report, folder: Option<&Path>, lang: Lang) -> std::result::Result<String, serde_json::Error> {
    let told: Vec<Told<'_>> = report.told().collect();
    // Those that are told of, in the order of the catalogue.
    let is_told = |rule: &Rule| told.iter().any(|told| told.finding.rule == rule);
    let rules: Vec<&'static Rule> = CATALOGUE.iter().copied().filter(|rule| is_told(rule)).collect();
    let writer = Writer { folder, lang, rules };
    serde_json::to_string_pretty(&Document {
        schema: SCHEMA,
        version: VERSION,
        runs: [writer.run(report, &told)],
    })
}

struct Writer<'a> {
    folder: Option<&'a Path>,
    lang: Lang,
    rules: Vec<&'static Rule>,
}

impl Writer<'_> {
    fn run(&self, report: &Report, told: &[Told<'_>]) -> Run {
        let mut fingerprints = Fingerprints::default();
        let results: Vec<Result> = told
            .iter()
            .map(|told| self.result(told, fingerprints.next(told)))
            .collect();
        let sources = told.iter().filter_map(|told| told.source);
        let mut sources = sources.chain(report.errors.iter().map(|error| &error.source));
        let reads_stdin = sources.any(|source| &*source.file == STDIN);
        Run {
            tool: Tool {
                driver: Component {
                    name: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: HOME,
                    language: language(self.lang),
                    rules: self
                        .rules
                        .iter()
                        .map(|rule| rule::descriptor(rule, self.lang))
                        .collect(),
                },
            },
            language: language(self.lang),
            column_kind: "unicodeCodePoints",
            original_uri_base_ids: Bases {
                root: Base {
                    description: Message::of(words::folder(self.lang)),
                },
            },
            invocations: [Invocation {
                execution_successful: report.errors.is_empty(),
                notifications: report.errors.iter().map(|error| self.notification(error)).collect(),
            }],
            artifacts: reads_stdin
                .then(|| Artifact {
                    description: Message::of(words::standard_input(self.lang)),
                    roles: ["standardStream"],
                })
                .into_iter()
                .collect(),
            results,
        }
    }

    fn result(&self, told: &Told<'_>, fingerprint: String) -> Result {
        let rule = told.finding.rule;
        let justification = told.exemption.map(|exemption| words::exemption(exemption, self.lang));
        // Not everyone who reads results minds suppressions.
        let level = match (justification.is_some(), told.finding.severity) {
            (true, _) => Level::Note,
            (false, severity) => Level::of(severity),
        };
        let path = told.finding.path.as_str();
        let title = told.object.title();
        Result {
            rule_id: rule.id,
            rule_index: self.rules.iter().position(|known| *known == rule),
            level,
            message: Message::of(&(told.line(self.lang) + words::full_stop(self.lang))),
            locations: [Location {
                physical_location: told.source.and_then(|source| physical(source, self.folder)),
                logical_locations: vec![LogicalLocation {
                    name: tame(if path.is_empty() { told.object.name } else { path }),
                    fully_qualified_name: tame(format!("{title} {path}").trim_end()),
                    kind: if path.is_empty() { "object" } else { "member" },
                }],
            }],
            partial_fingerprints: PartialFingerprints { identity: fingerprint },
            suppressions: justification
                .map(|text| Suppression {
                    kind: "external",
                    justification: tame(&text),
                })
                .into_iter()
                .collect(),
        }
    }

    fn notification(&self, error: &InputError) -> Notification {
        Notification {
            level: Level::Error,
            message: Message::of(&(error.message.clone() + words::full_stop(self.lang))),
            locations: physical(&error.source, self.folder)
                .map(|physical_location| Location {
                    physical_location: Some(physical_location),
                    logical_locations: Vec::new(),
                })
                .into_iter()
                .collect(),
        }
    }
}

/// A place in a file, or in standard input, the only artifact that is listed; none for what is neither.
fn physical(source: &Source, folder: Option<&Path>) -> Option<PhysicalLocation> {
    let path = FilePath::of(source, folder);
    let artifact_location = match &path {
        Some(path) => ArtifactLocation {
            uri: Some(path.uri()),
            uri_base_id: matches!(path, FilePath::Below(_)).then_some(ROOT),
            index: None,
        },
        None if &*source.file == STDIN => ArtifactLocation {
            uri: None,
            uri_base_id: None,
            index: Some(0),
        },
        None => return None,
    };
    Some(PhysicalLocation {
        artifact_location,
        region: source.line.map(|start_line| Region {
            start_line,
            start_column: source.column,
        }),
    })
}

fn language(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en-US",
        Lang::Zh => "zh-CN",
    }
}

impl Level {
    fn of(severity: Severity) -> Self {
        match severity {
            Severity::Violation => Self::Error,
            Severity::Warning => Self::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::{Draft, Validator};
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::tests as fixture;
    use super::*;

    /// The schema of the standard, with formats that are held to. Its own draft 4 does not know `uri-reference`.
    fn validator() -> Validator {
        let schema = include_str!("../../tests/it/schemas/sarif-schema-2.1.0.json");
        jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .build(&serde_json::from_str(schema).unwrap())
            .unwrap()
    }

    fn written(report: &Report, lang: Lang) -> Value {
        serde_json::from_str(&sarif(report, Some(Path::new("/work")), lang).unwrap()).unwrap()
    }

    fn complaints(document: &Value) -> Vec<String> {
        let validator = validator();
        let errors = validator.iter_errors(document);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    #[rstest]
    #[case::english(Lang::En)]
    #[case::chinese(Lang::Zh)]
    fn it_is_sarif(#[case] lang: Lang) {
        let document = written(&fixture::mixed(), lang);
        assert_eq!(complaints(&document), [""; 0]);
        insta::assert_json_snapshot!(format!("sarif_{lang:?}"), document);
    }

    #[rstest]
    #[case::nothing("")]
    #[case::hostile("\u{202e}[x](javascript:1) {0} %s\n\0")]
    fn it_is_sarif_whatever_there_is_to_tell(#[case] text: &str) {
        assert_eq!(complaints(&written(&fixture::failing(text), Lang::En)), [""; 0]);
    }

    #[rstest]
    #[case::an_address("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("a b"))]
    #[case::a_level("/runs/0/results/0/level", json!("bad"))]
    #[case::a_line("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0))]
    #[case::a_name("/version", json!("2.2"))]
    fn the_schema_would_complain(#[case] at: &str, #[case] value: Value) {
        let mut document = written(&fixture::mixed(), Lang::En);
        *document.pointer_mut(at).unwrap() = value;
        assert_ne!(complaints(&document), [""; 0], "{at}");
    }

    #[test]
    fn each_result_names_its_rule_by_place_too() {
        let document = written(&fixture::mixed(), Lang::En);
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert!(results.len() > 5, "{results:?}");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
    }
}
