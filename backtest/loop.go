package backtest

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// Each asset has four slots with the time of what happens next: a row reaches the bot, a response reaches the bot, a
// row reaches the exchange, a request reaches the exchange. The earliest happens; of equal times the first slot, so
// asset 0 comes before asset 1 (specification 3.1).
const (
	slotLocalRow = iota
	slotResponse
	slotExchRow
	slotRequest
	numSlots
)

// wait is what a waiting call waits for and what it has got. A hit ends the call when the message that it belongs to
// has been processed, as live: the rows that one asset receives at one time, or one response. In mode sim.Hftbacktest
// whatever else happens at that time comes first.
type wait struct {
	feed   bool
	orders hft.WaitOrderResponse
	hit    bool
	hitNs  int64
	result hft.ElapseResult
}

// hits notes that what is waited for happened at nowNs.
func (w *wait) hits(nowNs int64, result hft.ElapseResult) {
	w.hit, w.hitNs, w.result = true, nowNs, result
}

// start puts the cursors on the first rows.
func (b *backtestBot) start() error {
	b.slots = make([]int64, numSlots*len(b.assets))
	firstNs := exchange.NeverNs
	for i, a := range b.assets {
		s := b.slots[numSlots*i:]
		s[slotLocalRow], s[slotExchRow] = a.localRows.advance(), a.exchRows.advance()
		s[slotResponse], s[slotRequest] = exchange.NeverNs, exchange.NeverNs
		firstNs = min(firstNs, s[slotLocalRow], s[slotExchRow])
		if a.localRows.err != nil {
			return a.localRows.err
		}
	}
	if firstNs == exchange.NeverNs {
		return invalid("no row is for a processor: rows need the flag EXCH, LOCAL or both, `runner convert` sets them")
	}
	b.nowNs, b.startNs = firstNs, max(firstNs, b.fromNs)
	return nil
}

// enter lets the time before the period pass. Its rows build the books; nothing else can happen then.
func (b *backtestBot) enter() error {
	if b.entered {
		return nil
	}
	if b.fromNs > b.nowNs {
		if _, err := b.run(b.fromNs-1, &wait{}); err != nil {
			return err
		}
		b.nowNs = b.fromNs
		for _, a := range b.assets {
			a.local.ClearLastTrades()
			a.trades = a.trades[:0]
		}
	}
	b.entered = true
	if b.recordIntervalNs > 0 {
		b.nextRecordNs = (b.nowNs/b.recordIntervalNs)*b.recordIntervalNs + b.recordIntervalNs
	}
	return nil
}

// advance lets time pass until untilNs or until w has what it waits for, and no further than the data or the period.
func (b *backtestBot) advance(untilNs int64, w *wait) (hft.ElapseResult, error) {
	if err := b.enter(); err != nil {
		return hft.ElapseOk, err
	}
	if b.ended && b.compat == sim.Fixed {
		return b.afterEnd()
	}
	calledNs := b.nowNs
	for {
		stopNs := min(untilNs, b.nextRecordNs, b.toNs-1)
		more, err := b.run(stopNs, w)
		b.reachedNs.Store(b.nowNs)
		over := b.isAtEnd(more, stopNs, untilNs, w)
		if b.compat != sim.Fixed && (over || err != nil) {
			b.nowNs = calledNs // Q15
		}
		if err != nil {
			return hft.ElapseOk, err
		}
		if over {
			b.ended = true
			return hft.ElapseEndOfData, hft.ErrEndOfData
		}
		if w.hit {
			stopNs = w.hitNs
		}
		b.nowNs = stopNs
		b.recordWhenDue(w)
		if w.hit || stopNs == untilNs {
			return w.result, nil
		}
	}
}

