package abi

import "unsafe"

// chunkWords is the size of the chunks that small allocations of the host are
// cut from, in words of 8 bytes: one of the sizes that Go's allocator has.
const chunkWords = 8192 / 8

var (
	// chunk is what is left of the newest chunk.
	chunk []uint64
	// lent has what the host has put bytes into that nobody has lifted yet, the
	// newest chunk included.
	lent [][]uint64
	// kept has what the host has still to read.
	kept []any
	// nothing is where allocations of no bytes lie.
	nothing uint64
)

// Lend gives the host room in the component's memory, aligned to 8 bytes, which suits
// all types of the contract and columns of packed numbers too.
//
// Labels come as many small texts, so these are cut from larger chunks. What is
// lent stays alive until [Lifted], and from then on by what points at it.
func Lend(bytes uint32) unsafe.Pointer {
	if bytes == 0 {
		return unsafe.Pointer(&nothing)
	}
	words := (int(bytes) + 7) / 8
	if words > chunkWords/4 {
		return unsafe.Pointer(unsafe.SliceData(lend(words)))
	}
	if words > len(chunk) {
		chunk = lend(chunkWords)
	}
	room := chunk
	chunk = chunk[words:]
	return unsafe.Pointer(unsafe.SliceData(room))
}

func lend(words int) []uint64 {
	room := make([]uint64, words)
	lent = append(lent, room)
	return room
}

// Lifted says that Go's values point at all that the host has put into what was lent,
// or that nobody needs it. The newest chunk stays: its rest will be lent.
func Lifted() {
	clear(lent)
	lent = append(lent[:0], chunk)
}

// Keep keeps what the value points at alive until [Release], and off the stack,
// which moves.
func Keep(value any) {
	kept = append(kept, value)
}

// Release lets go of what was kept: the host has read it.
func Release() {
	clear(kept)
	kept = kept[:0]
}
