//! Reading JSON as a type, with the path of the field that does not fit.

use serde::Deserialize;
use serde_json::Value;
use serde_path_to_error::{Path, Track};

/// A value is not of the type that is due.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Misread {
    /// The field.
    pub path: Path,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a value as a type. What the type does not have is passed over.
///
/// The types are large and are read from many kinds of input; behind a type-erased reader each is compiled once.
///
/// # Errors
/// Names the first field that does not fit.
pub fn read<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, Misread> {
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let result = erased_serde::deserialize(&mut <dyn erased_serde::Deserializer<'a>>::erase(tracked));
    result.map_err(|error| Misread {
        path: track.path(),
        message: error.to_string(),
    })
}
