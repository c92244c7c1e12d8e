//! What is wrong with the input, as it is told: with its place, and of each file no more than a person reads.

use std::collections::HashMap;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};

use super::{source, whole};
use crate::domain::shown::shown;
use crate::manifest::ReadError;
use crate::report::{InputError, Source};

/// The most errors that are told of one file. Where there are more, most come from one mistake.
const MAX_ERRORS: usize = 100;

/// Something that can't be read or used, for programs and for people.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Trouble {
    pub(in crate::cli) told: InputError,
    pub(in crate::cli) rendered: String,
}

impl Trouble {
    pub(in crate::cli) fn new(message: impl AsRef<str>, source: Source) -> Self {
        const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
        const ARROW: Style = AnsiColor::BrightBlue.on_default().bold();
        let message = shown(message.as_ref()).into_owned();
        Self {
            rendered: format!("{ERROR}error{ERROR:#}: {message}\n {ARROW}-->{ARROW:#} {source}"),
            told: InputError { message, source },
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        let rendered = error.render(true);
        let source = error.location().map_or_else(|| whole(&error.file), source);
        let message = match error.remedy {
            Some(remedy) => format!("{}; {remedy}", error.message),
            None => error.message,
        };
        Self {
            told: InputError { message, source },
            rendered,
        }
    }
}

/// The errors of the input, and of each file no more than a person reads.
#[derive(Default)]
pub(in crate::cli) struct Troubles {
    kept: Vec<Trouble>,
    by_file: HashMap<Arc<str>, usize>,
}

impl Troubles {
    pub(super) fn add(&mut self, file: &Arc<str>, trouble: impl FnOnce() -> Trouble) {
        let count = self.by_file.entry(Arc::clone(file)).or_default();
        *count += 1;
        if *count <= MAX_ERRORS {
            self.kept.push(trouble());
        }
    }

    pub(in crate::cli) fn all(self) -> Vec<Trouble> {
        let mut kept = self.kept;
        let mut more: Vec<(Arc<str>, usize)> = self
            .by_file
            .into_iter()
            .filter(|(_, count)| *count > MAX_ERRORS)
            .collect();
        more.sort();
        kept.extend(more.into_iter().map(|(file, count)| {
            let message = format!(
                "there are {} more errors in this file; mend the first ones",
                count - MAX_ERRORS
            );
            Trouble::new(message, whole(&file))
        }));
        kept
    }
}
