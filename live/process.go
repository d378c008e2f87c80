package live

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/ipc"
)

// process applies the event in b.ev. The error is the handler's or the hook's.
func (b *liveBot) process(instNo int, w *wait) error {
	if b.ev.Kind == ipc.EventError {
		return b.processError(&b.ev.Err)
	}
	if !b.has(instNo) {
		return fmt.Errorf("live: the channel delivered an event of instrument %d, the bot has %d: %w", instNo,
			len(b.assets), hft.ErrInstrumentNotFound)
	}
	a := &b.assets[instNo]
	switch b.ev.Kind {
	case ipc.EventFeed:
		b.processFeed(a, w)
	case ipc.EventOrder:
		return b.processOrder(instNo, w)
	case ipc.EventPosition:
		a.State = b.ev.State
	case ipc.EventBatchStart:
		b.setInMessage(a.connectorNo, false) // a burst never comes within a message
		if !a.inBurst {
			a.inBurst = true
			b.unfinished++
		}
	case ipc.EventBatchEnd:
		a.registering = false
		if a.inBurst {
			a.inBurst = false
			b.unfinished--
		}
	}
	return nil
}

// setInMessage notes whether further events of a connector's message follow.
func (b *liveBot) setInMessage(connectorNo int, inMessage bool) {
	c := &b.connectors[connectorNo]
	if c.inMessage == inMessage {
		return
	}
	c.inMessage = inMessage
	if inMessage {
		b.unfinished++
	} else {
		b.unfinished--
	}
}

// forgetBooks ends the bursts of a connector that have not come to their end, and empties its books.
func (b *liveBot) forgetBooks(connectorNo int) {
	nowNs := b.ch.NowNs()
	clearBook := hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent, ExchTimestampNs: nowNs, LocalTimestampNs: nowNs,
		Px: math.NaN()}
	for i := range b.assets {
		a := &b.assets[i]
		if a.connectorNo != connectorNo {
			continue
		}
		depth.Apply(a.book, &clearBook)
		if a.inBurst {
			a.inBurst = false
			b.unfinished--
		}
	}
}

func (b *liveBot) processFeed(a *asset, w *wait) {
	e := &b.ev.Feed
	if !a.inBurst {
		b.setInMessage(a.connectorNo, b.ev.More)
	}
	if w.feed {
		w.hit, w.result = true, hft.ElapseMarketFeed
	}
	if !e.Is(hft.LocalEvent) {
		return
	}
	switch kind := e.Kind(); kind {
	case hft.TradeEvent, hft.OffBookTrade:
		if a.KeepsTrade(kind) {
			a.AddTrade(e)
		}
	case hft.DepthEvent, hft.DepthSnapshotEvent, hft.DepthClearEvent:
		// A live book is dated by the exchange, a recorded one by its receipt (hftbacktest's LiveBot does so).
		localTimestampNs := e.LocalTimestampNs
		e.LocalTimestampNs = e.ExchTimestampNs
		depth.Apply(a.book, e)
		e.LocalTimestampNs = localTimestampNs
	}
	// The levels of a snapshot are as old as they are; they say nothing about the feed.
	if _, known := e.FeedLatency(); known && !a.inBurst && e.Kind() != hft.DepthClearEvent {
		a.FeedLatency = local.FeedLatency{ExchTimestampNs: e.ExchTimestampNs, LocalTimestampNs: e.LocalTimestampNs,
			Known: true}
	}
}

// processOrder hands an order's report to the hook, applies it, and looks whether it is waited for.
func (b *liveBot) processOrder(assetNo int, w *wait) error {
	a := &b.assets[assetNo]
	report := &b.ev.Order
	var hookErr error
	switch known := a.Orders.Get(report.OrderID); {
	case b.orderRecvHook == nil:
	case !b.built:
		b.early = append(b.early, earlyOrder(known, report))
	default:
		hookErr = b.mark.Call(func() error { return b.orderRecvHook(known, report) })
	}
	a.State = b.ev.State
	if a.Apply(report, b.ch.NowNs(), a.inBurst) && w.orders.Matches(assetNo, report.OrderID) {
		w.hit, w.result = true, hft.ElapseOrderResponse
	}
	return hookErr
}

// processError hands an error event to the handler, or logs it.
func (b *liveBot) processError(e *hft.LiveError) error {
	if e.Kind == hft.CustomKind && e.Code == hft.CodeFeedLost {
		// The rest of a message may be among what was lost, and a book that was under way will not be told to its end.
		// The channel clears the books next; nobody is to see them until then.
		for i := range b.connectors {
			if e.Connector == "" || e.Connector == b.connectors[i].name {
				b.setInMessage(i, false)
				b.forgetBooks(i)
			}
		}
	}
	if b.errorHandler == nil {
		b.log(e)
		return nil
	}
	if !b.built {
		b.early = append(b.early, early{err: *e})
		return nil
	}
	return b.mark.Call(func() error { return b.errorHandler(*e) })
}

func (b *liveBot) log(e *hft.LiveError) { b.logger(fmt.Sprintf("bot %d: %v", b.id, *e)) }

// early is an order's report or an error event that was received while the bot was built. Hook and handler belong to
// waiting calls, so it is told in the first of those; what it says has been applied before.
type early struct {
	isOrder bool
	known   bool
	prev    hft.Order
	next    hft.Order
	err     hft.LiveError
}

func earlyOrder(known, report *hft.Order) early {
	e := early{isOrder: true, next: *report}
	if known != nil {
		e.known, e.prev = true, *known
	}
	return e
}

// tellEarly tells what was received while the bot was built. An error of hook or handler ends the call it is told in;
// the rest comes in the next.
func (b *liveBot) tellEarly() error {
	for len(b.early) > 0 {
		e := b.early[0]
		b.early = b.early[1:]
		err := b.mark.Call(func() error {
			switch {
			case !e.isOrder:
				return b.errorHandler(e.err)
			case e.known:
				return b.orderRecvHook(&e.prev, &e.next)
			}
			return b.orderRecvHook(nil, &e.next)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
