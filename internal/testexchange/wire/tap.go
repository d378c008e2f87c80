package wire

import (
	"context"
	"net/http"
)

// Tap is a client in this process, without a socket: what a connection would be sent is handed over at once, on the
// goroutine on which it comes about. Faults of connections do not reach it, nor does it age.
type Tap struct {
	// Hello are the messages of the client, all of them at the beginning.
	Hello [][]byte
	// Receive is called for each event, not for answers to the client's messages. It must not call the venue.
	Receive func(data []byte)
}

type tapKey struct{}

// WithTap makes a request for a connection one for a tap.
func WithTap(r *http.Request, t *Tap) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), tapKey{}, t))
}

// tap returns the tap that a request is for, nil when it is for a connection.
func tap(r *http.Request) *Tap {
	t, _ := r.Context().Value(tapKey{}).(*Tap)
	return t
}

// serveTap connects a tap for good.
func (h *Hub) serveTap(c *Conn, handler Handler) {
	defer h.running.Done()
	if handler.Opened != nil {
		handler.Opened(c)
	}
	for _, data := range c.tap.Hello {
		handler.Message(c, data)
	}
}
