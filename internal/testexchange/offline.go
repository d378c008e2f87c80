package testexchange

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// Tap opens a WebSocket connection without a socket: target is its path and query, hello what the client says on it.
// receive is called for each event, on the goroutine of Advance where a scripted clock moves the venue, and must not
// call the Exchange. The connection lasts as long as the Exchange.
func (e *Exchange) Tap(name Venue, target string, hello [][]byte, receive func(data []byte)) error {
	r, err := http.NewRequest(http.MethodGet, target, http.NoBody)
	if err != nil {
		return fmt.Errorf("testexchange: %w", err)
	}
	_, err = e.serve(name, wire.WithTap(r, &wire.Tap{Hello: hello, Receive: receive}))
	return err
}

// Get answers a REST request without a socket; target is its path and query.
func (e *Exchange) Get(name Venue, target string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("testexchange: %w", err)
	}
	return e.serve(name, r)
}

// serve lets a venue answer a request and returns the body. Anything but a good answer is an error.
func (e *Exchange) serve(name Venue, r *http.Request) ([]byte, error) {
	core := e.core(name)
	if core == nil {
		return nil, ErrNotServed
	}
	r.RemoteAddr = "127.0.0.1:1"
	answer := response{header: http.Header{}, status: http.StatusOK}
	core.ServeHTTP(&answer, r)
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("testexchange: %s answers %s with %d: %s", name, r.URL.Path, answer.status,
			answer.body.Bytes())
	}
	return answer.body.Bytes(), nil
}

// response keeps an answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the header, to be filled in.
func (r *response) Header() http.Header { return r.header }

// Write appends to the body.
func (r *response) Write(data []byte) (int, error) { return r.body.Write(data) }

// WriteHeader keeps the status.
func (r *response) WriteHeader(status int) { r.status = status }
