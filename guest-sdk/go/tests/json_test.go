package tests

import (
	stdjson "encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"wasmalert.dev/sdk/internal/json"
)

type common struct {
	Kind string `json:"kind"`
}

type config struct {
	common
	Above  float64           `json:"above"`
	Count  uint8             `json:"count,omitempty"`
	List   []int             `json:"list,omitempty"`
	Pair   *[2]string        `json:"pair,omitzero"`
	Names  map[string]string `json:"names,omitempty"`
	Nested struct {
		On bool `json:"on"`
	} `json:"nested,omitzero"`
	Any    any       `json:"any,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Hidden string    `json:"-"`
	hidden string
}

var wellFormed = []string{
	`{"kind": "a", "above": 0.9}`,
	` { "kind" : "a\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t" , "above" : -1.5e-3 } `,
	`{"kind":"","above":0,"count":255,"list":[1,-2, 3],"pair":["x","y"],"names":{"b":"2","a":"1"},"nested":{"on":true}}`,
	`{"kind":"é日🦀","above":1e21,"any":{"x":[1,"a",null,true,{}]},"since":"2024-02-29T12:34:56Z"}`,
	`{"kind":"\ud800x","above":1,"list":[],"names":{},"any":[],"pair":null}`,
}

// TestAsTheStandardLibrary reads and writes what encoding/json reads and writes.
func TestAsTheStandardLibrary(t *testing.T) {
	for _, text := range wellFormed {
		got, err := json.Config[config](text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want config
		if err := stdjson.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
		var lenient config
		if err := json.Unmarshal(text, &lenient); err != nil || !reflect.DeepEqual(lenient, want) {
			t.Errorf("%s: leniently %+v, %v", text, lenient, err)
		}
		written, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		wanted, _ := stdjson.Marshal(want)
		if string(written) != string(wanted) {
			t.Errorf("wrote %s, not %s", written, wanted)
		}
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	for text, want := range map[string]string{
		`{"above": 1}`:                                    `kind is missing`,
		`{"kind": "a"}`:                                   `above is missing`,
		`{"kind": "a", "above": "x"}`:                     `above is a string, not a number`,
		`{"kind": "a", "above": null}`:                    `above is null, not a number`,
		`{"kind": "a", "Above": 1}`:                       `Above is unknown`,
		`{"kind": "a", "above": 1, "kind": "b"}`:          `kind is there twice`,
		`{"kind": "a", "above": 1, "list": [1, 2.5]}`:     `list[1] is 2.5, which is no int`,
		`{"kind": "a", "above": 1, "list": [[]]}`:         `list[0] is a list, not a number`,
		`{"kind": "a", "above": 1, "count": 256}`:         `count is 256, which is no uint8`,
		`{"kind": "a", "above": 1, "pair": ["x"]}`:        `pair has 1 items, not 2`,
		`{"kind": "a", "above": 1, "nested": {}}`:         `nested.on is missing`,
		`{"kind": "a", "above": 1, "names": {"a": true}}`: `names.a is true or false, not a string`,
		`{"kind": "a", "above": 1, "since": "now"}`:       `since does not fit: `,
		`[]`:                                `it is a list, not an object`,
		`{"kind": "a", "above": 01}`:        `above is no JSON from byte 23 on`,
		`{"kind": "a", "above": 1,}`:        `it is no JSON from byte 25 on`,
		`{"kind": "a", "above": 1} x`:       `it is no JSON from byte 26 on`,
		`{"kind": "a`:                       `is no JSON`,
		`{"kind": "\x"}`:                    `is no JSON`,
		`{"kind": "a", "above": 1, "pair":`: `is no JSON`,
		``:                                  `it is no JSON from byte 0 on`,
	} {
		_, err := json.Config[config](text)
		if err == nil || !strings.HasPrefix(err.Error(), "bad_config: the configuration does not fit: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", text, err, want)
		}
	}
}

func TestLeniently(t *testing.T) {
	value := config{Above: 7}
	if err := json.Unmarshal(`{"new": [{"a": "\""}], "above": null, "kind": "k"}`, &value); err != nil {
		t.Fatal(err)
	}
	if value.Above != 7 || value.Kind != "k" {
		t.Errorf("read %+v", value)
	}
	if err := json.Unmarshal(`{}`, value); err == nil {
		t.Error("reads into what is no pointer")
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range wellFormed {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, want any
		errGot, errWant := json.Unmarshal(text, &got), stdjson.Unmarshal([]byte(text), &want)
		if errGot == nil && errWant != nil && !strings.Contains(errWant.Error(), "depth") {
			t.Errorf("%q: read, but %v", text, errWant)
		}
	})
}
