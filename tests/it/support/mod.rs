//! What the tests stand on: a real control plane, the operator as a child process, and waiting without sleeping.
//!
//! Nothing here but [`stage`] knows filings, and [`review`] the webhook: it starts programs, hands out accounts and namespaces, and waits for
//! conditions. There is no `sleep` in any test; [`wait`] says what to use instead.

pub(crate) mod cli;
pub(crate) mod cluster;
pub(crate) mod data_plane;
pub(crate) mod generated;
pub(crate) mod helm;
pub(crate) mod image;
pub(crate) mod node;
pub(crate) mod operator;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod proxy;
pub(crate) mod review;
pub(crate) mod stage;
pub(crate) mod wait;

pub(crate) use cluster::Cluster;
