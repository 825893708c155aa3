// Package metrics has the rule's own metrics. Names follow
// [a-zA-Z_:][a-zA-Z0-9_:]*, label names [a-zA-Z_][a-zA-Z0-9_]*; others trap.
//
//	metrics.Count("runs_total", 1, sdk.L("kind", "nightly"))
package metrics

import (
	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
)

// Count adds to a counter; by is at least 0, others trap.
func Count(name string, by float64, labels ...sdk.Label) {
	host.Count(name, labels, by)
}

// Gauge sets a gauge.
func Gauge(name string, value float64, labels ...sdk.Label) {
	host.Gauge(name, labels, value)
}

// Observe observes a value in a histogram with the host's buckets.
func Observe(name string, value float64, labels ...sdk.Label) {
	host.Observe(name, labels, value)
}
