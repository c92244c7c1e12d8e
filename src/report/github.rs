//! The report as workflow commands of GitHub Actions: lines of a log that become annotations of a change.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, read on 2026-11-29.

use std::fmt::Write as _;
use std::path::Path;

use super::columns::tame;
use super::model::{InputError, Report, Source};
use super::path::FilePath;
use super::told::Told;
use super::words;
use crate::rules::{Lang, Severity};

/// An annotation for each finding that counts and each error of the input, and a last line with the counts.
///
/// `folder` is where the command ran.
pub fn github(report: &Report, folder: Option<&Path>, lang: Lang) -> String {
    let mut out = String::new();
    for error in &report.errors {
        of_error(error, folder, lang, &mut out);
    }
    for told in report.told().filter(|told| told.exemption.is_none()) {
        of_finding(&told, folder, lang, &mut out);
    }
    if let Some(counts) = words::summary(report, None, lang).first() {
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{counts}");
    }
    out
}

fn of_finding(told: &Told<'_>, folder: Option<&Path>, lang: Lang, out: &mut String) {
    let command = match told.finding.severity {
        Severity::Violation => "error",
        Severity::Warning => "warning",
    };
    annotation(
        command,
        told.source,
        folder,
        told.finding.rule.id,
        &told.line(lang),
        out,
    );
}

fn of_error(error: &InputError, folder: Option<&Path>, lang: Lang, out: &mut String) {
    annotation(
        "error",
        Some(&error.source),
        folder,
        words::input(lang),
        &error.message,
        out,
    );
}

fn annotation(
    command: &str,
    source: Option<&Source>,
    folder: Option<&Path>,
    title: &str,
    message: &str,
    out: &mut String,
) {
    let _ = write!(out, "::{command} ");
    if let Some((source, path)) = source.and_then(|source| Some((source, FilePath::of(source, folder)?))) {
        let _ = write!(out, "file={},", property(path.as_str()));
        for (name, value) in [("line", source.line), ("col", source.column)] {
            if let Some(value) = value {
                let _ = write!(out, "{name}={value},");
            }
        }
    }
    let _ = writeln!(out, "title={}::{}", property(title), data(message));
}

/// What stands behind the second `::`. A line break would begin another command.
fn data(text: &str) -> String {
    tame(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A"))
}

/// What stands before it, where `:` and `,` mean something too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::tests as fixture;
    use super::*;

    #[rstest]
    #[case::english(Lang::En)]
    #[case::chinese(Lang::Zh)]
    fn what_is_found_is_annotated(#[case] lang: Lang) {
        let text = github(&fixture::mixed(), Some(Path::new("/work")), lang);
        insta::assert_snapshot!(format!("github_{lang:?}"), text);
    }

    #[test]
    fn what_means_something_to_github_is_escaped() {
        assert_eq!(data("100 %\r\n::error::x, y"), "100 %25%0D%0A::error::x, y");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }

    proptest! {
        /// Whatever a tenant writes, a command stays one line, and its properties end where they should.
        #[test]
        fn nobody_can_add_a_command(file in any::<String>(), title in any::<String>(), message in any::<String>()) {
            let source = Source { file: file.into(), line: Some(1), column: Some(2) };
            let mut out = String::new();
            annotation("error", Some(&source), None, &title, &message, &mut out);
            let line = out.strip_suffix('\n').unwrap();
            prop_assert!(!line.contains(char::is_control), "{line:?}");
            let (head, rest) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            prop_assert_eq!(rest, data(&message));
            let names: Vec<_> = head.strip_prefix("error ").unwrap().split(',').map(|it| it.split_once('=').unwrap().0).collect();
            let is_file = names == ["file", "line", "col", "title"];
            prop_assert!(is_file || names == ["title"], "{names:?}");
        }
    }
}
