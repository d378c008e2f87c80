package live

import (
	"errors"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/ipc"
)

// wait is what a waiting call waits for and what it has got.
type wait struct {
	feed   bool
	orders hft.WaitOrderResponse
	hit    bool
	result hft.ElapseResult
}

// Elapse processes what arrives while that much time of the channel's clock passes; 0 or less processes what is there.
// It returns ElapseOk. Errors: hft.ErrInterrupted, hft.ErrEndOfData with ElapseEndOfData, hft.ErrPeerGone, and what the
// error handler or the order hook returned.
func (b *liveBot) Elapse(duration time.Duration) (hft.ElapseResult, error) {
	return b.waitFor("live: LiveBot.Elapse", duration, &wait{})
}

// ElapseBT returns ElapseOk at once and receives nothing: live, computing takes its own time (elapse_bt). It is refused
// where Elapse is: after Close, and within the order hook or error handler.
func (b *liveBot) ElapseBT(time.Duration) (hft.ElapseResult, error) { return hft.ElapseOk, b.mayWait() }

// WaitNextFeed waits for the next market feed event of any asset or, with includeOrderResp, for the next response of
// any order, and comes back when the message it belongs to has been processed to its end: ElapseMarketFeed or
// ElapseOrderResponse, whichever came last, ElapseOk after timeout. Errors as Elapse.
func (b *liveBot) WaitNextFeed(includeOrderResp bool, timeout time.Duration) (hft.ElapseResult, error) {
	return b.waitFor("live: LiveBot.WaitNextFeed", timeout, &wait{feed: true,
		orders: hft.WaitOrderResponse{Any: includeOrderResp}})
}

// WaitOrderResponse waits for a response of one order: ElapseOrderResponse, ElapseOk after timeout.
// A response that was processed since the last request and that no WaitOrderResponse has returned for counts, and so
// does every order that is final: nothing more will come. Errors: hft.ErrInstrumentNotFound, hft.ErrOrderNotFound for
// an order that is not in Orders, and those of Elapse.
func (b *liveBot) WaitOrderResponse(assetNo int, orderID uint64, timeout time.Duration) (hft.ElapseResult, error) {
	if err := b.mayRequest(assetNo, true); err != nil {
		return hft.ElapseOk, err
	}
	b.mark.Check("live: LiveBot.WaitOrderResponse")
	if b.assets[assetNo].Orders.Get(orderID) == nil {
		return hft.ElapseOk, hft.ErrOrderNotFound
	}
	return b.waitOrder("live: LiveBot.WaitOrderResponse", assetNo, orderID, timeout)
}

// waitOrder waits for a response of an order that is in the asset's orders.
func (b *liveBot) waitOrder(what string, assetNo int, orderID uint64, timeout time.Duration) (hft.ElapseResult, error) {
	a := &b.assets[assetNo]
	w := wait{orders: hft.WaitOrderResponse{Specified: true, AssetNo: assetNo, OrderID: orderID}}
	if a.Answered(orderID) {
		// What is there is received nevertheless: a strategy that only calls this has to see it stop.
		timeout, w.result = 0, hft.ElapseOrderResponse
	}
	result, err := b.waitFor(what, timeout, &w)
	if result == hft.ElapseOrderResponse {
		a.TakeAnswer(orderID)
	}
	return result, err
}

// whatIsThere is the timeout of a RecvTimeout that does not wait.
const whatIsThere time.Duration = -1

// waitFor receives until w has what it waits for and no message is half processed, until the time is over, or until
// there is an error. what is the method that waits. The clock is only asked when there is nothing to receive: while
// events come in, they come first.
func (b *liveBot) waitFor(what string, timeout time.Duration, w *wait) (hft.ElapseResult, error) {
	if err := b.mayWait(); err != nil {
		return hft.ElapseOk, err
	}
	b.mark.Enter(what)
	result, err := hft.ElapseOk, error(nil)
	if len(b.early) > 0 {
		err = b.tellEarly()
	}
	if err == nil {
		result, err = b.receive(timeout, w)
	}
	b.mark.Leave()
	if b.off() && !w.hit {
		return hft.ElapseOk, errClosed
	}
	return result, err
}

func (b *liveBot) receive(timeout time.Duration, w *wait) (hft.ElapseResult, error) {
	deadlineNs := local.Deadline(b.ch.NowNs(), timeout)
	remaining := whatIsThere
	for {
		instNo, err := b.ch.RecvTimeout(b.id, remaining, &b.ev)
		switch {
		case err == nil:
			if err := b.process(instNo, w); err != nil {
				return hft.ElapseOk, err
			}
			if b.unfinished == 0 && (w.hit || b.after(deadlineNs)) {
				return w.result, nil
			}
			remaining = whatIsThere
		case errors.Is(err, hft.ErrTimeout):
			if w.hit && b.unfinished == 0 {
				return w.result, nil
			}
			left := time.Duration(deadlineNs - b.ch.NowNs())
			if left < 0 || left == 0 && remaining >= 0 {
				return w.result, nil
			}
			remaining = left
		case errors.Is(err, hft.ErrEndOfData):
			b.atEnd.Store(true)
			return hft.ElapseEndOfData, hft.ErrEndOfData
		default:
			return hft.ElapseOk, err
		}
	}
}

// mayWait returns why the bot cannot wait at all.
func (b *liveBot) mayWait() error {
	switch {
	case b.off():
		return errClosed
	case b.mark.InCallback():
		return errReentrant
	}
	return nil
}

// after reports whether the event that was just processed reached the host after the deadline: then a feed that is
// faster than the strategy must not hold up a wait that is over. A receive time in the future is of another clock and
// says nothing.
func (b *liveBot) after(deadlineNs int64) bool {
	receivedNs := b.ev.Feed.LocalTimestampNs
	return b.ev.Kind == ipc.EventFeed && receivedNs > deadlineNs && receivedNs <= b.ch.NowNs()
}
