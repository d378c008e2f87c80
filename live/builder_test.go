package live_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

func (r *rig) hubInstruments() []ipc.Instrument { return ipctest.Instruments() }

func TestBuild(t *testing.T) {
	r := newHub(t)
	var registered []int
	var hooked, failed int
	order := report(hft.NewOrder(3, 600000, 0.1, 1, hft.Buy, hft.Limit, hft.GTC), hft.StatusNew, t0)
	r.hub.Handle(func(q ipctest.Request) error {
		if q.BotID != botID || q.Kind != ipc.RequestRegisterInstrument || q.TickSize == 0 || q.LotSize == 0 {
			t.Errorf("request %+v", q)
		}
		registered = append(registered, q.InstNo)
		if q.InstNo == 2 { // the host answers in its own time and order
			r.clock.At(t0+int64(3*ms), func() {
				r.must(r.hub.SendError(botID, hft.NewLiveError(hft.ConnectionInterrupted)))
				r.must(r.hub.AnswerRegister(botID, 2, nil, hft.StateValues{}, nil))
			})
			r.clock.At(t0+int64(2*ms), func() {
				r.must(r.hub.AnswerRegister(botID, 0, []hft.Order{order}, hft.StateValues{Position: 4},
					[]hft.Event{bid(100, 1), ask(101, 2)}))
				r.feed(0, bid(100.5, 3), trade(100.5, 1)) // already the feed
			})
			r.clock.At(t0+int64(ms), func() { r.must(r.hub.AnswerRegister(botID, 1, nil, hft.StateValues{}, nil)) })
		}
		return nil
	})
	r.build(3, func(b *live.LiveBotBuilder) {
		b.OrderRecvHook(func(prev, next *hft.Order) error {
			if hooked++; prev != nil || *next != order {
				t.Errorf("the hook was called with %v and %+v", prev, *next)
			}
			return nil
		})
		b.ErrorHandler(func(hft.LiveError) error { failed++; return nil })
	})
	if len(registered) != 3 || registered[0] != 0 || registered[1] != 1 || registered[2] != 2 {
		t.Errorf("registered %v, want 0, 1, 2", registered)
	}
	if passed := time.Duration(r.clock.NowNs() - t0); passed != 3*ms || hooked != 0 || failed != 0 {
		t.Errorf("Build took %v with %d calls of the hook and %d of the handler; want 3ms and none", passed, hooked,
			failed)
	}
	if r.bookText(0) != "3@100.5 2@101" || r.bot.Position(0) != 4 || r.bot.Orders(0).Len() != 1 ||
		len(r.bot.LastTrades(0)) != 1 {
		t.Errorf("after Build: book %s, position %v, %d orders, %d trades", r.bookText(0), r.bot.Position(0),
			r.bot.Orders(0).Len(), len(r.bot.LastTrades(0)))
	}
	for range 2 {
		if _, err := r.bot.Elapse(0); err != nil || hooked != 1 || failed != 1 {
			t.Errorf("after the first waiting call: %v, %d calls of the hook and %d of the handler; want 1 of each",
				err, hooked, failed)
		}
	}
	if got, err := r.bot.WaitOrderResponse(0, 3, ms); got != hft.ElapseOk || err != nil {
		t.Errorf("WaitOrderResponse of an order that was there = %v, %v; want Ok: nothing was answered", got, err)
	}
}

