// The rule {{name}} fires for each host whose CPU is too busy.
package main

import (
	"wasmalert.dev/sdk/query"
	"wasmalert.dev/sdk/rule"
)

// Config is the rule's configuration.
type Config struct {
	// Above is the share of the CPU's time that is too much.
	Above float64 `json:"above"`
}

func init() {
	rule.Register(rule.Definition[Config]{
		Name: "{{name}}",
		Doc:  "Fires for each host whose CPU is too busy.",
		ConfigSchema: `{"type": "object", "required": ["above"], "additionalProperties": false,
			"properties": {"above": {"type": "number"}}}`,
		Evaluate: evaluate,
	})
}

func evaluate(_ *rule.Context, config Config) (*rule.Outcome, error) {
	cpu, err := query.Ask("avg by (host) (rate(cpu_seconds_total[5m]))")
	if err != nil {
		return nil, err
	}
	outcome := new(rule.Outcome)
	for host := range cpu.Series() {
		if host.Value > config.Above {
			outcome.FindSeries(host).Annotate("summary", host.Label("host")+" is busy")
		}
	}
	return outcome, nil
}

func main() {}
