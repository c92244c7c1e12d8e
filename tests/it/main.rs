//! Everything that needs the built program or a real API server, in one binary.
