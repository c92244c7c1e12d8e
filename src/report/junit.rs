//! The report as JUnit XML, which CI servers show beside the results of tests: a suite for each object, a case for each
//! host, and for a filing or server one. It has no moments and no durations, so that the same answer is the same text.

use std::path::Path;

use quick_xml::SeError;
use quick_xml::se::Serializer;
use serde::Serialize;

use super::columns::tame;
use super::model::{Answer, InputError, Judged, Report, Source};
use super::path::FilePath;
use super::told::{Object, Told};
use super::words;
use crate::judge::HostVerdict;
use crate::rules::{Finding, Lang, Severity};

/// What the form of JUnit leaves to whoever asks for it.
#[derive(Clone, Copy, Debug)]
pub struct JUnit<'a> {
    /// The language of its words.
    pub lang: Lang,
    /// Where the command ran.
    pub folder: Option<&'a Path>,
    /// What is at least so bad fails a case; the rest is told in it.
    pub fails: Severity,
}

/// The report as JUnit XML.
///
/// # Errors
/// None that is known; the writer of XML allows for them.
pub fn junit(report: &Report, form: &JUnit<'_>) -> Result<String, SeError> {
    let mut suites: Vec<Suite> = form.errors(&report.errors).into_iter().collect();
    suites.extend(report.routes.iter().map(|judged| form.route(judged)));
    suites.extend(report.declared().map(|(object, findings)| {
        let told: Vec<Told<'_>> = findings.iter().map(|finding| Told::of(finding, object)).collect();
        Suite::new(&object.title(), vec![form.case(&object.title(), object, &told)])
    }));
    let count = |of: fn(&Suite) -> usize| suites.iter().map(of).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut serializer = Serializer::with_root(&mut xml, Some("testsuites"))?;
    serializer.indent(' ', 2);
    Suites {
        name: env!("CARGO_PKG_NAME"),
        tests: count(|suite| suite.tests),
        failures: count(|suite| suite.failures),
        errors: count(|suite| suite.errors),
        each: &suites,
    }
    .serialize(serializer)?;
    xml.push('\n');
    Ok(xml)
}

#[derive(Serialize)]
struct Suites<'a> {
    #[serde(rename = "@name")]
    name: &'static str,
    #[serde(rename = "@tests")]
    tests: usize,
    #[serde(rename = "@failures")]
    failures: usize,
    #[serde(rename = "@errors")]
    errors: usize,
    #[serde(rename = "testsuite")]
    each: &'a [Suite],
}

/// An object, or the input as a whole.
#[derive(Serialize)]
struct Suite {
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "@tests")]
    tests: usize,
    #[serde(rename = "@failures")]
    failures: usize,
    #[serde(rename = "@errors")]
    errors: usize,
    #[serde(rename = "@skipped")]
    skipped: usize,
    #[serde(rename = "testcase")]
    cases: Vec<Case>,
}

/// A host, a filing, a server, or something that can't be read.
#[derive(Serialize)]
struct Case {
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "@classname")]
    class: String,
    /// GitLab shows it; the schema that Jenkins once had for these files knows all but this.
    #[serde(rename = "@file", skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<Skipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(rename = "system-out", skip_serializing_if = "Option::is_none")]
    out: Option<String>,
}

#[derive(Serialize)]
struct Skipped {
    #[serde(rename = "@message")]
    message: String,
}

#[derive(Serialize)]
struct Failure {
    /// The rules.
    #[serde(rename = "@type")]
    kind: String,
    #[serde(rename = "@message")]
    message: String,
    #[serde(rename = "$text")]
    text: String,
}

impl Suite {
    fn new(name: &str, cases: Vec<Case>) -> Self {
        let count = |is: fn(&Case) -> bool| cases.iter().filter(|case| is(case)).count();
        Self {
            name: plain(name),
            tests: cases.len(),
            failures: count(|case| case.failure.is_some()),
            errors: count(|case| case.error.is_some()),
            skipped: count(|case| case.skipped.is_some()),
            cases,
        }
    }
}

