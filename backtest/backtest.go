package backtest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/risk"
	"github.com/hftrunner/hftrunner/internal/sole"
	"github.com/hftrunner/hftrunner/sim"
)

// botID is the owner of the orders at the simulated exchanges, which serve one bot here.
const botID = 1

// Backtest is hft.Bot over recorded data (Backtest). Builder makes it. One goroutine uses it, and a call beside another
// panics; Interrupt, Progress and Close may be called from any.
//
// In mode sim.Hftbacktest a wait for the response of a request has no limit and returns hft.ElapseOk, only the id of an
// order is checked, WaitNextFeed processes everything of the time it ends at and returns what came last, and
// WaitOrderResponse knows only of a response to come (Q17).
type Backtest interface {
	hft.Bot
	hft.OffBookKeeper
	// Interrupt makes waiting calls return hft.ErrInterrupted, the present one and all later ones.
	Interrupt()
	// Progress returns how far the backtest has come.
	Progress() Progress
	// Finish takes the last sample and sums up. runErr is what the strategy returned. It is called once, on the bot's
	// goroutine, when the strategy has returned; it may have closed the bot.
	Finish(runErr error) Result
}

// backtestBot is the Backtest. A nil one, and the zero value, are as if they were closed.
type backtestBot struct {
	compat          sim.Compat
	assets          []*asset
	responseTimeout time.Duration
	errorHandler    func(hft.LiveError) error
	orderRecvHook   func(prev, next *hft.Order) error
	observer        Observer

	// Time. slots are the times of what happens next, four for each asset: see slotLocalRow.
	nowNs        int64
	slots        []int64
	fromNs, toNs int64
	startNs      int64
	lastRowNs    int64 // when rows were processed last
	entered      bool  // the period has begun
	ended        bool  // the data or the period is over

	recordIntervalNs, nextRecordNs int64

	refused    bool // refusal is still to be handed to the error handler
	refusal    hft.LiveError
	limited    map[uint64]risk.Refusal // by the tags of requests whose refusals are under way
	numLimited uint64
	mark       sole.Mark
	built      bool
	halt       atomic.Uint32 // why nothing more happens: bits interrupted and closed
	reachedNs  atomic.Int64

	// Reused, so that nothing is allocated.
	request   exchange.Request
	report    exchange.Report
	orderRow  OrderRow
	fillRow   FillRow
	recordRow RecordRow
}

// Bits of halt.
const (
	interrupted uint32 = 1 << iota
	closed
)

var _ Backtest = (*backtestBot)(nil)

// off reports whether the backtest is closed, or was never built.
func (b *backtestBot) off() bool { return b == nil || !b.built || b.halt.Load()&closed != 0 }

// halted returns why nothing more happens.
func (b *backtestBot) halted() error {
	if b.off() {
		return errClosed
	}
	return hft.ErrInterrupted
}

// asset returns an asset that must exist, for a method that is not to be called beside another.
func (b *backtestBot) asset(assetNo int, what string) *asset {
	b.mark.Check(what)
	if !b.has(assetNo) {
		panic(fmt.Sprintf("backtest: the strategy asks for asset %d and has %d: assets are numbered from 0 in the order of its instruments",
			assetNo, len(b.assets)))
	}
	return b.assets[assetNo]
}

func (b *backtestBot) has(assetNo int) bool { return assetNo >= 0 && assetNo < len(b.assets) }

// CurrentTimestampNs returns the time that the data has reached.
func (b *backtestBot) CurrentTimestampNs() int64 { return max(b.nowNs, b.fromNs) }

// NumAssets returns the number of instruments.
func (b *backtestBot) NumAssets() int { return len(b.assets) }

// Instrument returns what an asset is. It panics when there is no such asset.
func (b *backtestBot) Instrument(assetNo int) hft.Instrument {
	a := b.asset(assetNo, "backtest: Backtest.Instrument")
	return hft.Instrument{Connector: a.connector, Symbol: a.symbol, TickSize: a.book.TickSize(),
		LotSize: a.book.LotSize(), ContractSize: a.contractSize}
}

// Position returns the bot's own position. It panics when there is no such asset.
func (b *backtestBot) Position(assetNo int) float64 {
	return b.asset(assetNo, "backtest: Backtest.Position").state.Values.Position
}

// StateValues returns what the bot's fills add up to, as far as it has learned of them. It panics when there is no such
// asset.
func (b *backtestBot) StateValues(assetNo int) hft.StateValues {
	return b.asset(assetNo, "backtest: Backtest.StateValues").state.Values
}

