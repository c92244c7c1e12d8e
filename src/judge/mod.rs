//! The one judge: what may be served, under which filing, and until when that holds. Pure and synchronous: the same
//! route, facts and moment give the same verdict to whoever asks.

mod declaration;
mod route;
#[cfg(test)]
mod tests;
mod unreadable;
mod verdict;

pub use declaration::{Declaration, judge_filing, judge_server};
pub use route::{judge, judge_until};
pub use unreadable::{unreadable, unreadable_declaration};
pub use verdict::{Exemption, FilingRef, HostVerdict, Outcome, Verdict};
