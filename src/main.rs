//! The command `filing-operator`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    filing_operator::cli::main()
}
