package stream

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Errors.
var (
	// ErrDown: there is no connection that is up. Nothing was sent.
	ErrDown = errors.New("stream: not connected")
	// ErrBusy: as many calls as allowed are waiting for their answer. Nothing was sent.
	ErrBusy = errors.New("stream: too many calls wait for an answer")
	// ErrUnknown: the request may have been executed or not: the connection ended, or no answer came in time. What it
	// was about has to be asked for.
	ErrUnknown = errors.New("stream: outcome unknown")
)

// Why a connection ends, where it is this side that ends it.
var (
	errShutdown = errors.New("shut down")
	errReplaced = errors.New("replaced by the next connection")
)

// RefusedError says that the venue does not want what a Hello asks for: a key, a topic. Connecting again does not help.
type RefusedError struct {
	Stream string
	Err    error
}

// Error returns stream and reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("stream %q: the venue refused: %v", e.Stream, e.Err)
}

// Unwrap returns the venue's refusal as Ready gave it.
func (e *RefusedError) Unwrap() error { return e.Err }

// HandshakeError is an HTTP answer that was no WebSocket.
type HandshakeError struct {
	// Status is the HTTP status, such as 429.
	Status int
	// RetryAfter is what the venue asked for, 0 when it did not.
	RetryAfter time.Duration
	// Body is the beginning of the answer.
	Body string
}

// Error returns status and text.
func (e *HandshakeError) Error() string {
	text := fmt.Sprintf("HTTP %d instead of a WebSocket", e.Status)
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", again after %v", e.RetryAfter)
	}
	if e.Body != "" {
		text += fmt.Sprintf(": %q", e.Body)
	}
	return text
}

// handshakeError makes a HandshakeError of an answer; maxBody bytes of its text are kept.
func handshakeError(answer *http.Response, body []byte) *HandshakeError {
	const maxBody = 200
	e := &HandshakeError{Status: answer.StatusCode, Body: strings.TrimSpace(string(body[:min(len(body), maxBody)]))}
	const maxSeconds = 7 * 24 * 3600 // a ban is at most three days; more is nonsense
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, maxSeconds)) * time.Second
	}
	return e
}

// wait returns the least time until the next attempt that an error asks for.
func (c *Config) wait(err error) time.Duration {
	var retry *backoff.RetryAfterError
	if errors.As(err, &retry) {
		return retry.Duration
	}
	var handshake *HandshakeError
	if !errors.As(err, &handshake) {
		return 0
	}
	switch handshake.Status {
	case http.StatusTooManyRequests, http.StatusTeapot, http.StatusServiceUnavailable:
		if handshake.RetryAfter == 0 && handshake.Status != http.StatusServiceUnavailable {
			return c.BackOffMax
		}
	case http.StatusForbidden:
		return max(handshake.RetryAfter, c.ForbiddenPause)
	}
	return handshake.RetryAfter
}

// final returns whether trying again is no use.
func final(err error) bool {
	var permanent *backoff.PermanentError
	return errors.As(err, &permanent)
}
