package abi

import (
	"unsafe"

	sdk "wasmalert.dev/sdk"
)

// At is the list of which a parameter each gives the address and the length.
func At[T any](first unsafe.Pointer, count uint32) List[T] {
	return List[T]{Addr: uint32(uintptr(first)), Len: count}
}

// Elements lifts a list of numbers or of mirrors.
func (l List[T]) Elements() []T {
	if l.Len == 0 {
		return nil
	}
	return unsafe.Slice((*T)(at(l.Addr)), l.Len)
}

// Text lifts a string.
func Text(text String) string {
	return unsafe.String((*byte)(at(text.Addr)), text.Len)
}

// Packed lifts a column of numbers that come as little-endian bytes.
func Packed[T int64 | float64](bytes List[byte]) []T {
	return List[T]{Addr: bytes.Addr, Len: bytes.Len / 8}.Elements()
}

// Each lifts a list of mirrors one by one.
func Each[M, T any](l List[M], lift func(*M) T) []T {
	if l.Len == 0 {
		return nil
	}
	mirrors := l.Elements()
	lifted := make([]T, len(mirrors))
	for i := range mirrors {
		lifted[i] = lift(&mirrors[i])
	}
	return lifted
}

// Texts lifts a list of strings.
func Texts(l List[String]) []string {
	return Each(l, func(text *String) string { return Text(*text) })
}

// Labels lifts a list of labels.
func Labels(l List[Label]) sdk.Labels {
	return Each(l, func(label *Label) sdk.Label { return sdk.L(Text(label.Name), Text(label.Value)) })
}

// Lift lifts an error.
func (e *Error) Lift() *sdk.Error {
	return &sdk.Error{Code: Text(e.Code), Message: Text(e.Message), Extras: Labels(e.Extras)}
}
