package venue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hftrunner/connector"
	"hftrunner/connector/stream"
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
	keeper    *stream.Keeper
	decoder   connector.Decoder
	message   connector.Message
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

// adjustMarket starts the streams that the symbols need and that do not run yet.
func (c *Connector) adjustMarket() {
	symbols := c.symbols.names()
	if len(symbols) == 0 {
		return
	}
	c.market.mu.Lock()
	defer c.market.mu.Unlock()
	for no := len(c.market.streams); no < len(c.protocol.MarketStreams(symbols)); no++ {
		s := &marketStream{connector: c, no: no, decoder: c.protocol.NewDecoder()}
		keeper, err := stream.New(stream.Config{Prepare: s.prepare, OnFrame: s.onFrame, OnDown: s.onDown, NowNs: c.nowNs,
			Logger: c.log, Attempts: c.attempts})
		if err != nil {
			c.market.failed <- err
			return
		}
		s.keeper = keeper
		c.market.streams = append(c.market.streams, s)
		c.group.Go(func() {
			if err := keeper.Run(c.ctx); err != nil {
				select {
				case c.market.failed <- err:
				default:
				}
			}
		})
	}
}

// renewMarket replaces the market connections, without a gap, so that they subscribe to what is registered now.
func (c *Connector) renewMarket(reason string) {
	c.adjustMarket()
	c.market.mu.Lock()
	defer c.market.mu.Unlock()
	for _, s := range c.market.streams {
		s.keeper.Renew(reason)
	}
}

// prepare describes the connection for the symbols of now.
func (s *marketStream) prepare(context.Context) (stream.Stream, error) {
	streams := s.connector.protocol.MarketStreams(s.connector.symbols.names())
	if s.no >= len(streams) {
		return stream.Stream{}, fmt.Errorf("venue: stream %d is not needed any more", s.no)
	}
	return streams[s.no], nil
}

func (s *marketStream) onDown(reason string, next time.Duration) {
	c := s.connector
	if c.ctx.Err() != nil {
		return
	}
	c.log.Warn("market data connection down", "reason", reason, "next_attempt_in", next)
	c.lostMarket("the connection is down: " + reason)
	c.interrupted("market data: " + reason)
}
