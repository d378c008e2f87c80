package host

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// shared is a publisher with one instrument, in which strategies a, b, c ... hold positions.
func shared(positions ...float64) (*publisher, []*holding) {
	p := &publisher{name: "test", log: hclog.NewNullLogger()}
	inst := &instrument{symbol: "BTCUSDT", tickSize: 0.1, lotSize: 0.001, holdings: map[uint64]*holding{}}
	p.instruments = []*instrument{inst}
	var list []*holding
	for i, position := range positions {
		h := &holding{cfg: InstrumentConfig{TickSize: 0.1, LotSize: 0.001}, mode: StrategyPosition,
			strategy: string(rune('a' + i)), pub: p}
		h.owner.Bot = uint64(i + 1)
		if position != 0 {
			side := hft.Buy
			if position < 0 {
				side = hft.Sell
			}
			h.book(side, math.Abs(position), 100, math.Abs(position)*100, 0, 0, 1)
		}
		inst.holdings[h.owner.Bot] = h
		list = append(list, h)
	}
	return p, list
}

// positions returns what each strategy has.
func positions(list []*holding) string {
	var words []string
	for _, h := range list {
		words = append(words, fmt.Sprintf("%.3f", h.state.Position))
	}
	return strings.Join(words, " ")
}

func forcedClose(kind connector.AccountEventKind, id string, side hft.Side, qty float64) *connector.AccountEvent {
	return &connector.AccountEvent{Kind: kind, Symbol: "BTCUSDT", ID: id, OrderID: "order", Side: side, Qty: qty,
		Price: 90, Value: qty * 90,
		Fee: qty, FeePaid: qty, FeeAsset: "USDT", TimestampNs: 10}
}

// TestForcedClose: what the venue closes is taken from those who held the side, in whole lots and in proportion.
func TestForcedClose(t *testing.T) {
	for _, c := range []struct {
		name    string
		own     []float64
		account float64 // the venue's, before
		side    hft.Side
		qty     []float64
		want    string
	}{
		{"one", []float64{2}, 2, hft.Sell, []float64{2}, "0.000"},
		{"the longs only", []float64{3, -1}, 2, hft.Sell, []float64{2}, "1.000 -1.000"},
		{"in proportion", []float64{3, 1}, 4, hft.Sell, []float64{1, 1}, "1.500 0.500"},
		{"in whole lots", []float64{0.001, 0.001, 0.001}, 0.003, hft.Sell, []float64{0.001, 0.001, 0.001},
			"0.000 0.000 0.000"},
		{"of a short", []float64{-2, 1}, -1, hft.Buy, []float64{1}, "-1.000 1.000"},
		{"a part of nobody", []float64{1}, 3, hft.Sell, []float64{1.5}, "0.500"},
		{"more than there is", []float64{1}, 1, hft.Sell, []float64{3}, "0.000"},
		{"of the other side", []float64{1}, 1, hft.Buy, []float64{1}, "1.000"},
	} {
		for _, first := range []bool{false, true} { // the venue tells the position before the execution, or after it
			p, list := shared(c.own...)
			p.Position(0, c.account, 5)
			left := c.account
			for i, qty := range c.qty {
				e := forcedClose(connector.Liquidation, fmt.Sprint(i), c.side, qty)
				e.TimestampNs += int64(i)
				left += float64(c.side) * qty
				if first {
					p.Position(0, left, e.TimestampNs)
				}
				p.Account(e)
				p.Account(e) // told again after a reconnect
				if !first {
					p.Position(0, left, e.TimestampNs)
				}
			}
			if got := positions(list); got != c.want {
				t.Errorf("%s, position first %v: %s, want %s", c.name, first, got, c.want)
			}
		}
	}
}

// TestForcedCloseMoney: cash, fee and realised profit are those of an execution at that price.
func TestForcedCloseMoney(t *testing.T) {
	p, list := shared(2, 2)
	p.Account(forcedClose(connector.ADL, "x", hft.Sell, 2))
	h := list[0]
	if s := h.state; s.Position != 1 || s.Balance != -200+90 || s.Fee != 1 || h.profit.realised != -10 ||
		s.NumTrades != 2 {
		t.Errorf("%+v, realised %v", s, h.profit.realised)
	}
}

