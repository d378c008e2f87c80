package control

import (
	"context"
	"debug/elf"
	"debug/macho"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// explain finds out why the attempt failed. What the launch has seen itself tells more than go-plugin's text: an early
// end, the first line, the clock.
func (l *launch) explain(ctx, timed context.Context, err error) *LaunchError {
	e := &LaunchError{Path: l.cfg.Path, Err: err}
	switch {
	case l.proc == nil:
		e.Cause, e.Problem = CauseSystem, "could not be prepared: "+err.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		e.Cause, e.Problem, e.Err = CauseCancelled, "the start was cancelled", ctx.Err()
	case l.proc.startErr != nil:
		l.explainStart(e, l.proc.startErr)
	default:
		l.explainHandshake(e, timed)
	}
	return e
}

// explainStart is about a process that could not be made.
func (l *launch) explainStart(e *LaunchError, err error) {
	e.Err = err
	switch {
	case errors.Is(err, syscall.ENOEXEC) || runtime.GOOS == "darwin" && errors.Is(err, syscall.Errno(86)):
		e.Cause, e.Problem = CauseWrongFormat, describeFormat(l.cfg.Path)
		e.Fix = fmt.Sprintf("build it for %s/%s", runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrPermission):
		e.Cause, e.Problem = CauseNotExecutable, "may not be executed by this user"
		e.Fix = "run chmod +x on it, and see that its file system is not mounted noexec"
	case errors.Is(err, fs.ErrNotExist):
		e.Cause, e.Problem = CauseWrongFormat, "needs an interpreter or dynamic loader that is not on this machine"
		e.Fix = "build it with CGO_ENABLED=0"
	case errors.Is(err, syscall.ETXTBSY):
		e.Cause, e.Problem = CauseSystem, "is still being written"
		e.Fix = "copy it under another name and rename it"
	default:
		e.Cause, e.Problem = CauseSystem, "could not be started: "+err.Error()
	}
}

// explainHandshake is about a process that was there.
func (l *launch) explainHandshake(e *LaunchError, timed context.Context) {
	// What it exits with and its last lines may still be under way. One that shook hands is given the time to say what
	// became of it; the others were killed by go-plugin already.
	if _, ok := parseHandshake(l.proc.stdout.text()); ok {
		l.proc.exitsWithin(hangUpGrace)
	}
	_ = l.proc.Kill(context.Background())
	l.awaitOutput()
	first := l.proc.stdout.text()
	handshake, ok := parseHandshake(first)
	switch {
	case ok && handshake.apiVersion != APIVersion:
		e.Cause = CauseAPIVersion
		e.Problem = fmt.Sprintf("speaks strategy API %d, this runner speaks %d", handshake.apiVersion, APIVersion)
		e.Fix = "build the plugin and the runner from the same version"
	case !ok && strings.TrimSpace(first) != "":
		e.Cause, e.Problem = CauseStrayOutput, fmt.Sprintf("printed %s before the handshake", shortQuote(first))
		e.Fix = "a plugin must not print to standard output, use pluginapi.Logger; if this is not a strategy plugin, remove it"
	case !ok && l.proc.endedItself():
		e.Cause, e.Problem = CauseExited, "ended before the handshake ("+describeExit(l.proc.waitErr)+")"
		e.Problem += l.log.lastWords()
		e.Fix = "check that it is a strategy plugin whose main calls pluginapi.Serve"
	case !ok && timed.Err() == nil:
		e.Cause, e.Problem = CauseExited, "closed its standard output without a handshake"
		e.Fix = "check that it is a strategy plugin whose main calls pluginapi.Serve"
	case !ok:
		e.Cause, e.Problem = CauseTimeout, fmt.Sprintf("no handshake within %v", l.cfg.StartTimeout)
		e.Fix = "check that it is a strategy plugin whose main calls pluginapi.Serve immediately"
		e.Err = context.DeadlineExceeded
	case l.proc.endedItself():
		e.Cause, e.Problem = CauseExited, "ended right after the handshake ("+describeExit(l.proc.waitErr)+")"
		e.Problem += l.log.lastWords()
	case timed.Err() != nil:
		e.Cause, e.Problem = CauseTimeout, fmt.Sprintf("no answer within %v of its start", l.cfg.StartTimeout)
		e.Err = context.DeadlineExceeded
	default:
		e.Cause, e.Problem = CauseConnection, "shook hands, but could not be called: "+e.Err.Error()
	}
}

// awaitOutput waits for the end of a killed process and of what it has started, and until its outputs have been read to
// their end. That comes at once, or when the pipes are closed pipeGrace later.
func (l *launch) awaitOutput() {
	deadline := time.NewTimer(closeLimit)
	defer deadline.Stop()
	for _, done := range []<-chan struct{}{l.proc.exited, l.proc.swept, l.proc.drained} {
		select {
		case <-done:
		case <-deadline.C:
			return
		}
	}
}

// describeFormat describes what a file that cannot be executed is.
func describeFormat(path string) string {
	if f, err := elf.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		return fmt.Sprintf("is a program for %s, this machine is %s/%s",
			strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_")), runtime.GOOS, runtime.GOARCH)
	}
	if f, err := macho.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		return fmt.Sprintf("is a macOS program for %s, this machine is %s/%s",
			strings.ToLower(strings.TrimPrefix(f.Cpu.String(), "Cpu")), runtime.GOOS, runtime.GOARCH)
	}
	return fmt.Sprintf("is not a program that %s/%s can execute", runtime.GOOS, runtime.GOARCH)
}

func describeExit(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

func shortQuote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return fmt.Sprintf("%q", s)
}
