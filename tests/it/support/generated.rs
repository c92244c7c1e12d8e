//! Files that are made of something else, and kept beside it for people.

use std::path::Path;
use std::{env, fs};

/// Asserts that a file, from the package's folder, holds what is due. Where `variable` is set in the environment it is written
/// first; a failure names the first line that differs, and that command for the tests `tests`.
#[track_caller]
pub(crate) fn holds(file: &str, due: &str, variable: &str, tests: &str) {
    let path = Path::new(file);
    if env::var_os(variable).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, due).unwrap();
    }
    let held = fs::read_to_string(path).unwrap_or_default();
    let line = held.lines().zip(due.lines()).position(|(held, due)| held != due);
    let differs = line.or_else(|| (held != due).then(|| held.lines().count().min(due.lines().count())));
    if let Some(line) = differs {
        let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
        panic!(
            "{file}:{}\n- {}\n+ {}\nmend it with: {variable}=1 cargo test --test it {tests}",
            line + 1,
            at(&held),
            at(due)
        );
    }
}