// TestFunding: each gets its part of the account's funding by its position; the sum is what the venue has paid.
func TestFunding(t *testing.T) {
	e := &connector.AccountEvent{Kind: connector.Funding, Symbol: "BTCUSDT", ID: "f", Amount: -24, Asset: "USDT",
		TimestampNs: 10}
	for _, c := range []struct {
		own     []float64
		account float64
		want    string
	}{
		{[]float64{2}, 2, "-24"},
		{[]float64{3, -1}, 2, "-36 12"},
		{[]float64{1, 0}, 2, "-12 0"},
		{[]float64{1, -1}, 0, "0 0"}, // the account is flat; nothing can be settled
	} {
		p, list := shared(c.own...)
		p.Position(0, c.account, 5)
		p.Account(e)
		p.Account(e)
		var words []string
		for _, h := range list {
			words = append(words, fmt.Sprint(h.state.Funding))
			if h.state.Balance != -100*h.profit.position {
				t.Errorf("funding is in the balance: %+v", h.state)
			}
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.own, c.account, got, c.want)
		}
	}
}

// TestEventsOfEarlierPositions: what is settled late goes by the positions of its time.
func TestEventsOfEarlierPositions(t *testing.T) {
	p, list := shared(1, 2)
	a, b := list[0], list[1]
	p.Position(0, 3, 5)
	a.book(hft.Sell, 1, 100, 100, 0, 0, 20) // after the settlement
	p.Position(0, 2, 20)
	b.book(hft.Buy, 100, 100, 10000, 0, 0, 21)
	p.Position(0, 102, 21)
	p.Account(&connector.AccountEvent{Kind: connector.Funding, Symbol: "BTCUSDT", ID: "f", Amount: -3, Asset: "USDT",
		TimestampNs: 10})
	if a.state.Funding != -1 || b.state.Funding != -2 {
		t.Errorf("funding %v and %v, want -1 and -2", a.state.Funding, b.state.Funding)
	}
	p.Account(forcedClose(connector.Liquidation, "l", hft.Sell, 3))
	if got := positions(list); got != "-1.000 100.000" { // of the long of 1 and 2 at its time
		t.Errorf("positions %s", got)
	}
}

// TestEventsBeforeTheFirstPosition: an event of a downtime goes by the positions of its time, whatever was executed
// between it and the first position that the venue tells of.
func TestEventsBeforeTheFirstPosition(t *testing.T) {
	for _, nobody := range []float64{0, 1} {
		p, list := shared(-7, 14)
		inst := p.instruments[0]
		inst.ownership.known, inst.ownership.unattributed = true, nobody
		p.Position(0, 9+nobody, 20) // with what is executed at 20
		net := 7 + nobody
		p.Account(&connector.AccountEvent{Kind: connector.Funding, Symbol: "BTCUSDT", ID: "f", Amount: -net, Asset: "USDT",
			TimestampNs: 10})
		list[1].book(hft.Buy, 2, 100, 200, 0, 0, 20)
		if a, b := list[0].state.Funding, list[1].state.Funding; a != 7 || b != -14 {
			t.Errorf("funding %v and %v, want 7 and -14", a, b)
		}
	}
}

// TestEventsOfTheVeryTime: an execution of the event's own time came before it or after it, whichever agrees with the
// account's position.
func TestEventsOfTheVeryTime(t *testing.T) {
	for _, c := range []struct {
		account float64 // at the event
		want    string
	}{{3, "-1 -2"}, {5, "-3 -2"}} {
		p, list := shared(1, 2)
		list[0].book(hft.Buy, 2, 100, 200, 0, 0, 10)
		p.Position(0, c.account, 9)
		p.Account(&connector.AccountEvent{Kind: connector.Funding, Symbol: "BTCUSDT", ID: "f", Amount: -c.account,
			Asset: "USDT", TimestampNs: 10})
		if got := fmt.Sprint(list[0].state.Funding, list[1].state.Funding); got != c.want {
			t.Errorf("funding %s, want %s", got, c.want)
		}
		e := forcedClose(connector.Liquidation, "l", hft.Sell, c.account)
		p.Account(e)
		if got, want := positions(list), map[float64]string{3: "2.000 0.000", 5: "0.000 0.000"}[c.account]; got != want {
			t.Errorf("positions %s, want %s", got, want)
		}
	}
}

