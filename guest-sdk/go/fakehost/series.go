package fakehost

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
)

// Series is a series of an answer.
type Series struct {
	labels  sdk.Labels
	samples []Point
}

// Point is a sample of a series.
type Point struct {
	At    time.Time
	Value float64
}

// Value makes a series with a value at the time of the evaluation. It panics when the
// text is no series.
func Value(series string, value float64) Series {
	return Series{labels: Labels(series), samples: []Point{{Value: value}}}
}

// Samples makes a series of a range, oldest sample first. It panics when the text is
// no series.
func Samples(series string, points ...Point) Series {
	return Series{labels: Labels(series), samples: points}
}

// Labels reads a series as Prometheus writes it: up{host="a"}, {host="a"} or up. It
// panics on anything else.
func Labels(series string) sdk.Labels {
	name, rest, braces := strings.Cut(strings.TrimSpace(series), "{")
	var labels sdk.Labels
	if name = strings.TrimSpace(name); name != "" {
		labels = append(labels, sdk.L("__name__", name))
	}
	for braces {
		rest = strings.TrimLeft(rest, " ,")
		if rest == "}" {
			break
		}
		label, after, _ := strings.Cut(rest, "=")
		quoted, err := strconv.QuotedPrefix(after)
		value, _ := strconv.Unquote(quoted)
		if err != nil {
			panic("fakehost: not a series: " + series)
		}
		labels = append(labels, sdk.L(strings.TrimSpace(label), value))
		rest = after[len(quoted):]
	}
	slices.SortFunc(labels, func(a, b sdk.Label) int { return cmp.Compare(a.Name, b.Name) })
	return labels
}

// frame is an answer as the rule sees it.
type frame struct {
	id     uint32
	series []Series
	now    time.Time
}

func (f frame) ID() uint32 { return f.id }

func (f frame) Len() int { return len(f.series) }

func (f frame) Drop() {}

// timeMs is a sample's time; that of the evaluation when none was given.
func (f frame) timeMs(point Point) int64 {
	if point.At.IsZero() {
		return f.now.UnixMilli()
	}
	return point.At.UnixMilli()
}

func (f frame) newest(series Series) Point {
	return series.samples[len(series.samples)-1]
}

func (f frame) Values() []float64 {
	values := make([]float64, len(f.series))
	for i, series := range f.series {
		values[i] = f.newest(series).Value
	}
	return values
}

func (f frame) TimestampsMs() []int64 {
	times := make([]int64, len(f.series))
	for i, series := range f.series {
		times[i] = f.timeMs(f.newest(series))
	}
	return times
}

func (f frame) Label(name string) host.LabelColumn {
	var column host.LabelColumn
	for _, series := range f.series {
		value := series.labels.Get(name)
		code := slices.Index(column.Values, value)
		if code < 0 {
			code = len(column.Values)
			column.Values = append(column.Values, value)
		}
		column.Codes = append(column.Codes, uint32(code))
	}
	return column
}

func (f frame) Labels(series uint32) sdk.Labels {
	return slices.Clone(f.series[series].labels)
}

func (f frame) LabelsOf(series []uint32) []sdk.Labels {
	labels := make([]sdk.Labels, len(series))
	for i, number := range series {
		labels[i] = f.Labels(number)
	}
	return labels
}

func (f frame) Samples(series uint32) host.SampleColumns {
	var columns host.SampleColumns
	for _, point := range f.series[series].samples {
		columns.TimestampsMs = append(columns.TimestampsMs, f.timeMs(point))
		columns.Values = append(columns.Values, point.Value)
	}
	return columns
}

func (f frame) SampleOffsets() []uint32 {
	offsets := []uint32{0}
	for i, series := range f.series {
		offsets = append(offsets, offsets[i]+uint32(len(series.samples)))
	}
	return offsets
}

func (f frame) AllTimestampsMs() []int64 {
	var times []int64
	for i := range f.series {
		times = append(times, f.Samples(uint32(i)).TimestampsMs...)
	}
	return times
}

func (f frame) AllValues() []float64 {
	var values []float64
	for i := range f.series {
		values = append(values, f.Samples(uint32(i)).Values...)
	}
	return values
}
