//! Kubernetes manifests from files, folders and standard input: what `check` judges, and where each value stands.
//!
//! Documents are read as kubectl reads them, and one that is broken never hides the others. This room knows YAML and
//! JSON, file names, lines and columns; it must not know what an object means, and decides nothing about it.
//!
//! The way through it: [`discover`] turns what was typed into inputs, [`Input::load`] reads one into a [`Source`],
//! [`Source::documents`] splits that, [`Document::objects`] gives its Kubernetes objects (those of a `List` one by
//! one), and [`Object::read`] makes a typed value. Documents share nothing mutable, so callers may read them in
//! parallel. [`Object::locate`] turns field paths into lines and columns, only when something is to be shown.
//! [`Source::mended`] writes other texts where some stand, and leaves every byte around them as it is.

mod discover;
mod error;
mod fields;
mod list;
mod locate;
mod object;
mod source;
mod splice;
mod split;
mod survey;
#[cfg(test)]
mod tests;
mod yaml;

pub(crate) use fields::nearest;

pub use discover::{Input, discover};
pub use error::{Location, Position, ReadError};
pub use object::{Document, Object, Strictness, TypeMeta};
pub use source::Source;
pub use splice::{Left, Mended, Why};
