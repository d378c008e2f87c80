package venue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

const (
	// defaultQuietLimit is how long a book's stream may bring nothing until the venue is asked, unless configured.
	defaultQuietLimit = 30 * time.Second
	// quietSteps: a book of which the venue says again and again that it stands still is asked about twice as rarely each time,
	// up to every quietSteps limits.
	quietSteps = 8
	// quietSpacing is the least time between two questions, whatever the number of quiet books.
	quietSpacing = 500 * time.Millisecond
	// inFlight is how long the messages may take that bring what the venue has in its answer, at most the limit.
	inFlight = 5 * time.Second
)

// silence is what is known about the silence of a book's stream; under the instrument's mutex.
type silence struct {
	// heardNs is when the last message of the book came, or the book was made.
	heardNs int64
	// askedNs is the heardNs of the silence that was asked about, pause the time between two questions in it, nextNs when the
	// next is due, seq the book's place at the last one.
	askedNs int64
	pause   time.Duration
	nextNs  int64
	seq     int64
	// told says that the book was lost for it.
	told bool
}

// due reports whether the venue is to be asked about a silence.
func (s *silence) due(nowNs int64, limit time.Duration) bool {
	if s.askedNs != s.heardNs {
		*s = silence{heardNs: s.heardNs, askedNs: s.heardNs, pause: limit, nextNs: s.heardNs + int64(limit)}
	}
	return nowNs >= s.nextNs
}

// again lets the next question of a silence be asked later than the last.
func (s *silence) again(nowNs int64, limit time.Duration) {
	s.nextNs = nowNs + int64(s.pause)
	s.pause = min(2*s.pause, quietSteps*limit)
}

// watchQuiet asks the venue about books of which nothing comes until the connector stops: a thin market is no dead stream.
func (c *Connector) watchQuiet(p protocol.Peeker) {
	const looks = 8
	failing := map[*instrument]int64{} // the question about them, with the heardNs of the silence
	for c.pause(c.cfg.QuietLimit / looks) {
		for _, inst := range c.symbols.all() {
			quiet, heardNs := c.quiet(inst)
			if asked, ok := failing[inst]; ok && asked != heardNs { // it is not asked again
				c.outage.Works(question{bestLevels, inst.Symbol})
				delete(failing, inst)
			}
			if !quiet {
				continue
			}
			if answered := c.askQuiet(p, inst, heardNs); answered {
				delete(failing, inst)
			} else {
				failing[inst] = heardNs
			}
			if !c.pause(min(quietSpacing, c.cfg.QuietLimit/looks)) {
				return
			}
		}
	}
}

// bestLevels is what a quiet book is asked about.
const bestLevels = "best levels of"

// quiet reports whether the venue is to be asked about a book, and since when nothing has come. One whose connections are down,
// or of which a snapshot is on its way, has somebody who sees to it.
func (c *Connector) quiet(inst *instrument) (quiet bool, heardNs int64) {
	inst.mu.Lock()
	defer inst.mu.Unlock()
	if inst.silence.heardNs == 0 {
		inst.silence.heardNs = c.nowNs()
	}
	return !inst.asking && inst.silence.due(c.nowNs(), c.cfg.QuietLimit) && c.streamsUp(inst.Symbol), inst.silence.heardNs
}

// streamsUp reports whether all connections that bring a symbol are up.
func (c *Connector) streamsUp(symbol string) bool {
	for _, s := range c.bringing(symbol) {
		if !s.keeper.Load().Up() {
			return false
		}
	}
	return true
}

// askQuiet asks the venue whether a quiet book has moved on, and gives the book up when it has and nothing comes that says so.
// It reports whether the venue has answered.
func (c *Connector) askQuiet(p protocol.Peeker, inst *instrument, heardNs int64) (answered bool) {
	limit, q := c.cfg.QuietLimit, question{bestLevels, inst.Symbol}
	var m connector.Message
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	err := p.Peek(ctx, inst.Symbol, &m)
	cancel()
	if err == nil && (m.Kind != connector.MessageSnapshot || m.Seq <= 0) {
		err = errNoSnapshot
	}
	nowNs := c.nowNs()
	if err != nil {
		if c.ctx.Err() != nil {
			return false
		}
		c.unanswered(q, err)
		inst.mu.Lock()
		inst.silence.nextNs = nowNs + int64(max(limit, c.untilRetry(err)))
		inst.mu.Unlock()
		return false
	}
	c.outage.Works(q)
	inst.mu.Lock()
	moved := inst.hasMoved(&m)
	inst.silence.seq = m.Seq
	inst.silence.again(nowNs, limit)
	inst.mu.Unlock()
	if !moved || !c.pause(min(inFlight, limit)) {
		return true
	}
	reason := c.streamStopped(inst, &m, heardNs)
	if reason == "" {
		return true
	}
	if _, can := c.protocol.(protocol.Resubscriber); can {
		c.group.Go(func() { c.getBook(inst, reason) })
		return true
	}
	c.outage.Failed(question{"book of", inst.Symbol}, "book of "+inst.Symbol, errors.New(reason))
	for _, s := range c.bringing(inst.Symbol) {
		s.keeper.Load().Renew(reason)
	}
	return true
}

// hasMoved reports whether the venue's book is another than the one here; where there is none here, than at the last question.
// A place that is newer while the best levels are the same says nothing: at some venues more than the book has one. The
// instrument's lock is held.
func (i *instrument) hasMoved(m *connector.Message) bool {
	if !i.book.Synced() {
		return i.silence.seq > 0 && m.Seq > i.silence.seq
	}
	return i.book.Seq() > 0 && m.Seq > i.book.Seq() && !i.book.Agrees(m.Events)
}

// streamStopped gives up a book that has moved on at the venue unless something has come meanwhile, and says why.
func (c *Connector) streamStopped(inst *instrument, m *connector.Message, heardNs int64) (reason string) {
	inst.mu.Lock()
	defer inst.mu.Unlock()
	s := &inst.silence
	if s.heardNs != heardNs || inst.asking || !c.streamsUp(inst.Symbol) {
		return ""
	}
	quiet := time.Duration(c.nowNs() - heardNs).Round(time.Millisecond)
	reason = fmt.Sprintf("the stream of %s has stopped: no messages for %v, while the venue's book has moved on to %d", inst.Symbol, quiet, m.Seq)
	inst.losses++
	if out := inst.book.Lost(reason); out.Stale != "" {
		c.stale(inst, out.Stale)
	}
	inst.bookReady = false
	if !s.told {
		c.sink.Count(connector.StoppedStreams, 1)
		s.told = true
	}
	_, inst.asking = c.protocol.(protocol.Resubscriber)
	return reason
}

// bringing returns the connections that bring a symbol.
func (c *Connector) bringing(symbol string) (streams []*marketStream) {
	c.market.mu.Lock()
	defer c.market.mu.Unlock()
	for _, s := range c.market.streams {
		if s.brings(symbol) {
			streams = append(streams, s)
		}
	}
	return streams
}

// onQuiet says whether a connection that lives and brings nothing may stay. One that has never brought anything was asked for
// the wrong things, or by the wrong address. One of trades is replaced without a gap, since nobody can be asked about them.
func (s *marketStream) onQuiet(quiet time.Duration) error {
	switch {
	case s.books:
	case s.trades:
		s.keeper.Load().Renew(fmt.Sprintf("no trades for %v", quiet))
	default:
		return stream.NoData(quiet)
	}
	return nil
}
