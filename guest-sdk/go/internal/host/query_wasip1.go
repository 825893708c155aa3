package host

import (
	"unsafe"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/abi"
)

//go:wasmimport wasmalert:rules/query@0.1.0 instant
func instant(source, expr string, hasTime bool, timeMs int64, mayFail bool, result *abi.QueryResult)

//go:wasmimport wasmalert:rules/query@0.1.0 range
func rangeQuery(source, expr string, startMs, endMs int64, stepMs uint64, mayFail bool, result *abi.QueryResult)

//go:wasmimport wasmalert:rules/query@0.1.0 prefetch
func prefetch(instants unsafe.Pointer, instantCount uint32, ranges unsafe.Pointer, rangeCount uint32)

// Instant asks for the present.
func Instant(query InstantQuery) (Frame, *sdk.Error) {
	var timeMs int64
	if query.TimeMs != nil {
		timeMs = *query.TimeMs
	}
	result := new(abi.QueryResult)
	instant(abi.Valid(query.Source), abi.Valid(query.Expr), query.TimeMs != nil, timeMs, query.MayFail, result)
	return liftResult(result)
}

// Range asks for a span of time.
func Range(query RangeQuery) (Frame, *sdk.Error) {
	result := new(abi.QueryResult)
	rangeQuery(abi.Valid(query.Source), abi.Valid(query.Expr), query.StartMs, query.EndMs, query.StepMs, query.MayFail, result)
	return liftResult(result)
}

func liftResult(result *abi.QueryResult) (Frame, *sdk.Error) {
	defer abi.Lifted()
	if result.Failed {
		return nil, result.Error.Lift()
	}
	return frame(result.Frame()), nil
}

// Prefetch has queries fetched at once.
func Prefetch(instants []InstantQuery, ranges []RangeQuery) {
	abi.Keep(instants)
	abi.Keep(ranges)
	defer abi.Release()
	loweredInstants := make([]abi.InstantQuery, len(instants))
	for i, query := range instants {
		lowered := &loweredInstants[i]
		lowered.Source, lowered.Expr, lowered.MayFail = abi.OfText(query.Source), abi.OfText(query.Expr), query.MayFail
		if query.TimeMs != nil {
			lowered.HasTime, lowered.TimeMs = true, *query.TimeMs
		}
	}
	loweredRanges := make([]abi.RangeQuery, len(ranges))
	for i, query := range ranges {
		loweredRanges[i] = abi.RangeQuery{
			Source: abi.OfText(query.Source), Expr: abi.OfText(query.Expr),
			StartMs: query.StartMs, EndMs: query.EndMs, StepMs: query.StepMs, MayFail: query.MayFail,
		}
	}
	prefetch(pointer(loweredInstants), count(loweredInstants), pointer(loweredRanges), count(loweredRanges))
}

//go:wasmimport wasmalert:rules/query@0.1.0 [resource-drop]frame
func dropFrame(frame uint32)

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.id
func frameID(frame uint32) uint32

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.len
func frameLen(frame uint32) uint32

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.values-packed
func frameValues(frame uint32, result *abi.List[byte])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.timestamps-ms-packed
func frameTimestampsMs(frame uint32, result *abi.List[byte])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.label
func frameLabel(frame uint32, name string, result *abi.LabelColumn)

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.labels
func frameLabels(frame, series uint32, result *abi.List[abi.Label])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.labels-of
func frameLabelsOf(frame uint32, series unsafe.Pointer, count uint32, result *abi.List[abi.List[abi.Label]])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.samples
func frameSamples(frame, series uint32, result *abi.SampleColumns)

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.sample-offsets
func frameSampleOffsets(frame uint32, result *abi.List[uint32])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.all-timestamps-ms-packed
func frameAllTimestampsMs(frame uint32, result *abi.List[byte])

//go:wasmimport wasmalert:rules/query@0.1.0 [method]frame.all-values-packed
func frameAllValues(frame uint32, result *abi.List[byte])

// frame is the handle of a frame. Columns of numbers are asked for as bytes, which
// lie in memory as the numbers would.
type frame uint32

func (f frame) ID() uint32 { return frameID(uint32(f)) }

func (f frame) Len() int { return int(frameLen(uint32(f))) }

func (f frame) Drop() { dropFrame(uint32(f)) }

func (f frame) Values() []float64 { return column[float64](f, frameValues) }

func (f frame) TimestampsMs() []int64 { return column[int64](f, frameTimestampsMs) }

func (f frame) AllTimestampsMs() []int64 { return column[int64](f, frameAllTimestampsMs) }

func (f frame) AllValues() []float64 { return column[float64](f, frameAllValues) }

func column[T int64 | float64](f frame, ask func(uint32, *abi.List[byte])) []T {
	defer abi.Lifted()
	result := new(abi.List[byte])
	ask(uint32(f), result)
	return abi.Packed[T](*result)
}

func (f frame) Label(name string) LabelColumn {
	defer abi.Lifted()
	result := new(abi.LabelColumn)
	frameLabel(uint32(f), abi.Valid(name), result)
	return LabelColumn{Values: abi.Texts(result.Values), Codes: result.Codes.Elements()}
}

func (f frame) Labels(series uint32) sdk.Labels {
	defer abi.Lifted()
	result := new(abi.List[abi.Label])
	frameLabels(uint32(f), series, result)
	return abi.Labels(*result)
}

func (f frame) LabelsOf(series []uint32) []sdk.Labels {
	defer abi.Lifted()
	result := new(abi.List[abi.List[abi.Label]])
	frameLabelsOf(uint32(f), pointer(series), count(series), result)
	return abi.Each(*result, func(labels *abi.List[abi.Label]) sdk.Labels { return abi.Labels(*labels) })
}

func (f frame) Samples(series uint32) SampleColumns {
	defer abi.Lifted()
	result := new(abi.SampleColumns)
	frameSamples(uint32(f), series, result)
	return SampleColumns{TimestampsMs: result.TimestampsMs.Elements(), Values: result.Values.Elements()}
}

func (f frame) SampleOffsets() []uint32 {
	defer abi.Lifted()
	result := new(abi.List[uint32])
	frameSampleOffsets(uint32(f), result)
	return result.Elements()
}

// pointer is where the elements of a slice lie.
func pointer[T any](elements []T) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(elements))
}

func count[T any](elements []T) uint32 {
	return uint32(len(elements))
}