// isAtEnd reports whether run, which was to stop at stopNs, has come to the end of the data or of the period before the
// time that was asked for. more is what run has returned.
func (b *backtestBot) isAtEnd(more bool, stopNs, untilNs int64, w *wait) bool {
	if b.compat == sim.Fixed && b.nowNs == untilNs {
		return false // the time is over first; the end comes with the next call
	}
	lastNs := b.toNs - 1
	return !more || !w.hit && stopNs == lastNs && untilNs > lastNs
}

// recordWhenDue records the state of now when it is time to, and nothing more can come at this time.
func (b *backtestBot) recordWhenDue(w *wait) {
	moreMayCome := w.hit && b.compat == sim.Fixed
	if b.nowNs == b.nextRecordNs && !moreMayCome {
		b.record()
		b.nextRecordNs += b.recordIntervalNs
	}
}

// afterEnd is what every waiting call does once the end of the data has been reported.
func (b *backtestBot) afterEnd() (hft.ElapseResult, error) {
	if b.halt.Load() != 0 {
		return hft.ElapseOk, b.halted()
	}
	return hft.ElapseEndOfData, hft.ErrEndOfData
}

// run lets everything up to untilNs happen, or until w has its hit. It reports whether there is more to come. Time is
// that of what happened last.
func (b *backtestBot) run(untilNs int64, w *wait) (more bool, err error) {
	b.refreshAllBuses()
	for b.halt.Load() == 0 {
		if b.refused {
			err := b.tellRefusal()
			b.refreshAllBuses() // the handler may have sent requests
			if err != nil {
				return true, err
			}
			continue
		}
		slot, atNs := b.earliest()
		if atNs == exchange.NeverNs {
			if b.off() { // a closed tape ends as one that has been read
				break
			}
			return false, b.dataErr()
		}
		if w.hit {
			untilNs = w.hitNs
		}
		if atNs > untilNs {
			return true, b.checkPause(slot, atNs)
		}
		b.nowNs = max(b.nowNs, atNs) // rows may be of the past, Q1
		if err := b.process(slot, atNs, untilNs, w); err != nil || b.over(w) {
			return true, err
		}
	}
	return true, b.halted()
}

// earliest returns the slot that comes first, and its time.
func (b *backtestBot) earliest() (slot int, atNs int64) {
	slot, atNs = 0, b.slots[0]
	for i, t := range b.slots[1:] {
		if t < atNs {
			slot, atNs = i+1, t
		}
	}
	return slot, atNs
}

// process lets a slot happen, and what comes after it in the same slot before the others and untilNs.
func (b *backtestBot) process(slot int, atNs, untilNs int64, w *wait) error {
	assetNo := slot / numSlots
	switch slot % numSlots {
	case slotLocalRow:
		return b.processLocalRows(b.assets[assetNo], slot, b.bound(slot, untilNs), w)
	case slotResponse:
		return b.processResponses(assetNo, atNs, w)
	case slotExchRow:
		return b.processExchRows(b.assets[assetNo], slot, b.bound(slot, untilNs))
	}
	return b.processRequests(assetNo, atNs)
}

// checkPause returns an error when the next thing to happen is a row that cannot be true beside those of other assets;
// within one asset its tape has looked. A strategy would wait for it for years, call by call.
func (b *backtestBot) checkPause(slot int, atNs int64) error {
	if kind := slot % numSlots; kind != slotLocalRow && kind != slotExchRow || atNs >= b.toNs {
		return nil
	}
	if err := hft.CheckTimeJump(b.nowNs, atNs); err != nil {
		return dataError(fmt.Errorf("the next row is of %s: %w", names(b.assets[slot/numSlots].tape.sources), err))
	}
	return nil
}

// over reports whether a waiting call is over because of a hit.
func (b *backtestBot) over(w *wait) bool { return w.hit && b.compat == sim.Fixed }

// dataOver reports whether the last row has been processed before now.
func (b *backtestBot) dataOver() bool {
	if b.nowNs <= b.lastRowNs {
		return false
	}
	for i := range b.assets {
		if s := b.slots[numSlots*i:]; s[slotLocalRow] != exchange.NeverNs || s[slotExchRow] != exchange.NeverNs {
			return false
		}
	}
	return true
}

