//! The webhook: what the API server asks about routes that are made or changed, and about what is declared; and what it
//! is answered.
//!
//! [`Request`] is what was asked, [`review`] decides (pure, from one snapshot), [`review_declaration`] only warns, [`router`] and [`serve`]
//! carry it over TLS, with the certificate that a [`Keeper`] keeps current; [`Wanted`] is how the API server is to know of it, and
//! [`register`] tells it. [`Denials`] lets Events tell of what was denied. It decides nothing that the judge does not say.

mod answer;
mod authority;
mod certificate;
mod clients;
mod declarations;
mod denials;
mod event;
mod follow;
mod freshness;
mod keeper;
mod limits;
mod listener;
mod metrics;
mod registration;
mod request;
mod review;
mod rotation;
mod secret;
mod server;
mod trace;
mod words;

#[cfg(test)]
mod fixture;

pub use answer::{Answer, Decision, Review};
pub use authority::Authority;
pub use certificate::{CertificateError, Pair, Serving};
pub use declarations::{DECLARATIONS_PATH, Declared, DeclaredRequest, DeclaredSubject, Deleted, review_declaration};
pub use denials::{DenialEvents, Denials};
pub use event::create_event;
pub use follow::{Live, follow};
pub use freshness::{Freshness, Question, Unsure};
pub use keeper::{ClientFile, Current, KeepError, Keeper, Source};
pub use listener::{Shown, serve, serve_one};
pub use metrics::Metrics;
pub use registration::{FailurePolicy, RegistrationError, Trust, Wanted, own_webhooks, register};
pub use request::{Asked, BadRequest, Envelope, Request, Subject};
pub use review::review;
pub use rotation::Lifetimes;
pub use server::{Clock, Facts, PATH, Webhook, router};
pub(crate) use words::PROBED;
