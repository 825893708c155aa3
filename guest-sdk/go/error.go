package sdk

import (
	"errors"
	"fmt"
)

// Codes of errors that the SDK itself makes.
const (
	// CodeFailed is the code of an error that has none of its own.
	CodeFailed = "failed"
	// CodePanic is the code of a panic that nobody has recovered.
	CodePanic = "panic"
	// CodeBadConfig is the code of a configuration that does not fit.
	CodeBadConfig = "bad_config"
	// CodeBadJSON is the code of a JSON text or value that does not fit.
	CodeBadJSON = "bad_json"
)

// Error is a failure with a stable code. It leaves every alert as it was and
// shows up in the rule's health.
type Error struct {
	// Code is in snake case, for machines.
	Code string
	// Message says what is wrong and what to do, for people.
	Message string
	// Extras are named facts.
	Extras Labels
}

// Errorf makes an error of a code in snake case and a message for people, which is
// formatted as [fmt.Sprintf] does.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns the code and the message.
func (e *Error) Error() string {
	return e.Code + ": " + e.Message
}

// AsError finds the [Error] that the host is told of: err itself, or the one that
// it wraps with the whole text of err, or one of the code [CodeFailed].
func AsError(err error) *Error {
	if own, ok := err.(*Error); ok {
		return own
	}
	var inner *Error
	if errors.As(err, &inner) {
		return &Error{Code: inner.Code, Message: err.Error(), Extras: inner.Extras}
	}
	return &Error{Code: CodeFailed, Message: err.Error()}
}