// TestDeal: whatever comes in whatever parts, nobody is a lot from its exact part, and nobody is turned round.
func TestDeal(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	for range 2000 {
		c := closing{}
		held := int64(0)
		for range 1 + r.IntN(6) {
			lots := 1 + r.Int64N(1000)
			held += lots
			c.shares = append(c.shares, share{lots: lots})
		}
		closed := int64(0)
		for closed < held {
			lots := 1 + r.Int64N(min(held, 700))
			each, over := c.deal(lots)
			sum := over
			for _, n := range each {
				if n < 0 {
					t.Fatalf("%v", each)
				}
				sum += n
			}
			if sum != lots || over > 0 && closed+lots-over != held {
				t.Fatalf("%d lots became %v and %d", lots, each, over)
			}
			closed += lots - over
			for _, s := range c.shares {
				if exact := float64(s.lots) * float64(closed) / float64(held); s.dealt > s.lots ||
					math.Abs(float64(s.dealt)-exact) >= 2 {
					t.Fatalf("%+v where %v is exact", s, exact)
				}
			}
		}
	}
}

// TestCloseOfTheVeryTimeInADowntime: what was executed in the very millisecond of a close came before it, also where the
// venue has told no position of that time, unless the close is too large for that.
func TestCloseOfTheVeryTimeInADowntime(t *testing.T) {
	for _, c := range []struct {
		a, b   float64 // b's is executed in the millisecond of the close
		closed float64
		want   string
	}{
		{-0.09, -0.13, 0.22, "0.000 0.000"},   // all of it
		{-0.13, 0.13, 0.13, "0.000 0.130"},    // what was left would not be enough
		{-0.09, -0.13, 0.11, "-0.045 -0.065"}, // a part
	} {
		p, list := shared(c.a, 0)
		side := hft.Side(math.Copysign(1, c.b))
		list[1].book(side, math.Abs(c.b), 100, math.Abs(c.b)*100, 0, 0, 10)
		p.Position(0, 0, 10) // with the close
		p.Account(forcedClose(connector.Liquidation, "l", hft.Buy, c.closed))
		if got := positions(list); got != c.want {
			t.Errorf("%+v: positions %s, want %s", c, got, c.want)
		}
	}
}

// TestEventsOfOtherSymbols: what the venue did on a symbol that nobody trades is said once, however often it is listed.
func TestEventsOfOtherSymbols(t *testing.T) {
	p, _, out := watched(HaltOnMismatch, 2)
	for range 3 {
		for _, symbol := range []string{"XRPUSDT", "ADAUSDT"} {
			for _, e := range []*connector.AccountEvent{
				forcedClose(connector.ADL, "7", hft.Sell, 1),
				{Kind: connector.Funding, ID: "7", Amount: 1, Asset: "USDT"},
			} {
				e.InstrumentNo, e.Symbol = -1, symbol
				p.Account(e)
			}
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("said %d times\n%s", n, out)
	}
	p.Account(&connector.AccountEvent{Kind: connector.MarginCall, InstrumentNo: -1, Text: "near"})
	p.Account(&connector.AccountEvent{Kind: connector.MarginCall, InstrumentNo: -1, Text: "near"})
	if strings.Count(out.String(), "margin call") != 2 {
		t.Error(out)
	}
	for i := range 3 * maxBooked {
		p.elsewhere.once(fmt.Sprint(i))
	}
	if len(p.elsewhere.seen) != maxBooked || len(p.elsewhere.order) != maxBooked {
		t.Errorf("%d and %d are remembered", len(p.elsewhere.seen), len(p.elsewhere.order))
	}
}
