//! The webhook: what the API server asks about routes that are made or changed, and what it is answered.
//!
//! [`Request`] is what was asked, [`review`] decides (pure, from one snapshot), [`router`] and [`serve`] carry it over
//! TLS, with what [`from_files`] or an [`Authority`] gives; [`authority`] keeps that in a Secret. [`Denials`] lets Events tell of what was denied. It asks nobody
//! anything while it answers, and decides nothing that the judge does not say.

mod certificate;
mod denials;
mod event;
mod metrics;
mod request;
mod review;
mod secret;
mod server;
mod words;

#[cfg(test)]
mod fixture;

pub use certificate::{Authority, CertificateError, Serving, from_files};
pub use denials::{DenialEvents, Denials};
pub use event::create_event;
pub use metrics::Metrics;
pub use request::{Asked, BadRequest, Request, Subject};
pub use review::{Answer, Decision, review};
pub use secret::{CaBundle, SecretError, apply_ca_bundle, authority};
pub use server::{Clock, Facts, PATH, router, serve};