// bound returns the time up to which a slot comes first if the others do not change.
func (b *backtestBot) bound(slot int, untilNs int64) int64 {
	bound := untilNs
	for i, t := range b.slots {
		if i < slot && t != math.MinInt64 {
			t--
		}
		if i != slot {
			bound = min(bound, t)
		}
	}
	return bound
}

// refreshAllBuses is refreshBuses for all assets.
func (b *backtestBot) refreshAllBuses() {
	for i := range b.assets {
		b.refreshBuses(i)
	}
}

// refreshBuses sets the slots of what is under way.
func (b *backtestBot) refreshBuses(assetNo int) {
	l, s := b.assets[assetNo].link, b.slots[numSlots*assetNo:]
	s[slotResponse], s[slotRequest] = l.ToLocal.NextNs(), l.ToExchange.NextNs()
}

// processLocalRows hands rows up to boundNs to the bot's side.
func (b *backtestBot) processLocalRows(a *asset, slot int, boundNs int64, w *wait) error {
	atNs := b.slots[slot]
	if w.feed {
		w.hits(atNs, hft.ElapseMarketFeed)
		boundNs = atNs
	}
	for {
		a.onLocalRow(a.localRows.row(), b.compat)
		nextNs := a.localRows.advance()
		if nextNs > boundNs {
			b.slots[slot] = nextNs
			b.nowNs = max(b.nowNs, atNs)
			b.lastRowNs = b.nowNs
			return a.localRows.err
		}
		atNs = nextNs
	}
}

// processExchRows hands rows up to boundNs to the exchange, until it has something to report.
func (b *backtestBot) processExchRows(a *asset, slot int, boundNs int64) error {
	atNs := b.slots[slot]
	reports := a.link.ToLocal.Len()
	for {
		a.exchange.OnEvent(atNs, a.exchRows.row())
		reported := a.link.ToLocal.Len() != reports
		if reported || a.exchange.Err() != nil {
			b.refreshBuses(slot / numSlots)
			if err := a.exchange.Err(); err != nil {
				return err
			}
		}
		nextNs := a.exchRows.advance()
		if reported || nextNs > boundNs {
			b.slots[slot] = nextNs
			b.nowNs = max(b.nowNs, atNs)
			b.lastRowNs = b.nowNs
			return a.exchRows.err
		}
		atNs = nextNs
	}
}

// processRequests hands the requests that arrive now to the exchange.
func (b *backtestBot) processRequests(assetNo int, nowNs int64) error {
	a := b.assets[assetNo]
	for a.link.ToExchange.Receive(nowNs, &b.request) {
		a.exchange.OnRequest(nowNs, &b.request)
		if err := a.exchange.Err(); err != nil {
			return err
		}
	}
	b.refreshBuses(assetNo)
	return nil
}

// processResponses hands the responses that arrive now to the bot's side, until one is waited for. An error is the
// handler's or the hook's; what else arrives comes with the next call.
func (b *backtestBot) processResponses(assetNo int, nowNs int64, w *wait) error {
	a := b.assets[assetNo]
	defer b.refreshBuses(assetNo)
	for b.halt.Load() == 0 && a.link.ToLocal.Receive(nowNs, &b.report) {
		if err := b.respond(assetNo, a, nowNs, w); err != nil || b.over(w) {
			return err
		}
		if b.refused {
			return nil // the handler comes first
		}
	}
	return nil
}

// dataErr returns why the data of an asset ended early.
func (b *backtestBot) dataErr() error {
	for _, a := range b.assets {
		if a.localRows.err != nil {
			return a.localRows.err
		}
		if a.exchRows.err != nil {
			return a.exchRows.err
		}
	}
	return nil
}
