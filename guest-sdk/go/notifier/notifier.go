// Package notifier makes a component that turns alerts into HTTP requests, which
// the host sends.
//
//	func init() {
//		notifier.Register(notifier.Definition[Config]{Name: "chat", Notify: notify, …})
//	}
//
// A notifier has no clock and no network; like a rule it is a pure function of its
// inputs. It may use the packages state and log.
package notifier

import (
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/json"
)

// Definition is what a notifier is. C is the receiver's configuration, read from
// JSON strictly: an unknown field is an error, and so is a missing one, unless it
// is marked omitempty or omitzero. Use struct{} for none.
type Definition[C any] struct {
	// Name is short, for people.
	Name string
	// Doc says what the notifier does, in a sentence or a page of Markdown.
	Doc string
	// ConfigSchema is the JSON Schema of the configuration; empty accepts anything.
	ConfigSchema string
	// Extras are named facts for the host. Known today: resend = true asks for
	// firing alerts again and again.
	Extras sdk.Labels
	// Notify turns alerts into requests, sent one after the other. When it returns
	// an error, the batch cannot be told and is not tried again.
	Notify func(batch *Batch, config C) ([]*Request, error)
	// Interpret says what the answer to the request of that index means; as
	// [DispositionOf] when it is nil. An error counts as [Failed].
	Interpret func(config C, request int, response *Response) (Disposition, error)
}

// Batch has the alerts of one rule for one receiver.
type Batch struct {
	Tenant, Receiver, Namespace, Group, Rule string
	// Config is the receiver's configuration as a JSON text.
	Config string
	// Now is the time of delivery.
	Now time.Time
	// IdempotencyKey is the same for every attempt at this batch.
	IdempotencyKey string
	// ExternalURL is where people find this host; may be empty.
	ExternalURL string
	// Alerts are 1 to 256.
	Alerts []Alert
	// Extras are named facts.
	Extras sdk.Labels
}

// IsFiring says whether any alert fires.
func (b *Batch) IsFiring() bool {
	for i := range b.Alerts {
		if b.Alerts[i].IsFiring() {
			return true
		}
	}
	return false
}

// Alert is an alert to tell of.
type Alert struct {
	// Status is firing or resolved.
	Status string
	// Labels are all labels, alertname included, sorted by name.
	Labels      sdk.Labels
	Annotations sdk.Labels
	// Value is that of the last finding.
	Value float64
	// StartsAt is since when the alert fires.
	StartsAt time.Time
	// EndsAt is when it resolved; while it fires, until when the receiver may
	// believe it without hearing again.
	EndsAt time.Time
	// GeneratorURL leads to the rule; empty where the operator gave no external URL.
	GeneratorURL string
	// Fingerprint is 16 hexadecimal digits, the same for the same labels.
	Fingerprint string
	// Extras are named facts.
	Extras sdk.Labels
}

// IsFiring says whether the alert fires; if not, it has resolved.
func (a *Alert) IsFiring() bool {
	return a.Status == "firing"
}

// Label returns the value of a label; the empty text stands for an absent one.
func (a *Alert) Label(name string) string {
	return a.Labels.Get(name)
}

// Annotation returns the text of an annotation; empty where there is none.
func (a *Alert) Annotation(name string) string {
	return a.Annotations.Get(name)
}

// Register makes the program a component of this notifier. Call it once, in an init
// function; the program's main function stays empty.
func Register[C any](definition Definition[C]) {
	if registered != nil {
		panic("notifier.Register: a component has one notifier")
	}
	registered = definition
}

// registered is the component's notifier.
var registered component

type component interface {
	describe() Description
	notify(batch *Batch) ([]*Request, error)
	interpret(config string, request int, response *Response) (Disposition, error)
}

// Description is what a component tells of itself.
type Description struct {
	Name, Doc, ConfigSchema string
	Extras                  sdk.Labels
}

// Describe tells what the registered notifier is, as the host asks it. For tests.
func Describe() Description {
	return the().describe()
}

// Notify has the registered notifier turn alerts into requests, as the host does.
// For tests.
func Notify(batch *Batch) ([]*Request, error) {
	return the().notify(batch)
}

// Interpret has the registered notifier say what an answer means, as the host does.
// For tests.
func Interpret(config string, request int, response *Response) (Disposition, error) {
	return the().interpret(config, request, response)
}

func the() component {
	if registered == nil {
		panic("no notifier: call notifier.Register in an init function")
	}
	return registered
}

func (d Definition[C]) describe() Description {
	return Description{Name: d.Name, Doc: d.Doc, ConfigSchema: d.ConfigSchema, Extras: d.Extras}
}

func (d Definition[C]) notify(batch *Batch) ([]*Request, error) {
	config, err := json.Config[C](batch.Config)
	if err != nil {
		return nil, err
	}
	return d.Notify(batch, config)
}

func (d Definition[C]) interpret(text string, request int, response *Response) (Disposition, error) {
	if d.Interpret == nil {
		return DispositionOf(response), nil
	}
	config, err := json.Config[C](text)
	if err != nil {
		return Disposition{}, err
	}
	return d.Interpret(config, request, response)
}
