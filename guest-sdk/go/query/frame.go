package query

import (
	"iter"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
)

// Frame is a query's result: series, numbered from 0, in the order the source gave
// them. It stays in the host, and what is asked of it is copied: columns in one
// call for all series, labels only for the series that matter. Numbers of series
// that are not there panic or trap.
type Frame struct {
	host   host.Frame
	id     uint32
	hasID  bool
	values []float64
}

// Ref points at a series of a frame, for findings and recorded samples; see
// [Series.Ref]. The zero value points at none.
type Ref struct {
	frame, series uint32
	some          bool
}

// Get returns the number of the frame and that of the series in it, and whether the
// reference points at any.
func (r Ref) Get() (frame, series uint32, ok bool) {
	return r.frame, r.series, r.some
}

// Len is the number of series.
func (f *Frame) Len() int {
	return f.host.Len()
}

// ID is the number by which findings and recorded samples point at the frame.
func (f *Frame) ID() uint32 {
	if !f.hasID {
		f.id, f.hasID = f.host.ID(), true
	}
	return f.id
}

// Values returns the newest value of each series. They are copied from the host
// once; the same slice is returned again.
func (f *Frame) Values() []float64 {
	if f.values == nil {
		f.values = f.host.Values()
	}
	return f.values
}

// TimestampsMs returns the time of the newest value of each series in ms since the
// epoch.
func (f *Frame) TimestampsMs() []int64 {
	return f.host.TimestampsMs()
}

// Series goes through all series with their newest values.
func (f *Frame) Series() iter.Seq[Series] {
	return func(yield func(Series) bool) {
		for i, value := range f.Values() {
			if !yield(Series{frame: f, Index: i, Value: value}) {
				return
			}
		}
	}
}

// At returns one series.
func (f *Frame) At(series int) Series {
	return Series{frame: f, Index: series, Value: f.Values()[series]}
}

// Label returns one label of all series; much cheaper than the labels of each.
func (f *Frame) Label(name string) LabelColumn {
	column := f.host.Label(name)
	return LabelColumn{Values: column.Values, Codes: column.Codes}
}

// Labels returns all labels of one series.
func (f *Frame) Labels(series int) sdk.Labels {
	return f.host.Labels(uint32(series))
}

// LabelsOf returns all labels of many series in one call, in the order asked.
func (f *Frame) LabelsOf(series ...int) []sdk.Labels {
	numbers := make([]uint32, len(series))
	for i, number := range series {
		numbers[i] = uint32(number)
	}
	return f.host.LabelsOf(numbers)
}

// Samples returns all samples of one series, oldest first; one sample in the result
// of an [Instant].
func (f *Frame) Samples(series int) Samples {
	samples := f.host.Samples(uint32(series))
	return Samples{TimestampsMs: samples.TimestampsMs, Values: samples.Values}
}

// SampleOffsets says where each series' samples lie in the columns of all samples:
// series i has offsets[i]:offsets[i+1]. It is one longer than there are series.
func (f *Frame) SampleOffsets() []uint32 {
	return f.host.SampleOffsets()
}

// AllTimestampsMs returns the sample times of all series, one after the other, in
// ms since the epoch.
func (f *Frame) AllTimestampsMs() []int64 {
	return f.host.AllTimestampsMs()
}

// AllValues returns the sample values of all series, one after the other.
func (f *Frame) AllValues() []float64 {
	return f.host.AllValues()
}

// Close lets the host drop the frame before the run ends. Findings may point at
// its series nevertheless. Only a rule with many large results needs it.
func (f *Frame) Close() {
	f.host.Drop()
}

// Series is one series of a frame, with its newest value.
type Series struct {
	frame *Frame
	// Index is its number in the frame.
	Index int
	// Value is its newest value.
	Value float64
}

// Ref points at the series.
func (s Series) Ref() Ref {
	return Ref{frame: s.frame.ID(), series: uint32(s.Index), some: true}
}

// Label returns the value of one label; the empty text stands for an absent one.
// It is a call of the host: for many series take the column, [Frame.Label].
func (s Series) Label(name string) string {
	return s.Labels().Get(name)
}

// Labels returns all labels. It is a call of the host: for many series use
// [Frame.LabelsOf].
func (s Series) Labels() sdk.Labels {
	return s.frame.Labels(s.Index)
}

// Samples returns all samples, oldest first.
func (s Series) Samples() Samples {
	return s.frame.Samples(s.Index)
}

// LabelColumn is one label of all series.
type LabelColumn struct {
	// Values are the different values of the label.
	Values []string
	// Codes has for each series the index of its value; the empty text stands
	// for an absent label.
	Codes []uint32
}

// At returns the label's value of one series.
func (c LabelColumn) At(series int) string {
	return c.Values[c.Codes[series]]
}

// All goes through the label's value of each series, in order.
func (c LabelColumn) All() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, code := range c.Codes {
			if !yield(i, c.Values[code]) {
				return
			}
		}
	}
}

// Samples are the samples of one series, oldest first.
type Samples struct {
	// TimestampsMs are their times in ms since the epoch.
	TimestampsMs []int64
	// Values are their values.
	Values []float64
}

// Len is the number of samples.
func (s Samples) Len() int {
	return len(s.Values)
}
