package live_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// calls are a bot's calls with a name, those that return errors first.
func calls(bot hft.Bot) (withError map[string]func() error, reading map[string]func()) {
	o := hft.OrderRequest{OrderID: 9, Price: 60000, Qty: 1, Side: hft.Buy}
	only := func(_ hft.ElapseResult, err error) error { return err }
	withError = map[string]func() error{
		"Elapse":            func() error { return only(bot.Elapse(time.Hour)) },
		"ElapseBT":          func() error { return only(bot.ElapseBT(time.Hour)) },
		"WaitNextFeed":      func() error { return only(bot.WaitNextFeed(true, time.Hour)) },
		"WaitOrderResponse": func() error { return only(bot.WaitOrderResponse(0, 9, time.Hour)) },
		"SubmitOrder":       func() error { return only(bot.SubmitOrder(0, o, false)) },
		"SubmitOrder, wait": func() error { return only(bot.SubmitOrder(0, o, true)) },
		"Modify":            func() error { return only(bot.Modify(0, 9, 60000, 1, false)) },
		"Cancel":            func() error { return only(bot.Cancel(0, 9, false)) },
	}
	reading = map[string]func(){
		"Position":            func() { bot.Position(0) },
		"StateValues":         func() { bot.StateValues(0) },
		"Depth":               func() { bot.Depth(0) },
		"LastTrades":          func() { bot.LastTrades(0) },
		"ClearLastTrades":     func() { bot.ClearLastTrades(hft.AllAssets) },
		"KeepOffBookTrades":   func() { bot.(hft.OffBookKeeper).KeepOffBookTrades(hft.AllAssets) },
		"Orders":              func() { bot.Orders(0) },
		"ClearInactiveOrders": func() { bot.ClearInactiveOrders(hft.AllAssets) },
		"FeedLatency":         func() { bot.FeedLatency(0) },
		"OrderLatency":        func() { bot.OrderLatency(0) },
	}
	return withError, reading
}

// waitingBot returns a bot on the wall clock, whose goroutine waits for an hour, its book, and where that wait's error
// comes.
func waitingBot(t *testing.T) (live.LiveBot, hft.MarketDepth, <-chan error) {
	t.Helper()
	hub := ipctest.NewHub(ipctest.Instruments(), nil)
	t.Cleanup(func() { hub.Close() })
	hub.Handle(func(q ipctest.Request) error {
		if q.Kind != ipc.RequestRegisterInstrument {
			return nil
		}
		return hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{}, nil)
	})
	r := &rig{tb: t, hub: hub}
	r.build(1, nil)
	book, ended := r.bot.Depth(0), make(chan error, 1)
	go func() {
		_, err := r.bot.Elapse(time.Hour)
		ended <- err
	}()
	return r.bot, book, ended
}

// panicText returns what f panics with, nothing if it does not.
func panicText(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// TestTwoGoroutines: while one goroutine waits, another's calls panic, with a text that says which and what to do.
func TestTwoGoroutines(t *testing.T) {
	bot, book, ended := waitingBot(t)
	for deadline := time.Now().Add(time.Minute); panicText(func() { bot.Position(0) }) == ""; time.Sleep(ms) {
		if time.Now().After(deadline) {
			t.Fatal("a bot that waits is read, and nobody notices")
		}
	}
	withError, reading := calls(bot)
	check := func(name string, f func()) {
		name, _, _ = strings.Cut(name, ",")
		text := panicText(f)
		for _, want := range []string{"LiveBot." + name, "another goroutine", "for one goroutine only", "Go channel"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s panics with %q, which does not say %q", name, text, want)
			}
		}
	}
	for name, f := range withError {
		// the first does nothing, the others look at the order first
		if name != "ElapseBT" && name != "Modify" && name != "Cancel" {
			check(name, func() { _ = f() })
		}
	}
	for name, f := range reading {
		check(name, f)
	}
	for name, f := range map[string]func(){
		"BestBid":      func() { book.BestBid() },
		"BestAskTick":  func() { book.BestAskTick() },
		"BidQtyAtTick": func() { book.BidQtyAtTick(1) },
	} {
		if text := panicText(f); !strings.Contains(text,
			"WindowMarketDepth."+name+" is called while another goroutine") {
			t.Errorf("%s of a book that was kept panics with %q", name, text)
		}
	}
	bot.CurrentTimestampNs()
	bot.Interrupt()
	if err := <-ended; !errors.Is(err, hft.ErrInterrupted) {
		t.Errorf("the wait ends with %v", err)
	}
	if text := panicText(func() { bot.Position(0); book.BestBid() }); text != "" {
		t.Errorf("afterwards the bot panics: %s", text)
	}
}

