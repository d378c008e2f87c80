package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// testPlugins are the plugins that this binary can be.
var testPlugins = map[string]func(){
	"quoter": func() {
		pluginapi.Serve(pluginapi.Plugin[quoterParams]{Name: "quoter", Version: "1.0.0", Doc: "quotes one order a side",
			New: func(p quoterParams) (pluginapi.Strategy, error) { return &quoter{p: p}, nil }})
	},
	"booklogger": serveBookLogger,
	"chatty":     serveChatty,
	"exits":      func() { os.Exit(3) },
	"sleeper":    serveSleeper,
	"breeder":    serveBreeder,
	"stuck":      func() { time.Sleep(time.Hour) },
	"old":        func() { _ = control.ServeStrategy(old{}); os.Exit(0) },
	"startless":  func() { _ = control.ServeStrategy(startless{}); os.Exit(0) },
	"late":       func() { exitUnless("ready"); serveSleeper() },
	"third": func() {
		for _, attempt := range []string{"first", "second"} {
			if f, err := os.OpenFile(besideProgram(attempt), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
				_ = f.Close()
				os.Exit(3)
			}
		}
		serveSleeper()
	},
	"panics": func() {
		pluginapi.Serve(pluginapi.Plugin[struct{}]{Name: "panics", Version: "1.0.0", Doc: "panics at once",
			New: func(struct{}) (pluginapi.Strategy, error) { return panicker{}, nil }})
	},
	"hangs": func() {
		pluginapi.Serve(pluginapi.Plugin[struct{}]{Name: "hangs", Version: "1.0.0", Doc: "stops calling its bot",
			New: func(struct{}) (pluginapi.Strategy, error) { return hanger{}, nil }})
	},
}

// quoterParams configure a quoter.
type quoterParams struct {
	// Out is a file that gets a line of JSON at the start and at each order update.
	Out string `hcl:"out" json:"out" default:""`
	// Ticks is the distance of the quotes from the best prices.
	Ticks int `hcl:"ticks" json:"ticks" default:"1"`
	// FirstID is the first order id to use.
	FirstID int `hcl:"first_id" json:"first_id,omitempty" default:"1"`
	// Qty is the quantity of an order.
	Qty float64 `hcl:"qty" json:"qty,omitempty" default:"0.01"`
	// KeepQuotes leaves orders where they are once there.
	KeepQuotes bool `hcl:"keep_quotes" json:"keep_quotes" default:"false"`
	// RefuseStateIf is a file whose presence makes RestoreState fail, once.
	RefuseStateIf string `hcl:"refuse_state_if" json:"refuse_state_if" default:""`
	// Saving is the way in which SaveState fails: fails, panics, hangs or large.
	Saving string `hcl:"saving" json:"saving" default:""`
	// Stopping is the way in which its stop fails: fails, exits or hangs, or that it takes its time, with requests.
	Stopping string `hcl:"stopping" json:"stopping" default:""`
}

// sighting is a line that a quoter records.
type sighting struct {
	What     string  `json:"what"`
	PID      int     `json:"pid"`
	OrderID  uint64  `json:"order_id,omitempty"`
	Orders   int     `json:"orders"`
	Position float64 `json:"position"`
	BestBid  float64 `json:"best_bid"`
	BestAsk  float64 `json:"best_ask"`
	Restored int     `json:"restored"`
}

// quoter keeps one bid and one ask and counts its steps over restarts.
type quoter struct {
	p     quoterParams
	out   *os.File
	steps int
	state int
	bot   hft.Bot
}

func (q *quoter) SaveState() ([]byte, error) {
	switch q.p.Saving {
	case "fails":
		return nil, errors.New("the disk of the state is full")
	case "panics":
		panic("no state today")
	case "hangs":
		select {}
	case "large":
		return make([]byte, 65<<20), nil
	}
	return json.Marshal(q.steps)
}

func (q *quoter) RestoreState(b []byte) error {
	if q.p.RefuseStateIf != "" {
		if _, err := os.Stat(q.p.RefuseStateIf); err == nil {
			return errors.Join(errors.New("a state from another world"), os.Remove(q.p.RefuseStateIf))
		}
	}
	if err := json.Unmarshal(b, &q.state); err != nil {
		return err
	}
	q.steps = q.state
	return nil
}

func (q *quoter) OnOrder(_, next *hft.Order) error {
	q.write("order", next.OrderID)
	return nil
}

func (q *quoter) write(what string, orderID uint64) {
	if q.out == nil || q.bot == nil {
		return
	}
	d := q.bot.Depth(0)
	s := sighting{What: what, PID: os.Getpid(), OrderID: orderID, Orders: q.bot.Orders(0).Len(),
		Position: q.bot.Position(0), Restored: q.state}
	if d.BestBidTick() != hft.InvalidMin && d.BestAskTick() != hft.InvalidMax {
		s.BestBid, s.BestAsk = d.BestBid(), d.BestAsk()
	}
	b, _ := json.Marshal(s)
	_, _ = q.out.Write(append(b, '\n'))
}

