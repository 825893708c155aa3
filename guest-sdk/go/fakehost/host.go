// Package fakehost is a host for tests, which need no WebAssembly: go test runs them.
//
//	host := fakehost.New(`{"above": 0.9}`)
//	host.Answer("cpu", fakehost.Value(`{host="a"}`, 0.97), fakehost.Value(`{host="b"}`, 0.12))
//	evaluation, err := host.Evaluate()
//
// It runs what package main registers. State and timers are kept from one evaluation
// to the next, and time stands still until it is moved. As in the real host, what a
// failed evaluation did is dropped; a failed query fails it, even when the rule
// swallows the error, unless the query may fail; and so do two findings with the same
// labels. Every evaluation runs twice, and panics when the runs differ, for the real
// host may run a rule as often as it likes. Limits are not kept.
//
// Series are written as Prometheus writes them: up{job="node", host="a"}.
package fakehost

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
	"wasmalert.dev/sdk/log"
	"wasmalert.dev/sdk/query"
	"wasmalert.dev/sdk/rule"
	"wasmalert.dev/sdk/timers"
)

// Host answers what a component under test asks.
type Host struct {
	// Config is the configuration as a JSON text.
	Config string
	// Labels are those of the rule.
	Labels sdk.Labels
	// Now is the time of the next evaluation; a round time in 2023 to start with.
	Now time.Time
	// Interval is the group's; a minute to start with.
	Interval time.Duration
	// State is what is kept under keys.
	State map[string][]byte
	// Timers are those that are set, by name.
	Timers map[string]timers.Timer

	answers map[asked]answer
}

// asked is a query as answers are found by it.
type asked struct {
	source, expr string
}

type answer struct {
	series []Series
	err    *sdk.Error
}

// New makes a host with a configuration.
func New(config string) *Host {
	return &Host{
		Config:   config,
		Now:      time.UnixMilli(1_700_000_000_000).UTC(),
		Interval: time.Minute,
		State:    map[string][]byte{},
		Timers:   map[string]timers.Timer{},
		answers:  map[asked]answer{},
	}
}

// Answer is what the rule's own source answers to an expression from now on, at any
// time; without an answer there are no series.
func (h *Host) Answer(expr string, series ...Series) {
	h.AnswerFrom("", expr, series...)
}

// AnswerFrom is what another source answers.
func (h *Host) AnswerFrom(source, expr string, series ...Series) {
	h.answers[asked{source, expr}] = answer{series: series}
}

// Fail has an expression fail from now on.
func (h *Host) Fail(expr, code, message string) {
	h.answers[asked{"", expr}] = answer{err: &sdk.Error{Code: code, Message: message}}
}

// Evaluation is what a successful evaluation did.
type Evaluation struct {
	Findings []Finding
	Samples  []Sample
	Log      []Line
	Metrics  []Metric
	// Queries are the expressions that were asked, each once.
	Queries []string
}

// Finding is a finding with all its labels.
type Finding struct {
	Labels      sdk.Labels
	Value       float64
	Annotations sdk.Labels
}

// Sample is a recorded sample with all its labels.
type Sample struct {
	Labels sdk.Labels
	Value  float64
}

// Line is a line of the log.
type Line struct {
	Level   log.Level
	Message string
	Fields  sdk.Labels
}

// Metric is a change of a metric.
type Metric struct {
	// Kind is count, gauge or observe.
	Kind, Name string
	Labels     sdk.Labels
	Value      float64
}

// Found are the labels of the findings as Prometheus writes them, in order.
func (e *Evaluation) Found() []string {
	var found []string
	for _, finding := range e.Findings {
		found = append(found, finding.Labels.String())
	}
	return found
}

// Evaluate runs the registered rule at a slot.
func (h *Host) Evaluate() (*Evaluation, error) {
	return h.evaluate(rule.Trigger{Kind: "interval", Due: h.Now})
}

// Fire runs the registered rule because of a timer, which is gone if it succeeds. It
// panics when there is no such timer.
func (h *Host) Fire(name string) (*Evaluation, error) {
	timer, ok := h.Timers[name]
	if !ok {
		panic("fakehost: no timer " + name)
	}
	return h.evaluate(rule.Trigger{Kind: "timer", Timer: name, Due: timer.Due, Payload: timer.Payload})
}

func (h *Host) evaluate(trigger rule.Trigger) (*Evaluation, error) {
	first, evaluation, err := h.once(trigger)
	_, again, errAgain := h.once(trigger)
	same(evaluation, again)
	same(err, errAgain)
	if err != nil {
		return nil, err
	}
	h.State, h.Timers = first.state, first.timers
	return evaluation, nil
}

func (h *Host) once(trigger rule.Trigger) (*run, *Evaluation, error) {
	run := h.run()
	delete(run.timers, trigger.Timer)
	outcome, err := with(run, func() (*rule.Outcome, error) {
		return rule.Evaluate(&rule.Context{
			Tenant: "default", Namespace: "test", Group: "test", Rule: "Test",
			Now: h.Now, Interval: h.Interval, Trigger: trigger,
			Config: h.Config, Labels: slices.Clone(h.Labels),
		})
	})
	if err != nil {
		return run, nil, err
	}
	evaluation, err := run.judge(outcome, h.Labels)
	return run, evaluation, err
}

func (h *Host) run() *run {
	return &run{answers: h.answers, state: maps.Clone(h.State), timers: maps.Clone(h.Timers), now: h.Now}
}