// TestCloseWhileItWaits: everybody may close, interrupt and ask for the time at any time; the wait ends, and every
// later call returns an error or does no harm.
func TestCloseWhileItWaits(t *testing.T) {
	for range 20 {
		bot, _, ended := waitingBot(t)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 3 {
					bot.CurrentTimestampNs()
					if err := bot.Close(); err != nil {
						t.Error(err)
					}
					bot.Interrupt()
				}
			})
		}
		if err := <-ended; !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("the wait ends with %v", err)
		}
		group.Wait()
		withError, reading := calls(bot)
		for name, f := range withError {
			if err := f(); !errors.Is(err, hft.ErrInterrupted) {
				t.Errorf("%s of a closed bot: %v", name, err)
			}
		}
		for _, f := range reading {
			f()
		}
		if nowNs := bot.CurrentTimestampNs(); nowNs == 0 || nowNs != bot.CurrentTimestampNs() {
			t.Errorf("the time of a closed bot is %d", nowNs)
		}
	}
}

// TestBotThatNeverWas: a nil bot and one that nobody built are as if they were closed, and Build takes no such channel.
func TestBotThatNeverWas(t *testing.T) {
	for _, bot := range live.NeverBuilt() {
		withError, _ := calls(bot)
		for name, f := range withError {
			if err := f(); !errors.Is(err, hft.ErrInterrupted) {
				t.Errorf("%s: %v", name, err)
			}
		}
		bot.Interrupt()
		if bot.CurrentTimestampNs() != 0 || bot.AtEnd() || bot.Close() != nil {
			t.Error("there is something")
		}
	}
	r := newHub(t)
	closed := r.channel(1)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []ipc.Channel{nil, closed} {
		if bot, err := r.builder(1).Build(ch); bot != nil || err == nil {
			t.Errorf("Build on %#v = %v, %v", ch, bot, err)
		}
	}
}

// TestPanicInHook: a program that recovers from a panic of its hook can go on with the bot.
func TestPanicInHook(t *testing.T) {
	panics := true
	r := newHub(t).build(1, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(_, _ *hft.Order) error {
			if panics {
				panic("mine")
			}
			return nil
		})
	})
	r.order(0, report(r.submit(1), hft.StatusNew, t0))
	if text := panicText(func() { _, _ = r.bot.Elapse(0) }); text != "mine" {
		t.Fatalf("panics with %q", text)
	}
	panics = false
	r.drain()
	r.bot.Position(0)
}

// TestEarlyCallbacks: what a bot receives while it is built is told in its first waiting call, in its order; an error
// of hook or handler ends the call it is told in, and the rest comes in the next.
func TestEarlyCallbacks(t *testing.T) {
	var told []string
	r := newHub(t)
	order := report(hft.NewOrder(3, 600000, 0.1, 1, hft.Buy, hft.Limit, hft.GTC), hft.StatusNew, t0)
	r.hub.Handle(func(q ipctest.Request) error {
		if q.Kind != ipc.RequestRegisterInstrument {
			return nil
		}
		filled := report(order, hft.StatusFilled, t0+1)
		r.must(r.hub.SendError(botID, hft.NewLiveError(hft.ConnectionInterrupted)))
		r.order(0, order)
		r.order(0, filled)
		return r.hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{Position: 1}, nil)
	})
	no := errors.New("no")
	r.build(1, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(prev, next *hft.Order) error {
			status := hft.StatusNone
			if prev != nil {
				status = prev.Status
			}
			told = append(told, fmt.Sprintf("order %v to %v", status, next.Status))
			return nil
		})
		b.ErrorHandler(func(e hft.LiveError) error { told = append(told, "error "+e.Kind.String()); return no })
	})
	r.bot.CurrentTimestampNs()
	if o := r.bot.Orders(0).Get(3); len(told) != 0 || o == nil || o.Status != hft.StatusFilled ||
		r.bot.Position(0) != 1 {
		t.Fatalf("after Build: told %q, order %+v, position %v", told, o, r.bot.Position(0))
	}
	if _, err := r.bot.SubmitBuyOrder(0, 4, 60000, 1, hft.GTC, hft.Limit, false); err != nil || len(told) != 0 {
		t.Errorf("a request without wait: %v, told %q", err, told)
	}
	if _, err := r.bot.WaitNextFeed(true, 0); err != no || len(told) != 1 {
		t.Errorf("the first waiting call returns %v and tells %q", err, told)
	}
	r.drain()
	if got := strings.Join(told,
		", "); got != "error "+hft.ConnectionInterrupted.String()+", order None to New, order New to Filled" {
		t.Errorf("told: %s", got)
	}
}

