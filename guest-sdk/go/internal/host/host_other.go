//go:build !wasip1

package host

import sdk "wasmalert.dev/sdk"

func imports() Imports {
	if Current == nil {
		panic("the host is called outside an evaluation; tests use fakehost")
	}
	return Current
}

func Instant(query InstantQuery) (Frame, *sdk.Error) { return imports().Instant(query) }

func Range(query RangeQuery) (Frame, *sdk.Error) { return imports().Range(query) }

func Prefetch(instants []InstantQuery, ranges []RangeQuery) { imports().Prefetch(instants, ranges) }

func GetState(key string) ([]byte, bool) { return imports().GetState(key) }

func SetState(key string, value []byte) { imports().SetState(key, value) }

func DeleteState(key string) { imports().DeleteState(key) }

func StateKeys(prefix string) []string { return imports().StateKeys(prefix) }

func SetTimer(timer Timer) { imports().SetTimer(timer) }

func CancelTimer(name string) { imports().CancelTimer(name) }

func PendingTimers() []Timer { return imports().PendingTimers() }

func Log(level uint32, message string, fields sdk.Labels) { imports().Log(level, message, fields) }

func Count(name string, labels sdk.Labels, by float64) { imports().Count(name, labels, by) }

func Gauge(name string, labels sdk.Labels, value float64) { imports().Gauge(name, labels, value) }

func Observe(name string, labels sdk.Labels, value float64) { imports().Observe(name, labels, value) }
