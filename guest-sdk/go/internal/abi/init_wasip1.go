package abi

import (
	"runtime/debug"
	"time"
)

// An instance lives for one run, so what suits a program that runs for long is set
// otherwise.
func init() {
	// A goroutine's stack starts with 2 KiB and is doubled whenever it does not
	// suffice, at a cost that grows with the calls under way. One large step at the
	// beginning, when there are few, replaces the others.
	var room [12 << 10]byte
	touch(&room)

	// Most runs allocate too little to be worth a collection: the first one comes at
	// 16 MiB instead of 4. Near the limit on memory, 64 MiB unless set otherwise,
	// collections come as often as needed.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(48 << 20)

	// A collection asks for the time of day. It may happen in [Lend], while the
	// host must not be called; the host's answer is kept from the first time on.
	_ = time.Now()
}

//go:noinline
func touch(room *[12 << 10]byte) {
	room[0]++
}