// scripted is a channel of somebody else: it delivers what is written down, and does not care whether it is closed.
type scripted struct {
	ipc.Channel
	events []ipc.LiveEvent
	waits  int
}

func (s *scripted) RecvTimeout(_ uint64, timeout time.Duration, ev *ipc.LiveEvent) (int, error) {
	if len(s.events) == 0 {
		if timeout > 0 {
			s.waits++
		}
		return -1, hft.ErrTimeout
	}
	*ev, s.events = s.events[0], s.events[1:]
	if ev.Kind == ipc.EventError {
		return -1, nil
	}
	return 0, nil
}

func (s *scripted) Send(uint64, int, *ipc.LiveRequest) error { return nil }
func (s *scripted) NowNs() int64                             { return t0 }
func (s *scripted) Instruments() []ipc.Instrument            { return ipctest.Instruments()[:1] }
func (s *scripted) Interrupt()                               {}
func (s *scripted) Resume()                                  {}
func (s *scripted) Close() error                             { return nil }

// buildScripted returns a bot on a scripted channel.
func buildScripted(t *testing.T) (live.LiveBot, *scripted) {
	t.Helper()
	ch := &scripted{events: []ipc.LiveEvent{{Kind: ipc.EventBatchStart}, {Kind: ipc.EventBatchEnd}}}
	bot, err := (&rig{tb: t}).builder(1).Logger(func(string) {}).Build(ch)
	if err != nil {
		t.Fatal(err)
	}
	return bot, ch
}

// TestLappedWithinABurst: the end of a book that was under way when the bot was lapped never comes, and no wait waits
// for it.
func TestLappedWithinABurst(t *testing.T) {
	bot, ch := buildScripted(t)
	lost := hft.CustomLiveError(hft.CodeFeedLost, hft.IntValue(9))
	lost.Connector = ipctest.Instruments()[0].Connector
	clearBook := hft.Event{Ev: hft.LocalEvent | hft.DepthClearEvent}
	ch.events = []ipc.LiveEvent{{Kind: ipc.EventBatchStart}, {Kind: ipc.EventFeed, More: true, Feed: bid(100, 1)},
		{Kind: ipc.EventError, Err: lost}, {Kind: ipc.EventFeed, Feed: clearBook}}
	if got, err := bot.WaitNextFeed(false, time.Hour); got != hft.ElapseMarketFeed || err != nil || ch.waits != 0 {
		t.Errorf("WaitNextFeed = %v, %v after %d waits", got, err, ch.waits)
	}
	if bid := bot.Depth(0).BestBidQty(); bid != 0 {
		t.Errorf("the book has a bid of %v", bid)
	}
}

// TestClosedBotOnAForeignChannel: the bot itself sees to it that nothing happens after Close.
func TestClosedBotOnAForeignChannel(t *testing.T) {
	bot, ch := buildScripted(t)
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
	ch.events = []ipc.LiveEvent{{Kind: ipc.EventFeed, Feed: bid(100, 1)}}
	withError, _ := calls(bot)
	for name, f := range withError {
		if err := f(); !errors.Is(err, hft.ErrInterrupted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(ch.events) != 1 || bot.CurrentTimestampNs() != t0 {
		t.Error("a closed bot uses its channel")
	}
}
