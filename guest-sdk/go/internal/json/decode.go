// Package json reads and writes JSON by the json tags of struct fields, as far as
// configurations, states and bodies need it.
//
// It is here because a fresh instance is started for every evaluation: starting up
// encoding/json costs as much as half of all else in a small rule, and makes the
// component half as large again. Types that read or write themselves do so by the
// same methods as there: UnmarshalJSON, UnmarshalText, MarshalJSON, MarshalText.
// Different from there, names are compared letter by letter, the same name twice is
// an error, bytes are a list of numbers, and invalid UTF-8 is left as it is.
package json

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	sdk "wasmalert.dev/sdk"
)

// Config reads a configuration strictly: a member that the type does not have is an
// error, and so is one that is missing, unless its field is marked omitempty or
// omitzero. What does not fit is an error of the code bad_config that says what and
// where.
func Config[C any](text string) (C, error) {
	var config C
	if wrong := decode(text, reflect.ValueOf(&config).Elem(), true); wrong != nil {
		return config, sdk.Errorf(sdk.CodeBadConfig, "the configuration does not fit: %s", wrong)
	}
	return config, nil
}

// Unmarshal reads a text into what a pointer points at, leniently: unknown members
// are skipped, and what is missing or null stays as it was.
func Unmarshal(text string, pointer any) error {
	into := reflect.ValueOf(pointer)
	if into.Kind() != reflect.Pointer || into.IsNil() {
		return fmt.Errorf("%T is not a pointer", pointer)
	}
	if wrong := decode(text, into.Elem(), false); wrong != nil {
		return errors.New(wrong.String())
	}
	return nil
}

func decode(text string, into reflect.Value, strict bool) *misfit {
	reader := reader{text: text, strict: strict}
	if wrong := reader.value(into); wrong != nil {
		return wrong
	}
	if reader.skipSpace(); reader.at < len(text) {
		return reader.syntax()
	}
	return nil
}

// misfit is what is wrong, and where: names of members and indices, outermost first.
type misfit struct {
	path string
	what string
}

func (m *misfit) String() string {
	if m.path == "" {
		return "it " + m.what
	}
	return strings.TrimPrefix(m.path, ".") + " " + m.what
}

// under puts a step before the path.
func (m *misfit) under(step string) *misfit {
	if m != nil {
		m.path = step + m.path
	}
	return m
}

// value reads the next value into a Go value, which can be set.
func (r *reader) value(into reflect.Value) *misfit {
	if own, ok := into.Addr().Interface().(interface{ UnmarshalJSON([]byte) error }); ok {
		return r.ownJSON(own.UnmarshalJSON)
	}
	kind := r.kind()
	if into.Kind() == reflect.Pointer {
		if kind == null {
			return r.skip()
		}
		into.Set(reflect.New(into.Type().Elem()))
		return r.value(into.Elem())
	}
	if own, ok := into.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok && kind == text {
		return r.ownText(own.UnmarshalText)
	}
	switch wanted := wants(into.Kind()); {
	case into.Kind() == reflect.Interface && into.NumMethod() == 0:
		return r.anything(into)
	case kind == broken:
		return r.syntax()
	case kind == null && !r.strict:
		return r.skip()
	case kind != wanted:
		return &misfit{what: "is " + names[kind] + ", not " + names[wanted]}
	}
	switch kind {
	case truth:
		into.SetBool(r.word() == "true")
		return nil
	case text:
		value, wrong := r.string()
		into.SetString(value)
		return wrong
	case number:
		return setNumber(into, r.word())
	case list:
		return r.list(into)
	}
	if into.Kind() == reflect.Map {
		return r.dictionary(into)
	}
	return r.object(into)
}

// ownJSON has a type read its own JSON.
func (r *reader) ownJSON(read func([]byte) error) *misfit {
	r.skipSpace()
	start := r.at
	if wrong := r.skip(); wrong != nil {
		return wrong
	}
	if err := read([]byte(r.text[start:r.at])); err != nil {
		return &misfit{what: "does not fit: " + err.Error()}
	}
	return nil
}

