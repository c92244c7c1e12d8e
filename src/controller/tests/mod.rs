//! The queues and what comes of them, in a world without an API server, and a scripted one for what is written.

pub(super) mod api;
mod blocking;
mod drift;
mod stories;
pub(super) mod world;
mod year;