// Depth returns the book as the bot sees it. It panics when there is no such asset.
func (b *backtestBot) Depth(assetNo int) hft.MarketDepth {
	return b.asset(assetNo, "backtest: Backtest.Depth").book
}

// LastTrades returns the trades since they were last cleared, oldest first. It panics when there is no such asset.
func (b *backtestBot) LastTrades(assetNo int) []hft.Event {
	a := b.asset(assetNo, "backtest: Backtest.LastTrades")
	if b.compat != sim.Fixed {
		return a.trades
	}
	return a.local.LastTrades()
}

// KeepOffBookTrades lets LastTrades of an asset or of hft.AllAssets keep trades of kind hft.OffBookTrade as well. It
// panics when there is no such asset.
func (b *backtestBot) KeepOffBookTrades(assetNo int) {
	b.mark.Check("backtest: Backtest.KeepOffBookTrades")
	for i, a := range b.assets {
		if i == assetNo || assetNo == hft.AllAssets {
			a.local.KeepOffBookTrades()
		}
	}
	if assetNo != hft.AllAssets {
		b.asset(assetNo, "backtest: Backtest.KeepOffBookTrades")
	}
}

// ClearLastTrades forgets the last trades of an asset or of hft.AllAssets. It panics when there is no such asset.
func (b *backtestBot) ClearLastTrades(assetNo int) {
	b.mark.Check("backtest: Backtest.ClearLastTrades")
	for i, a := range b.assets {
		if i == assetNo || assetNo == hft.AllAssets {
			a.trades = a.trades[:0]
			a.local.ClearLastTrades()
		}
	}
	if assetNo != hft.AllAssets {
		b.asset(assetNo, "backtest: Backtest.ClearLastTrades")
	}
}

// Orders returns the bot's orders of an asset. It panics when there is no such asset.
func (b *backtestBot) Orders(assetNo int) hft.Orders {
	return b.asset(assetNo, "backtest: Backtest.Orders").local.Orders.View()
}

// ClearInactiveOrders forgets the orders of an asset or of hft.AllAssets that are over. It panics when there is no such
// asset.
func (b *backtestBot) ClearInactiveOrders(assetNo int) {
	b.mark.Check("backtest: Backtest.ClearInactiveOrders")
	if assetNo != hft.AllAssets {
		b.asset(assetNo, "backtest: Backtest.ClearInactiveOrders").local.ClearInactiveOrders()
		return
	}
	for _, a := range b.assets {
		a.local.ClearInactiveOrders()
	}
}

// FeedLatency returns when the newest row with a time of the exchange's own happened there and when it was received. It panics when there is no
// such asset.
func (b *backtestBot) FeedLatency(assetNo int) (exchTimestampNs, localTimestampNs int64, ok bool) {
	l := &b.asset(assetNo, "backtest: Backtest.FeedLatency").local.FeedLatency
	return l.ExchTimestampNs, l.LocalTimestampNs, l.Known
}

// OrderLatency returns when the newest request that was answered was sent, when the exchange handled it and when the
// bot received the answer. It panics when there is no such asset.
func (b *backtestBot) OrderLatency(assetNo int) (reqTimestampNs, exchTimestampNs, respTimestampNs int64, ok bool) {
	l := &b.asset(assetNo, "backtest: Backtest.OrderLatency").local.OrderLatency
	return l.ReqTimestampNs, l.ExchTimestampNs, l.RespTimestampNs, l.Known
}

// Interrupt makes waiting calls return hft.ErrInterrupted, the present one and all later ones. Any goroutine may call
// it.
func (b *backtestBot) Interrupt() {
	if !b.off() {
		b.halt.Or(interrupted)
	}
}

// Progress returns how far the backtest has come.
func (b *backtestBot) Progress() Progress {
	p := Progress{TimestampNs: b.reachedNs.Load()}
	for _, a := range b.assets {
		p.Rows += a.tape.passed.Load()
		p.TotalRows += a.tape.totalRows
	}
	return p
}

// Close stops the reading of data. Any goroutine may call it, at any time: a waiting call returns hft.ErrInterrupted. A
// second call does nothing.
func (b *backtestBot) Close() error {
	if !b.off() && b.halt.Or(closed)&closed == 0 {
		b.closeTapes()
	}
	return nil
}

func (b *backtestBot) closeTapes() {
	for _, a := range b.assets {
		a.tape.close()
	}
}
