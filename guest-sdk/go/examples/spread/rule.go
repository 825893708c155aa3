// The rule spread fires for each group of series whose largest value is too far above
// the smallest.
package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/log"
	"wasmalert.dev/sdk/metrics"
	"wasmalert.dev/sdk/query"
	"wasmalert.dev/sdk/rule"
	"wasmalert.dev/sdk/state"
)

// Config is the rule's configuration.
type Config struct {
	// Expr is what is asked.
	Expr string `json:"expr"`
	// By are the labels that the series of a group have in common.
	By []string `json:"by"`
	// Factor is how often the smallest value may fit into the largest.
	Factor float64 `json:"factor"`
}

func init() {
	rule.Register(rule.Definition[Config]{
		Name: "spread",
		Doc:  "Fires for each group of series whose largest value is more than a factor above the smallest.",
		ConfigSchema: `{"type": "object", "required": ["expr", "by", "factor"], "additionalProperties": false,
			"properties": {"expr": {"type": "string"}, "factor": {"type": "number"},
				"by": {"type": "array", "items": {"type": "string"}}}}`,
		Evaluate: evaluate,
	})
}

// group is what is known of the series that have the labels of by in common.
type group struct {
	labels            sdk.Labels
	series            int
	smallest, largest float64
}

func evaluate(_ *rule.Context, config Config) (*rule.Outcome, error) {
	frame, err := query.Ask(config.Expr)
	if err != nil {
		return nil, err
	}
	groups := groupsOf(frame, config.By)
	outcome := new(rule.Outcome)
	for _, group := range groups {
		ratio := group.largest / group.smallest
		if group.series < 2 || group.smallest <= 0 || group.largest <= config.Factor*group.smallest {
			continue
		}
		finding := outcome.Find(ratio).Annotate("series", strconv.Itoa(group.series))
		finding.Labels = group.labels
	}
	metrics.Gauge("spread_groups", float64(len(groups)))
	return outcome, remember(len(groups))
}

// groupsOf groups the series, in the order in which their first ones come.
func groupsOf(frame *query.Frame, by []string) []*group {
	columns := make([]query.LabelColumn, len(by))
	for i, name := range by {
		columns[i] = frame.Label(name)
	}
	var groups []*group
	known := make(map[string]*group)
	for series, value := range frame.Values() {
		if math.IsNaN(value) {
			continue
		}
		values := make([]string, len(by))
		for i, column := range columns {
			values[i] = column.At(series)
		}
		key := strings.Join(values, "\xff")
		of, ok := known[key]
		if !ok {
			of = &group{smallest: value, largest: value}
			for i, name := range by {
				of.labels = append(of.labels, sdk.L(name, values[i]))
			}
			known[key] = of
			groups = append(groups, of)
		}
		of.series++
		of.smallest = min(of.smallest, value)
		of.largest = max(of.largest, value)
	}
	return groups
}

// remember keeps the number of groups, and tells when there are fewer than before.
func remember(count int) error {
	if text, ok := state.Get("groups"); ok {
		before, err := strconv.Atoi(string(text))
		if err != nil {
			return fmt.Errorf("the state groups: %w", err)
		}
		if count < before {
			log.Warn(fmt.Sprintf("%d groups, %d before", count, before))
		}
	}
	state.Set("groups", []byte(strconv.Itoa(count)))
	return nil
}

func main() {}
