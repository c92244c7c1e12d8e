//! filing-operator makes the ICP filing (备案) of a domain a fact that a Kubernetes cluster knows.
//!
//! The rooms, each of which may use those above it and no other: [`domain`], [`api`], [`route`], [`registry`],
//! [`rules`], [`judge`], `effects`, `report`, [`manifest`], `admission`, `controller`, `telemetry`, `cli`.

pub mod api;
pub mod domain;
pub mod judge;
pub mod manifest;
pub mod registry;
pub mod route;
pub mod rules;
#[cfg(test)]
mod support;