func TestBuildErrors(t *testing.T) {
	insts := ipctest.Instruments()
	inst := insts[0]
	reg := func(b *live.LiveBotBuilder, inst ipc.Instrument, steps ipc.Instrument) {
		b.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, newBook(t, steps), 0))
	}
	with := func(change func(i *ipc.Instrument)) ipc.Instrument { i := inst; change(&i); return i }
	for _, test := range []struct {
		name    string
		build   func(b *live.LiveBotBuilder) // nothing is registered yet
		channel []ipc.Instrument             // nil: no channel
		want    hft.BuildErrorKind
		text    string
	}{
		{"no instrument", func(b *live.LiveBotBuilder) {}, insts[:1], hft.BuilderIncomplete, "Register"},
		{"no channel", func(b *live.LiveBotBuilder) { reg(b, inst, inst) }, nil, hft.BuilderIncomplete, "channel"},
		{"id 0", func(b *live.LiveBotBuilder) { reg(b.ID(0), inst, inst) }, insts[:1], hft.InvalidArgument, "bot id 0"},
		{"tick size 0", func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.TickSize = 0 }), inst) },
			insts[:1], hft.InvalidArgument, "tick size 0"},
		{"tick size NaN",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.TickSize = math.NaN() }), inst) },
			insts[:1], hft.InvalidArgument, "tick size NaN"},
		{"tick size infinite",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.TickSize = math.Inf(1) }), inst) },
			insts[:1], hft.InvalidArgument, "tick size +Inf"},
		{"lot size negative",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.LotSize = -1 }), inst) }, insts[:1],
			hft.InvalidArgument, "lot size -1"},
		{"lot size infinite",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.LotSize = math.Inf(1) }), inst) },
			insts[:1], hft.InvalidArgument, "lot size +Inf"},
		{"no book", func(b *live.LiveBotBuilder) {
			b.Register(live.NewInstrument("alpha", "BTCUSDT", 0.1, 0.001, nil, 0))
		}, insts[:1], hft.InvalidArgument, "no book"},
		{"book of other steps", func(b *live.LiveBotBuilder) { reg(b, inst, insts[1]) }, insts[:1], hft.InvalidArgument,
			"the book has tick size 0.01"},
		{"book of another tick size", func(b *live.LiveBotBuilder) {
			reg(b, inst, with(func(i *ipc.Instrument) { i.TickSize = 0.2 }))
		}, insts[:1], hft.InvalidArgument, "the book has tick size 0.2"},
		{"twice", func(b *live.LiveBotBuilder) { reg(b, inst, inst); reg(b, insts[2], insts[2]); reg(b, inst, inst) },
			[]ipc.Instrument{inst, insts[2], inst}, hft.Duplicate, "alpha/BTCUSDT"},
		{"too many last trades", func(b *live.LiveBotBuilder) {
			b.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, newBook(t, inst),
				math.MaxInt))
		}, insts[:1], hft.InvalidArgument, "last trades"},
		{"one book for two", func(b *live.LiveBotBuilder) {
			same := newBook(t, inst)
			for _, symbol := range []string{inst.Symbol, "other"} {
				b.Register(live.NewInstrument(inst.Connector, symbol, inst.TickSize, inst.LotSize, same, 0))
			}
		}, insts[:1], hft.InvalidArgument, "each instrument needs its own"},
		{"channel of others", func(b *live.LiveBotBuilder) { reg(b, inst, inst) }, insts[1:2], hft.InvalidArgument,
			"alpha/ETHUSDT"},
		{"channel of fewer", func(b *live.LiveBotBuilder) { reg(b, inst, inst); reg(b, insts[1], insts[1]) }, insts[:1],
			hft.InvalidArgument, "1 instruments"},
		{"channel of more", func(b *live.LiveBotBuilder) { reg(b, inst, inst) }, insts, hft.InvalidArgument,
			"3 instruments"},
		{"unknown connector",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.Connector = "gamma" }), inst) },
			[]ipc.Instrument{with(func(i *ipc.Instrument) { i.Connector = "gamma" })}, hft.ConnectorNotFound, "gamma"},
		{"unknown symbol",
			func(b *live.LiveBotBuilder) { reg(b, with(func(i *ipc.Instrument) { i.Symbol = "XYZ" }), inst) },
			[]ipc.Instrument{with(func(i *ipc.Instrument) { i.Symbol = "XYZ" })}, hft.InvalidArgument, "XYZ"},
		{"steps other than the host's", func(b *live.LiveBotBuilder) {
			other := with(func(i *ipc.Instrument) { i.TickSize = 0.5 })
			reg(b, other, other)
		}, insts[:1], hft.InvalidArgument, "the bot says 0.5"},
		{"connected id", func(b *live.LiveBotBuilder) { reg(b.ID(99), inst, inst) }, insts[:1], hft.Duplicate,
			"another connected bot"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newHub(t)
			if _, err := r.builder(1).ID(99).Build(r.channel(1)); err != nil {
				t.Fatal(err)
			}
			var ch ipc.Channel
			if test.channel != nil {
				var err error
				if ch, err = r.hub.Attach(0, test.channel); err != nil {
					t.Fatal(err)
				}
			}
			b := live.NewBuilder()
			test.build(b)
			bot, err := b.Build(ch)
			if bot != nil || !errors.Is(err, &hft.BuildError{Kind: test.want}) ||
				!strings.Contains(err.Error(), test.text) {
				t.Errorf("Build = %v, %v; want %q with %q", bot, err, test.want, test.text)
			}
		})
	}
}

