package json

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is what a JSON value is.
type kind int

const (
	broken kind = iota
	null
	truth
	number
	text
	list
	object
)

// names are what people call the kinds.
var names = [...]string{"broken", "null", "true or false", "a number", "a string", "a list", "an object"}

// wants is the kind of JSON value that a kind of Go value is read from.
func wants(k reflect.Kind) kind {
	switch {
	case k == reflect.Bool:
		return truth
	case k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr:
		return number
	case k == reflect.String:
		return text
	case k == reflect.Slice || k == reflect.Array:
		return list
	case k == reflect.Struct || k == reflect.Map:
		return object
	}
	return broken
}

// reader reads a JSON text from its beginning to its end.
type reader struct {
	text   string
	at     int
	strict bool
}

func (r *reader) syntax() *misfit {
	return &misfit{what: "is no JSON from byte " + strconv.Itoa(r.at) + " on"}
}

func (r *reader) skipSpace() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// take goes past a byte, and says whether it was there.
func (r *reader) take(b byte) bool {
	r.skipSpace()
	if r.at == len(r.text) || r.text[r.at] != b {
		return false
	}
	r.at++
	return true
}

// kind is what the next value is. Words and numbers are looked at as a whole.
func (r *reader) kind() kind {
	r.skipSpace()
	rest := r.text[r.at:]
	if rest == "" {
		return broken
	}
	switch rest[0] {
	case '{':
		return object
	case '[':
		return list
	case '"':
		return text
	}
	word := rest[:wordLen(rest)]
	switch word {
	case "null":
		return null
	case "true", "false":
		return truth
	}
	if isNumber(word) {
		return number
	}
	return broken
}

// word goes past a word or a number.
func (r *reader) word() string {
	rest := r.text[r.at:]
	end := wordLen(rest)
	r.at += end
	return rest[:end]
}

func wordLen(rest string) int {
	end := strings.IndexAny(rest, " \t\r\n,:]}")
	if end < 0 {
		end = len(rest)
	}
	return end
}

// isNumber says whether the word follows JSON's grammar of numbers, which is
// narrower than that of package strconv.
func isNumber(word string) bool {
	word = strings.TrimPrefix(word, "-")
	whole, rest := digits(word)
	if whole == 0 || whole > 1 && word[0] == '0' {
		return false
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		if whole, rest = digits(fraction); whole == 0 {
			return false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if whole, rest = digits(rest); whole == 0 {
			return false
		}
	}
	return rest == ""
}

// digits counts the digits at the beginning, and returns what follows.
func digits(of string) (int, string) {
	rest := strings.TrimLeft(of, "0123456789")
	return len(of) - len(rest), rest
}

// skip goes past any value.
func (r *reader) skip() *misfit {
	switch r.kind() {
	case broken:
		return r.syntax()
	case text:
		_, wrong := r.string()
		return wrong
	case list:
		return r.items('[', ']', r.skip)
	case object:
		return r.members(func(string) *misfit { return r.skip() })
	}
	r.word()
	return nil
}

// items goes through what is between brackets, separated by commas.
func (r *reader) items(open, close byte, item func() *misfit) *misfit {
	if !r.take(open) {
		return r.syntax()
	}
	if r.take(close) {
		return nil
	}
	for {
		if wrong := item(); wrong != nil {
			return wrong
		}
		if r.take(close) {
			return nil
		}
		if !r.take(',') {
			return r.syntax()
		}
	}
}

// members goes through the members of an object, whose names are different.
func (r *reader) members(member func(name string) *misfit) *misfit {
	var seen []string
	return r.items('{', '}', func() *misfit {
		r.skipSpace()
		name, wrong := r.string()
		if wrong == nil && !r.take(':') {
			wrong = r.syntax()
		}
		if wrong != nil {
			return wrong
		}
		for _, other := range seen {
			if other == name {
				return &misfit{path: "." + name, what: "is there twice"}
			}
		}
		seen = append(seen, name)
		return member(name)
	})
}

// string reads a string.
func (r *reader) string() (string, *misfit) {
	if !r.take('"') {
		return "", r.syntax()
	}
	start := r.at
	var value []byte
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			value = append(value, r.text[start:r.at]...)
			r.at++
			return string(value), nil
		case c == '\\':
			value = append(value, r.text[start:r.at]...)
			escaped, ok := r.escape()
			if !ok {
				return "", r.syntax()
			}
			value = utf8.AppendRune(value, escaped)
			start = r.at
		case c < ' ':
			return "", r.syntax()
		default:
			r.at++
		}
	}
	return "", r.syntax()
}

// escapes are the letters after a backslash, and what they stand for.
const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// escape reads a backslash and what it stands before. Half a surrogate pair becomes
// U+FFFD.
func (r *reader) escape() (rune, bool) {
	if r.at+1 == len(r.text) {
		return 0, false
	}
	if i := strings.IndexByte(escapes, r.text[r.at+1]); i >= 0 {
		r.at += 2
		return rune(escaped[i]), true
	}
	first, ok := r.unit()
	if !ok {
		return 0, false
	}
	if utf16.IsSurrogate(first) {
		before := r.at
		second, _ := r.unit()
		if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
			return pair, true
		}
		r.at = before
	}
	return first, true
}

// unit reads a backslash, a u and four hexadecimal digits.
func (r *reader) unit() (rune, bool) {
	rest := r.text[r.at:]
	if len(rest) < 6 || rest[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(rest[2:6], 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 6
	return rune(unit), true
}
