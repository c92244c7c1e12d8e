//! Files as other programs name them: relative to the folder in which the command ran, where they are below it. Nothing is
//! asked of the disk.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::model::Source;

/// What a segment of a URI may hold as it is (RFC 3986, "unreserved"), and what stands between segments.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Where a file is, seen from a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FilePath {
    /// Below the folder, relative to it.
    Below(String),
    /// Elsewhere: absolute, or as it was typed where the folder is not known.
    Elsewhere(String),
}

impl FilePath {
    /// Of what a finding speaks of; none where that is no file. `folder` is absolute and has no `..`.
    pub(super) fn of(source: &Source, folder: Option<&Path>) -> Option<Self> {
        if !source.is_file() {
            return None;
        }
        let typed = Path::new(&*source.file);
        let path = normal(&folder.map_or_else(|| typed.to_owned(), |folder| folder.join(typed)));
        let below = match folder {
            Some(folder) => path.strip_prefix(folder).ok(),
            None => Some(path.as_path()).filter(|path| path.is_relative() && !path.starts_with("..")),
        };
        Some(match below {
            Some(below) => Self::Below(below.display().to_string()),
            None => Self::Elsewhere(path.display().to_string()),
        })
    }

    /// As it is written for people and programs.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Below(path) | Self::Elsewhere(path) => path,
        }
    }

    /// As a URI, relative where the path is.
    pub(super) fn uri(&self) -> String {
        let path = utf8_percent_encode(self.as_str(), ENCODED).to_string();
        if path.starts_with('/') {
            format!("file://{path}")
        } else {
            path
        }
    }
}

/// A path without `.`, and without `..` but at its beginning.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            // There is nothing above the root.
            Component::ParentDir if normal.has_root() => {}
            _ => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::model::{COMMAND_LINE, STDIN};
    use super::*;

    fn source(file: &str) -> Source {
        Source {
            file: file.into(),
            line: None,
            column: None,
        }
    }

    #[rstest]
    #[case::plain("deploy/web.yaml", Some("deploy/web.yaml"))]
    #[case::with_a_dot("./deploy/./web.yaml", Some("deploy/web.yaml"))]
    #[case::up_and_down_again("deploy/../web.yaml", Some("web.yaml"))]
    #[case::absolute("/work/deploy/web.yaml", Some("deploy/web.yaml"))]
    #[case::round_about("../work/web.yaml", Some("web.yaml"))]
    #[case::spaces("a b/c d.yaml", Some("a%20b/c%20d.yaml"))]
    #[case::chinese("清单/网站.yaml", Some("%E6%B8%85%E5%8D%95/%E7%BD%91%E7%AB%99.yaml"))]
    #[case::what_means_something_in_a_uri("a#b?c%d:e.yaml", Some("a%23b%3Fc%25d%3Ae.yaml"))]
    #[case::a_backslash(r"a\b.yaml", Some("a%5Cb.yaml"))]
    #[case::above("../web.yaml", Some("file:///web.yaml"))]
    #[case::elsewhere("/etc/a b.yaml", Some("file:///etc/a%20b.yaml"))]
    #[case::above_the_root("../../../web.yaml", Some("file:///web.yaml"))]
    #[case::standard_input(STDIN, None)]
    #[case::the_command_line(COMMAND_LINE, None)]
    fn a_file_has_a_uri(#[case] typed: &str, #[case] expected: Option<&str>) {
        let path = FilePath::of(&source(typed), Some(Path::new("/work")));
        assert_eq!(path.map(|path| path.uri()).as_deref(), expected);
    }

    #[rstest]
    #[case::below("./web.yaml", FilePath::Below("web.yaml".to_owned()))]
    #[case::above("../web.yaml", FilePath::Elsewhere("../web.yaml".to_owned()))]
    #[case::absolute("/web.yaml", FilePath::Elsewhere("/web.yaml".to_owned()))]
    fn without_a_folder_it_is_as_it_was_typed(#[case] typed: &str, #[case] expected: FilePath) {
        assert_eq!(FilePath::of(&source(typed), None), Some(expected));
    }
}
