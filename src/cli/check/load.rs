//! Files, folders and standard input as texts, and these as objects. Nothing is read of an object but what it is.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::trouble::{Trouble, Troubles};
use crate::manifest::{Input, Object, ReadError, Source as Text, discover};

/// What was typed, as texts.
pub(in crate::cli) struct Loaded {
    /// In the order of what was typed.
    pub(super) sources: Vec<(Input, Result<Arc<Text>, ReadError>)>,
    pub(super) troubles: Vec<Trouble>,
}

/// The most bytes that are read at a time: it all has to stand in memory.
const MAX_INPUT: u64 = 1 << 30;

fn too_much(input: &Input) -> ReadError {
    ReadError {
        file: input.name(),
        position: None,
        message: "with this file the input is larger than 1 GiB".to_owned(),
        remedy: Some("check it in parts".to_owned()),
        excerpt: None,
    }
}

/// Loads everything that was typed.
pub(in crate::cli) fn load(paths: &[PathBuf]) -> Loaded {
    let (inputs, errors) = discover(paths);
    let mut size: u64 = 0;
    let inputs: Vec<(Input, bool)> = inputs
        .into_iter()
        .map(|input| {
            size = size.saturating_add(input.size());
            (input, size > MAX_INPUT)
        })
        .collect();
    let sources = inputs.into_par_iter().map(|(input, is_too_much)| {
        let source = if is_too_much {
            Err(too_much(&input))
        } else {
            input.load()
        };
        (input, source)
    });
    Loaded {
        sources: sources.collect(),
        troubles: errors.into_iter().map(Trouble::from).collect(),
    }
}

/// Every object of what was loaded, in its order, and what can't be told apart into objects.
pub(in crate::cli) fn objects(loaded: &Loaded) -> (Vec<Object>, Troubles) {
    let mut troubles = Troubles::default();
    for trouble in &loaded.troubles {
        troubles.add(&trouble.told.source.file, || trouble.clone());
    }
    let documents: Vec<_> = loaded
        .sources
        .par_iter()
        .flat_map_iter(|(_, source)| match source {
            Ok(source) => source.documents(),
            Err(error) => vec![Err(error.clone())],
        })
        .collect();
    let objects: Vec<Result<Object, ReadError>> = documents
        .into_par_iter()
        .flat_map_iter(|document| match document {
            Ok(document) => document.objects(),
            Err(error) => vec![Err(error)],
        })
        .collect();
    let objects = objects
        .into_iter()
        .filter_map(|object| {
            let failed = object.map_err(|error| troubles.add(&error.file.clone(), || error.into()));
            failed.ok()
        })
        .collect();
    (objects, troubles)
}
