//! Files that are there whole or not at all: who reads one while it is written, or after that failed, sees what was there
//! before.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tempfile::{Builder, NamedTempFile};

/// Writes a file, in the place of what is there. What is no file, like a pipe or `/dev/null`, is written to and stays.
pub(super) fn write(file: &Path, text: &str) -> Result<()> {
    match fs::metadata(file) {
        Ok(there) if !there.is_file() => Ok(fs::write(file, text)?),
        _ => replace(file, text.as_bytes(), None),
    }
}

/// Puts a text where a file is or will be, at once: whoever reads it, and whatever fails, finds all of the one or all of the
/// other. Its owner and its mode stay. `before` is what it has to say still.
pub(super) fn replace(path: &Path, text: &[u8], before: Option<&[u8]>) -> Result<()> {
    // What a link leads to is replaced, and the link stays.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("there is no folder {}; make it first", folder.display());
    }
    let there = match fs::metadata(&target) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound && before.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(there) = &there {
        may_be_replaced(&target, there, before.is_some())?;
    }
    // What others may do with a new one the umask says, as of every new file.
    let mut beside = Builder::new()
        .prefix(".filing-operator-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(|| format!("no file can be written beside it in {}", folder.display()))?;
    beside.write_all(text)?;
    if let Some(there) = &there {
        take_after(&beside, there)?;
    }
    beside.as_file().sync_all()?;
    if let Some(before) = before
        && !still_says(&target, before)?
    {
        bail!("it has changed since it was read; try again");
    }
    beside.persist(&target).map_err(|failed| failed.error)?;
    // That it is there now outlasts a crash, too, where the file system can be told so.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn may_be_replaced(target: &Path, there: &fs::Metadata, is_mended: bool) -> Result<()> {
    let read_only = "it is read-only; make it writable";
    if there.permissions().readonly() {
        bail!(read_only);
    }
    File::options().write(true).open(target).context(read_only)?;
    if there.nlink() > 1 {
        let remedy = if is_mended {
            "mend it by hand"
        } else {
            "name another file, or remove them"
        };
        bail!("it has other names (hard links) that would keep the old text; {remedy}");
    }
    Ok(())
}

/// Gives a file the owner and the mode of another.
fn take_after(beside: &NamedTempFile, there: &fs::Metadata) -> Result<()> {
    let own = beside.as_file().metadata()?;
    if (own.uid(), own.gid()) != (there.uid(), there.gid()) {
        fchown(beside.as_file(), Some(there.uid()), Some(there.gid())).context("its owner can't be kept")?;
    }
    Ok(beside.as_file().set_permissions(there.permissions())?)
}

fn still_says(path: &Path, before: &[u8]) -> io::Result<bool> {
    let mut now = Vec::with_capacity(before.len().saturating_add(1));
    let longest = u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(longest).read_to_end(&mut now)?;
    Ok(now == before)
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
    fn what_is_read_only_or_has_other_names_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a.json"), folder.path().join("b.json"));
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
        let error = write(&file, "two").unwrap_err();
        assert_eq!(error.to_string(), "it is read-only; make it writable");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        fs::hard_link(&file, &other).unwrap();
        let error = write(&file, "two").unwrap_err();
        assert!(error.to_string().contains("other names (hard links)"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        fs::remove_file(&other).unwrap();
        write(&file, "two").unwrap();
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn what_has_changed_meanwhile_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "one").unwrap();
        assert!(replace(&file, b"two", Some(b"on")).is_err());
        assert!(replace(&file, b"two", Some(b"one more")).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        replace(&file, b"two", Some(b"one")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(names(folder.path()), ["a.yaml"]);
    }

    #[test]
    fn where_it_cant_be_written_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("nowhere/a.json"), "one").is_err());
        assert!(write(folder.path(), "one").is_err());
        assert!(names(folder.path()).is_empty());
    }
}
