//! The queues and what comes of them, in a world without an API server.

mod stories;
pub(super) mod world;
