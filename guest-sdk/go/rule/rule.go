// Package rule makes a component of alert logic: it says what is wrong right now,
// and the host owns pending, firing and resolved.
//
//	func init() {
//		rule.Register(rule.Definition[Config]{Name: "high-cpu", Evaluate: evaluate, …})
//	}
//
// A rule is a pure function of its inputs. The host may run it several times for
// one slot, each time in a fresh instance, and only a run that succeeds takes
// effect.
package rule

import (
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/json"
)

// Definition is what a rule is. C is its configuration, read from JSON strictly:
// an unknown field is an error, and so is a missing one, unless it is marked
// omitempty or omitzero. Use struct{} for none.
type Definition[C any] struct {
	// Name is short, for people.
	Name string
	// Doc says what the rule does, in a sentence or a page of Markdown.
	Doc string
	// ConfigSchema is the JSON Schema of the configuration; empty accepts anything.
	ConfigSchema string
	// Queries are instant queries on the default source that are asked at every
	// slot, so that the host fetches them ahead.
	Queries []string
	// Extras are named facts for the host.
	Extras sdk.Labels
	// Evaluate evaluates the rule once. An error leaves every alert as it was and
	// shows up in the rule's health; so does a panic. No outcome is an empty one.
	Evaluate func(context *Context, config C) (*Outcome, error)
}

// Context is everything an evaluation knows before it asks.
type Context struct {
	Tenant, Namespace, Group, Rule string
	// Now is the slot's time, in whole milliseconds: the only clock there is.
	Now time.Time
	// Interval is the group's.
	Interval time.Duration
	// Trigger is why this evaluation happens.
	Trigger Trigger
	// Config is the rule's configuration as a JSON text.
	Config string
	// Labels are those that the host will put on every alert of this rule.
	Labels sdk.Labels
	// Extras are named facts.
	Extras sdk.Labels
}

// Trigger is why an evaluation happens.
type Trigger struct {
	// Kind is interval or timer.
	Kind string
	// Timer is the timer's name; empty at a slot.
	Timer string
	// Due is when the timer was due; the slot's time at a slot.
	Due time.Time
	// Payload is the timer's; empty at a slot.
	Payload []byte
}

// IsTimer says whether a timer causes the evaluation.
func (t Trigger) IsTimer() bool {
	return t.Kind == "timer"
}

// Register makes the program a component of this rule. Call it once, in an init
// function; the program's main function stays empty.
func Register[C any](definition Definition[C]) {
	if registered != nil {
		panic("rule.Register: a component has one rule")
	}
	registered = definition
}

// registered is the component's rule.
var registered component

type component interface {
	describe() Description
	evaluate(context *Context) (*Outcome, error)
}

// Description is what a component tells of itself.
type Description struct {
	Name, Doc, ConfigSchema string
	Queries                 []string
	Extras                  sdk.Labels
}

// Describe tells what the registered rule is, as the host asks it. For tests.
func Describe() Description {
	return the().describe()
}

// Evaluate runs the registered rule, as the host does. For tests.
func Evaluate(context *Context) (*Outcome, error) {
	return the().evaluate(context)
}

func the() component {
	if registered == nil {
		panic("no rule: call rule.Register in an init function")
	}
	return registered
}

func (d Definition[C]) describe() Description {
	return Description{Name: d.Name, Doc: d.Doc, ConfigSchema: d.ConfigSchema, Queries: d.Queries, Extras: d.Extras}
}

func (d Definition[C]) evaluate(context *Context) (*Outcome, error) {
	config, err := json.Config[C](context.Config)
	if err != nil {
		return nil, err
	}
	outcome, err := d.Evaluate(context, config)
	if err != nil {
		return nil, err
	}
	if outcome == nil {
		outcome = new(Outcome)
	}
	return outcome, nil
}
