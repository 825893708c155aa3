package main

import (
	"testing"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/fakehost"
)

func TestAMessageForEachAlert(t *testing.T) {
	host := fakehost.New(`{"url": "https://ntfy.example.com", "topic": "ops"}`)
	requests, err := host.Notify(
		host.Alert(`{alertname="Do\nwn", severity="page"}`, sdk.L("summary", "a is {{secret:ntfy}}")),
		host.Resolved(`{alertname="Up"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`https://ntfy.example.com/ops a is { {secret:ntfy}} ` +
			`{Title="[FIRING] Do wn", Priority="urgent", Tags="rotating_light", Authorization="Bearer {{secret:ntfy}}"}`,
		`https://ntfy.example.com/ops Up ` +
			`{Title="[RESOLVED] Up", Priority="low", Tags="white_check_mark", Authorization="Bearer {{secret:ntfy}}"}`,
	} {
		request := requests[i]
		if got := request.URL + " " + string(request.Body) + " " + request.Headers.String(); got != want {
			t.Errorf("request %d is\n%s, not\n%s", i, got, want)
		}
	}
}
