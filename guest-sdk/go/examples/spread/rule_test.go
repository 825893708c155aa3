package main

import (
	"math"
	"testing"

	"wasmalert.dev/sdk/fakehost"
)

func TestAGroupThatIsSpreadTooFarFires(t *testing.T) {
	host := fakehost.New(`{"expr": "temp", "by": ["rack"], "factor": 1.5}`)
	host.State["groups"] = []byte("3")
	host.Answer("temp",
		fakehost.Value(`{rack="a", n="1"}`, 20), fakehost.Value(`{rack="a", n="2"}`, 40),
		fakehost.Value(`{rack="b", n="1"}`, 20), fakehost.Value(`{rack="b", n="2"}`, 30),
		fakehost.Value(`{rack="c", n="1"}`, math.NaN()),
	)
	evaluation, err := host.Evaluate()
	if err != nil {
		t.Fatal(err)
	}
	if found := evaluation.Found(); len(found) != 1 || found[0] != `{rack="a"}` {
		t.Fatalf("found %v", found)
	}
	finding := evaluation.Findings[0]
	if finding.Value != 2 || finding.Annotations.Get("series") != "2" {
		t.Errorf("the finding is %v", finding)
	}
	if line := evaluation.Log[0].Message; line != "2 groups, 3 before" {
		t.Errorf("logged %q", line)
	}
	if groups := string(host.State["groups"]); groups != "2" {
		t.Errorf("keeps %q", groups)
	}
}
