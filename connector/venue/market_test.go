package venue_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
)

// resubscriber is one whose books come anew when their symbol is subscribed anew.
type resubscriber struct{ *fake }

func (resubscriber) Resubscribe(symbol string) [][]byte {
	return [][]byte{[]byte("stop " + symbol), []byte("begin " + symbol)}
}

// noticer is one that announces the end of a connection.
type noticer struct{ *fake }

func (noticer) Notice(frame []byte) string {
	if string(frame) == "going down" {
		return "the venue goes down"
	}
	return ""
}

// forbidder is one that wants to be left alone for longer than a minute.
type forbidder struct{ *fake }

func (forbidder) ForbiddenPause() time.Duration { return 10 * time.Minute }

// TestForbiddenPause: after HTTP 403 both streams stay away for as long as the venue wants, a minute where it does not
// say.
func TestForbiddenPause(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	f := &fake{url: "ws" + strings.TrimPrefix(server.URL, "http"), decode: func() connector.Decoder { return wordDecoder{} }}
	for _, c := range []struct {
		protocol protocol.Protocol
		pause    string
	}{{f, "1m0s"}, {forbidder{f}, "10m0s"}} {
		t.Run(c.pause, func(t *testing.T) {
			sink := &pauses{}
			logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Debug})
			logger.RegisterSink(sink)
			start(t, c.protocol, nil, func(cfg *venue.Config) { cfg.Trading, cfg.Logger = true, logger }, "AAA")
			for _, what := range []string{"market data", "private stream"} {
				until(t, what, func() bool { _, down := sink.of.Load(what); return down })
				if got, _ := sink.of.Load(what); got != c.pause {
					t.Errorf("%s: the next attempt is in %v, want %v", what, got, c.pause)
				}
			}
		})
	}
}

// pauses has, for each thing that fails, the time until the next attempt that was last logged with it.
type pauses struct{ of sync.Map }

func (p *pauses) Accept(_ string, _ hclog.Level, _ string, args ...any) {
	var what any
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "what":
			what = args[i+1]
		case "next_attempt_in":
			p.of.Store(what, fmt.Sprint(args[i+1]))
		}
	}
}

// TestBookIsSubscribedAnew: after a gap the symbol is subscribed anew on the connection that is there.
func TestBookIsSubscribedAnew(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.snapshot = func(string) ([]byte, error) { return nil, protocol.ErrResubscribe }
	r := start(t, resubscriber{f}, nil, func(c *venue.Config) { c.Rule = connector.RuleStreamed }, "BTC")
	market := take(t, f.market, "the market stream")
	if hello := take(t, f.hello, "the subscription"); hello != "BTC" {
		t.Errorf("subscribed to %q", hello)
	}
	market.send(t, "S BTC 10")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	market.send(t, "D BTC 13 13")
	for _, want := range []string{"stop BTC", "begin BTC"} {
		if got := take(t, f.hello, want); got != want {
			t.Errorf("the venue gets %q, not %q", got, want)
		}
	}
	until(t, "the book is lost", func() bool { return !r.IsReady(0) })
	market.send(t, "S BTC 20")
	until(t, "the book is there again", func() bool { return r.IsReady(0) })
}

