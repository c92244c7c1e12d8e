//! What the operator tells of itself: logs, metrics and health. It reads what the other rooms publish, counts nothing
//! that they count already, and decides nothing.

mod logs;
mod metrics;
mod server;
mod traces;

pub use logs::{LogError, LogFormat, init};
pub use metrics::{Certificates, Metrics};
pub use server::{Health, serve};
pub use traces::{Traces, TracesError};
