package control

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPluginExited is returned by every call on a strategy process that has exited, wrapped with how it ended.
var ErrPluginExited = errors.New("plugin exited")

// ErrUnsupported is returned for a call that the plugin does not know: it was built from an older version.
var ErrUnsupported = errors.New("the plugin was built from an older version")

// ErrNotLaunched is returned by ServeStrategy in a process that no host started.
var ErrNotLaunched = errors.New("not started by a runner")

// ErrNoHost is returned when nobody listens at a control socket.
var ErrNoHost = errors.New("no running host")

// ErrHostRunning is returned by LockFolder when another host has the state directory, and by ListenRunner when one
// listens there.
var ErrHostRunning = errors.New("a host is already running")

// ErrNotFound matches every NotFoundError.
var ErrNotFound = errors.New("not found")

// NotFoundError reports that there is no strategy with a name. errors.Is(err, ErrNotFound) holds.
type NotFoundError struct {
	// Name is the requested name, Nearest the closest known name, empty if none is close.
	Name, Nearest string
}

// NewNotFoundError returns the error for a name that is none of the known ones.
func NewNotFoundError(name string, known []string) *NotFoundError {
	return &NotFoundError{Name: name, Nearest: Nearest(name, known)}
}

// Error names the strategy and the nearest known one.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("no strategy %q", e.Name)
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Nearest)
	}
	return text
}

// Is reports whether target is ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// OrdersLeftError reports that a strategy was stopped, or with an empty Strategy that there is a halt, and some orders
// were not confirmed as closed in time:
// they may be open. Unaccounted are the instruments of which the venue has not told which orders an earlier run has
// left.
type OrdersLeftError struct {
	Strategy    string
	Orders      []OpenOrder
	Unaccounted []string
}

const (
	// maxOrdersNamed is the number of orders that an OrdersLeftError names in its text, maxOrdersSent how many go over
	// the control socket.
	maxOrdersNamed, maxOrdersSent = 20, 1000
)

// Error lists the orders, a line each.
func (e *OrdersLeftError) Error() string {
	text, of := fmt.Sprintf("strategy %s is stopped, but ", e.Strategy), "of its "
	if e.Strategy == "" {
		text, of = "new orders are refused, but ", ""
	}
	if len(e.Unaccounted) > 0 {
		text += fmt.Sprintf("orders of an earlier run may be open on %s, the venue has not reported them: check at the venue", strings.Join(e.Unaccounted, ", "))
	}
	if len(e.Orders) == 0 {
		return text
	}
	if len(e.Unaccounted) > 0 {
		text += "; and "
	}
	text += "these " + of + "orders may still be open, their end was not confirmed in time:"
	for i, o := range e.Orders {
		if i == maxOrdersNamed {
			return text + fmt.Sprintf("\n  and %d more", len(e.Orders)-i)
		}
		text += "\n  " + o.String()
	}
	return text
}

// Error names the parameter and what is wrong with it.
func (e ParamError) Error() string { return fmt.Sprintf("parameter %q %s", e.Name, e.Problem) }

// Error lists all problems.
func (e ParamErrors) Error() string {
	texts := make([]string, len(e))
	for i, p := range e {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "; ")
}

// LaunchCause is the cause of a failed plugin start.
type LaunchCause string

// Causes of a LaunchError.
const (
	// CauseNotFound: there is no such file.
	CauseNotFound LaunchCause = "not found"
	// CauseNotExecutable: the file may not be executed.
	CauseNotExecutable LaunchCause = "not executable"
	// CauseWrongFormat: the file is not a program for this machine.
	CauseWrongFormat LaunchCause = "wrong format"
	// CauseChecksum: the file is not the one that is pinned.
	CauseChecksum LaunchCause = "wrong checksum"
	// CauseExited: the process ended before the handshake.
	CauseExited LaunchCause = "exited"
	// CauseStrayOutput: something else than the handshake came over standard output.
	CauseStrayOutput LaunchCause = "stray output"
	// CauseAPIVersion: the plugin speaks another version of the strategy API.
	CauseAPIVersion LaunchCause = "wrong API version"
	// CauseTimeout: no handshake came in time.
	CauseTimeout LaunchCause = "timeout"
	// CauseCancelled: the context was cancelled. One whose time is over is a CauseTimeout.
	CauseCancelled LaunchCause = "cancelled"
	// CauseConnection: the handshake was fine, the connection was not.
	CauseConnection LaunchCause = "no connection"
	// CauseSystem: the operating system refused.
	CauseSystem LaunchCause = "system"
)

// LaunchError describes why Launch failed: one line with cause and fix.
type LaunchError struct {
	Cause LaunchCause
	// Path is the plugin's file.
	Path string
	// Problem describes the problem, Fix what to do about it; Fix may be empty.
	Problem, Fix string
	// Err is the cause as the system or the connection gave it, nil when there is none.
	Err error
}

// Error returns file, problem and fix in one line.
func (e *LaunchError) Error() string {
	text := fmt.Sprintf("plugin %s: %s", e.Path, e.Problem)
	if e.Fix != "" {
		text += ": " + e.Fix
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// Unwrap returns the underlying error.
func (e *LaunchError) Unwrap() error { return e.Err }

// Lasting reports whether it is the file that is wrong, so that another attempt with the same file would end the same
// way. A process that ended or did not answer in time may do better the next time.
func (e *LaunchError) Lasting() bool {
	switch e.Cause {
	case CauseNotFound, CauseNotExecutable, CauseWrongFormat, CauseChecksum, CauseStrayOutput, CauseAPIVersion:
		return true
	}
	return false
}
