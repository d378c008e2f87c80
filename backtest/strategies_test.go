package backtest_test

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// scripted are the strategies of the reference runs: what they do is fixed to the last bit.
type scripted struct {
	bot    hft.Bot
	log    *golden
	symbol []instrument
	offset int64
	qty    float64
	nextID uint64
}

// instrument is what the scripts know of an asset.
type instrument struct {
	tickSize, lotSize float64
	qtyFactor         float64
}

// run runs a strategy and returns the result as the reference's summary has it.
func (s *scripted) run(strategy string) string {
	result, err := "", error(nil)
	switch strategy {
	case "quote", "modify", "grid":
		result, err = s.loop(100*time.Millisecond, func(i int) (hft.ElapseResult, error) {
			if i%10 == 0 {
				s.record()
			}
			if strategy == "grid" {
				return hft.ElapseOk, s.grid()
			}
			return hft.ElapseOk, s.quoteAll(i, strategy == "modify")
		})
	case "taker":
		result, err = s.loop(500*time.Millisecond, func(i int) (hft.ElapseResult, error) {
			s.record()
			return s.take(i)
		})
	case "wait":
		result, err = s.wait()
	}
	s.log.record(s.bot) // the final one
	if err != nil {
		return "ERR " + errorName(err)
	}
	return result
}

func errorName(err error) string {
	if errors.Is(err, hft.ErrInvalidOrderStatus) {
		return "InvalidOrderStatus"
	}
	return err.Error()
}

func (s *scripted) loop(interval time.Duration, step func(i int) (hft.ElapseResult, error)) (string, error) {
	for i := 1; ; i++ {
		result, err := s.bot.Elapse(interval)
		s.log.flush()
		if err == nil {
			result, err = step(i)
			s.log.flush()
		}
		if hft.Ended(err) {
			return result.String(), nil
		}
		if err != nil {
			return "", err
		}
	}
}

func (s *scripted) wait() (string, error) {
	for i := 1; ; i++ {
		result, err := s.bot.WaitNextFeed(true, 50*time.Millisecond)
		if err != nil && !hft.Ended(err) {
			return "", err
		}
		s.log.line(fmt.Sprintf("W,%d,%d", s.bot.CurrentTimestampNs(), result))
		if err != nil || i == 30001 {
			return result.String(), nil
		}
		if i%1000 == 0 {
			s.record()
		}
		if i%20 == 0 {
			if err := s.quoteAll(i, false); err != nil {
				return "", err
			}
		}
	}
}

func (s *scripted) record() {
	s.log.record(s.bot)
	s.bot.ClearLastTrades(hft.AllAssets)
}

func (s *scripted) quoteAll(i int, modify bool) error {
	for assetNo := range s.bot.NumAssets() {
		if err := s.quote(assetNo, i, modify); err != nil {
			return err
		}
	}
	return nil
}

// quote is one step of quote and modify on one asset.
func (s *scripted) quote(assetNo, step int, modify bool) error {
	bot, inst := s.bot, s.symbol[assetNo]
	bot.ClearInactiveOrders(assetNo)
	book, qty := bot.Depth(assetNo), s.qty*inst.qtyFactor
	bid, ask := book.BestBidTick(), book.BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return nil
	}
	position, limit := math.Round(bot.Position(assetNo)/inst.lotSize), math.Round(5*qty/inst.lotSize)
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		target, allowed := bid+s.offset, position < limit
		if side == hft.Sell {
			target, allowed = ask-s.offset, position > -limit
		}
		own := 0
		for o := range bot.Orders(assetNo).All() {
			if o.Side != side {
				continue
			}
			own++
			var err error
			switch {
			case !o.Cancellable():
			case !allowed || !modify && o.PriceTick != target:
				_, err = bot.Cancel(assetNo, o.OrderID, false)
			case modify && (o.PriceTick != target || step%7 == 0):
				_, err = bot.Modify(assetNo, o.OrderID, hft.TickPrice(target, inst.tickSize),
					qty*[]float64{1, 0.5, 2}[step%3], false)
			}
			if err != nil {
				return err
			}
		}
		if own == 0 && allowed {
			if _, err := s.submit(assetNo, side, target, qty, hft.Limit, hft.GTX, false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *scripted) submit(assetNo int, side hft.Side, tick int64, qty float64, t hft.OrdType, tif hft.TimeInForce,
	wait bool) (hft.ElapseResult, error) {
	s.nextID++
	return s.bot.SubmitOrder(assetNo, hft.OrderRequest{OrderID: s.nextID,
		Price: hft.TickPrice(tick, s.symbol[assetNo].tickSize), Qty: qty, Side: side, TimeInForce: tif, OrdType: t},
		wait)
}

// grid is one step of grid: five prices on each side, three ticks apart.
func (s *scripted) grid() error {
	const sellIDs = 10000000
	bot, tickSize := s.bot, s.symbol[0].tickSize
	bot.ClearInactiveOrders(0)
	bid, ask := bot.Depth(0).BestBidTick(), bot.Depth(0).BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return nil
	}
	for _, side := range []hft.Side{hft.Buy, hft.Sell} {
		first, step, ids := bid, int64(-3), int64(0)
		if side == hft.Sell {
			first, step, ids = ask, 3, sellIDs
		}
		have := map[int64]bool{}
		for o := range bot.Orders(0).All() {
			if o.Side != side {
				continue
			}
			have[int64(o.OrderID)] = true
			j := (o.PriceTick - first) / step
			if wanted := (o.PriceTick-first)%step == 0 && j >= 0 && j < 5; o.Cancellable() && !wanted {
				if _, err := bot.Cancel(0, o.OrderID, false); err != nil {
					return err
				}
			}
		}
		for j := range int64(5) {
			tick := first + j*step
			if have[tick+ids] {
				continue
			}
			_, err := bot.SubmitOrder(0, hft.OrderRequest{OrderID: uint64(tick + ids),
				Price: hft.TickPrice(tick, tickSize), Qty: s.qty, Side: side, TimeInForce: hft.GTX, OrdType: hft.Limit},
				false)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// take is one step of taker.
func (s *scripted) take(step int) (hft.ElapseResult, error) {
	bot := s.bot
	bot.ClearInactiveOrders(0)
	bid, ask := bot.Depth(0).BestBidTick(), bot.Depth(0).BestAskTick()
	if bid == hft.InvalidMin || ask == hft.InvalidMax {
		return hft.ElapseOk, nil
	}
	k := step % 8
	side, touch := hft.Buy, ask
	if k >= 4 {
		side, touch = hft.Sell, bid
	}
	switch k % 4 {
	case 0:
		return s.submit(0, side, touch+5*int64(side), s.qty, hft.Limit, hft.GTC, true)
	case 1:
		return s.submit(0, side, touch, s.qty, hft.Limit, hft.IOC, true)
	case 2:
		return s.submit(0, side, touch+2*int64(side), s.qty, hft.Limit, hft.FOK, true)
	}
	return s.submit(0, side, touch, s.qty, hft.Market, hft.GTC, true)
}
