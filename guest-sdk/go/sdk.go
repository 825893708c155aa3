// Package sdk has what all parts of the wasmalert SDK share: labels and errors.
//
// A rule says what is wrong right now; the host owns pending, firing and
// resolved. It is registered with package [wasmalert.dev/sdk/rule]. A notifier
// turns alerts into HTTP requests, which the host sends; it is registered with
// package [wasmalert.dev/sdk/notifier]. Both are pure: all they know comes
// through their arguments and the functions of this module, and nothing they do
// counts unless the run succeeds.
package sdk

import "strings"

// Label is one label, or one entry of a list of named texts.
type Label struct {
	Name  string
	Value string
}

// L makes a label of its name and value.
func L(name, value string) Label {
	return Label{Name: name, Value: value}
}

// Labels is a list of labels, or of named texts. Those of series and alerts are
// sorted by name.
type Labels []Label

// Get returns the value of a label; the empty text stands for an absent one.
func (l Labels) Get(name string) string {
	for i := range l {
		if l[i].Name == name {
			return l[i].Value
		}
	}
	return ""
}

// String writes the labels as Prometheus does: {a="1", b="2"}.
func (l Labels) String() string {
	var text strings.Builder
	text.WriteByte('{')
	for i, label := range l {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(label.Name)
		text.WriteString(`="`)
		escapes.WriteString(&text, label.Value)
		text.WriteByte('"')
	}
	text.WriteByte('}')
	return text.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
