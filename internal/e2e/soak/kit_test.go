package soak

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/connectortest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestConformance runs the kit on each venue's connector.
func TestConformance(t *testing.T) {
	for _, s := range subjects() {
		t.Run(string(s.name), func(t *testing.T) {
			connectortest.RunLive(t, func(t *testing.T) connectortest.Harness { return newHarness(t, s) })
		})
	}
}

// newHarness makes a connector to an exchange of its own.
func newHarness(t *testing.T, s subject) connectortest.Harness {
	t.Helper()
	sc := &scene{T: t, subject: s, exchange: still(t, s, nil)}
	t.Cleanup(sc.moveMarket())
	set := settings{pace: quickAudit()}
	r := prepare(t, s, sc.exchange, set)
	return connectortest.Harness{Connector: r.connector, Instruments: r.instruments, Qty: 0.01,
		NoPositions: !s.positions, Flood: 2000, Exchange: &kitExchange{scene: sc, mids: mids()},
		Again: func() connector.Connector { return prepare(t, s, sc.exchange, set).connector }}
}

// kitExchange lets the kit do with a loopback exchange what it has to.
type kitExchange struct {
	*scene
	// mids are the mid prices of the simulated market.
	mids map[string]float64
}

// MoveTo moves the market of others, which trade with what rests on the way.
func (k *kitExchange) MoveTo(symbol string, price float64) error {
	e, from := k.exchange, k.mids[symbol]
	price = math.Round(price)
	taker := hft.Buy
	if price < from {
		taker = hft.Sell
	}
	for _, set := range []struct {
		side  hft.Side
		price float64
		qty   float64
	}{{hft.Buy, from - spread, 0}, {hft.Sell, from + spread, 0}} {
		if err := e.SetLevel(k.name, symbol, set.side, set.price, set.qty); err != nil {
			return err
		}
	}
	if err := e.TradeOfOthers(k.name, symbol, taker, price, othersQty); err != nil {
		return err
	}
	k.mids[symbol] = price
	if err := e.SetLevel(k.name, symbol, hft.Buy, price-spread, othersQty); err != nil {
		return err
	}
	return e.SetLevel(k.name, symbol, hft.Sell, price+spread, othersQty)
}

func (k *kitExchange) arm(f fault.Fault) error { return k.exchange.Arm(k.name, f) }

// CutConnections closes all connections.
func (k *kitExchange) CutConnections() error { return k.arm(fault.Fault{Name: fault.CutConnections}) }

// LeaveOutDepth leaves out differences of a book.
func (k *kitExchange) LeaveOutDepth() error {
	return k.arm(fault.Fault{Name: fault.DepthGap, Count: 1, Value: 3})
}

// LoseAnswer carries an order out without an answer.
func (k *kitExchange) LoseAnswer() error {
	return k.arm(fault.Fault{Name: fault.AckLost, Count: 1, Only: k.place})
}

// State returns what the exchange has.
func (k *kitExchange) State() (connectortest.ExchangeState, error) {
	var out connectortest.ExchangeState
	state, err := k.exchange.State(k.name)
	if err != nil {
		return out, err
	}
	for _, o := range state.Orders {
		if !strings.HasPrefix(o.ClientID, ownPrefix) {
			continue
		}
		side := hft.Buy
		if o.Side == hft.Sell.String() {
			side = hft.Sell
		}
		out.Orders = append(out.Orders, connectortest.ExchangeOrder{Symbol: o.Symbol, Side: side,
			Executed: number(k.T, o.Filled), Open: slices.Contains([]string{"new", "partiallyfilled"},
				plain(o.Status))})
	}
	if k.positions {
		out.Positions = map[string]float64{}
		for _, p := range state.Positions {
			out.Positions[p.Symbol] += number(k.T, p.Qty)
		}
	}
	out.Books = map[string]connectortest.ExchangeBook{}
	for _, b := range state.Books {
		out.Books[b.Symbol] = connectortest.ExchangeBook{Bids: levels(k.T, b.Bids), Asks: levels(k.T, b.Asks)}
	}
	return out, nil
}

func levels(t *testing.T, rows [][2]string) map[float64]float64 {
	t.Helper()
	side := map[float64]float64{}
	for _, row := range rows {
		side[number(t, row[0])] = number(t, row[1])
	}
	return side
}
