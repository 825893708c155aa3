// The conformance guest in Go: what its configuration says, it does.
package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/log"
	"wasmalert.dev/sdk/metrics"
	"wasmalert.dev/sdk/query"
	"wasmalert.dev/sdk/rule"
	"wasmalert.dev/sdk/state"
	"wasmalert.dev/sdk/timers"
)

// Config says what to do.
type Config struct {
	Do     string    `json:"do"`
	Text   string    `json:"text,omitempty"`
	Number float64   `json:"number,omitempty"`
	List   []float64 `json:"list,omitempty"`
	Nested struct {
		On bool `json:"on"`
	} `json:"nested,omitempty"`
	Above float64 `json:"above,omitempty"`
}

func init() {
	rule.Register(rule.Definition[Config]{
		Name:         "conformance",
		Doc:          "Shows the behaviours that every language has.",
		ConfigSchema: `{"type":"object"}`,
		Queries:      []string{"up"},
		Evaluate:     evaluate,
	})
}

func evaluate(context *rule.Context, config Config) (*rule.Outcome, error) {
	outcome := new(rule.Outcome)
	return outcome, do(context, config, outcome)
}

func do(context *rule.Context, config Config, outcome *rule.Outcome) error {
	switch config.Do {
	case "context":
		return showContext(context, outcome)
	case "config":
		return showConfig(config, outcome)
	case "instant":
		return askInstant(config, outcome)
	case "columns":
		return askColumns(outcome)
	case "range":
		return askRange(context, outcome)
	case "prefetch":
		return prefetch(outcome)
	case "may_fail":
		return mayFail(outcome)
	case "query_error":
		return queryError()
	case "empty":
		return empty(outcome)
	case "large":
		return large(outcome)
	case "utf8":
		return text(config, outcome)
	case "floats":
		return floats(outcome)
	case "state":
		return keepState(outcome)
	case "timers":
		return setTimers(context, outcome)
	case "output":
		return output()
	case "record":
		return record(outcome)
	case "error":
		return sdk.Errorf("too_hot", "%d degrees too hot", 5)
	case "exception":
		panic("boom")
	case "limit":
		for {
		}
	}
	return sdk.Errorf(sdk.CodeBadConfig, "do: %q is unknown", config.Do)
}

func showContext(context *rule.Context, outcome *rule.Outcome) error {
	outcome.Find(0).
		Label("tenant", context.Tenant).
		Label("namespace", context.Namespace).
		Label("group", context.Group).
		Label("rule", context.Rule).
		Label("now_ms", strconv.FormatInt(context.Now.UnixMilli(), 10)).
		Label("interval_ms", strconv.FormatInt(context.Interval.Milliseconds(), 10)).
		Label("trigger", context.Trigger.Kind).
		Label("owner", context.Labels.Get("team"))
	return nil
}

func showConfig(config Config, outcome *rule.Outcome) error {
	outcome.Find(config.Number+sum(config.List)).
		Label("text", config.Text).
		Label("on", strconv.FormatBool(config.Nested.On))
	return nil
}

func askInstant(config Config, outcome *rule.Outcome) error {
	cpu, err := query.Ask("cpu")
	if err != nil {
		return err
	}
	for series := range cpu.Series() {
		if series.Value > config.Above {
			outcome.FindSeries(series).Annotate("summary", series.Label("host")+" is busy")
		}
	}
	return nil
}

func askColumns(outcome *rule.Outcome) error {
	cpu, err := query.Ask("cpu")
	if err != nil {
		return err
	}
	var hosts, last []string
	for _, host := range cpu.Label("host").All() {
		hosts = append(hosts, host)
	}
	for _, label := range cpu.LabelsOf(cpu.Len() - 1)[0] {
		last = append(last, label.Name+"="+label.Value)
	}
	outcome.Find(sum(cpu.Values())).
		Label("hosts", strings.Join(hosts, ",")).
		Label("last", strings.Join(last, ",")).
		Annotate("first_ms", strconv.FormatInt(cpu.TimestampsMs()[0], 10))
	return nil
}

