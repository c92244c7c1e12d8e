module filing-operator.io/tests/programs/openreports

go 1.26.0

// The definition of Report, which its project ships as a file beside its code. Nothing is built.
require github.com/openreports/reports-api v0.2.1