// TestBuildGivesUp: Build ends, with the reason, when the books do not come.
func TestBuildGivesUp(t *testing.T) {
	enough := errors.New("enough")
	for _, test := range []struct {
		name   string
		handle func(r *rig, q ipctest.Request) error
		want   error
		passed time.Duration
	}{
		{"silence", func(*rig, ipctest.Request) error { return nil }, hft.ErrTimeout, 50 * ms},
		{"one book of two", func(r *rig, q ipctest.Request) error {
			if q.InstNo == 0 {
				return r.handle(q)
			}
			return nil
		}, hft.ErrTimeout, 50 * ms},
		{"full queue", func(*rig, ipctest.Request) error { return hft.ErrRequestQueueFull }, hft.ErrRequestQueueFull,
			0},
		{"interrupt", func(r *rig, q ipctest.Request) error {
			r.after(2*ms, func() { r.hub.Interrupt(botID) })
			return nil
		}, hft.ErrInterrupted, 2 * ms},
		{"end of data", func(r *rig, q ipctest.Request) error { r.after(2*ms, r.hub.EndOfData); return nil },
			hft.ErrEndOfData, 2 * ms},
		{"host gone", func(r *rig, q ipctest.Request) error { r.after(2*ms, func() { r.hub.Close() }); return nil },
			hft.ErrPeerGone, 2 * ms},
		{"error handler", func(r *rig, q ipctest.Request) error {
			return r.hub.SendError(botID, hft.NewLiveError(hft.CriticalConnectionError))
		}, hft.ErrTimeout, 50 * ms}, // the handler belongs to waiting calls of the bot
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newHub(t)
			r.hub.Handle(func(q ipctest.Request) error { return test.handle(r, q) })
			ch := r.channel(2)
			bot, err := r.builder(2).BuildTimeout(50 * ms).ErrorHandler(func(hft.LiveError) error { return enough }).
				Build(ch)
			if passed := time.Duration(r.clock.NowNs() - t0); bot != nil || !errors.Is(err, test.want) ||
				passed != test.passed {
				t.Errorf("Build = %v, %v after %v; want %v after %v", bot, err, passed, test.want, test.passed)
			}
			if err := ch.Close(); err != nil { // it still belongs to the caller
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// TestIDs: a builder has a random id, and a bot that leaves frees its own.
func TestIDs(t *testing.T) {
	r := newHub(t)
	seen := map[uint64]bool{0: true}
	for range 3 {
		b := live.NewBuilder()
		inst := ipctest.Instruments()[0]
		b.Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, newBook(t, inst), 0))
		bot, err := b.Build(r.channel(1))
		if err != nil {
			t.Fatal(err)
		}
		if seen[bot.ID()] {
			t.Fatalf("id %d is 0 or was drawn twice", bot.ID())
		}
		seen[bot.ID()] = true
	}
	for range 2 {
		bot, err := r.builder(1).Build(r.channel(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := bot.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBuildTellsAll: all that is wrong is told at once.
func TestBuildTellsAll(t *testing.T) {
	book := depth.NewHashMapMarketDepth(0.1, 0.001)
	_, err := live.NewBuilder().ID(0).
		Register(live.NewInstrument("alpha", "BTCUSDT", -0.1, 0, book, 2_000_000)).
		Register(live.NewInstrument("alpha", "BTCUSDT", 0.1, 0.001, nil, 0)).Build(nil)
	for _, want := range []string{"bot id 0", "tick size -0.1", "lot size 0", "2000000 last trades", "duplicate",
		"no book", "no channel"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s, in:\n%v", want, err)
		}
	}
}
