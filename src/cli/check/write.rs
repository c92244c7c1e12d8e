//! Files that are there whole or not at all: who reads one while it is written, or after that failed, sees what was there
//! before.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::Builder;

/// Writes a file, in the place of what is there. What is no file, like a pipe or `/dev/null`, is written to and stays.
pub(super) fn write(file: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let there = fs::metadata(&file).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return fs::write(file, text);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // What others may do with it the umask says, as of every new file.
    let mut unfinished = Builder::new()
        .prefix(".filing-operator-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    unfinished.write_all(text.as_bytes())?;
    if let Some(there) = there {
        unfinished.as_file().set_permissions(there.permissions())?;
    }
    unfinished.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        write(&file, "one").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        write(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn a_link_and_what_is_no_file_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.json"), folder.path().join("link"));
        fs::write(&file, "one").unwrap();
        symlink(&file, &link).unwrap();
        write(&link, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert!(link.is_symlink());
        let device = folder.path().join("null");
        symlink("/dev/null", &device).unwrap();
        write(&device, "gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert_eq!(names(folder.path()), ["a.json", "link", "null"]);
    }

    #[test]
    fn where_it_cant_be_written_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("nowhere/a.json"), "one").is_err());
        assert!(write(folder.path(), "one").is_err());
        assert!(names(folder.path()).is_empty());
    }
}
