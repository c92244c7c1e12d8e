//! filing-operator makes the ICP filing (备案) of a domain a fact that a Kubernetes cluster knows.
//!
//! The rooms, each of which may use those before it and no other: [`domain`], [`api`], [`route`], [`registry`],
//! [`mend`], [`rules`], [`judge`], [`effects`], [`plan`], [`report`], [`exchange`], [`manifest`], [`admission`],
//! [`notify`], [`controller`], [`telemetry`], [`operator`], [`cli`].

#![forbid(unsafe_code)]

pub mod admission;
pub mod api;
pub mod cli;
pub mod controller;
pub mod domain;
pub mod effects;
pub mod exchange;
pub mod judge;
pub mod manifest;
pub mod mend;
pub mod notify;
pub mod operator;
pub mod plan;
pub mod registry;
pub mod report;
pub mod route;
pub mod rules;
#[cfg(test)]
mod support;
pub mod telemetry;
