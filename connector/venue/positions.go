package venue

import (
	"context"
	"errors"
	"time"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// notTold is why a position is not known: the venue has not answered.
type notTold struct{ error }

func (n notTold) Unwrap() error { return n.error }

// askPositions asks for the positions on symbols, twice where the first answer is not believed. It returns as wrong what of the
// answer cannot be true, by symbol; the rest is passed on. With an error wrong is nil when orders need not be asked for either, and
// says notTold of each symbol otherwise.
func (t *trade) askPositions(session context.Context, list []*instrument) (wrong map[string]error, err error) {
	names := make([]string, len(list))
	for i, inst := range list {
		names[i] = inst.Symbol
	}
	for range 2 {
		wrong, err = t.askPositionsOnce(session, names)
		if !isUnreadable(err) && (err != nil || len(wrong) == 0) {
			break
		}
	}
	if cause := protocol.CauseOf(err); err == nil || session.Err() != nil || cause != protocol.Unknown && cause != protocol.Overloaded {
		return wrong, err
	}
	wrong = make(map[string]error, len(names))
	for _, name := range names {
		if wrong[name] = err; !isUnreadable(err) {
			wrong[name] = notTold{err}
		}
	}
	return wrong, err
}

// isUnreadable reports whether the venue has answered what cannot be read.
func isUnreadable(err error) bool {
	var f *protocol.Failure
	return errors.As(err, &f) && f.Unreadable
}

func (t *trade) askPositionsOnce(session context.Context, names []string) (wrong map[string]error, err error) {
	c := t.c
	ctx, cancel := context.WithTimeout(session, timeoutOf(len(names)))
	defer cancel()
	positions, err := c.protocol.Positions(ctx, names)
	if err != nil && !errors.Is(err, protocol.ErrUnsupported) {
		return nil, err
	}
	if err := t.askBalances(ctx); err != nil {
		return nil, err
	}
	wrong = make(map[string]error)
	for _, p := range positions {
		if err := c.position(p, false); err != nil {
			wrong[p.Symbol] = err
		}
	}
	return wrong, nil
}

// timeoutOf bounds a question about so many symbols, which some venues are asked one by one.
func timeoutOf(symbols int) time.Duration { return requestTimeout + time.Duration(symbols)*time.Second }
