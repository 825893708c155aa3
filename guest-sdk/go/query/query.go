// Package query asks the rule's sources. Results are frames, which the host holds
// as columns.
//
// A query fails with a [*sdk.Error] whose code says why, such as query_timeout.
// The evaluation then fails with that code too, whatever the rule returns, so that
// no alert changes: pass the error on. With MayFail the rule itself decides what
// a failure means.
package query

import (
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
)

// Instant is a query of the present: one value for each series.
type Instant struct {
	// Expr is the query's text, in the source's language (PromQL for Prometheus).
	Expr string
	// Source is the name of the source; empty means the rule's own.
	Source string
	// At is the time asked for; zero means the slot's.
	At time.Time
	// MayFail lets the rule decide what a failure means.
	MayFail bool
}

// Range is a query of a span of time: many samples for each series.
type Range struct {
	// Expr and Source are as in [Instant].
	Expr, Source string
	// Start and End are the first and the last sample's time, inclusive.
	Start, End time.Time
	// Step is the distance of samples, at least a millisecond.
	Step time.Duration
	// MayFail lets the rule decide what a failure means.
	MayFail bool
}

// Ask asks the rule's own source for the present.
func Ask(expr string) (*Frame, error) {
	return Instant{Expr: expr}.Ask()
}

// AskAll asks several queries of the present at once, which saves rounds. It
// returns the first failure.
func AskAll(exprs ...string) ([]*Frame, error) {
	queries := make([]Instant, len(exprs))
	for i, expr := range exprs {
		queries[i].Expr = expr
	}
	Prefetch(queries, nil)
	frames := make([]*Frame, len(queries))
	for i, query := range queries {
		frame, err := query.Ask()
		if err != nil {
			return nil, err
		}
		frames[i] = frame
	}
	return frames, nil
}

// Last is the query of the span that ends at a time, usually the context's Now.
func Last(span time.Duration, expr string, end time.Time, step time.Duration) Range {
	return Range{Expr: expr, Start: end.Add(-span), End: end, Step: step}
}

// Prefetch has several queries fetched at once, so that asking each later costs
// no further round. Failures show up where a query is asked.
func Prefetch(instants []Instant, ranges []Range) {
	hostInstants := make([]host.InstantQuery, len(instants))
	for i, query := range instants {
		hostInstants[i] = query.host()
	}
	hostRanges := make([]host.RangeQuery, len(ranges))
	for i, query := range ranges {
		hostRanges[i] = query.host()
	}
	host.Prefetch(hostInstants, hostRanges)
}

// Ask asks.
func (q Instant) Ask() (*Frame, error) {
	return answer(host.Instant(q.host()))
}

// Ask asks.
func (q Range) Ask() (*Frame, error) {
	return answer(host.Range(q.host()))
}

func answer(frame host.Frame, err *sdk.Error) (*Frame, error) {
	if err != nil {
		return nil, err
	}
	return &Frame{host: frame}, nil
}

func (q Instant) host() host.InstantQuery {
	query := host.InstantQuery{Source: q.Source, Expr: q.Expr, MayFail: q.MayFail}
	if !q.At.IsZero() {
		timeMs := q.At.UnixMilli()
		query.TimeMs = &timeMs
	}
	return query
}

func (q Range) host() host.RangeQuery {
	return host.RangeQuery{
		Source:  q.Source,
		Expr:    q.Expr,
		StartMs: q.Start.UnixMilli(),
		EndMs:   q.End.UnixMilli(),
		StepMs:  uint64(max(q.Step.Milliseconds(), 1)),
		MayFail: q.MayFail,
	}
}