// with runs a component with this host, and fails as the host would.
func with[T any](run *run, component func() (T, error)) (T, error) {
	if host.Current != nil {
		panic("fakehost: an evaluation inside an evaluation, or two at a time")
	}
	host.Current = run
	defer func() { host.Current = nil }()
	result, err := component()
	if run.failure != nil {
		return result, run.failure
	}
	if err != nil {
		return result, sdk.AsError(err)
	}
	return result, nil
}

func same(a, b any) {
	if !reflect.DeepEqual(a, b) && fmt.Sprint(a) != fmt.Sprint(b) {
		panic(fmt.Sprintf("fakehost: two runs on the same inputs differ:\n%+v\n%+v", a, b))
	}
}

// judge checks an outcome, and puts in the labels of series.
func (r *run) judge(outcome *rule.Outcome, ruleLabels sdk.Labels) (*Evaluation, error) {
	evaluation := &Evaluation{Log: r.lines, Metrics: r.metrics, Queries: r.queries}
	seen := map[string]int{}
	for i, finding := range outcome.Findings {
		labels := r.labels(finding.Series, "__name__", finding.Labels)
		identity := merge(labels, ruleLabels).String()
		if first, ok := seen[identity]; ok {
			return nil, sdk.Errorf("duplicate_labels", "findings %d and %d are both %s", first, i, identity)
		}
		seen[identity] = i
		evaluation.Findings = append(evaluation.Findings, Finding{labels, finding.Value, finding.Annotations})
	}
	for _, sample := range outcome.Samples {
		labels := r.labels(sample.Series, "", sample.Labels)
		if labels.Get("__name__") == "" {
			return nil, sdk.Errorf("bad_outcome", "the recorded sample %s has no __name__", labels)
		}
		evaluation.Samples = append(evaluation.Samples, Sample{labels, sample.Value})
	}
	return evaluation, nil
}

// labels are those of a series, without one of them, and further ones on top.
func (r *run) labels(of query.Ref, without string, own sdk.Labels) sdk.Labels {
	frame, series, ok := of.Get()
	if !ok {
		return merge(own)
	}
	return merge(r.frames[frame].Labels(series), sdk.Labels{sdk.L(without, "")}, own)
}

// merge sorts labels by name; later ones win, and empty values delete.
func merge(lists ...sdk.Labels) sdk.Labels {
	values := map[string]string{}
	for _, list := range lists {
		for _, label := range list {
			values[label.Name] = label.Value
		}
	}
	var merged sdk.Labels
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] != "" {
			merged = append(merged, sdk.L(name, values[name]))
		}
	}
	return merged
}

// run is one run of a component: what its imports read and write.
type run struct {
	answers map[asked]answer
	now     time.Time
	frames  []frame
	queries []string
	state   map[string][]byte
	timers  map[string]timers.Timer
	lines   []Line
	metrics []Metric
	failure error
}

func (r *run) query(source, expr string, mayFail bool) (host.Frame, *sdk.Error) {
	if !slices.Contains(r.queries, expr) {
		r.queries = append(r.queries, expr)
	}
	answer := r.answers[asked{source, expr}]
	if answer.err != nil {
		if !mayFail && r.failure == nil {
			r.failure = answer.err
		}
		return nil, answer.err
	}
	frame := frame{id: uint32(len(r.frames)), series: answer.series, now: r.now}
	r.frames = append(r.frames, frame)
	return frame, nil
}

func (r *run) Instant(query host.InstantQuery) (host.Frame, *sdk.Error) {
	return r.query(query.Source, query.Expr, query.MayFail)
}

func (r *run) Range(query host.RangeQuery) (host.Frame, *sdk.Error) {
	return r.query(query.Source, query.Expr, query.MayFail)
}

func (r *run) Prefetch([]host.InstantQuery, []host.RangeQuery) {}

func (r *run) GetState(key string) ([]byte, bool) {
	value, ok := r.state[key]
	return slices.Clone(value), ok
}

func (r *run) SetState(key string, value []byte) { r.state[key] = slices.Clone(value) }

func (r *run) DeleteState(key string) { delete(r.state, key) }

func (r *run) StateKeys(prefix string) []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(r.state)) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (r *run) SetTimer(timer host.Timer) {
	due := time.UnixMilli(timer.DueMs).UTC()
	r.timers[timer.Name] = timers.Timer{Name: timer.Name, Due: due, Payload: slices.Clone(timer.Payload)}
}

func (r *run) CancelTimer(name string) { delete(r.timers, name) }

func (r *run) PendingTimers() []host.Timer {
	var pending []host.Timer
	for _, name := range slices.Sorted(maps.Keys(r.timers)) {
		timer := r.timers[name]
		pending = append(pending, host.Timer{Name: name, DueMs: timer.Due.UnixMilli(), Payload: timer.Payload})
	}
	return pending
}

func (r *run) Log(level uint32, message string, fields sdk.Labels) {
	r.lines = append(r.lines, Line{log.Level(level), message, slices.Clone(fields)})
}

func (r *run) Count(name string, labels sdk.Labels, by float64) {
	r.metrics = append(r.metrics, Metric{"count", name, slices.Clone(labels), by})
}

func (r *run) Gauge(name string, labels sdk.Labels, value float64) {
	r.metrics = append(r.metrics, Metric{"gauge", name, slices.Clone(labels), value})
}

func (r *run) Observe(name string, labels sdk.Labels, value float64) {
	r.metrics = append(r.metrics, Metric{"observe", name, slices.Clone(labels), value})
}
