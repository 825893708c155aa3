package host

import (
	"unsafe"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/abi"
)

//go:wasmimport wasmalert:rules/state@0.1.0 get
func stateGet(key string, result *abi.OptionBytes)

//go:wasmimport wasmalert:rules/state@0.1.0 set
func stateSet(key string, value unsafe.Pointer, valueLen uint32)

//go:wasmimport wasmalert:rules/state@0.1.0 delete
func stateDelete(key string)

//go:wasmimport wasmalert:rules/state@0.1.0 keys
func stateKeys(prefix string, result *abi.List[abi.String])

// GetState reads the bytes under a key, and whether there are any.
func GetState(key string) ([]byte, bool) {
	defer abi.Lifted()
	result := new(abi.OptionBytes)
	stateGet(abi.Valid(key), result)
	if !result.Some {
		return nil, false
	}
	return result.Bytes.Elements(), true
}

// SetState sets the bytes under a key.
func SetState(key string, value []byte) {
	stateSet(abi.Valid(key), pointer(value), count(value))
}

// DeleteState removes a key.
func DeleteState(key string) {
	stateDelete(abi.Valid(key))
}

// StateKeys tells the keys that start with a prefix, sorted.
func StateKeys(prefix string) []string {
	defer abi.Lifted()
	result := new(abi.List[abi.String])
	stateKeys(abi.Valid(prefix), result)
	return abi.Texts(*result)
}

//go:wasmimport wasmalert:rules/timers@0.1.0 set
func timersSet(name string, dueMs int64, payload unsafe.Pointer, payloadLen uint32)

//go:wasmimport wasmalert:rules/timers@0.1.0 cancel
func timersCancel(name string)

//go:wasmimport wasmalert:rules/timers@0.1.0 pending
func timersPending(result *abi.List[abi.Timer])

// SetTimer sets or replaces a timer.
func SetTimer(timer Timer) {
	timersSet(abi.Valid(timer.Name), timer.DueMs, pointer(timer.Payload), count(timer.Payload))
}

// CancelTimer removes a timer.
func CancelTimer(name string) {
	timersCancel(abi.Valid(name))
}

// PendingTimers tells the timers that are set, sorted by name.
func PendingTimers() []Timer {
	defer abi.Lifted()
	result := new(abi.List[abi.Timer])
	timersPending(result)
	return abi.Each(*result, func(timer *abi.Timer) Timer {
		return Timer{Name: abi.Text(timer.Name), DueMs: timer.DueMs, Payload: timer.Payload.Elements()}
	})
}

//go:wasmimport wasmalert:rules/log@0.1.0 write
func logWrite(level uint32, message string, fields unsafe.Pointer, fieldCount uint32)

// Log writes a line; levels go from 0, trace, to 4, error.
func Log(level uint32, message string, fields sdk.Labels) {
	labels := lower(fields)
	logWrite(level, abi.Valid(message), pointer(labels), count(labels))
	abi.Release()
}

//go:wasmimport wasmalert:rules/metrics@0.1.0 count
func metricsCount(name string, labels unsafe.Pointer, labelCount uint32, by float64)

//go:wasmimport wasmalert:rules/metrics@0.1.0 gauge
func metricsGauge(name string, labels unsafe.Pointer, labelCount uint32, value float64)

//go:wasmimport wasmalert:rules/metrics@0.1.0 observe
func metricsObserve(name string, labels unsafe.Pointer, labelCount uint32, value float64)

// Count adds to a counter.
func Count(name string, labels sdk.Labels, by float64) {
	lowered := lower(labels)
	metricsCount(abi.Valid(name), pointer(lowered), count(lowered), by)
	abi.Release()
}

// Gauge sets a gauge.
func Gauge(name string, labels sdk.Labels, value float64) {
	lowered := lower(labels)
	metricsGauge(abi.Valid(name), pointer(lowered), count(lowered), value)
	abi.Release()
}

// Observe observes a value in a histogram.
func Observe(name string, labels sdk.Labels, value float64) {
	lowered := lower(labels)
	metricsObserve(abi.Valid(name), pointer(lowered), count(lowered), value)
	abi.Release()
}

// lower mirrors labels that are kept until the release.
func lower(labels sdk.Labels) []abi.Label {
	return abi.OfLabels(labels).Elements()
}