func askRange(context *rule.Context, outcome *rule.Outcome) error {
	cpu, err := query.Last(5*time.Minute, "cpu", context.Now, time.Minute).Ask()
	if err != nil {
		return err
	}
	for series := range cpu.Series() {
		samples := series.Samples()
		finding := outcome.FindSeries(series).Annotate("points", strconv.Itoa(samples.Len()))
		finding.Value = slices.Max(samples.Values) - slices.Min(samples.Values)
	}
	return nil
}

func prefetch(outcome *rule.Outcome) error {
	frames, err := query.AskAll("a", "b")
	if err != nil {
		return err
	}
	outcome.Find(frames[0].Values()[0] + frames[1].Values()[0])
	return nil
}

func mayFail(outcome *rule.Outcome) error {
	if _, err := (query.Instant{Expr: "broken", MayFail: true}).Ask(); err != nil {
		failure := sdk.AsError(err)
		outcome.Find(0).Label("code", failure.Code).Annotate("message", failure.Message)
	}
	return nil
}

func queryError() error {
	_, err := query.Ask("broken")
	return err
}

func empty(outcome *rule.Outcome) error {
	nothing, err := query.Ask("nothing")
	if err != nil {
		return err
	}
	for series := range nothing.Series() {
		outcome.FindSeries(series)
	}
	log.Info(strconv.Itoa(nothing.Len()) + " series")
	return nil
}

func large(outcome *rule.Outcome) error {
	many, err := query.Ask("many")
	if err != nil {
		return err
	}
	for series := range many.Series() {
		if series.Value > 0.5 {
			outcome.FindSeries(series)
		}
	}
	return nil
}

func text(config Config, outcome *rule.Outcome) error {
	outcome.Find(float64(utf8.RuneCountInString(config.Text))).
		Label("text", config.Text).
		Annotate("twice", config.Text+config.Text)
	log.Info(config.Text)
	state.Set("text", []byte(config.Text))
	return nil
}

func floats(outcome *rule.Outcome) error {
	odd, err := query.Ask("odd")
	if err != nil {
		return err
	}
	for series := range odd.Series() {
		outcome.FindSeries(series)
	}
	return nil
}

func keepState(outcome *rule.Outcome) error {
	count, _ := state.Get("count")
	count = append(count, 0xff)
	state.Set("count", count)
	state.Set("a/1", []byte{0})
	state.Set("a/2", nil)
	state.Delete("a/1")
	state.Delete("gone")
	outcome.Find(float64(len(count))).Label("keys", strings.Join(state.Keys("a/"), ","))
	return nil
}

func setTimers(context *rule.Context, outcome *rule.Outcome) error {
	if trigger := context.Trigger; trigger.IsTimer() {
		outcome.Find(float64(context.Now.Sub(trigger.Due).Milliseconds())).
			Label("timer", trigger.Timer).
			Label("payload", fmt.Sprintf("%x", trigger.Payload))
		return nil
	}
	timers.Set("wake", context.Now.Add(time.Second), []byte{0x00, 0xff, 0x78})
	timers.Set("other", context.Now.Add(5*time.Second), nil)
	timers.Cancel("other")
	var names []string
	for _, timer := range timers.Pending() {
		names = append(names, timer.Name)
	}
	outcome.Find(0).Label("pending", strings.Join(names, ","))
	return nil
}

func output() error {
	log.Trace("trace", sdk.L("n", "0"))
	log.Debug("debug", sdk.L("n", "1"))
	log.Info("info", sdk.L("n", "2"))
	log.Warn("warn", sdk.L("n", "3"))
	log.Error("error", sdk.L("n", "4"))
	metrics.Count("runs_total", 2, sdk.L("kind", "a"))
	metrics.Gauge("level", -1.5)
	metrics.Observe("took_seconds", 0.25)
	return nil
}

func record(outcome *rule.Outcome) error {
	cpu, err := query.Ask("cpu")
	if err != nil {
		return err
	}
	outcome.RecordSeries("cpu:copy", cpu.At(0)).Label("copied", "yes")
	outcome.Record("answer", 42).Label("unit", "x")
	return nil
}

func sum(values []float64) float64 {
	var sum float64
	for _, value := range values {
		sum += value
	}
	return sum
}

func main() {}
