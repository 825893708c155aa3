// Package guard turns panics into errors that say where.
package guard

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	sdk "wasmalert.dev/sdk"
)

// Call calls, and returns a panic that nobody else recovers as an error.
func Call[T any](call func() (T, error)) (result T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &sdk.Error{Code: sdk.CodePanic, Message: fmt.Sprint(cause) + place()}
		}
	}()
	return call()
}

// place is the file and line in the author's code that the panic comes from.
func place() string {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(0, counters[:])])
	var called []runtime.Frame
	for {
		frame, more := frames.Next()
		called = append(called, frame)
		if strings.HasPrefix(frame.Function, "main.") {
			return innermost(called, path.Dir(frame.File)+"/")
		}
		if !more {
			return ""
		}
	}
}

// innermost is the first of the calls whose file lies under the folder of the main
// package, where the author's other packages lie too.
func innermost(called []runtime.Frame, folder string) string {
	for _, frame := range called {
		if file, ok := strings.CutPrefix(frame.File, folder); ok && !strings.HasPrefix(frame.Function, "wasmalert.dev/sdk") {
			return fmt.Sprintf(" (%s:%d)", file, frame.Line)
		}
	}
	return ""
}
