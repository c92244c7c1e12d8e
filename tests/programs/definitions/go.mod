module filing-operator.io/tests/programs/definitions

go 1.26.0

// Definitions of resources that other projects ship as files beside their code. Nothing is built.
require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/openreports/reports-api v0.2.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
