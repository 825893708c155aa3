package fakehost

import (
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/notifier"
)

// Alert makes an alert that has been firing for a minute, with the value 1. Labels are
// written as Prometheus writes a series.
func (h *Host) Alert(labels string, annotations ...sdk.Label) notifier.Alert {
	return notifier.Alert{
		Status:      "firing",
		Labels:      Labels(labels),
		Annotations: annotations,
		Value:       1,
		StartsAt:    h.Now.Add(-time.Minute),
		EndsAt:      h.Now.Add(4 * time.Minute),
		Fingerprint: "0123456789abcdef",
	}
}

// Resolved makes an alert that has just resolved, and is like [Host.Alert] else.
func (h *Host) Resolved(labels string, annotations ...sdk.Label) notifier.Alert {
	alert := h.Alert(labels, annotations...)
	alert.Status, alert.EndsAt = "resolved", h.Now
	return alert
}

// Notify has the registered notifier turn alerts into requests.
func (h *Host) Notify(alerts ...notifier.Alert) ([]*notifier.Request, error) {
	first, requests, err := h.notifyOnce(alerts)
	_, again, errAgain := h.notifyOnce(alerts)
	same(requests, again)
	same(err, errAgain)
	if err != nil {
		return nil, err
	}
	h.State = first.state
	return requests, nil
}

func (h *Host) notifyOnce(alerts []notifier.Alert) (*run, []*notifier.Request, error) {
	run := h.run()
	requests, err := with(run, func() ([]*notifier.Request, error) {
		return notifier.Notify(&notifier.Batch{
			Tenant: "default", Receiver: "test", Namespace: "test", Group: "test", Rule: "Test",
			Config: h.Config, Now: h.Now, IdempotencyKey: "key-1", ExternalURL: "http://wasmalert.example",
			Alerts: alerts,
		})
	})
	return run, requests, err
}

// Interpret has the registered notifier say what the answer to its first request
// means.
func (h *Host) Interpret(status int, body string, headers ...sdk.Label) notifier.Disposition {
	run := h.run()
	disposition, err := with(run, func() (notifier.Disposition, error) {
		response := &notifier.Response{Status: status, Headers: headers, Body: []byte(body)}
		return notifier.Interpret(h.Config, 0, response)
	})
	if err != nil {
		return notifier.Failed(err.Error())
	}
	h.State = run.state
	return disposition
}
