package json

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Marshal writes a value. Map keys are texts and come sorted; what JSON cannot say,
// such as NaN, is an error.
func Marshal(value any) ([]byte, error) {
	return appendValue(nil, reflect.ValueOf(value))
}

func appendValue(to []byte, value reflect.Value) ([]byte, error) {
	if !value.IsValid() {
		return append(to, "null"...), nil
	}
	if to, done, err := appendOwn(to, value); done {
		return to, err
	}
	switch {
	case value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface:
		return appendValue(to, value.Elem())
	case value.Kind() == reflect.Bool:
		return strconv.AppendBool(to, value.Bool()), nil
	case value.CanInt():
		return strconv.AppendInt(to, value.Int(), 10), nil
	case value.CanUint():
		return strconv.AppendUint(to, value.Uint(), 10), nil
	case value.CanFloat():
		return appendFloat(to, value.Float(), value.Type().Bits())
	case value.Kind() == reflect.String:
		return appendString(to, value.String()), nil
	case value.Kind() == reflect.Struct:
		return appendStruct(to, value)
	case value.Kind() == reflect.Map && value.Type().Key().Kind() == reflect.String:
		return appendMap(to, value)
	case value.Kind() == reflect.Slice || value.Kind() == reflect.Array:
		return appendList(to, value)
	}
	return to, fmt.Errorf("a %v has no JSON form", value.Type())
}

// appendOwn has a type write itself, if it does.
func appendOwn(to []byte, value reflect.Value) ([]byte, bool, error) {
	if !value.CanInterface() || value.Kind() == reflect.Pointer && value.IsNil() {
		return to, false, nil
	}
	switch own := value.Interface().(type) {
	case interface{ MarshalJSON() ([]byte, error) }:
		text, err := own.MarshalJSON()
		return append(to, text...), true, err
	case interface{ MarshalText() ([]byte, error) }:
		text, err := own.MarshalText()
		return appendString(to, string(text)), true, err
	}
	return to, false, nil
}

func appendFloat(to []byte, value float64, bits int) ([]byte, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return to, fmt.Errorf("JSON has no %v", value)
	}
	format := byte('f')
	if size := math.Abs(value); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(to, value, format, -1, bits), nil
}

func appendString(to []byte, text string) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	start := 0
	for at := 0; at < len(text); at++ {
		c := text[at]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[start:at]...)
		start = at + 1
		if i := strings.IndexByte(escaped, c); i >= 0 {
			to = append(to, '\\', escapes[i])
		} else {
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(to, text[start:]...), '"')
}

func appendStruct(to []byte, value reflect.Value) ([]byte, error) {
	to = append(to, '{')
	first := true
	for _, field := range fieldsOf(value, nil) {
		if field.omitEmpty && isEmpty(field.value) || field.omitZero && field.value.IsZero() {
			continue
		}
		var err error
		if to, err = appendMember(to, first, field.name, field.value); err != nil {
			return to, err
		}
		first = false
	}
	return append(to, '}'), nil
}

func appendMap(to []byte, value reflect.Value) ([]byte, error) {
	if value.IsNil() {
		return append(to, "null"...), nil
	}
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	to = append(to, '{')
	for i, key := range keys {
		var err error
		if to, err = appendMember(to, i == 0, key.String(), value.MapIndex(key)); err != nil {
			return to, err
		}
	}
	return append(to, '}'), nil
}

func appendMember(to []byte, first bool, name string, value reflect.Value) ([]byte, error) {
	if !first {
		to = append(to, ',')
	}
	return appendValue(append(appendString(to, name), ':'), value)
}

func appendList(to []byte, value reflect.Value) ([]byte, error) {
	if value.Kind() == reflect.Slice && value.IsNil() {
		return append(to, "null"...), nil
	}
	to = append(to, '[')
	for i := range value.Len() {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendValue(to, value.Index(i)); err != nil {
			return to, err
		}
	}
	return append(to, ']'), nil
}

func isEmpty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return value.Len() == 0
	case reflect.Struct:
		return false
	}
	return value.IsZero()
}
