package live

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/internal/sole"
	"github.com/hftrunner/hftrunner/ipc"
)

// LiveBot is an hft.Bot over an ipc.Channel (LiveBot). LiveBotBuilder makes it. One goroutine uses it, and a call
// beside another panics; Interrupt, Close, AtEnd and CurrentTimestampNs may be called from any.
type LiveBot interface {
	hft.Bot
	hft.OffBookKeeper
	// ID returns the bot's id.
	ID() uint64
	// AtEnd reports whether a waiting call has returned hft.ErrEndOfData. Any goroutine may ask, also after Close.
	AtEnd() bool
	// Interrupt makes waiting calls return hft.ErrInterrupted, the present one and all later ones.
	Interrupt()
}

// liveBot is the LiveBot. A nil one, and the zero value, are as if they were closed.
type liveBot struct {
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
	mark       sole.Mark
	early      []early // what was received while the bot was built and is to be told in the first waiting call

	// request is sent from here, so that it does not escape to the heap.
	request ipc.LiveRequest

	built      bool
	open       atomic.Bool // built and not closed
	atEnd      atomic.Bool // a waiting call has returned hft.ErrEndOfData
	closing    sync.Mutex  // held by Close
	closedAtNs atomic.Int64
}

// connectorState is what has been received of a connector's current message.
type connectorState struct {
	name string
	// inMessage says that further events of the message follow.
	inMessage bool
}

var _ LiveBot = (*liveBot)(nil)

// ID returns the bot's id.
func (b *liveBot) ID() uint64 { return b.id }

// CurrentTimestampNs returns the channel's clock, after Close the time of that. Any goroutine may ask.
func (b *liveBot) CurrentTimestampNs() int64 {
	if !b.off() {
		if nowNs := b.ch.NowNs(); !b.off() {
			return nowNs
		}
	}
	if b == nil {
		return 0
	}
	return b.closedAtNs.Load()
}

// off reports whether there is no channel to use: the bot is closed, or was never built.
func (b *liveBot) off() bool { return b == nil || !b.open.Load() }

// NumAssets returns the number of instruments.
func (b *liveBot) NumAssets() int { return len(b.assets) }

// contractSize is that of the instruments of all connectors.
const contractSize = 1

// Instrument returns what an asset was registered as. It panics when there is no such asset.
func (b *liveBot) Instrument(assetNo int) hft.Instrument {
	i := &b.asset(assetNo, "live: LiveBot.Instrument").instrument
	return hft.Instrument{Connector: i.Connector, Symbol: i.Symbol, TickSize: i.TickSize, LotSize: i.LotSize,
		ContractSize: contractSize}
}

// asset returns an asset that must exist, for a method that is not to be called beside another.
func (b *liveBot) asset(assetNo int, what string) *asset {
	b.mark.Check(what)
	if !b.has(assetNo) {
		panic(fmt.Sprintf("live: the strategy asks for asset %d and has %d: assets are numbered from 0 in the order of its instruments",
			assetNo, len(b.assets)))
	}
	return &b.assets[assetNo]
}

// each calls f for an asset that must exist, or for all with hft.AllAssets.
func (b *liveBot) each(assetNo int, what string, f func(*local.Asset)) {
	if assetNo != hft.AllAssets {
		f(&b.asset(assetNo, what).Asset)
		return
	}
	b.mark.Check(what)
	for i := range b.assets {
		f(&b.assets[i].Asset)
	}
}

func (b *liveBot) has(assetNo int) bool { return uint(assetNo) < uint(len(b.assets)) }

// Position returns the position of an asset as the host keeps it. It panics when there is no such asset.
func (b *liveBot) Position(assetNo int) float64 {
	return b.asset(assetNo, "live: LiveBot.Position").State.Position
}

// StateValues returns the state of an asset after the newest fill that was received. It panics when there is no such
// asset.
func (b *liveBot) StateValues(assetNo int) hft.StateValues {
	return b.asset(assetNo, "live: LiveBot.StateValues").State
}

// Depth returns the book of an asset: the one the instrument was made with. It panics when there is no such asset.
func (b *liveBot) Depth(assetNo int) hft.MarketDepth {
	return b.asset(assetNo, "live: LiveBot.Depth").book
}

// LastTrades returns the newest trades of an asset, oldest first, at most as many as its instrument keeps. It panics
// when there is no such asset.
func (b *liveBot) LastTrades(assetNo int) []hft.Event {
	return b.asset(assetNo, "live: LiveBot.LastTrades").LastTrades()
}

// KeepOffBookTrades lets LastTrades of an asset or of hft.AllAssets keep trades of kind hft.OffBookTrade as well. It
// panics when there is no such asset.
func (b *liveBot) KeepOffBookTrades(assetNo int) {
	b.each(assetNo, "live: LiveBot.KeepOffBookTrades", (*local.Asset).KeepOffBookTrades)
}

// ClearLastTrades forgets the last trades of an asset or of hft.AllAssets. It panics when there is no such asset.
func (b *liveBot) ClearLastTrades(assetNo int) {
	b.each(assetNo, "live: LiveBot.ClearLastTrades", (*local.Asset).ClearLastTrades)
}

// Orders returns the bot's orders of an asset. It panics when there is no such asset.
func (b *liveBot) Orders(assetNo int) hft.Orders {
	return b.asset(assetNo, "live: LiveBot.Orders").Orders.View()
}

// ClearInactiveOrders forgets the orders of an asset or of hft.AllAssets that are over: Filled, Canceled, Expired or
// Rejected. It panics when there is no such asset.
func (b *liveBot) ClearInactiveOrders(assetNo int) {
	b.each(assetNo, "live: LiveBot.ClearInactiveOrders", (*local.Asset).ClearInactiveOrders)
}

// FeedLatency returns when the newest feed event with a time of the exchange's own happened at the exchange and when the connector received it; events
// of a snapshot do not count. It panics when there is no such asset.
func (b *liveBot) FeedLatency(assetNo int) (exchTimestampNs, localTimestampNs int64, ok bool) {
	l := &b.asset(assetNo, "live: LiveBot.FeedLatency").FeedLatency
	return l.ExchTimestampNs, l.LocalTimestampNs, l.Known
}

// OrderLatency returns when the newest request that was answered was sent, when the exchange handled it and when the
// bot received the answer. Fills of a resting order answer no request and do not count, nor do answers without a time
// of the exchange. It panics when there is no such asset.
func (b *liveBot) OrderLatency(assetNo int) (reqTimestampNs, exchTimestampNs, respTimestampNs int64, ok bool) {
	l := &b.asset(assetNo, "live: LiveBot.OrderLatency").OrderLatency
	return l.ReqTimestampNs, l.ExchTimestampNs, l.RespTimestampNs, l.Known
}

// Interrupt makes waiting calls return hft.ErrInterrupted, the present one and all later ones. Any goroutine may call
// it.
func (b *liveBot) Interrupt() {
	if !b.off() {
		b.ch.Interrupt()
	}
}

// AtEnd reports whether a waiting call has returned hft.ErrEndOfData. Any goroutine may ask, also after Close.
func (b *liveBot) AtEnd() bool { return b != nil && b.atEnd.Load() }

// Close closes the channel; the host carries out what is configured for a bot that leaves. Any goroutine may call it,
// at any time: a waiting call returns hft.ErrInterrupted. A second call does nothing.
func (b *liveBot) Close() error {
	if b == nil {
		return nil
	}
	b.closing.Lock()
	defer b.closing.Unlock()
	if b.off() {
		return nil
	}
	b.closedAtNs.Store(b.ch.NowNs())
	b.open.Store(false)
	return b.ch.Close()
}
