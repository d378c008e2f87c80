package venuecheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Asker is the part of a protocol.Protocol that knows the venue's rules.
type Asker interface {
	Filters(ctx context.Context, symbols []string) ([]protocol.Filters, error)
}

// Rules are what a venue says of symbols.
type Rules struct {
	// Filters are the rules of the symbols that the venue has, in the order of the question.
	Filters []protocol.Filters
	// Refused says of each other symbol why the venue refuses it.
	Refused map[string]error
}

const (
	askTimeout = 10 * time.Second
	askPause   = time.Second
	// attempts is how often a venue is asked that does not answer.
	attempts = 3
)

// ended is the error of AskRules when its context was canceled.
type ended struct{}

func (ended) Error() string { return "stopped before the venue had returned its symbols" }
func (ended) Unwrap() error { return context.Canceled }

// AskRules asks for the rules of symbols. A venue that does not answer, or something in front of it that does, is asked
// again a few times; the error says why it did not in the end.
func AskRules(ctx context.Context, a Asker, symbols []string) (Rules, error) {
	r := Rules{Refused: map[string]error{}}
	if len(symbols) == 0 {
		return r, nil
	}
	filters, err := ask(ctx, a, symbols)
	switch {
	case err == nil:
		r.Filters = filters
		return r, nil
	case !protocol.Final(err):
		return r, unanswered(ctx, "its symbols", err)
	}
	// One of them is wrong: which one shows when they are asked for alone.
	for _, s := range symbols {
		one, err := ask(ctx, a, []string{s})
		switch {
		case err == nil:
			r.Filters = append(r.Filters, one...)
		case protocol.Final(err):
			r.Refused[s] = err
		default:
			return r, unanswered(ctx, s, err)
		}
	}
	return r, nil
}

// unanswered is the error of a question that was not answered.
func unanswered(ctx context.Context, what string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ended{}
	}
	return fmt.Errorf("fetch %s from the venue: %w", what, err)
}

func ask(ctx context.Context, a Asker, symbols []string) ([]protocol.Filters, error) {
	for n := 1; ; n++ {
		limited, cancel := context.WithTimeout(ctx, askTimeout)
		filters, err := a.Filters(limited, symbols)
		cancel()
		cause := protocol.CauseOf(err)
		again := cause == protocol.Unknown || cause == protocol.Overloaded ||
			cause == protocol.Refused && !protocol.Final(err)
		if err == nil || n == attempts || !again {
			return filters, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askPause):
		}
	}
}

// Steps returns the steps of a symbol.
func (r *Rules) Steps(symbol string) connector.Steps {
	if err := r.Refused[symbol]; err != nil {
		return connector.Steps{Symbol: symbol, Err: fmt.Errorf("the venue rejects %s: %w", symbol, err)}
	}
	at := slices.IndexFunc(r.Filters, func(f protocol.Filters) bool { return f.Symbol == symbol })
	if at < 0 {
		return connector.Steps{Symbol: symbol, Err: fmt.Errorf("the venue returned nothing for %s", symbol)}
	}
	return StepsOf(&r.Filters[at])
}

// StepsOf returns the steps that are in the rules of a symbol.
func StepsOf(f *protocol.Filters) connector.Steps {
	s := connector.Steps{Symbol: f.Symbol, TickSize: f.TickSize, LotSize: f.LotSize}
	if !f.Trading {
		s.Err = fmt.Errorf("%s is not trading at the venue: use another symbol or wait", f.Symbol)
	}
	return s
}
