package venue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// peeking is a fake that is asked for the best levels of quiet books, and does not answer.
type peeking struct {
	*fake
	asked chan struct{}
}

func (p *peeking) Peek(context.Context, string, *connector.Message) error {
	select {
	case p.asked <- struct{}{}:
	default:
	}
	return &protocol.Failure{Cause: protocol.Unknown, Err: errors.New("no answer")}
}

// TestAQuietBookThatSpeaksAgain: a question about a quiet book that was not answered, and is not asked again because
// the book is not quiet any more, does not leave the venue failing for good: nobody would be warned of the next outage.
func TestAQuietBookThatSpeaksAgain(t *testing.T) {
	t.Parallel()
	p := &peeking{newFake(t), make(chan struct{}, 1)}
	p.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 1"), nil }
	var failed, over atomic.Int32
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: lines(func(line string) {
		if strings.Contains(line, "the venue fails") && strings.Contains(line, "best levels of BTC") {
			failed.Add(1)
		}
		if strings.Contains(line, "works again") {
			over.Add(1)
		}
	})})
	start(t, p, nil, func(c *venue.Config) { c.QuietLimit, c.Logger = 200*time.Millisecond, log }, "BTC")
	market := take(t, p.market, "the market stream")
	take(t, p.asked, "the question")
	until(t, "the outage is logged", func() bool { return failed.Load() > 0 })
	for id := 2; over.Load() == 0 && id < 1500; id++ {
		market.send(t, fmt.Sprintf("D BTC %d %d", id, id))
		time.Sleep(10 * time.Millisecond)
	}
	if over.Load() == 0 {
		t.Error("the outage is not over although the book has spoken again")
	}
}

// TestRepetitionsAreNoSignOfLife: a stream that only brings what has come before is silent, and the venue is asked.
func TestRepetitionsAreNoSignOfLife(t *testing.T) {
	t.Parallel()
	p := &peeking{newFake(t), make(chan struct{}, 1)}
	p.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 1"), nil }
	start(t, p, nil, func(c *venue.Config) { c.QuietLimit = 300 * time.Millisecond }, "BTC")
	market := take(t, p.market, "the market stream")
	for range 3000 {
		market.send(t, "D BTC 2 2")
		select {
		case <-p.asked:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Error("the venue is not asked")
}
