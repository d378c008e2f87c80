package paper_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// maker quotes on one instrument: every 100 ms it sends what its prices ask for and cancels the rest.
type maker struct {
	r      *running
	inst   connector.Instrument
	bot    uint64
	prices func(bid, ask float64) (bids, asks []float64)
	nextID uint64
	open   map[uint64]connector.Order
	fills  int
	seen   int
}

func (m *maker) step() {
	updates := m.r.sink.UpdatesFrom(m.seen)
	m.seen += len(updates)
	for i := range updates {
		u := &updates[i]
		if u.Owner.Bot != m.bot {
			continue
		}
		if u.Fill {
			m.fills++
		}
		if u.Final() {
			delete(m.open, u.OrderID)
		}
	}
	bids, asks := m.prices(m.r.sink.Best(m.inst.No))
	wanted := map[hft.Order]bool{}
	want := func(side hft.Side, price float64) {
		wanted[hft.Order{Side: side, PriceTick: hft.PriceTick(price, m.inst.TickSize)}] = true
	}
	for i := range bids {
		want(hft.Buy, bids[i])
		want(hft.Sell, asks[i])
	}
	for _, o := range m.open {
		if at := (hft.Order{Side: o.Side, PriceTick: o.PriceTick}); wanted[at] {
			delete(wanted, at)
		} else {
			m.r.paper.Cancel(o)
		}
	}
	for at := range wanted {
		m.nextID++
		o := order(m.bot, m.nextID, m.inst, at.Side, hft.TickPrice(at.PriceTick, m.inst.TickSize), 10*m.inst.LotSize,
			hft.GTX)
		m.open[o.OrderID] = o
		m.r.paper.Submit(o)
	}
}

// Both kinds of example strategies trade within 20 seconds of the synthetic market, whatever the seed.
func TestStrategiesGetFills(t *testing.T) {
	grid := func(bid, ask float64) (bids, asks []float64) {
		mid := (bid + ask) / 2
		interval := mid * 0.0005
		for i := range 5 {
			bids = append(bids, math.Floor((mid*(1-0.0005))/interval)*interval-float64(i)*interval)
			asks = append(asks, math.Ceil((mid*(1+0.0005))/interval)*interval+float64(i)*interval)
		}
		return bids, asks
	}
	touch := func(bid, ask float64) (bids, asks []float64) { return []float64{bid}, []float64{ask} }
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := start(t, paper.Config{Source: newSynthetic(t, paper.SyntheticConfig{Seed: seed}), Speed: 1,
				Exchange: paper.Exchange{PartialFill: true, Queue: "power_prob3", OrderLatency: 5 * time.Millisecond,
					ResponseLatency: 5 * time.Millisecond}}, btc, eth)
			var makers []*maker
			for _, inst := range []connector.Instrument{btc, eth} {
				for _, prices := range []func(float64, float64) ([]float64, []float64){grid, touch} {
					makers = append(makers, &maker{r: r, inst: inst, bot: uint64(len(makers) + 1), prices: prices,
						open: map[uint64]connector.Order{}})
				}
			}
			r.advance(100 * time.Millisecond)
			for range 200 {
				for _, m := range makers {
					m.step()
				}
				r.advance(100 * time.Millisecond)
			}
			for _, m := range makers {
				m.step()
				t.Logf("bot %d on %s: %d fills, %d orders", m.bot, m.inst.Symbol, m.fills, m.nextID)
				if m.fills == 0 {
					t.Errorf("bot %d on %s had no fill in 20 s and %d orders", m.bot, m.inst.Symbol, m.nextID)
				}
			}
		})
	}
}