// TestSnapshotsAreRare: a book that breaks with every message is not asked for with every message.
func TestSnapshotsAreRare(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var last atomic.Int64
	asked := make(chan time.Time, 1000)
	f.snapshot = func(symbol string) ([]byte, error) {
		asked <- time.Now()
		return fmt.Appendf(nil, "S %s %d", symbol, last.Load()), nil
	}
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	began := time.Now()
	for n := 0; n < 3; {
		id := last.Add(10) // the one before does not go on with it
		market.send(t, fmt.Sprintf("D BTC %d %d", id, id))
		select {
		case at := <-asked:
			if n++; at.Sub(began) < time.Duration(n-1)*900*time.Millisecond {
				t.Errorf("snapshot %d is asked for after %v", n, at.Sub(began))
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
	until(t, "gaps", func() bool { return r.Counter(connector.Gaps) > 1 })
}

// TestNoticeRenews: a venue that announces the end of a connection gets another before, and no book is lost.
func TestNoticeRenews(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 10"), nil }
	r := start(t, noticer{f}, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	market.send(t, "D BTC 10 11")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	market.send(t, "going down")
	next := take(t, f.market, "the next connection")
	market.send(t, "D BTC 12 12")
	next.send(t, "D BTC 12 12")
	next.send(t, "D BTC 13 13")
	until(t, "the next connection delivers", func() bool { return r.numEvents(0) == 4 })
	if !r.IsReady(0) {
		t.Error("the book was lost")
	}
}

// TestTradesCountAnew: what a second connection brings again is dropped, but a venue that begins to count anew after it
// was down is heard.
func TestTradesCountAnew(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	for _, text := range []string{"T BTC 100", "T BTC 99", "T BTC 100", "T BTC 101"} {
		market.send(t, text)
	}
	until(t, "two trades are there", func() bool { return r.numTrades(0) == 2 })
	_ = market.ws.CloseNow()
	take(t, f.market, "the market stream again").send(t, "T BTC 1")
	until(t, "the trade of the venue that counts anew is there", func() bool { return r.numTrades(0) == 3 })
}

// TestRegisteringConnectsOnce: the first instrument of a connector that runs already makes one connection, not two.
func TestRegisteringConnectsOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r := start(t, f, nil, trading)
	take(t, f.private, "the private stream")
	r.connector.Register(instrument(0, "BTC"))
	none := func() {
		t.Helper()
		select {
		case <-f.market:
			t.Error("there is a connection too many")
		case <-time.After(300 * time.Millisecond): // a renewal after a short-lived connection waits up to 150 ms
		}
	}
	take(t, f.market, "the market stream")
	none()
	r.connector.Register(instrument(1, "ETH"))
	take(t, f.market, "a new connection for the second instrument")
	none()
	if first, second := take(t, f.hello, "subscription"), take(t, f.hello, "subscription"); first != "BTC" || second != "BTC,ETH" {
		t.Errorf("subscribed to %q, then to %q", first, second)
	}
}

// TestSnapshotThatDoesNotFit is asked for again until one fits.
func TestSnapshotThatDoesNotFit(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var asked atomic.Int32
	f.snapshot = func(symbol string) ([]byte, error) {
		if asked.Add(1) == 1 {
			return []byte("S " + symbol + " 3"), nil
		}
		return []byte("S " + symbol + " 10"), nil
	}
	r := start(t, f, nil, nil, "BTC")
	take(t, f.market, "the market stream").send(t, "D BTC 10 11")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	if n := asked.Load(); n != 2 {
		t.Errorf("%d snapshots were asked for", n)
	}
}

// TestRegisteredTwice: the second registration is refused by name and the first stays.
func TestRegisteredTwice(t *testing.T) {
	f := newFake(t)
	f.snapshot = func(symbol string) ([]byte, error) { return []byte("S " + symbol + " 10"), nil }
	r := start(t, f, nil, trading, "BTC", "BTC")
	take(t, f.market, "the market stream").send(t, "D BTC 10 11")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	errs := r.Errors()
	if len(errs) != 1 || errs[0].InstrumentNo != 1 || !strings.Contains(errs[0].LiveError.Error(), "BTC") {
		t.Errorf("%+v", errs)
	}
}

// TestWrongExchangeTimes: a message with an impossible time is counted and not published, and the book that lacks it is
// lost until a snapshot makes it whole.
func TestWrongExchangeTimes(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var id atomic.Int64
	id.Store(10)
	f.snapshot = func(symbol string) ([]byte, error) { return fmt.Appendf(nil, "S %s %d", symbol, id.Load()), nil }
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	market.send(t, "D BTC 10 11")
	until(t, "the book is there", func() bool { return r.IsReady(0) })
	market.send(t, "T BTC 100 100 3650")
	market.send(t, "T BTC 101 101 -2")
	market.send(t, "T BTC 102")
	until(t, "the good trade is there", func() bool { return r.numTrades(0) == 1 })
	if n := r.Counter(connector.BadMessages); n != 2 || !r.IsReady(0) {
		t.Errorf("%d bad messages, ready %v", n, r.IsReady(0))
	}
	id.Store(12)
	market.send(t, "D BTC 12 12 3650")
	until(t, "the book is lost", func() bool { return !r.IsReady(0) })
	market.send(t, "D BTC 13 13")
	until(t, "the book is there again", func() bool { return r.IsReady(0) })
	if bad, gaps := r.Counter(connector.BadMessages), r.Counter(connector.Gaps); bad != 3 || gaps != 1 {
		t.Errorf("%d bad messages, %d gaps", bad, gaps)
	}
}

// TestClockThatIsDaysOff: exchange times are held against the venue's clock, not this machine's.
func TestClockThatIsDaysOff(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.ahead = 72 * time.Hour
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	id := 0
	until(t, "a trade is there", func() bool { // once the clock is measured
		id++
		market.send(t, fmt.Sprintf("T BTC %d %d 3", id, id))
		return r.numTrades(0) > 0
	})
}
