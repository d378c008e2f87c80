package venue

import (
	"context"
	"errors"
	"time"
)

// askPositions asks for the positions on symbols, twice where the first answer is not believed. It returns as wrong what of the
// answer cannot be true, by symbol; the rest is passed on.
func (t *trade) askPositions(session context.Context, list []*instrument) (wrong map[string]error, err error) {
	names := make([]string, len(list))
	for i, inst := range list {
		names[i] = inst.Symbol
	}
	for range 2 {
		if wrong, err = t.askPositionsOnce(session, names); len(wrong) == 0 && err == nil {
			break
		}
	}
	if f := new(Failure); errors.As(err, &f) && f.Unreadable {
		// The orders are asked for all the same.
		wrong = make(map[string]error, len(names))
		for _, name := range names {
			wrong[name] = err
		}
		return wrong, nil
	}
	return wrong, err
}

func (t *trade) askPositionsOnce(session context.Context, names []string) (wrong map[string]error, err error) {
	c := t.c
	ctx, cancel := context.WithTimeout(session, timeoutOf(len(names)))
	defer cancel()
	positions, err := c.protocol.Positions(ctx, names)
	if err != nil && !errors.Is(err, ErrUnsupported) {
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
