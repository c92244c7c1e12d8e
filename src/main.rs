//! The command `filing-operator`.

use std::process::ExitCode;

fn main() -> ExitCode {
    filing_operator::cli::main()
}
