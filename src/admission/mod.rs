//! The webhook: what the API server asks about routes that are made or changed, and what it is answered.
//!
//! [`Request`] is what was asked, [`review`] decides (pure, from one snapshot), [`router`] and [`serve`] carry it over
//! TLS, with a certificate from [`certificate`] and its authority from [`secret`]. It asks nobody anything while it
//! answers, and decides nothing that the judge does not say.

pub mod certificate;
mod metrics;
mod request;
mod review;
pub mod secret;
mod server;
mod words;

#[cfg(test)]
mod fixture;

pub use metrics::Metrics;
pub use request::{Asked, BadRequest, Request, Subject};
pub use review::{Answer, Decision, review};
pub use server::{Clock, Facts, PATH, router, serve};
