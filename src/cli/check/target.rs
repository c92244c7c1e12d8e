//! What `-o` names: a format, and where it goes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error, ValueEnum};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs: filing-operator.io/check/v1
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For CI servers, beside the results of tests: JUnit XML
    Junit,
    /// For GitHub Actions: annotations of a change
    Github,
}

/// A format and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) format: Format,
    /// None: to standard output.
    pub(super) file: Option<PathBuf>,
}

impl Target {
    /// `-o` as it is typed.
    fn typed(&self) -> String {
        let format = self.format.to_possible_value();
        let format = format.as_ref().map_or("", PossibleValue::get_name);
        match &self.file {
            Some(file) => format!("-o {format}={}", file.display()),
            None => format!("-o {format}"),
        }
    }
}

/// Where a file is or will be, by whatever name.
fn place(file: &Path) -> PathBuf {
    if let Ok(there) = fs::canonicalize(file) {
        return there;
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    match (folder, file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// Two that would write over each other.
pub(super) fn clash(targets: &[Target]) -> Option<String> {
    let pairs = targets.iter().enumerate().flat_map(|(nth, one)| {
        targets
            .iter()
            .skip(nth.saturating_add(1))
            .map(move |other| (one, other))
    });
    let place = |target: &Target| target.file.as_deref().map(place);
    let (one, other) = { pairs }.find(|(one, other)| place(one) == place(other))?;
    let (first, second) = (one.typed(), other.typed());
    Some(match &one.file {
        None => format!("{first} and {second} both go to standard output; write one of them to a file: {second}=FILE"),
        Some(_) => format!("{first} and {second} both go to one file; give each its own"),
    })
}

/// Reads `FORMAT` and `FORMAT=FILE`; `-` for a file is standard output.
#[derive(Clone, Debug)]
pub(super) struct TargetParser;

impl TypedValueParser for TargetParser {
    type Value = Target;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, typed: &OsStr) -> Result<Target, Error> {
        let mut parts = typed.as_bytes().splitn(2, |byte| *byte == b'=').map(OsStr::from_bytes);
        let format = parts.next().unwrap_or_default();
        let format = EnumValueParser::<Format>::new().parse_ref(command, arg, format)?;
        let file = match parts.next() {
            Some(file) if file.is_empty() => {
                let told = format!(
                    "{} names no file; write it behind the \"=\", or leave that out\n",
                    typed.display()
                );
                return Err(Error::raw(ErrorKind::ValueValidation, told).with_cmd(command));
            }
            file => file.map(Path::new).filter(|file| *file != Path::new("-")),
        };
        Ok(Target {
            format,
            file: file.map(Path::to_owned),
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values: Vec<PossibleValue> = Format::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .collect();
        Some(Box::new(values.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(typed: &str) -> Result<Target, Error> {
        TargetParser.parse_ref(&Command::new("check"), None, OsStr::new(typed))
    }

    #[rstest]
    #[case::a_format("sarif", Format::Sarif, None)]
    #[case::a_file("junit=out/report.xml", Format::Junit, Some("out/report.xml"))]
    #[case::a_file_with_an_equals_sign("json=a=b.json", Format::Json, Some("a=b.json"))]
    #[case::standard_output("github=-", Format::Github, None)]
    fn a_format_may_have_a_file(#[case] typed: &str, #[case] format: Format, #[case] file: Option<&str>) {
        let file = file.map(PathBuf::from);
        assert_eq!(read(typed).unwrap(), Target { format, file });
    }

    #[rstest]
    #[case::no_format("yaml")]
    #[case::no_format_with_a_file("yaml=a.yaml")]
    #[case::nothing("")]
    #[case::a_file_alone("=a.json")]
    #[case::no_file("json=")]
    fn what_is_none_is_refused(#[case] typed: &str) {
        assert!(read(typed).is_err());
    }

    #[rstest]
    #[case::one(&["table"], None)]
    #[case::several(&["table", "sarif=a.sarif", "junit=b.xml"], None)]
    #[case::files_alone(&["sarif=a.sarif", "junit=b.xml"], None)]
    #[case::two_to_standard_output(&["sarif=a", "table", "json=-"], Some(
        "-o table and -o json both go to standard output; write one of them to a file: -o json=FILE"
    ))]
    #[case::two_to_a_file(&["sarif=a", "json=a"], Some("-o sarif=a and -o json=a both go to one file; give each its own"))]
    #[case::by_two_names(&["json=x", "junit=./x"], Some("-o json=x and -o junit=./x both go to one file; give each its own"))]
    #[case::by_a_way_round(&["json=src/x", "junit=src/../src/x"], Some(
        "-o json=src/x and -o junit=src/../src/x both go to one file; give each its own"
    ))]
    #[case::one_that_is_there(&["json=Cargo.toml", "junit=src/../Cargo.toml"], Some(
        "-o json=Cargo.toml and -o junit=src/../Cargo.toml both go to one file; give each its own"
    ))]
    #[case::of_one_name_in_two_folders(&["json=x", "junit=src/x"], None)]
    #[case::in_no_folder(&["json=nowhere/x", "junit=nowhere/y"], None)]
    fn no_two_go_to_one_place(#[case] typed: &[&str], #[case] expected: Option<&str>) {
        let targets: Vec<Target> = typed.iter().map(|typed| read(typed).unwrap()).collect();
        assert_eq!(clash(&targets).as_deref(), expected);
    }
}
