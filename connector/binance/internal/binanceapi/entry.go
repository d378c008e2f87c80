package binanceapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// patience is how long the WebSocket API may take to answer what can be asked a second time by REST.
const patience = time.Second

// Entry is the way of requests about orders.
type Entry struct {
	REST *Client
	// WS is nil where everything goes by REST.
	WS *Caller
}

// Do sends a request, as call over the WebSocket API where there is one. A cancel or a question that finds no
// connection, or no answer soon, or is not let through there, goes by REST: a second cancel does no harm, while an
// order must not be sent twice.
func (e Entry) Do(ctx context.Context, call string, r Request, read func(v Value) error) error {
	if e.WS == nil {
		return e.REST.Do(ctx, r, read)
	}
	if !r.Cost.Cancel && r.Method != http.MethodGet {
		return e.WS.Do(ctx, call, r.Params, r.Cost, read)
	}
	params := append(make([]Param, 0, cap(r.Params)), r.Params...) // the call sorts and adds to its own
	soon, cancel := context.WithTimeout(ctx, patience)
	err := e.WS.Do(soon, call, params, r.Cost, read)
	cancel()
	if protocol.CauseOf(err) == protocol.Banned { // there; where it is everywhere REST says that
		var held *protocol.Failure
		if again := e.REST.Do(ctx, r, read); !errors.As(again, &held) || !held.Held {
			return again
		}
		return err
	}
	if errors.Is(err, stream.ErrDown) || errors.Is(err, stream.ErrBusy) || errors.Is(err, stream.ErrUnknown) {
		return e.REST.Do(ctx, r, read)
	}
	return err
}

// HangUp ends the connection of WS without a goodbye.
func (e Entry) HangUp() {
	if e.WS != nil {
		e.WS.HangUp()
	}
}

// Close ends the connections of both, of REST those that are idle.
func (e Entry) Close() {
	e.REST.Close()
	if e.WS != nil {
		e.WS.Close()
	}
}
