package venue

import (
	"context"
	"errors"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// snapshotPause is the least time between two snapshots of one symbol, so that a book that keeps breaking does not use
// up the request budget.
const snapshotPause = time.Second

// errNoSnapshot: the venue's reply is something else.
var errNoSnapshot = errors.New("the reply is not a snapshot")

// record hands a message to whoever records.
func (c *Connector) record(symbol string, localNs int64, frame []byte) {
	if c.cfg.Record == nil {
		return
	}
	c.recordMu.Lock()
	defer c.recordMu.Unlock()
	c.cfg.Record(symbol, localNs, frame)
}

// onFrame takes one message of a market stream. The stream's lock is held.
func (s *marketStream) onFrame(localNs int64, frame []byte) {
	c := s.connector
	c.sink.Count(connector.Messages, 1)
	m := &s.message
	if err := s.decoder.Decode(localNs, frame, m); err != nil {
		c.badMessage(unreadable, err, frame)
		return
	}
	if m.Kind == connector.MessageIgnored {
		s.notice(frame)
		return
	}
	inst := c.symbols.get(m.Symbol)
	if inst == nil {
		return
	}
	inst.mu.Lock()
	defer inst.mu.Unlock()
	switch m.Kind {
	case connector.MessageTrade:
		s.trades = true
	case connector.MessageDepth, connector.MessageSnapshot:
		s.books = true
	}
	out := inst.book.Take(localNs, m)
	if out.Seen { // it would also count twice in a recording, and says nothing about whether the book goes on
		return
	}
	if m.Kind == connector.MessageDepth || m.Kind == connector.MessageSnapshot {
		inst.silence.heardNs = localNs
	}
	c.record(inst.Symbol, localNs, frame)
	c.apply(inst, out, frame)
}

// apply does what the book says about a frame. The instrument's lock is held.
func (c *Connector) apply(inst *instrument, out feed.Out, frame []byte) {
	for i := range out.Problems {
		c.found(inst, &out.Problems[i], frame)
	}
	if out.Stale != "" {
		c.stale(inst, out.Stale)
	}
	if len(out.Events) > 0 {
		c.sink.Feed(inst.No, out.Events)
	}
	if out.Ready {
		inst.bookReady = true
		c.announce(inst)
	}
	if out.NeedSnapshot && !inst.asking {
		inst.asking = true
		c.group.Go(func() { c.getBook(inst, out.Stale) })
	}
}

// found does what is to be done about something that was found in a frame; the book's Report has it. The instrument's lock is held.
func (c *Connector) found(inst *instrument, p *feed.Problem, frame []byte) {
	switch p.Finding {
	case feed.BadTime:
		c.badMessage(untimely, p.Err, frame)
	case feed.Crossed:
		c.badMessage(crossed, p.Err, frame)
	case feed.Gap:
		c.sink.Count(connector.Gaps, 1)
	case feed.OffGrid:
		c.offGrid(inst, p.What)
	case feed.Mismatch, feed.BadTrade, feed.TradesAnew, feed.TradeGap, feed.Crossing:
		if p.Finding == feed.Crossing {
			c.sink.Count(connector.Gaps, 1)
		}
		text := inst.Symbol + ": " + p.Error()
		c.group.Go(func() { c.log.Warn(text) }) // a lock is held
	}
}

// Reports returns what was found about the feed of each instrument so far. Any goroutine may call it.
func (c *Connector) Reports() []feed.Report {
	reports := []feed.Report{} // none is no null in a summary
	for _, inst := range c.symbols.all() {
		inst.mu.Lock()
		reports = append(reports, inst.book.Report())
		inst.mu.Unlock()
	}
	return reports
}

// FeedReports returns Reports as they are told outside.
func (c *Connector) FeedReports() []connector.FeedReport { return feed.Forms(c.Reports()) }

// getBook gets a book that is needed, or was lost for a reason.
func (c *Connector) getBook(inst *instrument, lost string) {
	book := question{"book of", inst.Symbol}
	if lost != "" {
		c.outage.Failed(book, "book of "+inst.Symbol, errors.New(lost))
	} else {
		c.outage.Awaits(book)
	}
	c.fetchSnapshot(inst)
	if c.ctx.Err() == nil {
		c.outage.Works(book)
	}
}

// stale says that a book is lost. The instrument's lock is held.
func (c *Connector) stale(inst *instrument, reason string) {
	inst.bookReady, inst.ready = false, false
	c.sink.Stale(inst.No, reason)
}

// announce says that an instrument is ready when both its book and the account's orders are known. The instrument's lock is
// held.
func (c *Connector) announce(inst *instrument) {
	if inst.bookReady && !inst.ready && inst.accounted.Load() {
		inst.ready = true
		c.sink.Ready(inst.No)
	}
}

// fetchSnapshot asks for a book until one fits or the connector stops.
func (c *Connector) fetchSnapshot(inst *instrument) {
	var m connector.Message
	decoder := c.protocol.NewDecoder()
	pause := time.Duration(0)
	if inst.askedNs != 0 {
		pause = min(time.Duration(inst.askedNs-c.nowNs())+snapshotPause, snapshotPause)
	}
	for c.pause(pause) {
		pause, inst.askedNs = snapshotPause, c.nowNs()
		inst.mu.Lock()
		losses := inst.losses
		inst.mu.Unlock()
		ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
		body, err := c.protocol.Snapshot(ctx, inst.Symbol)
		cancel()
		localNs := c.nowNs()
		if errors.Is(err, protocol.ErrResubscribe) {
			c.resubscribe(inst)
			return
		}
		if err == nil {
			if err = decoder.Decode(localNs, body, &m); err == nil && m.Kind != connector.MessageSnapshot {
				err = errNoSnapshot
			}
		}
		if err != nil {
			if c.ctx.Err() != nil {
				return
			}
			pause = max(pause, c.untilRetry(err))
			c.unanswered(question{"snapshot of", inst.Symbol}, err)
			continue
		}
		c.outage.Works(question{"snapshot of", inst.Symbol})
		inst.mu.Lock()
		if inst.losses != losses {
			inst.mu.Unlock()
			continue
		}
		c.record(inst.Symbol, localNs, body)
		inst.silence.heardNs = localNs
		out := inst.book.Take(localNs, &m)
		again := out.NeedSnapshot
		inst.asking = again
		out.NeedSnapshot = false
		c.apply(inst, out, body)
		inst.mu.Unlock()
		if !again {
			return
		}
	}
}

// lostMarket resets the books that a connection brought and that is lost.
func (c *Connector) lostMarket(s *marketStream, reason string) {
	for _, inst := range c.symbols.all() {
		if !s.brings(inst.Symbol) {
			continue
		}
		inst.mu.Lock()
		inst.losses++
		if out := inst.book.Lost(reason); out.Stale != "" {
			c.stale(inst, out.Stale)
		}
		inst.bookReady = false
		inst.mu.Unlock()
	}
}
