package zooid

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"

	"zooid/internal/swig"
)

// Code says what went wrong; numbers from -1 to -127 are ZooKeeper's. A code is an error, to be looked for with
// errors.Is.
type Code int

// The codes of zooid.h.
const (
	ok                       Code = 0
	SystemError              Code = -1
	NotRun                   Code = -2
	Malformed                Code = -5
	Unimplemented            Code = -6
	BadArguments             Code = -8
	NewConfigNoQuorum        Code = -13
	ReconfigInProgress       Code = -14
	NoNode                   Code = -101
	NoAuth                   Code = -102
	BadVersion               Code = -103
	NoChildrenForEphemerals  Code = -108
	NodeExists               Code = -110
	NotEmpty                 Code = -111
	SessionExpired           Code = -112
	InvalidACL               Code = -114
	AuthFailed               Code = -115
	SessionMoved             Code = -118
	ReadOnly                 Code = -119
	EphemeralOnLocalSession  Code = -120
	NoWatch                  Code = -121
	ReconfigDisabled         Code = -123
	SessionClosedRequireAuth Code = -124
	QuotaExceeded            Code = -125
	Throttled                Code = -127
	DeadlineExceeded         Code = -1001
	Cancelled                Code = -1002
	NotServing               Code = -1003
	Stale                    Code = -1004
	NotChanged               Code = -1005
	NotPermitted             Code = -1006
	LimitReached             Code = -1007
	WrongVersion             Code = -1008
	NoSuchProvider           Code = -1009
	ProviderFailed           Code = -1010
	Stopping                 Code = -1011
	FellBehind               Code = -1012
	ConnectionLost           Code = -1013
	NoMemory                 Code = -1014
	NotHeld                  Code = -1015
	Closed                   Code = -1016
	ProviderExists           Code = -1017
	ProviderReplaced         Code = -1018
)

// Name is NO_NODE and its like; UNKNOWN for a number that is in no list.
func (c Code) Name() string { return swig.Code_name(int(c)) }

// Error makes a code an error.
func (c Code) Error() string { return swig.Code_text(int(c)) }

// Error is a request that failed.
type Error struct {
	Code           Code
	Message        string
	Path           string
	Retry          bool     // the same request may succeed later
	OutcomeUnknown bool     // it may have taken effect all the same
	Results        []Result // of a multi: how each write fared
	cause          error    // the context's
}

// Error tells path and message.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("zooid: ")
	if e.Path != "" {
		text.WriteString(e.Path + ": ")
	}
	text.WriteString(e.Message)
	if e.OutcomeUnknown {
		text.WriteString(" (it may have taken effect)")
	}
	return text.String()
}

// Unwrap gives the context's error, if that ended the request.
func (e *Error) Unwrap() error { return e.cause }

// What the standard library calls by other names.
var alike = map[Code]error{
	NoNode:           fs.ErrNotExist,
	NodeExists:       fs.ErrExist,
	NoAuth:           fs.ErrPermission,
	NotPermitted:     fs.ErrPermission,
	DeadlineExceeded: context.DeadlineExceeded,
	Cancelled:        context.Canceled,
	Closed:           net.ErrClosed,
}

// Is holds for the error's code, and for what the standard library has for it: fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission, context.DeadlineExceeded, context.Canceled, net.ErrClosed.
func (e *Error) Is(target error) bool {
	if code, isCode := target.(Code); isCode {
		return code == e.Code
	}
	same, known := alike[e.Code]
	return known && target == same
}

func errorOf(code Code, path string) *Error {
	return &Error{Code: code, Message: code.Error(), Path: path}
}

func errorWith(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Of a context that has ended before the reply was there.
func errorOfContext(cause error, path string, unknown bool) *Error {
	code := Cancelled
	if errors.Is(cause, context.DeadlineExceeded) {
		code = DeadlineExceeded
	}
	e := errorOf(code, path)
	e.cause, e.OutcomeUnknown, e.Retry = cause, unknown, code == DeadlineExceeded
	return e
}
