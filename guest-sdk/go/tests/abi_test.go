package tests

import (
	"runtime"
	"testing"
	"unsafe"

	"wasmalert.dev/sdk/internal/abi"
)

// TestLayouts compares the mirrors with sizes that follow from the rules of the
// canonical ABI for wit/.
func TestLayouts(t *testing.T) {
	for name, sizes := range map[string][2]uintptr{
		"label":          {unsafe.Sizeof(abi.Label{}), 16},
		"description":    {unsafe.Sizeof(abi.Description{}), 40},
		"error":          {unsafe.Sizeof(abi.Error{}), 24},
		"instant-query":  {unsafe.Sizeof(abi.InstantQuery{}), 40},
		"range-query":    {unsafe.Sizeof(abi.RangeQuery{}), 48},
		"query result":   {unsafe.Sizeof(abi.QueryResult{}), 28},
		"label-column":   {unsafe.Sizeof(abi.LabelColumn{}), 16},
		"sample-columns": {unsafe.Sizeof(abi.SampleColumns{}), 16},
		"option<list>":   {unsafe.Sizeof(abi.OptionBytes{}), 12},
		"timer":          {unsafe.Sizeof(abi.Timer{}), 24},
		"context":        {unsafe.Sizeof(abi.Context{}), 104},
		"finding":        {unsafe.Sizeof(abi.Finding{}), 48},
		"sample":         {unsafe.Sizeof(abi.Sample{}), 32},
		"outcome":        {unsafe.Sizeof(abi.Outcome{}), 24},
		"outcome result": {unsafe.Sizeof(abi.OutcomeResult{}), 28},
		"alert":          {unsafe.Sizeof(abi.Alert{}), 72},
		"batch":          {unsafe.Sizeof(abi.Batch{}), 88},
		"http-request":   {unsafe.Sizeof(abi.Request{}), 40},
		"disposition":    {unsafe.Sizeof(abi.Disposition{}), 40},
		// Where padding is.
		"instant-query.time-ms": {unsafe.Offsetof(abi.InstantQuery{}.TimeMs), 24},
		"query result payload":  {unsafe.Offsetof(abi.QueryResult{}.Error), 4},
		"context.config":        {unsafe.Offsetof(abi.Context{}.Config), 80},
		"finding.value":         {unsafe.Offsetof(abi.Finding{}.Value), 24},
		"alert.value":           {unsafe.Offsetof(abi.Alert{}.Value), 24},
		"disposition.retry":     {unsafe.Offsetof(abi.Disposition{}.RetryAfterMs), 16},
		"disposition.reason":    {unsafe.Offsetof(abi.Disposition{}.Reason), 24},
	} {
		if sizes[0] != sizes[1] {
			t.Errorf("%s: %d, not %d", name, sizes[0], sizes[1])
		}
	}
}

// garbage takes the room of what was collected.
var garbage []uint64

// TestLentMemoryStays lends memory as a host takes it, which nobody but the package
// points at: none of it may be collected before it is lifted, the rest of a chunk
// that an earlier call has begun included.
func TestLentMemoryStays(t *testing.T) {
	for size := range uint32(3_000) {
		var addresses []uintptr
		for i := range 20 {
			room := unsafe.Slice((*byte)(abi.Lend(size)), size)
			for at := range room {
				room[at] = byte(i)
			}
			addresses = append(addresses, uintptr(unsafe.Pointer(unsafe.SliceData(room))))
		}
		if size%100 == 0 {
			runtime.GC()
		}
		for range 20 {
			garbage = make([]uint64, 1024)
		}
		for i, address := range addresses {
			if address%8 != 0 {
				t.Fatalf("%d bytes lie at %x", size, address)
			}
			room := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), address)), size)
			for _, b := range room {
				if b != byte(i) {
					t.Fatalf("allocation %d of %d bytes is overwritten", i, size)
				}
			}
		}
		abi.Lifted()
	}
}
