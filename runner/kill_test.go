package runner

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/testexchange/venue"
)

var killSeed = flag.Uint64("kill-seed", 5, "seed of the market and of the kills")

var kills = flag.Int("kills", 2, "how often TestKills kills the host at each venue")

// begins is what the plugin churn writes: what a strategy has before its first event.
type begins struct {
	State  hft.StateValues
	Orders []hft.Order
}

// killRig is a host that is killed again and again while its strategies trade at an exchange.
type killRig struct {
	*liveExchange
	w      *workspace
	random *rand.Rand
	bots   map[string]uint64 // by strategy
}

const churnBlock = `
strategy %q {
  plugin = "churn"
  bot_id = %d
  on_exit = "keep"
  instrument "test" "BTCUSDT" {
  }
  instrument "test" "ETHUSDT" {
  }
  params {
    name = %q
    qty  = %v
    seed = %d
  }
}
`

func newKillRig(t *testing.T, v testexchange.Venue, seed uint64, config func(*testexchange.Config)) *killRig {
	t.Helper()
	e := &liveExchange{t: t, venue: v, config: testexchange.Config{Venues: []testexchange.Venue{v}, Seed: seed,
		EventsPerSecond: 300,
		WeightPerMinute: 100_000_000, OrdersPerMinute: 100_000_000}}
	if config != nil {
		config(&e.config)
	}
	e.start()
	t.Cleanup(func() { _ = e.Close() })
	text := e.ConnectorBlock(v) + fmt.Sprintf(churnBlock, "a", 11, "a", 0.01, 1) + fmt.Sprintf(churnBlock, "b", 12,
		"b", 0.02, 2)
	w := newWorkspace(t, text)
	if err := w.install("churn"); err != nil {
		t.Fatal(err)
	}
	return &killRig{liveExchange: e, w: w, random: rand.New(rand.NewPCG(seed, 9)), bots: map[string]uint64{"a": 11,
		"b": 12}}
}

