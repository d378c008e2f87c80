package venue_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// printer is a protocol that notes the trades.
type printer struct {
	http.Handler
	trades []string
	ticks  int
}

func (p *printer) Publish(_ int64, _ *market.Market, events []market.Event) {
	for i := range events {
		if e := &events[i]; e.Kind == market.Traded {
			p.trades = append(p.trades, fmt.Sprintf("%d: %s at %s", e.TimeNs, e.Symbol.Lot.Format(e.QtyLots),
				e.Symbol.Tick.Format(e.PriceTicks)))
		}
	}
}

func (p *printer) Tick(int64, *market.Market) { p.ticks++ }

// script is a source of two batches and an end.
type script struct {
	at     int
	closed bool
	end    error
}

func (s *script) StartNs() int64                      { return 1000 }
func (s *script) Register(connector.Instrument) error { return nil }
func (s *script) Close() error                        { s.closed = true; return nil }

func (s *script) Next(b *paper.Batch) error {
	rows := [][]hft.Event{
		{{Ev: hft.DepthSnapshotEvent | hft.SellEvent, Px: 100, Qty: 1}},
		{{Ev: hft.TradeEvent | hft.BuyEvent, Px: 100, Qty: 1}},
	}
	if s.at == len(rows) {
		return s.end
	}
	*b = paper.Batch{TimestampNs: 1000 + int64(s.at)*50, Events: rows[s.at]}
	s.at++
	return nil
}

func symbols() []market.SymbolConfig {
	return []market.SymbolConfig{{Name: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", TickSize: "0.1", LotSize: "1"}}
}

func config(clock wire.Clock) venue.Config {
	return venue.Config{Name: "v", Address: "127.0.0.1:0", Clock: clock, Market: market.Config{Symbols: symbols(),
		Accounts: []market.AccountConfig{{Name: "a", Balances: map[string]market.Amount{"USDT": 1e12}}}}}
}

// serve starts a venue whose market a script moves.
func serve(t *testing.T, clock wire.Clock, source *script) (*venue.Core, *printer) {
	t.Helper()
	background, err := venue.NewBackground(source, symbols(), clock.NowNs())
	if err != nil {
		t.Fatal(err)
	}
	c := config(clock)
	c.Background = background
	core, err := venue.New(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &printer{Handler: http.NotFoundHandler()}
	if err := core.Start(p); err != nil {
		t.Fatal(err)
	}
	return core, p
}

func TestBackgroundOnTheVenuesTime(t *testing.T) {
	for _, end := range []error{io.EOF, errors.New("torn")} {
		clock := wire.NewScriptedClock(5000)
		source := &script{end: end}
		core, p := serve(t, clock, source)
		clock.Advance(49)
		core.Advance()
		if len(p.trades) != 0 {
			t.Errorf("too early: %v", p.trades)
		}
		clock.Advance(10)
		core.Advance()
		if len(p.trades) != 1 || p.trades[0] != "5050: 1 at 100.0" || p.ticks != 2 {
			t.Errorf("%v, %d ticks; want the trade at its own time", p.trades, p.ticks)
		}
		if want := ""; end != io.EOF {
			want = "torn"
			if got := core.State().Background; got != want {
				t.Errorf("background %q, want %q", got, want)
			}
		} else if got := core.State().Background; got != want {
			t.Errorf("background %q, want %q", got, want)
		}
		if err := core.SetLevel("BTCUSDT", hft.Buy, 99, 1); !errors.Is(err, venue.ErrNoBackground) {
			t.Errorf("a level beside a background: %v", err)
		}
		if err := core.Close(); err != nil || !source.closed {
			t.Errorf("close: %v, source closed %v", err, source.closed)
		}
	}
}

func TestHalt(t *testing.T) {
	clock := wire.NewScriptedClock(5000)
	core, p := serve(t, clock, &script{end: io.EOF})
	defer func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	}()
	clock.Advance(20)
	core.Halt(true)
	clock.Advance(1000)
	core.Halt(true) // it is already
	core.Advance()
	if len(p.trades) != 0 {
		t.Errorf("the market stands still, but %v", p.trades)
	}
	core.Halt(false)
	core.Halt(false)
	clock.Advance(29)
	core.Advance()
	if len(p.trades) != 0 {
		t.Errorf("the market does not go on where it was: %v", p.trades)
	}
	clock.Advance(1)
	core.Advance()
	if len(p.trades) != 1 || p.trades[0] != "6050: 1 at 100.0" {
		t.Errorf("%v; want the trade as much later as the market stood still", p.trades)
	}
}

func TestTimeDoesNotRunBackwards(t *testing.T) {
	clock := wire.NewScriptedClock(5000)
	core, err := venue.New(config(clock))
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Start(&printer{Handler: http.NotFoundHandler()}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	}()
	clock.Advance(-1000)
	core.Do(func(nowNs int64, _ *market.Market) {
		if nowNs != 5000 {
			t.Errorf("now is %d", nowNs)
		}
	})
}

func TestAddressInUse(t *testing.T) {
	first, err := venue.New(config(wire.WallClock{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(&printer{Handler: http.NotFoundHandler()}); err != nil {
		t.Fatal(err)
	}
	c := config(wire.WallClock{})
	c.Address = first.Address()
	second, err := venue.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(&printer{Handler: http.NotFoundHandler()}); err == nil {
		t.Error("two servers on one address")
	}
	if err := errors.Join(second.Close(), first.Close()); err != nil {
		t.Error(err)
	}
}

func Example() {
	core, err := venue.New(config(wire.NewScriptedClock(1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &printer{Handler: http.NotFoundHandler()}
	if err := core.Start(p); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(core.SetLevel("BTCUSDT", hft.Sell, 100, 3))
	core.Do(func(nowNs int64, m *market.Market) {
		_, err := m.Place(nowNs, "a", market.Request{Symbol: "BTCUSDT", Side: hft.Buy, PriceTicks: 1000, QtyLots: 2})
		fmt.Println(err)
	})
	fmt.Println(p.trades, core.Close())
	// Output:
	// <nil>
	// <nil>
	// [1: 2 at 100.0] <nil>
}