func (q *quoter) Run(_ context.Context, bot hft.Bot) error {
	if q.p.Out != "" {
		f, err := os.OpenFile(q.p.Out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		q.out = f
	}
	q.bot = bot
	q.write("start", 0)
	next := uint64(q.p.FirstID)
	for o := range bot.Orders(0).All() {
		next = max(next, o.OrderID+1)
	}
	for {
		if _, err := bot.Elapse(20 * time.Millisecond); err != nil {
			if errors.Is(err, hft.ErrInterrupted) {
				return q.stopping()
			}
			return err
		}
		q.steps++
		for asset := range bot.NumAssets() {
			if err := q.quote(asset, &next); err != nil {
				return err
			}
		}
	}
}

// stoppingRequests is the number of requests that a quoter sends in its stop that takes its time, one each 100 ms.
const stoppingRequests = 35

func (q *quoter) stopping() error {
	q.write("stopping", 0)
	switch q.p.Stopping {
	case "requests":
		price := q.bot.Depth(0).BestBid() - float64(q.p.Ticks)*q.bot.Depth(0).TickSize()
		for i := range uint64(stoppingRequests) {
			if _, err := q.bot.SubmitBuyOrder(0, 1000+i, price, q.p.Qty, hft.GTX, hft.Limit, false); err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
		}
	case "fails":
		return errors.New("it cannot go flat")
	case "exits":
		os.Exit(3)
	case "hangs":
		select {}
	}
	return nil
}

func (q *quoter) quote(asset int, next *uint64) error {
	bot := q.bot
	bot.ClearInactiveOrders(asset)
	d := bot.Depth(asset)
	if d.BestBidTick() == hft.InvalidMin || d.BestAskTick() == hft.InvalidMax {
		return nil
	}
	var have [2]bool
	bid := d.BestBidTick() - int64(q.p.Ticks)
	ask := d.BestAskTick() + int64(q.p.Ticks)
	for o := range bot.Orders(asset).All() {
		want, side := bid, 0
		if o.Side == hft.Sell {
			want, side = ask, 1
		}
		have[side] = true
		if o.Cancellable() && o.PriceTick != want && !q.p.KeepQuotes {
			if _, err := bot.Cancel(asset, o.OrderID, false); err != nil && !errors.Is(err, hft.ErrRequestQueueFull) {
				return fmt.Errorf("cancel: %w", err)
			}
		}
	}
	for side, tick := range []int64{bid, ask} {
		if have[side] {
			continue
		}
		submit := bot.SubmitBuyOrder
		if side == 1 {
			submit = bot.SubmitSellOrder
		}
		if _, err := submit(asset, *next, hft.TickPrice(tick, d.TickSize()), q.p.Qty, hft.GTX, hft.Limit, false); err != nil {
			return fmt.Errorf("submit: %w", err)
		}
		*next++
	}
	return nil
}

type panicker struct{}

func (panicker) Run(_ context.Context, bot hft.Bot) error {
	_, _ = bot.Elapse(50 * time.Millisecond)
	panic("a bug in the strategy")
}

type hanger struct{}

func (hanger) Run(_ context.Context, bot hft.Bot) error {
	_, _ = bot.Elapse(50 * time.Millisecond)
	for {
		_ = syscall.Getpid() // busy, but never with its bot
	}
}

// breeder starts processes in sessions of their own and without an environment, a child and a grandchild without a parent, and notes their numbers.
type breeder struct {
	Out string `hcl:"out" json:"out"`
}

func (b *breeder) Run(ctx context.Context, bot hft.Bot) error {
	child := exec.Command("sleep", "1000")
	child.SysProcAttr, child.Env = &syscall.SysProcAttr{Setsid: true}, []string{}
	if err := child.Start(); err != nil {
		return err
	}
	if err := exec.Command("sh", "-c", "env -i $(command -v setsid) $(command -v sh) -c 'sleep 1000 & echo $! > "+b.Out+".new' >/dev/null 2>&1 &").Run(); err != nil {
		return err
	}
	for {
		if text, err := os.ReadFile(b.Out + ".new"); err == nil && len(text) > 1 {
			if err := os.WriteFile(b.Out, fmt.Appendf(nil, "%d %s", child.Process.Pid, text), 0o600); err != nil {
				return err
			}
			return sleeper{}.Run(ctx, bot)
		}
		_, _ = bot.Elapse(time.Millisecond)
	}
}

func serveBreeder() {
	pluginapi.Serve(pluginapi.Plugin[breeder]{Name: "breeder", Version: "1.0.0", Doc: "starts processes",
		New: func(b breeder) (pluginapi.Strategy, error) { return &b, nil }})
}

func serveSleeper() {
	pluginapi.Serve(pluginapi.Plugin[struct{}]{Name: "sleeper", Version: "1.0.0", Doc: "waits",
		New: func(struct{}) (pluginapi.Strategy, error) { return sleeper{}, nil }})
}

// besideProgram is a file in the directory of the copies of binaries.
func besideProgram(name string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(os.Args[0])), name)
}

// exitUnless is for a plugin that starts only once there is a file.
func exitUnless(name string) {
	if _, err := os.Stat(besideProgram(name)); err != nil {
		os.Exit(3)
	}
}

// sleeper waits for something to happen.
type sleeper struct{}

func (sleeper) Run(_ context.Context, bot hft.Bot) error {
	for {
		if _, err := bot.WaitNextFeed(true, time.Hour); err != nil {
			return err
		}
	}
}

// quiet is a connector on which nothing happens.
type quiet struct{}

func (quiet) Register(connector.Instrument) {}
func (quiet) Submit(connector.Order)        {}
func (quiet) Cancel(connector.Order)        {}
func (quiet) Modify(connector.Order)        {}
func (quiet) Run(ctx context.Context, _ connector.Sink, _ connector.Clock) error {
	<-ctx.Done()
	return nil
}
