//! The command `filing-operator`.

fn main() {}
