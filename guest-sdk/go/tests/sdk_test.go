package tests

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/fakehost"
	"wasmalert.dev/sdk/log"
	"wasmalert.dev/sdk/notifier"
	"wasmalert.dev/sdk/query"
	"wasmalert.dev/sdk/rule"
	"wasmalert.dev/sdk/state"
	"wasmalert.dev/sdk/timers"
)

// behaviour is the rule under test.
var behaviour func(*rule.Context, *rule.Outcome) error

func init() {
	rule.Register(rule.Definition[struct{}]{
		Name:    "test",
		Queries: []string{"up"},
		Evaluate: func(context *rule.Context, _ struct{}) (*rule.Outcome, error) {
			outcome := new(rule.Outcome)
			return outcome, behaviour(context, outcome)
		},
	})
	notifier.Register(notifier.Definition[struct{}]{
		Name: "test",
		Notify: func(batch *notifier.Batch, _ struct{}) ([]*notifier.Request, error) {
			request, err := notifier.PostJSON("https://example.com/", map[string]string{"name": batch.Alerts[0].Label("alertname")})
			return []*notifier.Request{request}, err
		},
	})
}

func evaluate(host *fakehost.Host, rule func(*rule.Context, *rule.Outcome) error) (*fakehost.Evaluation, error) {
	behaviour = rule
	return host.Evaluate()
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return sdk.AsError(err).Code
}

func TestColumnsAndSamples(t *testing.T) {
	host := fakehost.New(`{}`)
	now := host.Now
	host.Answer("cpu",
		fakehost.Samples(`cpu{host="a"}`, fakehost.Point{At: now.Add(-time.Minute), Value: 1}, fakehost.Point{At: now, Value: 4}),
		fakehost.Value(`cpu{host="b\"",job="x"}`, 2),
	)
	evaluation, err := evaluate(host, func(context *rule.Context, outcome *rule.Outcome) error {
		cpu, err := query.Last(5*time.Minute, "cpu", context.Now, time.Minute).Ask()
		if err != nil {
			return err
		}
		samples := cpu.At(0).Samples()
		outcome.Find(samples.Values[1]-samples.Values[0]).
			Label("hosts", cpu.Label("host").At(0)+","+cpu.At(1).Label("host")).
			Label("all", fmt.Sprint(cpu.AllValues(), cpu.SampleOffsets(), cpu.LabelsOf(1)))
		outcome.FindSeries(cpu.At(1)).Label("job", "")
		outcome.RecordSeries("copy", cpu.At(1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{all="[1 4 2] [0 2 3] [{__name__=\"cpu\", host=\"b\\\"\", job=\"x\"}]", hosts="a,b\""}`,
		`{host="b\""}`,
	}
	if found := evaluation.Found(); !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
	if sample := evaluation.Samples[0]; sample.Labels.String() != `{__name__="copy", host="b\"", job="x"}` || sample.Value != 2 {
		t.Errorf("recorded %v", sample)
	}
}

func TestHowEvaluationsFail(t *testing.T) {
	for want, rule := range map[string]func(*rule.Context, *rule.Outcome) error{
		"failed":        func(*rule.Context, *rule.Outcome) error { return errors.New("plain") },
		"too_hot":       func(*rule.Context, *rule.Outcome) error { return fmt.Errorf("wrapped: %w", sdk.Errorf("too_hot", "x")) },
		"query_timeout": func(*rule.Context, *rule.Outcome) error { query.Ask("broken"); return nil },
		"duplicate_labels": func(_ *rule.Context, outcome *rule.Outcome) error {
			outcome.Find(1)
			outcome.Find(2)
			return nil
		},
		"": func(*rule.Context, *rule.Outcome) error {
			_, err := query.Instant{Expr: "broken", MayFail: true}.Ask()
			if codeOf(err) != "query_timeout" {
				return errors.New("the error is not passed on")
			}
			return nil
		},
	} {
		host := fakehost.New(`{}`)
		host.Fail("broken", "query_timeout", "took too long")
		if _, err := evaluate(host, rule); codeOf(err) != want {
			t.Errorf("failed with %v, not %s", err, want)
		}
	}
}

func TestStateAndTimers(t *testing.T) {
	host := fakehost.New(`{}`)
	count := func(context *rule.Context, outcome *rule.Outcome) error {
		if context.Trigger.IsTimer() {
			log.Info(string(context.Trigger.Payload), sdk.L("timer", context.Trigger.Timer))
			return errors.New("after the log")
		}
		var kept struct{ Count int }
		if _, err := state.Load("kept", &kept); err != nil {
			return err
		}
		kept.Count++
		timers.Set("wake", context.Now.Add(time.Second), []byte("up"))
		return state.Save("kept", kept)
	}
	for range 2 {
		if _, err := evaluate(host, count); err != nil {
			t.Fatal(err)
		}
	}
	if kept := string(host.State["kept"]); kept != `{"Count":2}` {
		t.Errorf("keeps %s", kept)
	}
	if _, err := host.Fire("wake"); codeOf(err) != sdk.CodeFailed {
		t.Error(err)
	}
	if len(host.Timers) != 1 {
		t.Error("a failed evaluation takes its timer")
	}
}

func TestRunsThatDifferArePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	runs := 0
	_, _ = evaluate(fakehost.New(`{}`), func(_ *rule.Context, outcome *rule.Outcome) error {
		runs++
		outcome.Find(float64(runs))
		return nil
	})
}

func TestSecretsAreNotAskedForByLabels(t *testing.T) {
	host := fakehost.New(`{}`)
	requests, err := host.Notify(host.Alert(`{alertname="{{secret:x}} <é>"}`))
	if err != nil {
		t.Fatal(err)
	}
	if body := string(requests[0].Body); body != `{"name":"{\u007bsecret:x}} <é>"}` {
		t.Error(body)
	}
	if _, err := notifier.Post("example.com", nil); codeOf(err) != sdk.CodeBadConfig {
		t.Error(err)
	}
}

func TestWhatAnswersMean(t *testing.T) {
	host := fakehost.New(`{}`)
	for _, test := range []struct {
		status     int
		body       string
		headers    sdk.Labels
		kind       string
		retryAfter string
		reason     string
	}{
		{200, "fine", nil, "delivered", "", ""},
		{204, "", nil, "delivered", "", ""},
		{408, "", nil, "retry", "", "status 408: "},
		{429, " slow \n", sdk.Labels{sdk.L("RETRY-after", " 7 ")}, "retry", "7s", "status 429: slow"},
		{503, "", sdk.Labels{sdk.L("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")}, "retry", "", "status 503: "},
		{404, strings.Repeat("é", 300), nil, "failed", "", "status 404: " + strings.Repeat("é", 200)},
		{302, "\xff", nil, "failed", "", "status 302: \uFFFD"},
	} {
		got := host.Interpret(test.status, test.body, test.headers...)
		after := ""
		if got.RetryAfter != nil {
			after = got.RetryAfter.String()
		}
		if got.Kind != test.kind || after != test.retryAfter || got.Reason != test.reason {
			t.Errorf("%d: %+v, after %s", test.status, got, after)
		}
	}
}
