//! Which files are meant by what was typed.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::error::ReadError;
use super::source::Source;
use crate::domain::shown::shown;
use crate::report::STDIN;

/// The most bytes of one file.
const MAX_FILE: u64 = 256 << 20;

/// How long somebody is waited for who writes to a pipe.
const PIPE_PATIENCE: Duration = Duration::from_secs(10);

/// Something to read manifests from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input, typed as `-`.
    Stdin,
    /// A file that was typed, or found in a folder that was typed.
    File(PathBuf),
}

impl Input {
    /// Its name for messages.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => STDIN.into(),
            Self::File(path) => name(path),
        }
    }

    /// How many bytes it takes in memory, where that is known before it is read. One that is too large is not read.
    pub fn size(&self) -> u64 {
        let size = match self {
            Self::Stdin => 0,
            Self::File(path) => fs::metadata(path).map_or(0, |about| about.len()),
        };
        if size > MAX_FILE { 0 } else { size }
    }

    /// Its bytes, whatever they are; none where they are more than `most`.
    ///
    /// # Errors
    /// When it can't be opened or read, or is a pipe to which nobody writes.
    pub fn bytes(&self, most: u64) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Stdin => read_bounded(io::stdin().lock(), 0, most),
            Self::File(path) => {
                let file = open(path)?;
                let size = file.metadata().map_or(0, |about| about.len());
                read_bounded(file, size, most)
            }
        }
    }

    /// Reads it whole.
    ///
    /// # Errors
    /// When it can't be opened or read, is over 256 MiB, or is no UTF-8 text.
    pub fn load(&self) -> Result<Arc<Source>, ReadError> {
        match self.bytes(MAX_FILE) {
            Ok(Some(bytes)) => Source::new(self.name(), bytes),
            Ok(None) => Err(ReadError::of_file(
                self.name(),
                "the file is larger than 256 MiB",
                Some("split it, or name only the files that hold manifests"),
            )),
            Err(error) => Err(unreadable(self.name(), &error)),
        }
    }
}

/// Opens a file. A pipe that has a name can be opened only once somebody writes to it: that is waited for, and not for
/// ever. One that a shell makes, as for `<(helm template .)`, has its writer already, who may take what time he needs.
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.file_type().is_fifo() {
        return File::open(path);
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    // Where nobody ever writes it ends with the program.
    thread::spawn(move || sender.send(File::open(path)));
    receiver
        .recv_timeout(PIPE_PATIENCE)
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nobody writes to this pipe")))
}

fn read_bounded(from: impl Read, size: u64, most: u64) -> io::Result<Option<Vec<u8>>> {
    if size > most {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// The inputs that were typed: a file is taken as it is, a folder with all its `*.yaml`, `*.yml` and `*.json` below,
/// sorted; `-` is standard input.
///
/// What is hidden in a folder (a leading dot) is passed over, links are followed, and each file is taken once, however
/// often it is named: applied twice, an object is still one. What can't be read is an error of its own beside the rest.
pub fn discover<P: AsRef<Path>>(typed: &[P]) -> (Vec<Input>, Vec<ReadError>) {
    let mut walk = Walk::default();
    for path in typed.iter().map(AsRef::as_ref) {
        walk.typed(path);
    }
    (walk.inputs, walk.errors)
}

#[derive(Default)]
struct Walk {
    inputs: Vec<Input>,
    errors: Vec<ReadError>,
    /// Canonical paths of what has been taken, folders too: a link to a folder above would never end.
    seen: BTreeSet<PathBuf>,
    stdin: bool,
}

impl Walk {
    fn typed(&mut self, path: &Path) {
        if path == Path::new("-") {
            if !std::mem::replace(&mut self.stdin, true) {
                self.inputs.push(Input::Stdin);
            }
            return;
        }
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                let before = (self.inputs.len(), self.errors.len());
                // A folder that has been read already adds nothing, and is no mistake.
                let is_new = self.folder(path);
                if is_new && before == (self.inputs.len(), self.errors.len()) {
                    self.fail(
                        path,
                        "the folder has no *.yaml, *.yml or *.json",
                        Some("name the folder that holds the manifests"),
                    );
                }
            }
            // Also a pipe, as a shell's `<(helm template .)` makes it.
            Ok(_) => self.file(path),
            Err(error) => self.unreadable(path, &error),
        }
    }

    /// Takes what is in a folder, unless that has been taken.
    fn folder(&mut self, folder: &Path) -> bool {
        if !self.first_time(folder) {
            return false;
        }
        let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(folder, &error);
                return true;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // "." is what is meant when nothing else is: its files go by their bare names.
            let path = if folder == Path::new(".") {
                entry.file_name().into()
            } else {
                entry.path()
            };
            let manifest = is_manifest(&path);
            match fs::metadata(&path) {
                Ok(about) if about.is_dir() => {
                    self.folder(&path);
                }
                Ok(about) if manifest => self.found(&path, &about),
                Err(error) if manifest => self.unreadable(&path, &error),
                _ => {}
            }
        }
        true
    }

    fn found(&mut self, path: &Path, about: &Metadata) {
        // To open a pipe in a folder would wait for its writer for ever.
        if about.is_file() {
            self.file(path);
        } else {
            self.fail(
                path,
                "it is no regular file",
                Some("remove it from the folder, or name it on the command line"),
            );
        }
    }

    fn file(&mut self, path: &Path) {
        if self.first_time(path) {
            self.inputs.push(Input::File(path.to_owned()));
        }
    }

    fn first_time(&mut self, path: &Path) -> bool {
        fs::canonicalize(path).map_or(true, |path| self.seen.insert(path))
    }

    fn fail(&mut self, path: &Path, message: &str, remedy: Option<&str>) {
        self.errors.push(ReadError::of_file(name(path), message, remedy));
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        // A missing path and a link to nothing are told apart: the second is there when one looks.
        if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() {
            return self.fail(path, "the link points to nothing", Some("mend or remove the link"));
        }
        self.errors.push(unreadable(name(path), error));
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| ["yaml", "yml", "json"].iter().any(|known| found == *known))
}

fn unreadable(file: Arc<str>, error: &io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::of_file(file, "no such file or folder", Some("check the path")),
        io::ErrorKind::PermissionDenied => ReadError::of_file(file, "permission denied", Some("make it readable")),
        io::ErrorKind::TimedOut => ReadError::of_file(file, error.to_string(), Some("start what writes to it first")),
        _ => ReadError::of_file(file, format!("can't be read: {error}"), None),
    }
}

/// A file's name for messages. It may be any bytes, and those of a stranger.
fn name(path: &Path) -> Arc<str> {
    shown(&path.to_string_lossy()).into()
}