// ownText has a type read its own text.
func (r *reader) ownText(read func([]byte) error) *misfit {
	value, wrong := r.string()
	if wrong != nil {
		return wrong
	}
	if err := read([]byte(value)); err != nil {
		return &misfit{what: "does not fit: " + err.Error()}
	}
	return nil
}

// anything reads what the text has: map[string]any, []any, float64, string, bool or
// nil.
func (r *reader) anything(into reflect.Value) *misfit {
	var value reflect.Value
	switch r.kind() {
	case object:
		value = reflect.New(reflect.TypeFor[map[string]any]())
	case list:
		value = reflect.New(reflect.TypeFor[[]any]())
	case number:
		value = reflect.New(reflect.TypeFor[float64]())
	case text:
		value = reflect.New(reflect.TypeFor[string]())
	case truth:
		value = reflect.New(reflect.TypeFor[bool]())
	default:
		return r.skip()
	}
	wrong := r.value(value.Elem())
	into.Set(value.Elem())
	return wrong
}

func setNumber(into reflect.Value, word string) *misfit {
	var err error
	switch bits := into.Type().Bits(); {
	case into.CanInt():
		var value int64
		value, err = strconv.ParseInt(word, 10, bits)
		into.SetInt(value)
	case into.CanUint():
		var value uint64
		value, err = strconv.ParseUint(word, 10, bits)
		into.SetUint(value)
	default:
		var value float64
		value, err = strconv.ParseFloat(word, bits)
		into.SetFloat(value)
	}
	if err != nil {
		return &misfit{what: "is " + word + ", which is no " + into.Type().String()}
	}
	return nil
}

func (r *reader) list(into reflect.Value) *misfit {
	if into.Kind() == reflect.Slice {
		into.Set(reflect.MakeSlice(into.Type(), 0, 4))
	}
	count := 0
	wrong := r.items('[', ']', func() *misfit {
		index := count
		count++
		if into.Kind() == reflect.Slice {
			into.Set(reflect.Append(into, reflect.Zero(into.Type().Elem())))
		} else if index >= into.Len() {
			return r.skip()
		}
		return r.value(into.Index(index)).under("[" + strconv.Itoa(index) + "]")
	})
	if wrong == nil && count != into.Len() {
		wrong = &misfit{what: "has " + strconv.Itoa(count) + " items, not " + strconv.Itoa(into.Len())}
	}
	return wrong
}

func (r *reader) dictionary(into reflect.Value) *misfit {
	into.Set(reflect.MakeMap(into.Type()))
	return r.members(func(name string) *misfit {
		value := reflect.New(into.Type().Elem()).Elem()
		wrong := r.value(value).under("." + name)
		into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), value)
		return wrong
	})
}

func (r *reader) object(into reflect.Value) *misfit {
	fields := fieldsOf(into, nil)
	wrong := r.members(func(name string) *misfit {
		for i := range fields {
			if fields[i].name == name {
				fields[i].given = true
				return r.value(fields[i].value).under("." + name)
			}
		}
		if !r.strict {
			return r.skip()
		}
		return &misfit{path: "." + name, what: "is unknown"}
	})
	for _, field := range fields {
		if r.strict && wrong == nil && !field.given && !field.omitEmpty && !field.omitZero {
			wrong = &misfit{path: "." + field.name, what: "is missing"}
		}
	}
	return wrong
}

// field is a field of a struct as JSON knows it.
type field struct {
	name                string
	omitEmpty, omitZero bool
	given               bool
	value               reflect.Value
}

// fieldsOf adds the fields of a struct, and of the structs embedded in it.
func fieldsOf(of reflect.Value, fields []field) []field {
	for i := range of.NumField() {
		declared := of.Type().Field(i)
		name, options, _ := strings.Cut(declared.Tag.Get("json"), ",")
		switch {
		case declared.Anonymous && name == "" && declared.Type.Kind() == reflect.Struct:
			fields = fieldsOf(of.Field(i), fields)
			continue
		case name == "-" || !declared.IsExported():
			continue
		case name == "":
			name = declared.Name
		}
		fields = append(fields, field{
			name:      name,
			omitEmpty: strings.Contains(options, "omitempty"),
			omitZero:  strings.Contains(options, "omitzero"),
			value:     of.Field(i),
		})
	}
	return fields
}
