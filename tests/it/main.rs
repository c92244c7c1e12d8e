//! Everything that needs the built program or a real API server, in one binary.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, and whatever helps it, fails by panicking; clippy's own exemption stops at functions marked #[test]"
)]

mod agreement;
mod annotations;
mod blocking;
mod book;
mod break_glass;
mod certificates;
mod chart;
mod check;
mod check_live;
mod cluster;
mod corpus;
mod crashes;
mod declarations;
mod denials;
mod examples;
mod exchange;
mod faults;
mod fix;
mod freshness;
mod gitops;
mod hostile;
mod image;
mod node;
mod notices;
mod outputs;
mod overload;
mod plan;
mod plugin;
mod probe;
mod registration;
mod release;
mod reports;
mod rooms;
mod run;
mod shapes;
mod support;
mod threats;
mod traces;
mod traffic;
mod updates;
