package abi

import (
	"strings"
	"unicode/utf8"
	"unsafe"

	sdk "wasmalert.dev/sdk"
)

// Valid is the text as the host takes it: what is not UTF-8 in it, which would
// trap, becomes U+FFFD.
func Valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// OfText lowers a string, which the caller keeps alive.
func OfText(text string) String {
	if !utf8.ValidString(text) {
		text = Valid(text)
		Keep(text)
	}
	return of(unsafe.StringData(text), len(text))
}

// Of lowers a list of bytes, numbers or mirrors, which the caller keeps alive.
func Of[T any](elements []T) List[T] {
	return of(unsafe.SliceData(elements), len(elements))
}

func of[T any](first *T, count int) List[T] {
	if count == 0 {
		return List[T]{}
	}
	return List[T]{Addr: uint32(uintptr(unsafe.Pointer(first))), Len: uint32(count)}
}

// OfTexts lowers a list of strings, and keeps it.
func OfTexts(texts []string) List[String] {
	mirrors := make([]String, len(texts))
	for i, text := range texts {
		mirrors[i] = OfText(text)
	}
	Keep(texts)
	Keep(mirrors)
	return Of(mirrors)
}

// OfLabels lowers a list of labels, and keeps it.
func OfLabels(labels sdk.Labels) List[Label] {
	if len(labels) == 0 {
		return List[Label]{}
	}
	Keep(labels)
	return NewRoom(len(labels)).OfLabels(labels)
}

// OfError lowers an error, and keeps it.
func OfError(err error) Error {
	e := sdk.AsError(err)
	Keep(e)
	return Error{Code: OfText(e.Code), Message: OfText(e.Message), Extras: OfLabels(e.Extras)}
}

// Room is where mirrors of labels lie: one allocation for many lists.
type Room struct {
	free []Label
}

// NewRoom makes and keeps room for so many labels.
func NewRoom(labels int) *Room {
	room := &Room{free: make([]Label, labels)}
	Keep(room.free)
	return room
}

// OfLabels lowers a list of labels, which the caller keeps alive.
func (r *Room) OfLabels(labels sdk.Labels) List[Label] {
	mirrors := r.free[:len(labels)]
	r.free = r.free[len(labels):]
	for i := range labels {
		mirrors[i] = Label{Name: OfText(labels[i].Name), Value: OfText(labels[i].Value)}
	}
	return Of(mirrors)
}
