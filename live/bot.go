package live

import (
	"fmt"
	"time"

	"hftrunner/hft"
	"hftrunner/ipc"
)

// LiveBot is an hft.Bot over an ipc.Channel (LiveBot). LiveBotBuilder makes it. One goroutine uses it.
type LiveBot struct {
	id     uint64
	ch     ipc.Channel
	assets []asset

	errorHandler    func(hft.LiveError) error
	orderRecvHook   func(prev, next *hft.Order) error
	logger          func(string)
	responseTimeout time.Duration

	// Receiving.
	connectors []connectorState
	unfinished int           // messages and bursts that are received in part
	ev         ipc.LiveEvent // every event is received into it
	inCallback bool          // the handler or the hook runs

	// request is sent from here, so that it does not escape to the heap.
	request    ipc.LiveRequest
	closed     bool
	closedAtNs int64
}

// connectorState is what has been received of a connector's current message.
type connectorState struct {
	name string
	// inMessage says that further events of the message follow.
	inMessage bool
}

var _ hft.Bot = (*LiveBot)(nil)

// ID returns the bot's id.
func (b *LiveBot) ID() uint64 { return b.id }

// CurrentTimestampNs returns the channel's clock, after Close the time of that.
func (b *LiveBot) CurrentTimestampNs() int64 {
	if b.closed {
		return b.closedAtNs
	}
	return b.ch.NowNs()
}

// NumAssets returns the number of instruments.
func (b *LiveBot) NumAssets() int { return len(b.assets) }

// asset returns an asset that must exist.
func (b *LiveBot) asset(assetNo int) *asset {
	if !b.has(assetNo) {
		panic(fmt.Sprintf("live: the strategy asks for asset %d and has %d: assets are numbered from 0 in the order of its instruments",
			assetNo, len(b.assets)))
	}
	return &b.assets[assetNo]
}

func (b *LiveBot) has(assetNo int) bool { return uint(assetNo) < uint(len(b.assets)) }

// Position returns the position of an asset as the host keeps it. It panics when there is no such asset.
func (b *LiveBot) Position(assetNo int) float64 { return b.asset(assetNo).State.Position }

// StateValues returns the state of an asset after the newest fill that was received. It panics when there is no such
// asset.
func (b *LiveBot) StateValues(assetNo int) hft.StateValues { return b.asset(assetNo).State }

// Depth returns the book of an asset: the one the instrument was made with. It panics when there is no such asset.
func (b *LiveBot) Depth(assetNo int) hft.MarketDepth { return b.asset(assetNo).book }

// LastTrades returns the newest trades of an asset, oldest first, at most as many as its instrument keeps. It panics
// when there is no such asset.
func (b *LiveBot) LastTrades(assetNo int) []hft.Event { return b.asset(assetNo).LastTrades() }

// ClearLastTrades forgets the last trades of an asset or of hft.AllAssets. It panics when there is no such asset.
func (b *LiveBot) ClearLastTrades(assetNo int) {
	if assetNo != hft.AllAssets {
		b.asset(assetNo).ClearLastTrades()
		return
	}
	for i := range b.assets {
		b.assets[i].ClearLastTrades()
	}
}

// Orders returns the bot's orders of an asset. It panics when there is no such asset.
func (b *LiveBot) Orders(assetNo int) hft.Orders { return b.asset(assetNo).Orders.View() }

// ClearInactiveOrders forgets the orders of an asset or of hft.AllAssets that are over: Filled, Canceled, Expired or
// Rejected. It panics when there is no such asset.
func (b *LiveBot) ClearInactiveOrders(assetNo int) {
	if assetNo != hft.AllAssets {
		b.asset(assetNo).ClearInactiveOrders()
		return
	}
	for i := range b.assets {
		b.assets[i].ClearInactiveOrders()
	}
}

// FeedLatency returns when the newest feed event happened at the exchange and when the connector received it; events
// of a snapshot do not count. It panics when there is no such asset.
func (b *LiveBot) FeedLatency(assetNo int) (exchTimestampNs, localTimestampNs int64, ok bool) {
	l := &b.asset(assetNo).FeedLatency
	return l.ExchTimestampNs, l.LocalTimestampNs, l.Known
}

// OrderLatency returns when the newest request that was answered was sent, when the exchange handled it and when the
// bot received the answer. Fills of a resting order answer no request and do not count, nor do answers without a time
// of the exchange. It panics when there is no such asset.
func (b *LiveBot) OrderLatency(assetNo int) (reqTimestampNs, exchTimestampNs, respTimestampNs int64, ok bool) {
	l := &b.asset(assetNo).OrderLatency
	return l.ReqTimestampNs, l.ExchTimestampNs, l.RespTimestampNs, l.Known
}

// Close closes the channel; the host carries out what is configured for a bot that leaves. A second call does nothing.
func (b *LiveBot) Close() error {
	if b.closed {
		return nil
	}
	b.closed, b.closedAtNs = true, b.ch.NowNs()
	return b.ch.Close()
}
