package rule

import (
	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/query"
)

// Outcome is what a successful evaluation answers. The zero value says that
// nothing is wrong.
type Outcome struct {
	Findings []*Finding
	Samples  []*Sample
	// Extras are named facts.
	Extras sdk.Labels

	// spare has findings to give out: one allocation for many.
	spare []Finding
}

// spareFindings is how many findings are allocated together.
const spareFindings = 64

// Finding is something that is wrong right now. Its labels, with the rule's labels
// on top, are the identity of the alert; two findings with the same identity fail
// the evaluation.
type Finding struct {
	// Series is where labels are taken from, without __name__; the zero value is no
	// series.
	Series query.Ref
	// Labels are further labels, which win over the series' labels; an empty value
	// deletes the label.
	Labels sdk.Labels
	// Value is shown with the alert.
	Value float64
	// Annotations win over the rule's own.
	Annotations sdk.Labels
	// Extras are named facts.
	Extras sdk.Labels
}

// Sample is a sample to record, for recording rules.
type Sample struct {
	// Series is where labels are taken from, __name__ included; the zero value is no
	// series.
	Series query.Ref
	// Labels are further labels, __name__ among them, which win over the series'.
	Labels sdk.Labels
	Value  float64
}

// Find adds a finding that no series stands for. Give it the labels that it is
// known by.
func (o *Outcome) Find(value float64) *Finding {
	if len(o.spare) == 0 {
		o.spare = make([]Finding, spareFindings)
	}
	finding := &o.spare[0]
	o.spare = o.spare[1:]
	finding.Value = value
	o.Findings = append(o.Findings, finding)
	return finding
}

// FindSeries adds a finding with the labels and the value of a series.
func (o *Outcome) FindSeries(series query.Series) *Finding {
	finding := o.Find(series.Value)
	finding.Series = series.Ref()
	return finding
}

// Record adds a sample to record under a metric's name.
func (o *Outcome) Record(name string, value float64) *Sample {
	sample := &Sample{Value: value}
	o.Samples = append(o.Samples, sample)
	return sample.Label("__name__", name)
}

// RecordSeries adds a sample with the labels and the value of a series, to record
// under a metric's name.
func (o *Outcome) RecordSeries(name string, series query.Series) *Sample {
	sample := o.Record(name, series.Value)
	sample.Series = series.Ref()
	return sample
}

// Label adds a label.
func (f *Finding) Label(name, value string) *Finding {
	f.Labels = append(f.Labels, sdk.L(name, value))
	return f
}

// Annotate adds an annotation.
func (f *Finding) Annotate(name, text string) *Finding {
	f.Annotations = append(f.Annotations, sdk.L(name, text))
	return f
}

// Label adds a label.
func (s *Sample) Label(name, value string) *Sample {
	s.Labels = append(s.Labels, sdk.L(name, value))
	return s
}
