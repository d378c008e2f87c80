package venue

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// marketStreams are the connections of the market data.
type marketStreams struct {
	mu      sync.Mutex
	streams []*marketStream
	failed  chan error
}

// marketStream is one of them. The Keeper calls its functions one at a time.
type marketStream struct {
	connector *Connector
	no        int
	keeper    atomic.Pointer[stream.Keeper]
	// wasUp says that the venue has accepted the subscriptions once.
	wasUp   atomic.Bool
	decoder connector.Decoder
	message connector.Message
	// hello is what the newest connection subscribes to.
	hello atomic.Pointer[[][]byte]
	// books says that it brings books; one that only brings trades may be lost without losing a book.
	books bool
	// trades says that it brings trades.
	trades bool
}

// runMarket keeps the market streams until ctx ends.
func (c *Connector) runMarket() error {
	c.market.mu.Lock()
	c.market.failed = make(chan error, 1)
	c.market.mu.Unlock()
	c.adjustMarket()
	select {
	case err := <-c.market.failed:
		for _, inst := range c.symbols.all() {
			c.sink.Stale(inst.No, err.Error())
		}
		return err
	case <-c.ctx.Done():
		return nil
	}
}

// adjustMarket starts the streams that the symbols need and that do not run yet, and returns those that ran before.
func (c *Connector) adjustMarket() (before []*marketStream) {
	symbols := c.symbols.names()
	c.market.mu.Lock()
	defer c.market.mu.Unlock()
	before = c.market.streams
	if len(symbols) == 0 {
		return before
	}
	for no := len(c.market.streams); no < len(c.protocol.MarketStreams(symbols)); no++ {
		s := &marketStream{connector: c, no: no, decoder: c.protocol.NewDecoder()}
		keeper, err := s.newKeeper()
		if err != nil {
			c.failMarket(err)
			return before
		}
		c.market.streams = append(c.market.streams, s)
		c.group.Go(func() { s.keep(keeper) })
	}
	return before
}

// failMarket ends the run; the first reason counts.
func (c *Connector) failMarket(err error) {
	select {
	case c.market.failed <- err:
	default:
	}
}

// renewMarket replaces the market connections, without a gap, so that they subscribe to what is registered now.
func (c *Connector) renewMarket(reason string) {
	for _, s := range c.adjustMarket() {
		s.keeper.Load().Renew(reason) // one that has just begun subscribes to everything anyway
	}
}

// newKeeper makes what keeps the connection.
func (s *marketStream) newKeeper() (*stream.Keeper, error) {
	c := s.connector
	keeper, err := stream.New(stream.Config{Prepare: s.prepare, OnUp: s.onUp, OnFrame: s.onFrame, OnDown: s.onDown, OnQuiet: s.onQuiet,
		NowNs: c.nowNs, Logger: c.log, Outage: c.outage, What: "market data", Attempts: c.attempts, BackOffMax: c.cfg.BackOffMax, ForbiddenPause: c.forbiddenPause()})
	if err == nil {
		s.keeper.Store(keeper)
	}
	return keeper, err
}

// keep keeps the connection until the connector stops. What the venue refuses from the start is a mistake of the
// configuration and ends the run. What it has taken before it will take again: a connector that ended could not even cancel.
func (s *marketStream) keep(keeper *stream.Keeper) {
	c := s.connector
	for {
		err := keeper.Run(c.ctx)
		if err == nil {
			return
		}
		if !s.wasUp.Load() {
			c.failMarket(err)
			return
		}
		c.critical(-1, fmt.Sprintf("subscription rejected after it had worked, retrying in %v: %v", c.cfg.RefusedPause, err))
		if !c.pause(c.cfg.RefusedPause) {
			return
		}
		if keeper, err = s.newKeeper(); err != nil {
			c.failMarket(err)
			return
		}
	}
}

// prepare describes the connection for the symbols of now.
func (s *marketStream) prepare(context.Context) (protocol.Stream, error) {
	streams := s.connector.protocol.MarketStreams(s.connector.symbols.names())
	if s.no >= len(streams) {
		return protocol.Stream{}, fmt.Errorf("venue: stream %d is no longer needed", s.no)
	}
	s.hello.Store(&streams[s.no].Hello)
	return streams[s.no], nil
}

// forbiddenPause is the pause after the venue has refused a connection with HTTP 403.
func (c *Connector) forbiddenPause() time.Duration {
	if f, ok := c.protocol.(protocol.Forbidder); ok {
		return f.ForbiddenPause()
	}
	return time.Minute
}

// notice renews the connection when the venue says that it is about to close it.
func (s *marketStream) notice(frame []byte) {
	n, ok := s.connector.protocol.(protocol.Noticer)
	if !ok {
		return
	}
	if reason := n.Notice(frame); reason != "" {
		s.keeper.Load().Renew(reason)
	}
}

// brings reports whether the connection has subscribed to a symbol, whose letters may be small there. One whose name is
// part of another's may be found on a connection that does not have it, where subscribing it too does no harm.
func (s *marketStream) brings(symbol string) bool {
	hello := s.hello.Load()
	if hello == nil {
		return false
	}
	upper := []byte(strings.ToUpper(symbol))
	for _, frame := range *hello {
		if bytes.Contains(bytes.ToUpper(frame), upper) {
			return true
		}
	}
	return false
}

// maxResubscriptions are tried on the connection that is there before it is replaced.
const maxResubscriptions = 3

// resubscribe subscribes a book anew until the stream has brought its snapshot or the connector stops.
func (c *Connector) resubscribe(inst *instrument) {
	r, can := c.protocol.(protocol.Resubscriber)
	for try := 1; ; try++ {
		if can && try <= maxResubscriptions {
			c.sendMarket(inst.Symbol, r.Resubscribe(inst.Symbol))
		} else {
			c.renewMarket("the book of " + inst.Symbol + " must be subscribed again")
			try = 0
		}
		if !c.pause(snapshotPause) {
			return
		}
		inst.mu.Lock()
		synced := inst.book.Synced()
		inst.asking = !synced
		inst.mu.Unlock()
		if synced {
			return
		}
	}
}

// sendMarket sends messages over the connections that bring a symbol. One that is down subscribes anyway when it is up.
func (c *Connector) sendMarket(symbol string, frames [][]byte) {
	for _, s := range c.bringing(symbol) {
		for _, frame := range frames {
			if err := s.keeper.Load().Send(frame); err != nil {
				c.log.Debug("cannot subscribe a book again on this connection", "symbol", symbol, "error", err)
				break
			}
		}
	}
}

// onUp lets the venue be asked for its rules anew after a reconnection: they may have changed meanwhile.
func (s *marketStream) onUp() {
	if s.wasUp.Swap(true) {
		signal(s.connector.reconnected)
	}
}

func (s *marketStream) onDown(reason string, _ time.Duration) {
	c := s.connector
	if c.ctx.Err() != nil {
		return
	}
	if s.books {
		c.lostMarket(s, "connection down: "+reason)
	}
	if s.trades {
		c.forgetTrades(s)
	}
	c.interrupted("market data: " + reason)
}

// forgetTrades forgets which trades a connection that is lost has brought.
func (c *Connector) forgetTrades(s *marketStream) {
	for _, inst := range c.symbols.all() {
		if s.brings(inst.Symbol) {
			inst.mu.Lock()
			inst.book.LostTrades()
			inst.mu.Unlock()
		}
	}
}
