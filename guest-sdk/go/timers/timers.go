// Package timers wakes a rule besides its interval. A timer that is due causes one
// evaluation, whose context's trigger tells its name, and is gone.
package timers

import (
	"time"

	"wasmalert.dev/sdk/internal/host"
)

// Timer is a timer that is set.
type Timer struct {
	Name    string
	Due     time.Time
	Payload []byte
}

// Set sets or replaces the timer of that name. A time that has passed is due at
// once; times are whole milliseconds.
func Set(name string, due time.Time, payload []byte) {
	host.SetTimer(host.Timer{Name: name, DueMs: due.UnixMilli(), Payload: payload})
}

// Cancel removes a timer; nothing happens where there is none.
func Cancel(name string) {
	host.CancelTimer(name)
}

// Pending returns the timers that are set, sorted by name, this run's changes
// included.
func Pending() []Timer {
	pending := host.PendingTimers()
	timers := make([]Timer, len(pending))
	for i, timer := range pending {
		timers[i] = Timer{Name: timer.Name, Due: time.UnixMilli(timer.DueMs).UTC(), Payload: timer.Payload}
	}
	return timers
}