impl JUnit<'_> {
    fn route(&self, judged: &Judged) -> Suite {
        let object = judged.object();
        let cases = match &judged.answer {
            Answer::Verdict(verdict) => verdict.hosts.iter().map(|host| self.host(host, object)).collect(),
            Answer::Ungoverned => vec![Case {
                skipped: Some(Skipped {
                    message: words::ungoverned(self.lang).to_owned(),
                }),
                ..self.case(&object.title(), object, &[])
            }],
            Answer::Unreadable(_) => vec![self.case(&object.title(), object, &judged.told())],
        };
        Suite::new(&object.title(), cases)
    }

    fn host(&self, host: &HostVerdict, object: Object<'_>) -> Case {
        let of = |finding| Told {
            host: Some(&host.host),
            ..Told::of(finding, object)
        };
        let name = host.host.to_string();
        let Some(exemption) = &host.exemption else {
            let told: Vec<Told<'_>> = host.findings.iter().map(of).collect();
            return self.case(&name, object, &told);
        };
        let mut message = words::exemption(exemption, self.lang);
        let rules = rules(&host.findings);
        if !rules.is_empty() {
            message.push_str(&words::exempted(&rules, self.lang));
        }
        Case {
            skipped: Some(Skipped {
                message: plain(&message),
            }),
            ..self.case(&name, object, &[])
        }
    }

    /// What was found on one thing: as a failure where that is bad enough, else beside it.
    fn case(&self, name: &str, object: Object<'_>, told: &[Told<'_>]) -> Case {
        let (failing, passing): (Vec<&Told<'_>>, Vec<&Told<'_>>) =
            told.iter().partition(|told| told.finding.severity >= self.fails);
        let lines = |told: &[&Told<'_>]| -> String {
            let lines = told.iter().map(|told| self.line(told));
            lines.collect::<Vec<_>>().join("\n")
        };
        let failure = failing.first().map(|first| Failure {
            kind: rules(failing.iter().map(|told| told.finding)),
            message: plain(&first.finding.message(self.lang)),
            text: lines(&failing),
        });
        // Where the first finding stands, or else the object.
        let source = told.first().map_or(object.places.object.as_ref(), |told| told.source);
        Case {
            name: plain(name),
            class: plain(&object.title()),
            file: source.and_then(|source| self.file(source)),
            skipped: None,
            error: None,
            failure,
            out: (!passing.is_empty()).then(|| lines(&passing)),
        }
    }

    /// One finding with its place and rule.
    fn line(&self, told: &Told<'_>) -> String {
        let place = told
            .source
            .map_or_else(|| words::cluster(self.lang).to_owned(), ToString::to_string);
        plain(&format!("{place}: [{}] {}", told.finding.rule.id, told.line(self.lang)))
    }

    fn file(&self, source: &Source) -> Option<String> {
        FilePath::of(source, self.folder).map(|path| plain(path.as_str()))
    }

    fn errors(&self, errors: &[InputError]) -> Option<Suite> {
        if errors.is_empty() {
            return None;
        }
        let name = words::input(self.lang);
        let cases = errors.iter().map(|error| Case {
            name: plain(&error.source.to_string()),
            class: name.to_owned(),
            file: self.file(&error.source),
            skipped: None,
            error: Some(Failure {
                kind: "InputError".to_owned(),
                message: plain(&error.message),
                text: plain(&format!("{}: {}", error.source, error.message)),
            }),
            failure: None,
            out: None,
        });
        Some(Suite::new(name, cases.collect()))
    }
}

/// Their rules, each once.
fn rules<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.rule.id) {
            ids.push(finding.rule.id);
        }
    }
    ids.join(", ")
}

/// A text of one line without what XML 1.0 can't hold.
fn plain(text: &str) -> String {
    tame(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::events::Event;
    use quick_xml::{Reader, XmlVersion};
    use rstest::rstest;

    use super::super::tests as fixture;
    use super::*;

    fn form(lang: Lang) -> JUnit<'static> {
        JUnit {
            lang,
            folder: Some(Path::new("/work")),
            fails: Severity::Violation,
        }
    }

    #[rstest]
    #[case::english(Lang::En)]
    #[case::chinese(Lang::Zh)]
    fn each_host_is_a_case(#[case] lang: Lang) {
        let xml = junit(&fixture::mixed(), &form(lang)).unwrap();
        insta::assert_snapshot!(format!("junit_{lang:?}"), xml);
    }

    #[test]
    fn a_warning_fails_where_it_is_not_let_pass() {
        let told = |fails| {
            let form = JUnit {
                fails,
                ..form(Lang::En)
            };
            let xml = junit(&fixture::mixed(), &form).unwrap();
            ["<failure ", "<system-out>", "[ServerExpiring]"].map(|text| xml.matches(text).count())
        };
        assert_eq!(told(Severity::Violation), [4, 3, 2]);
        assert_eq!(told(Severity::Warning), [7, 0, 2]);
    }

    /// What an attribute of the first case says, read as others read XML.
    fn first_message(xml: &str) -> String {
        let mut reader = Reader::from_str(xml);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) if tag.name().as_ref() == "error" => {
                    let attribute = tag.try_get_attribute("message").unwrap().unwrap();
                    return attribute
                        .normalized_value(XmlVersion::Explicit1_0)
                        .unwrap()
                        .into_owned();
                }
                Event::Eof => panic!("no error in {xml}"),
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_read_as_it_is(text in any::<String>()) {
            let report = fixture::failing(&text);
            let xml = junit(&report, &form(Lang::En)).unwrap();
            prop_assert_eq!(first_message(&xml), plain(&text));
        }
    }
}
