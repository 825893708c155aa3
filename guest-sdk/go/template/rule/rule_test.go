package main

import (
	"slices"
	"testing"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/fakehost"
)

const cpu = "avg by (host) (rate(cpu_seconds_total[5m]))"

func TestBusyHostsFire(t *testing.T) {
	host := fakehost.New(`{"above": 0.9}`)
	host.Answer(cpu, fakehost.Value(`{host="a"}`, 0.97), fakehost.Value(`{host="b"}`, 0.12))
	evaluation, err := host.Evaluate()
	if err != nil {
		t.Fatal(err)
	}
	if found := evaluation.Found(); !slices.Equal(found, []string{`{host="a"}`}) {
		t.Errorf("found %v", found)
	}
	if summary := evaluation.Findings[0].Annotations.Get("summary"); summary != "a is busy" {
		t.Errorf("the summary is %q", summary)
	}
}

func TestAFailedQueryChangesNothing(t *testing.T) {
	host := fakehost.New(`{"above": 0.9}`)
	host.Fail(cpu, "query_timeout", "took too long")
	if _, err := host.Evaluate(); err == nil || sdk.AsError(err).Code != "query_timeout" {
		t.Errorf("failed with %v", err)
	}
}
