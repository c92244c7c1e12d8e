//! The webhook: what the API server asks about routes that are made or changed, and about what is declared; and what it
//! is answered.
//!
//! [`Request`] is what was asked, [`review`] decides (pure, from one snapshot), [`review_declaration`] only warns, [`router`] and [`serve`] carry it over
//! TLS, with what [`from_files`] or an [`Authority`] gives; [`authority`] keeps that in a Secret, and [`apply_ca_bundle`]
//! tells the API server. [`Denials`] lets Events tell of what was denied. It decides nothing that the judge does not say.

mod answer;
mod certificate;
mod declarations;
mod denials;
mod event;
mod freshness;
mod limits;
mod listener;
mod metrics;
mod registration;
mod request;
mod review;
mod secret;
mod server;
mod words;

#[cfg(test)]
mod fixture;

pub use answer::{Answer, Decision};
pub use certificate::{Authority, CertificateError, Serving, from_files};
pub use declarations::{DECLARATIONS_PATH, Declared, DeclaredRequest, DeclaredSubject, Deleted, review_declaration};
pub use denials::{DenialEvents, Denials};
pub use event::create_event;
pub use freshness::{Freshness, Question, Unsure};
pub use listener::serve;
pub use metrics::Metrics;
pub use registration::{CaBundle, RegistrationError, apply_ca_bundle};
pub use request::{Asked, BadRequest, Request, Subject};
pub use review::review;
pub use secret::{SecretError, authority};
pub use server::{Clock, Facts, PATH, Webhook, router};
