// Package log writes lines for people, shown in the host's log and with the
// evaluation.
//
//	log.Warn("too few series", sdk.L("host", host))
package log

import (
	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
)

// Level says how much a line matters.
type Level uint32

// The five usual levels.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Write writes one line with named fields.
func Write(level Level, message string, fields ...sdk.Label) {
	host.Log(uint32(level), message, fields)
}

// Trace writes one line at the level trace.
func Trace(message string, fields ...sdk.Label) {
	Write(LevelTrace, message, fields...)
}

// Debug writes one line at the level debug.
func Debug(message string, fields ...sdk.Label) {
	Write(LevelDebug, message, fields...)
}

// Info writes one line at the level info.
func Info(message string, fields ...sdk.Label) {
	Write(LevelInfo, message, fields...)
}

// Warn writes one line at the level warn.
func Warn(message string, fields ...sdk.Label) {
	Write(LevelWarn, message, fields...)
}

// Error writes one line at the level error.
func Error(message string, fields ...sdk.Label) {
	Write(LevelError, message, fields...)
}
