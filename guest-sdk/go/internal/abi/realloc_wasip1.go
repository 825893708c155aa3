package abi

import "unsafe"

// realloc is how the host asks for room: the canonical ABI's cabi_realloc.
//
//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldBytes, _, bytes uint32) unsafe.Pointer {
	room := Lend(bytes)
	if oldBytes > 0 {
		copy(unsafe.Slice((*byte)(room), bytes), unsafe.Slice((*byte)(old), oldBytes))
	}
	return room
}

// at is the pointer of an address of linear memory.
func at(address uint32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), address)
}
