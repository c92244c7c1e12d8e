//! The queues and what comes of them, in a world without an API server.

mod queues;
mod stories;
mod world;
