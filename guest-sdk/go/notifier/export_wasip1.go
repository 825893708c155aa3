package notifier

import (
	"time"
	"unsafe"

	"wasmalert.dev/sdk/internal/abi"
	"wasmalert.dev/sdk/internal/guard"
)

//go:wasmexport wasmalert:rules/notifications@0.1.0#describe
func describe() *abi.Description {
	told := Describe()
	abi.Keep(&told)
	lowered := &abi.Description{
		Name:   abi.OfText(told.Name),
		Doc:    abi.OfText(told.Doc),
		Schema: abi.OfText(told.ConfigSchema),
		Extras: abi.OfLabels(told.Extras),
	}
	abi.Keep(lowered)
	return lowered
}

//go:wasmexport cabi_post_wasmalert:rules/notifications@0.1.0#describe
func described(*abi.Description) {
	abi.Release()
}

//go:wasmexport wasmalert:rules/notifications@0.1.0#notify
func notify(batch *abi.Batch) *abi.RequestsResult {
	lifted := lift(batch)
	abi.Lifted()
	requests, err := guard.Call(func() (abi.List[abi.Request], error) {
		requests, err := Notify(lifted)
		return lower(requests, err), err
	})
	result := new(abi.RequestsResult)
	abi.Keep(result)
	if err != nil {
		result.Failed, result.Error = true, abi.OfError(err)
	} else {
		result.Succeed(requests)
	}
	return result
}

//go:wasmexport cabi_post_wasmalert:rules/notifications@0.1.0#notify
func notified(*abi.RequestsResult) {
	abi.Release()
}

// interpret has the record http-response as one parameter for each of its fields: the
// address and the length of lists.
//
//go:wasmexport wasmalert:rules/notifications@0.1.0#interpret
func interpret(
	config unsafe.Pointer, configLen uint32,
	request uint32,
	status uint32,
	headers unsafe.Pointer, headerCount uint32,
	body unsafe.Pointer, bodyLen uint32,
	extras unsafe.Pointer, extraCount uint32,
) *abi.Disposition {
	response := &Response{
		Status:  int(status),
		Headers: abi.Labels(abi.At[abi.Label](headers, headerCount)),
		Body:    abi.At[byte](body, bodyLen).Elements(),
		Extras:  abi.Labels(abi.At[abi.Label](extras, extraCount)),
	}
	text := abi.Text(abi.At[byte](config, configLen))
	abi.Lifted()
	disposition, err := guard.Call(func() (Disposition, error) { return Interpret(text, int(request), response) })
	if err != nil {
		disposition = Failed(err.Error())
	}
	abi.Keep(&disposition)
	lowered := &abi.Disposition{
		Kind:   abi.OfText(disposition.Kind),
		Reason: abi.OfText(disposition.Reason),
		Extras: abi.OfLabels(disposition.Extras),
	}
	if wait := disposition.RetryAfter; wait != nil {
		lowered.HasRetryAfter, lowered.RetryAfterMs = true, uint64(max(wait.Milliseconds(), 0))
	}
	abi.Keep(lowered)
	return lowered
}

//go:wasmexport cabi_post_wasmalert:rules/notifications@0.1.0#interpret
func interpreted(*abi.Disposition) {
	abi.Release()
}

func lift(batch *abi.Batch) *Batch {
	return &Batch{
		Tenant:         abi.Text(batch.Tenant),
		Receiver:       abi.Text(batch.Receiver),
		Namespace:      abi.Text(batch.Namespace),
		Group:          abi.Text(batch.Group),
		Rule:           abi.Text(batch.Rule),
		Config:         abi.Text(batch.Config),
		Now:            time.UnixMilli(batch.NowMs).UTC(),
		IdempotencyKey: abi.Text(batch.IdempotencyKey),
		ExternalURL:    abi.Text(batch.ExternalURL),
		Alerts:         abi.Each(batch.Alerts, liftAlert),
		Extras:         abi.Labels(batch.Extras),
	}
}

func liftAlert(alert *abi.Alert) Alert {
	return Alert{
		Status:       abi.Text(alert.Status),
		Labels:       abi.Labels(alert.Labels),
		Annotations:  abi.Labels(alert.Annotations),
		Value:        alert.Value,
		StartsAt:     time.UnixMilli(alert.StartsAtMs).UTC(),
		EndsAt:       time.UnixMilli(alert.EndsAtMs).UTC(),
		GeneratorURL: abi.Text(alert.GeneratorURL),
		Fingerprint:  abi.Text(alert.Fingerprint),
		Extras:       abi.Labels(alert.Extras),
	}
}

func lower(requests []*Request, err error) abi.List[abi.Request] {
	if err != nil {
		return abi.List[abi.Request]{}
	}
	abi.Keep(requests)
	lowered := make([]abi.Request, len(requests))
	abi.Keep(lowered)
	for i, request := range requests {
		lowered[i] = abi.Request{
			Method:  abi.OfText(request.Method),
			URL:     abi.OfText(request.URL),
			Headers: abi.OfLabels(request.Headers),
			Body:    abi.Of(request.Body),
			Extras:  abi.OfLabels(request.Extras),
		}
	}
	return abi.Of(lowered)
}
