package rule

import (
	"time"

	"wasmalert.dev/sdk/internal/abi"
	"wasmalert.dev/sdk/internal/guard"
)

//go:wasmexport wasmalert:rules/rules@0.1.0#describe
func describe() *abi.Description {
	told := Describe()
	abi.Keep(&told)
	lowered := &abi.Description{
		Name:    abi.OfText(told.Name),
		Doc:     abi.OfText(told.Doc),
		Schema:  abi.OfText(told.ConfigSchema),
		Queries: abi.OfTexts(told.Queries),
		Extras:  abi.OfLabels(told.Extras),
	}
	abi.Keep(lowered)
	return lowered
}

//go:wasmexport cabi_post_wasmalert:rules/rules@0.1.0#describe
func described(*abi.Description) {
	abi.Release()
}

//go:wasmexport wasmalert:rules/rules@0.1.0#evaluate
func evaluate(context *abi.Context) *abi.OutcomeResult {
	lifted := lift(context)
	abi.Lifted()
	outcome, err := guard.Call(func() (abi.Outcome, error) {
		outcome, err := Evaluate(lifted)
		return lower(outcome, err), err
	})
	result := new(abi.OutcomeResult)
	abi.Keep(result)
	if err != nil {
		result.Failed, result.Error = true, abi.OfError(err)
	} else {
		result.Succeed(outcome)
	}
	return result
}

//go:wasmexport cabi_post_wasmalert:rules/rules@0.1.0#evaluate
func evaluated(*abi.OutcomeResult) {
	abi.Release()
}

func lift(context *abi.Context) *Context {
	trigger := &context.Trigger
	return &Context{
		Tenant:    abi.Text(context.Tenant),
		Namespace: abi.Text(context.Namespace),
		Group:     abi.Text(context.Group),
		Rule:      abi.Text(context.Rule),
		Now:       time.UnixMilli(context.NowMs).UTC(),
		Interval:  time.Duration(context.IntervalMs) * time.Millisecond,
		Trigger: Trigger{
			Kind:    abi.Text(trigger.Kind),
			Timer:   abi.Text(trigger.Timer),
			Due:     time.UnixMilli(trigger.DueMs).UTC(),
			Payload: trigger.Payload.Elements(),
		},
		Config: abi.Text(context.Config),
		Labels: abi.Labels(context.Labels),
		Extras: abi.Labels(context.Extras),
	}
}

func lower(outcome *Outcome, err error) abi.Outcome {
	if err != nil {
		return abi.Outcome{}
	}
	abi.Keep(outcome)
	room := abi.NewRoom(labels(outcome))
	findings := make([]abi.Finding, len(outcome.Findings))
	abi.Keep(findings)
	for i, finding := range outcome.Findings {
		lowered := &findings[i]
		lowered.Frame, lowered.Series, lowered.HasSeries = finding.Series.Get()
		lowered.Labels = room.OfLabels(finding.Labels)
		lowered.Value = finding.Value
		lowered.Annotations = room.OfLabels(finding.Annotations)
		lowered.Extras = room.OfLabels(finding.Extras)
	}
	samples := make([]abi.Sample, len(outcome.Samples))
	abi.Keep(samples)
	for i, sample := range outcome.Samples {
		lowered := &samples[i]
		lowered.Frame, lowered.Series, lowered.HasSeries = sample.Series.Get()
		lowered.Labels = room.OfLabels(sample.Labels)
		lowered.Value = sample.Value
	}
	return abi.Outcome{Findings: abi.Of(findings), Samples: abi.Of(samples), Extras: room.OfLabels(outcome.Extras)}
}

// labels counts the labels of an outcome, annotations and extras included.
func labels(outcome *Outcome) int {
	count := len(outcome.Extras)
	for _, finding := range outcome.Findings {
		count += len(finding.Labels) + len(finding.Annotations) + len(finding.Extras)
	}
	for _, sample := range outcome.Samples {
		count += len(sample.Labels)
	}
	return count
}
