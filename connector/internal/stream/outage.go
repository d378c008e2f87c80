package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// outageCalm is how long all has to work for the next failure to be told at once: a venue that fails every second
// request has a line in that time, not one for each.
const outageCalm = int64(15 * time.Second)

// Teller is the protocol.Outage of a venue that tells its log: a line when the first of it fails, with the cause in
// plain words, and one when all of it works again. What fails in between is logged at debug level. What fails again
// soon after is told when the calm is over and it goes on, also when nothing is tried meanwhile.
type Teller struct {
	log   hclog.Logger
	nowNs func() int64

	mu      sync.Mutex
	failing map[any]bool
	sinceNs int64
	// failures counts what has failed in this outage. told says that there was a line of it, toldNs when the last line
	// was.
	failures int
	told     bool
	toldNs   int64
	// late tells of what is not told yet and goes on; line is of its last failure.
	late *time.Timer
	line []any
}

// NewOutage returns the Teller of a venue where all is well. logger may be nil; nowNs is the local clock.
func NewOutage(logger hclog.Logger, nowNs func() int64) *Teller {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	return &Teller{log: logger, nowNs: nowNs, failing: make(map[any]bool)}
}

// Failed says that something does not work: key tells it from others, what names it to people, and more are names and
// values for the log.
func (o *Teller) Failed(key any, what string, err error, more ...any) {
	o.mu.Lock()
	first := len(o.failing) == 0
	nowNs := o.nowNs()
	if first {
		if o.sinceNs == 0 || o.told {
			o.failures = 0
		}
		o.sinceNs, o.told = nowNs, false
	}
	o.failures++
	o.failing[key] = true
	level := hclog.Debug
	if !o.told && (o.toldNs == 0 || nowNs-o.toldNs >= outageCalm || nowNs < o.toldNs) {
		o.told, o.toldNs = true, nowNs
		level = hclog.Warn
	}
	o.line = append([]any{"what", what, "cause", Reason(err)}, more...)
	line := o.line
	if first && !o.told {
		rest := time.Duration(outageCalm - (nowNs - o.toldNs))
		if o.late == nil {
			o.late = time.AfterFunc(rest, o.tell)
		} else {
			o.late.Reset(rest)
		}
	}
	o.mu.Unlock()
	o.log.Log(level, outageText, line...)
}

const outageText = "the venue fails, retrying"

// tell tells of an outage that has gone on until the calm after the last one was over.
func (o *Teller) tell() {
	o.mu.Lock()
	tell := len(o.failing) > 0 && !o.told
	if tell {
		o.told, o.toldNs = true, o.nowNs()
	}
	line := o.line
	o.mu.Unlock()
	if tell {
		o.log.Warn(outageText, line...)
	}
}

// Failing reports whether there is an outage that was told.
func (o *Teller) Failing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told && len(o.failing) > 0
}

// End says that the venue is not used any more: what was not told is not told later.
func (o *Teller) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late != nil {
		o.late.Stop()
	}
}

// Awaits says, of something that comes after what fails, that the outage is not over before it works.
func (o *Teller) Awaits(key any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.failing) > 0 {
		o.failing[key] = true
	}
}

// Works says that something works, or that it is not wanted any more.
func (o *Teller) Works(key any) {
	o.mu.Lock()
	if !o.failing[key] {
		o.mu.Unlock()
		return
	}
	delete(o.failing, key)
	over, nowNs := len(o.failing) == 0 && o.told, o.nowNs()
	lasted, failures := time.Duration(nowNs-o.sinceNs), o.failures
	if over {
		o.toldNs = nowNs
	}
	o.mu.Unlock()
	if over {
		o.log.Info("the venue works again", "after", lasted.Round(time.Millisecond), "failures", failures)
	}
}

// Reason returns in plain words what kept a request or a connection from working: the cause below, without the steps
// that led to it.
func Reason(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var handshake *HandshakeError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return "unknown"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &name):
		return "the name " + name.Name + " cannot be resolved"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETDOWN):
		return "no route to the venue: check the network"
	case errors.As(err, &certificate):
		return "the certificate is not accepted: " + certificate.Err.Error()
	case errors.As(err, &handshake):
		return "HTTP " + strconv.Itoa(handshake.Status) + " " + http.StatusText(handshake.Status)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, fs.ErrClosed):
		return "the connection was closed"
	}
	return err.Error()
}