// owner returns whose order it is by its client id.
func owner(clientID string) (bot, orderID uint64) {
	const body = 32
	if len(clientID) < body {
		return 0, 0
	}
	raw, err := base64.RawURLEncoding.DecodeString(clientID[len(clientID)-body:])
	if err != nil {
		return 0, 0
	}
	return binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(cmp.Or(text, "0"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// books returns what the exchange has for a bot on a symbol.
func (r *killRig) books(s *venue.State, bot uint64, symbol string) (sum hft.StateValues, open []string) {
	ids := map[int64]uint64{}
	for _, o := range s.Orders {
		if of, id := owner(o.ClientID); of == bot && o.Symbol == symbol {
			ids[o.ID] = id
			if o.Status == "New" || o.Status == "PartiallyFilled" {
				open = append(open, fmt.Sprintf("%d %s %s open %.9f at %s", id, o.Side, o.Qty, number(r.t,
					o.Qty)-number(r.t, o.Filled), o.Price))
			}
		}
	}
	for _, x := range s.Executions {
		if _, ours := ids[x.OrderID]; !ours || x.Symbol != symbol {
			continue
		}
		qty, price, side := number(r.t, x.Qty), number(r.t, x.Price), 1.0
		if strings.EqualFold(x.Side, "sell") {
			side = -1
		}
		sum.Position += side * qty
		sum.Balance -= side * qty * price
		sum.NumTrades++
		sum.TradingVolume += qty
		sum.TradingValue += qty * price
		fee := number(r.t, x.Fee)
		if x.FeeAsset != "USDT" && x.FeeAsset != "" { // spot takes it from what was bought
			sum.Position -= fee
			fee *= price
			sum.Balance += fee
		}
		sum.Fee += fee
	}
	slices.Sort(open)
	return sum, open
}

// check compares what the strategies began with with the exchange's books.
func (r *killRig) check(out fmt.Stringer) {
	r.t.Helper()
	s, err := r.State(r.venue)
	if err != nil {
		r.t.Fatal(err)
	}
	for name, bot := range r.bots {
		var has []begins
		text, err := os.ReadFile(filepath.Join(r.w.dir, name+".json"))
		if err == nil {
			err = json.Unmarshal(text, &has)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		for i, symbol := range []string{"BTCUSDT", "ETHUSDT"} {
			want, wantOpen := r.books(&s, bot, symbol)
			got := has[i].State
			var open []string
			for _, o := range has[i].Orders {
				open = append(open, fmt.Sprintf("%+v", o))
			}
			same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6+1e-9*math.Abs(a) }
			if !same(got.Position, want.Position) || !same(got.Balance, want.Balance) || !same(got.Fee, want.Fee) ||
				got.NumTrades != want.NumTrades ||
				!same(got.TradingVolume, want.TradingVolume) || !same(got.TradingValue, want.TradingValue) ||
				len(open) != len(wantOpen) {
				r.t.Fatalf("strategy %s, %s:\nit has    %+v\nthe venue %+v\nits orders\n%s\nthe venue's\n%s\n%s",
					name, symbol, got, want, strings.Join(open, "\n"),
					strings.Join(wantOpen, "\n"), out)
			}
			for _, o := range has[i].Orders {
				if o.Status != hft.StatusNew && o.Status != hft.StatusPartiallyFilled ||
					!slices.ContainsFunc(wantOpen, func(text string) bool {
						return strings.HasPrefix(text, fmt.Sprintf("%d ", o.OrderID)) && strings.Contains(text,
							fmt.Sprintf("open %.9f ", o.LeavesQty))
					}) {
					r.t.Fatalf("strategy %s, %s: order %v, the venue has\n%s\n%s", name, symbol, fmt.Sprintf("%+v",
						o), strings.Join(wantOpen, "\n"), out)
				}
			}
		}
	}
}

// begin starts the host while the market stands still, and returns when both strategies have said what they begin with.
func (r *killRig) begin(args ...string) (*exec.Cmd, fmt.Stringer) {
	r.t.Helper()
	r.halt(true)
	cmd, out := r.launch(args...)
	within(r.t, "both strategies have begun", out, func() bool {
		for name := range r.bots {
			if _, err := os.Stat(filepath.Join(r.w.dir, name+".json")); err != nil {
				return false
			}
		}
		return true
	})
	return cmd, out
}

// launch starts the host.
func (r *killRig) launch(args ...string) (*exec.Cmd, fmt.Stringer) {
	r.t.Helper()
	for _, name := range []string{"go", "a.json", "b.json"} {
		if err := os.Remove(filepath.Join(r.w.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			r.t.Fatal(err)
		}
	}
	cmd, out := r.w.runner(append([]string{"run"}, args...)...)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	return cmd, out
}

func (r *killRig) halt(halted bool) {
	if err := r.Halt(r.venue, halted); err != nil {
		r.t.Fatal(err)
	}
}

// sleep lets a random time pass.
func (r *killRig) sleep(most time.Duration) {
	<-time.After(time.Duration(r.random.Int64N(int64(most))))
}

// round starts the host, compares, lets the strategies trade and kills it; or kills it while it recovers.
func (r *killRig) round() {
	r.t.Helper()
	if r.random.IntN(4) == 0 {
		cmd, _ := r.launch()
		r.sleep(500 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return
	}
	cmd, out := r.begin()
	r.check(out)
	r.halt(false)
	r.w.write("go", "")
	r.sleep(700 * time.Millisecond)
	if r.random.IntN(6) == 0 { // an orderly end, which keeps the orders
		_ = cmd.Process.Signal(os.Interrupt)
	} else {
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait()
	r.sleep(300 * time.Millisecond)
}

// TestKills kills the host with -9 at random points, also while it recovers, while two strategies trade on the same
// instruments; the exchange goes on meanwhile. After each start both have what the exchange's books say, before their
// first event.
func TestKills(t *testing.T) {
	t.Parallel()
	for _, v := range someVenues(testexchange.BinanceFutures) {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			r := newKillRig(t, v, *killSeed, func(c *testexchange.Config) {
				c.Faults = []fault.Fault{{Name: fault.DropUserEvent, Probability: 0.05}, {Name: fault.ReorderUserEvent, Probability: 0.05},
					{Name: fault.DuplicateUserEvent, Probability: 0.05}, {Name: fault.AckLost, Probability: 0.03}}
			})
			for range *kills {
				r.round()
			}
			cmd, out := r.begin()
			r.check(out)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			s, err := r.State(v)
			if err != nil || len(s.Executions) == 0 {
				t.Fatal("nothing was traded", err)
			}
			t.Logf("%d kills, %d orders, %d executions", *kills, len(s.Orders), len(s.Executions))
		})
	}
}
