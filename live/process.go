package live

import (
	"fmt"

	"hftrunner/depth"
	"hftrunner/hft"
	"hftrunner/ipc"
	"hftrunner/local"
)

// process applies the event in b.ev. The error is the handler's or the hook's.
func (b *LiveBot) process(instNo int, w *wait) error {
	if b.ev.Kind == ipc.EventError {
		return b.processError(&b.ev.Err)
	}
	if !b.has(instNo) {
		return fmt.Errorf("live: the channel delivered an event of instrument %d, the bot has %d: %w", instNo, len(b.assets),
			hft.ErrInstrumentNotFound)
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
func (b *LiveBot) setInMessage(connectorNo int, inMessage bool) {
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

func (b *LiveBot) processFeed(a *asset, w *wait) {
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
	switch e.Kind() {
	case hft.TradeEvent:
		a.AddTrade(e)
	case hft.DepthEvent, hft.DepthSnapshotEvent, hft.DepthClearEvent:
		// A live book is dated by the exchange, a recorded one by its receipt (hftbacktest's LiveBot does so).
		localTimestampNs := e.LocalTimestampNs
		e.LocalTimestampNs = e.ExchTimestampNs
		depth.Apply(a.book, e)
		e.LocalTimestampNs = localTimestampNs
	}
	// The levels of a snapshot are as old as they are; they say nothing about the feed.
	if !a.inBurst && e.Kind() != hft.DepthClearEvent {
		a.FeedLatency = local.FeedLatency{ExchTimestampNs: e.ExchTimestampNs, LocalTimestampNs: e.LocalTimestampNs, Known: true}
	}
}

// processOrder hands an order's report to the hook, applies it, and looks whether it is waited for.
func (b *LiveBot) processOrder(assetNo int, w *wait) error {
	a := &b.assets[assetNo]
	report := &b.ev.Order
	var hookErr error
	if b.orderRecvHook != nil {
		b.inCallback = true
		hookErr = b.orderRecvHook(a.Orders.Get(report.OrderID), report)
		b.inCallback = false
	}
	a.State = b.ev.State
	if a.Apply(report, b.ch.NowNs(), a.inBurst) && w.orders.Matches(assetNo, report.OrderID) {
		w.hit, w.result = true, hft.ElapseOrderResponse
	}
	return hookErr
}

// processError hands an error event to the handler, or logs it.
func (b *LiveBot) processError(e *hft.LiveError) error {
	if e.Kind == hft.CustomKind && e.Code == hft.CodeFeedLost {
		// The rest of a message may be among what was lost.
		for i := range b.connectors {
			if e.Connector == "" || e.Connector == b.connectors[i].name {
				b.setInMessage(i, false)
			}
		}
	}
	if b.errorHandler == nil {
		b.logger(fmt.Sprintf("bot %d: %v", b.id, *e))
		return nil
	}
	b.inCallback = true
	err := b.errorHandler(*e)
	b.inCallback = false
	return err
}
