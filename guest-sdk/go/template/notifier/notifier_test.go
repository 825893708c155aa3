package main

import (
	"testing"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/fakehost"
)

func TestAlertsBecomeLines(t *testing.T) {
	host := fakehost.New(`{"url": "https://chat.example.com/hook"}`)
	requests, err := host.Notify(
		host.Alert(`{alertname="Down"}`, sdk.L("summary", "a is down")),
		host.Resolved(`{alertname="Down"}`, sdk.L("summary", "b is down")),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"text":"FIRING Down: a is down\nRESOLVED Down: b is down"}`
	if body := string(requests[0].Body); len(requests) != 1 || body != want {
		t.Errorf("the body is %s", body)
	}
}
