package feed_test

import (
	"maps"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// choices decide what happens next: random ones, or those of a script.
type choices interface{ IntN(n int) int }

// exchange is a venue: a book in which one level changes at a sequence number. Futures leave numbers out.
type exchange struct {
	choices
	rule    connector.Rule
	seq     int64
	book    *sides
	history []*sides // by sequence number
	// streams are those of the two connections: one and the same, but that a spot venue may cut the changes into
	// messages for each connection by itself.
	streams [2]*stream
	// net leaves out what came and went between two messages, as a venue may whose snapshots are not made in between.
	net bool
}

// stream is a depth stream: the last sequence number and id it has told, and what has changed since.
type stream struct {
	told, lastID, firstID int64
	pending               map[hft.Side]levels
}

func newStream() *stream {
	return &stream{lastID: 1000, pending: map[hft.Side]levels{hft.Buy: {}, hft.Sell: {}}}
}

func newExchange(c choices, rule connector.Rule) *exchange {
	e := &exchange{choices: c, rule: rule, book: newSides()}
	e.streams = [2]*stream{newStream(), nil}
	e.streams[1] = e.streams[0]
	switch variant := e.IntN(2) == 1; rule {
	case connector.RuleStreamed:
		e.net = variant
	case connector.RuleSpot:
		if variant {
			e.streams[1] = newStream()
		}
	}
	e.history = append(e.history, e.book.clone())
	for px := range 8 {
		e.set(hft.Buy, float64(104+px), 1)
		e.set(hft.Sell, float64(113+px), 2)
	}
	for _, s := range e.streams { // nobody listens yet
		if e.seq > s.told {
			e.depth(s)
		}
	}
	return e
}

// ownMessages says that the connections bring different messages.
func (e *exchange) ownMessages() bool { return e.streams[0] != e.streams[1] }

// change changes one level; what a new level crosses is gone, each at a sequence number of its own.
func (e *exchange) change() {
	px := float64(100 + e.IntN(24))
	bid, ask := e.book.best()
	side := hft.Buy
	if px >= ask || px > bid && e.IntN(2) == 0 {
		side = hft.Sell
	}
	if e.IntN(8) == 0 { // somebody takes: the first level of the other side goes
		if side = hft.Buy; e.IntN(2) == 0 {
			side = hft.Sell
		}
		if px = bid; side == hft.Sell {
			px = ask
		}
		if !math.IsInf(px, 0) {
			e.set(side, px, 0)
		}
		return
	}
	qty := float64(e.IntN(4))
	if qty > 0 {
		for _, other := range slices.Sorted(maps.Keys(e.book.of(-side))) {
			if side == hft.Buy && other <= px || side == hft.Sell && other >= px {
				e.set(-side, other, 0)
			}
		}
	}
	e.set(side, px, qty)
}

func (e *exchange) set(side hft.Side, px, qty float64) {
	if e.book.of(side)[px] == qty {
		return
	}
	if e.rule == connector.RuleFutures && e.IntN(4) == 0 {
		e.seq++
		e.history = append(e.history, e.book.clone())
	}
	if qty > 0 {
		e.book.of(side)[px] = qty
	} else {
		delete(e.book.of(side), px)
	}
	e.seq++
	e.history = append(e.history, e.book.clone())
	for _, s := range e.streams {
		if len(s.pending[hft.Buy])+len(s.pending[hft.Sell]) == 0 {
			s.firstID = e.seq
		}
		s.pending[side][px] = qty
	}
}

// depth is everything that has changed since the stream's message before.
func (e *exchange) depth(s *stream) *connector.Message {
	m := &connector.Message{Kind: connector.MessageDepth, Seq: e.seq, ExchTimestampNs: e.seq, FirstID: s.firstID, LastID: e.seq,
		PrevID: s.lastID, HasPrevID: e.rule == connector.RuleFutures}
	if e.rule == connector.RuleStreamed {
		m.FirstID, m.LastID = s.lastID+1, s.lastID+1
	}
	before := e.history[s.told]
	s.told, s.lastID = e.seq, m.LastID
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		for _, px := range slices.Sorted(maps.Keys(s.pending[side])) {
			if qty := s.pending[side][px]; !e.net || before.of(side)[px] != qty {
				m.Events = append(m.Events, event(hft.DepthEvent, side, px, qty, e.seq))
			}
		}
		clear(s.pending[side])
	}
	return m
}

func event(kind uint64, side hft.Side, px, qty float64, exchNs int64) hft.Event {
	flag := hft.BuyEvent
	if side == hft.Sell {
		flag = hft.SellEvent
	}
	return hft.Event{Ev: hft.LocalEvent | kind | flag, Px: px, Qty: qty, ExchTimestampNs: exchNs}
}

// snapshot is the whole book; that of a stream which brings snapshots is as of its last message.
func (e *exchange) snapshot() *connector.Message {
	m := &connector.Message{Kind: connector.MessageSnapshot, LastID: e.seq, Seq: e.seq, ExchTimestampNs: e.seq}
	if s := e.streams[0]; e.rule == connector.RuleStreamed {
		m.LastID, m.Seq, m.ExchTimestampNs = s.lastID, s.told, s.told
	}
	book := e.history[m.Seq]
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		for _, px := range slices.Sorted(maps.Keys(book.of(side))) {
			m.Events = append(m.Events, event(hft.DepthSnapshotEvent, side, px, book.of(side)[px], m.Seq))
		}
	}
	return m
}

// restart is what the stream says when the venue's service has started anew: the book, with ids from 1 on.
func (e *exchange) restart() *connector.Message {
	s := e.streams[0]
	s.lastID, s.told = 1, e.seq
	clear(s.pending[hft.Buy])
	clear(s.pending[hft.Sell])
	return e.snapshot()
}

// quote is the best of both sides, zeros where one is empty; one without a time where the rule is spot's.
func (e *exchange) quote() *connector.Message {
	m := &connector.Message{Kind: connector.MessageBBO, LastID: e.seq, Seq: e.seq}
	if e.rule != connector.RuleSpot {
		m.ExchTimestampNs = e.seq
	}
	bid, ask := e.book.best()
	if math.IsInf(bid, 0) {
		bid = 0
	}
	if math.IsInf(ask, 0) {
		ask = 0
	}
	m.Events = append(m.Events, event(hft.DepthBBOEvent, hft.Buy, bid, e.book.bids[bid], 1<<40), event(hft.DepthBBOEvent, hft.Sell, ask, e.book.asks[ask], 1<<40))
	return m
}
