// Package abi is the canonical ABI of the component model, for exactly the
// contract of wasmalert:rules@0.1.0.
//
// Host and component hand each other values as bytes in the component's memory.
// Go's own strings, slices and structs cannot be handed over, for their pointers
// have 8 bytes, while the ABI's addresses have 4. So each record of the contract
// has a mirror here: a struct of the same layout, in which texts and lists are
// an address and a length. Sizes and alignments follow from the fields, because
// the ABI lays records out as C does; tests compare them with the ABI's rules.
//
//   - bool (and the discriminants of options and results), u16, u32, s64, u64
//     and f64 are what Go has of that size.
//   - option and result are a discriminant followed by the payload.
//   - string is a [String], list is a [List].
//
// Going to the host (lowering), lists point straight at the bytes of Go's strings and
// slices. The garbage collector does not see such addresses, so what they point at is
// kept alive with [Keep] until the host has read it. Coming from the host (lifting),
// bytes lie in what [Lend] gives, and Go's strings and slices point straight at those.
// The collector never moves what it manages, and what is kept does not lie on the
// stack, which moves.
package abi

import "structs"

// List mirrors list: the address of the first element, and how many there are.
type List[T any] struct {
	_    structs.HostLayout
	Addr uint32
	Len  uint32
}

// String mirrors string, which is a list of bytes.
type String = List[byte]

// Label mirrors types.label.
type Label struct {
	_           structs.HostLayout
	Name, Value String
}

// Description mirrors types.description.
type Description struct {
	_                 structs.HostLayout
	Name, Doc, Schema String
	Queries           List[String]
	Extras            List[Label]
}

// Error mirrors types.component-error and query.query-error.
type Error struct {
	_             structs.HostLayout
	Code, Message String
	Extras        List[Label]
}

// InstantQuery mirrors types.instant-query.
type InstantQuery struct {
	_            structs.HostLayout
	Source, Expr String
	HasTime      bool
	TimeMs       int64
	MayFail      bool
}

// RangeQuery mirrors types.range-query.
type RangeQuery struct {
	_              structs.HostLayout
	Source, Expr   String
	StartMs, EndMs int64
	StepMs         uint64
	MayFail        bool
}

// QueryResult mirrors result<frame, query-error>. Both cases share their room.
type QueryResult struct {
	_      structs.HostLayout
	Failed bool
	Error  Error
}

// Frame is the handle of the frame, where the query has not failed.
func (r *QueryResult) Frame() uint32 {
	return r.Error.Code.Addr
}

// LabelColumn mirrors query.label-column.
type LabelColumn struct {
	_      structs.HostLayout
	Values List[String]
	Codes  List[uint32]
}

// SampleColumns mirrors query.sample-columns.
type SampleColumns struct {
	_            structs.HostLayout
	TimestampsMs List[int64]
	Values       List[float64]
}

// OptionBytes mirrors option<list<u8>>.
type OptionBytes struct {
	_     structs.HostLayout
	Some  bool
	Bytes List[byte]
}

// Timer mirrors timers.timer.
type Timer struct {
	_       structs.HostLayout
	Name    String
	DueMs   int64
	Payload List[byte]
}

// Trigger mirrors rules.trigger.
type Trigger struct {
	_           structs.HostLayout
	Kind, Timer String
	DueMs       int64
	Payload     List[byte]
}

// Context mirrors rules.context.
type Context struct {
	_                              structs.HostLayout
	Tenant, Namespace, Group, Rule String
	NowMs                          int64
	IntervalMs                     uint64
	Trigger                        Trigger
	Config                         String
	Labels, Extras                 List[Label]
}

// Finding mirrors rules.finding.
type Finding struct {
	_                   structs.HostLayout
	HasSeries           bool
	Frame, Series       uint32
	Labels              List[Label]
	Value               float64
	Annotations, Extras List[Label]
}

// Sample mirrors rules.recorded-sample.
type Sample struct {
	_             structs.HostLayout
	HasSeries     bool
	Frame, Series uint32
	Labels        List[Label]
	Value         float64
}

// Outcome mirrors rules.outcome.
type Outcome struct {
	_        structs.HostLayout
	Findings List[Finding]
	Samples  List[Sample]
	Extras   List[Label]
}

// OutcomeResult mirrors result<outcome, component-error>. Both cases share their
// room, and have three lists each.
type OutcomeResult struct {
	_      structs.HostLayout
	Failed bool
	Error  Error
}

// Succeed puts an outcome where the error would be.
func (r *OutcomeResult) Succeed(outcome Outcome) {
	r.Error = Error{Code: cast(outcome.Findings), Message: cast(outcome.Samples), Extras: outcome.Extras}
}

// Alert mirrors notifications.alert.
type Alert struct {
	_                         structs.HostLayout
	Status                    String
	Labels, Annotations       List[Label]
	Value                     float64
	StartsAtMs, EndsAtMs      int64
	GeneratorURL, Fingerprint String
	Extras                    List[Label]
}

// Batch mirrors notifications.batch.
type Batch struct {
	_                                        structs.HostLayout
	Tenant, Receiver, Namespace, Group, Rule String
	Config                                   String
	NowMs                                    int64
	IdempotencyKey, ExternalURL              String
	Alerts                                   List[Alert]
	Extras                                   List[Label]
}

// Request mirrors notifications.http-request.
type Request struct {
	_           structs.HostLayout
	Method, URL String
	Headers     List[Label]
	Body        List[byte]
	Extras      List[Label]
}

// RequestsResult mirrors result<list<http-request>, component-error>. Both cases
// share their room.
type RequestsResult struct {
	_      structs.HostLayout
	Failed bool
	Error  Error
}

// Succeed puts the requests where the error would be.
func (r *RequestsResult) Succeed(requests List[Request]) {
	r.Error = Error{Code: cast(requests)}
}

// Disposition mirrors notifications.disposition.
type Disposition struct {
	_             structs.HostLayout
	Kind          String
	HasRetryAfter bool
	RetryAfterMs  uint64
	Reason        String
	Extras        List[Label]
}

// cast is a list without what it is a list of.
func cast[T any](l List[T]) String {
	return String{Addr: l.Addr, Len: l.Len}
}
