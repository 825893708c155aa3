// Package host has the functions that the host gives to a component: its imports,
// in Go's own types. In a component they are the host's (host_wasip1.go), in a
// test they are those of [wasmalert.dev/sdk/fakehost] (host_other.go).
package host

import sdk "wasmalert.dev/sdk"

// InstantQuery asks for the present.
type InstantQuery struct {
	Source, Expr string
	// TimeMs is the time asked for; nil means the slot's.
	TimeMs  *int64
	MayFail bool
}

// RangeQuery asks for a span of time.
type RangeQuery struct {
	Source, Expr   string
	StartMs, EndMs int64
	StepMs         uint64
	MayFail        bool
}

// LabelColumn is one label of all series.
type LabelColumn struct {
	Values []string
	Codes  []uint32
}

// SampleColumns are the samples of one series.
type SampleColumns struct {
	TimestampsMs []int64
	Values       []float64
}

// Timer is a timer that is set.
type Timer struct {
	Name    string
	DueMs   int64
	Payload []byte
}

// Frame is a query's result, which the host holds.
type Frame interface {
	ID() uint32
	Len() int
	Values() []float64
	TimestampsMs() []int64
	Label(name string) LabelColumn
	Labels(series uint32) sdk.Labels
	LabelsOf(series []uint32) []sdk.Labels
	Samples(series uint32) SampleColumns
	SampleOffsets() []uint32
	AllTimestampsMs() []int64
	AllValues() []float64
	Drop()
}

// Imports are what a host in a test answers.
type Imports interface {
	Instant(InstantQuery) (Frame, *sdk.Error)
	Range(RangeQuery) (Frame, *sdk.Error)
	Prefetch([]InstantQuery, []RangeQuery)
	GetState(key string) ([]byte, bool)
	SetState(key string, value []byte)
	DeleteState(key string)
	StateKeys(prefix string) []string
	SetTimer(Timer)
	CancelTimer(name string)
	PendingTimers() []Timer
	Log(level uint32, message string, fields sdk.Labels)
	Count(name string, labels sdk.Labels, by float64)
	Gauge(name string, labels sdk.Labels, value float64)
	Observe(name string, labels sdk.Labels, value float64)
}

// Current answers while a test runs a component, and is nil else. In a component
// nothing looks at it.
var Current Imports
