package venue_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// offDecoder decodes as wordDecoder does, but its trades have a price between two ticks.
type offDecoder struct{}

func (offDecoder) Decode(localNs int64, raw []byte, m *connector.Message) error {
	err := wordDecoder{}.Decode(localNs, raw, m)
	if m.Kind == connector.MessageTrade {
		m.Events[0].Px = 100.05
	}
	return err
}

// custom returns the texts of the error events of an instrument with a code.
func (r *run) custom(no int, code int64) (texts []string) {
	for _, e := range r.Errors() {
		if e.InstrumentNo == no && e.Kind == hft.CustomKind && e.Code == code {
			texts = append(texts, e.Val.String())
		}
	}
	return texts
}

// TestOffTheGrid: prices between two ticks are counted, passed on, and told once per instrument.
func TestOffTheGrid(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.decode = func() connector.Decoder { return offDecoder{} }
	var log syncBuffer
	r := start(t, f, nil, func(c *venue.Config) { c.Logger = log.logger() }, "BTC", "ETH")
	market := take(t, f.market, "the market stream")
	for _, text := range []string{"T BTC 1", "T BTC 2", "T ETH 1", "T BTC 3", "T BTC 3"} {
		market.send(t, text)
	}
	until(t, "all are counted", func() bool { return r.found(feed.OffGrid) == 4 })
	for no, symbol := range []string{"BTC", "ETH"} {
		texts := r.custom(no, venue.CodeOffGrid)
		if len(texts) != 1 || !strings.Contains(texts[0], symbol+": the price 100.05 of a trade is not a multiple of tick_size 0.1") {
			t.Errorf("%s: %q", symbol, texts)
		}
	}
	if r.numTrades(0) != 3 || r.numTrades(1) != 1 {
		t.Errorf("%d and %d trades are published", r.numTrades(0), r.numTrades(1))
	}
	r.stop()
	if n := bytes.Count(log.bytes(), []byte("100.05")); n != 2 {
		t.Errorf("told %d times in the log:\n%s", n, log.bytes())
	}
}

// seqDecoder decodes as wordDecoder does, with places in the venue's sequence; a snapshot with the word "differs" has
// another quantity.
type seqDecoder struct{}

func (seqDecoder) Decode(localNs int64, raw []byte, m *connector.Message) error {
	err := wordDecoder{}.Decode(localNs, raw, m)
	m.Seq = m.LastID
	if bytes.HasSuffix(raw, []byte("differs")) {
		m.Events[0].Qty = 7
	}
	return err
}

// TestSnapshotThatDiffers: a snapshot that the book does not need and that has other levels is counted, and changes
// nothing.
func TestSnapshotThatDiffers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.decode = func() connector.Decoder { return seqDecoder{} }
	r := start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	for _, text := range []string{"S BTC 10", "D BTC 11 11", "S BTC 11", "S BTC 11 differs", "D BTC 12 12", "T BTC 1"} {
		market.send(t, text)
	}
	until(t, "all have come", func() bool { return r.numTrades(0) == 1 })
	if n, gaps := r.found(feed.Mismatch), r.found(feed.Gap); n != 1 || gaps != 0 {
		t.Errorf("%d snapshots differ, %d gaps", n, gaps)
	}
	for _, report := range r.connector.Reports() {
		if what := report.Found[feed.Mismatch].First.What; !strings.Contains(what, "1 in the book and 7 in the snapshot") {
			t.Errorf("it says %q", what)
		}
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}

func (b *syncBuffer) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: b, Level: hclog.Info})
}

// stepsOf is a fake's Filters that can be changed.
type stepsOf struct {
	mu     sync.Mutex
	filter func(n int) ([]protocol.Filters, error)
	asked  int
}

func (s *stepsOf) filters(string) ([]protocol.Filters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.filter(s.asked)
}

// since begins to answer otherwise, and returns how many answers there have been since.
func (s *stepsOf) since(filter func(n int) ([]protocol.Filters, error)) (answers func() int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter, s.asked = filter, 0
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.asked
	}
}

func withTick(tick float64) []protocol.Filters {
	f := rules("BTC")
	f.TickSize = tick
	return []protocol.Filters{f}
}

func same(int) ([]protocol.Filters, error) { return withTick(0.1), nil }

// TestChangedSteps: an instrument whose steps have changed, by two answers, takes no new orders, also when they are
// what they were again; its open ones are canceled, the strategy is told once.
func TestChangedSteps(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	steps := &stepsOf{filter: same}
	f.filters = steps.filters
	canceled := make(chan string, 100)
	f.cancel = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
		canceled <- o.ClientID
		return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, VenueID: o.VenueID, Status: hft.StatusCanceled}, nil
	}
	r := start(t, f, nil, func(c *venue.Config) { c.Trading, c.StepsInterval = true, 50*time.Millisecond }, "BTC")
	take(t, f.private, "the private stream")
	r.trade(0)
	answers := steps.since(func(int) ([]protocol.Filters, error) { return withTick(0.01), nil })
	take(t, canceled, "the cancellation of the open order")
	if n := answers(); n < 2 {
		t.Errorf("canceled on %d answer", n)
	}
	until(t, "the strategy is told", func() bool { return len(r.custom(0, venue.CodeStepsChanged)) > 0 })
	answers = steps.since(same)
	until(t, "the steps are what they were", func() bool { return answers() > 2 })
	r.connector.Submit(r.order(0, 1))
	until(t, "the order is refused", func() bool { return r.refused("has changed tick_size 0.1") == 1 })
	if texts := r.custom(0, venue.CodeStepsChanged); len(texts) != 1 || !strings.Contains(texts[0], "BTC") || !strings.Contains(texts[0], "0.01") {
		t.Errorf("told: %q", texts)
	}
}

// TestStepsThatAreNotBelieved: one answer alone, none, one without the symbol, and one that cannot be true cancel
// nothing.
func TestStepsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]func(n int) ([]protocol.Filters, error){
		"every second answer": func(n int) ([]protocol.Filters, error) { return withTick([]float64{0.1, 0.01}[n%2]), nil },
		"another each time":   func(n int) ([]protocol.Filters, error) { return withTick(0.1 / float64(n+1)), nil },
		"no answer":           func(int) ([]protocol.Filters, error) { return nil, &protocol.Failure{Cause: protocol.Unknown} },
		"no such symbol":      func(int) ([]protocol.Filters, error) { return nil, &protocol.Failure{Cause: protocol.Refused} },
		"without the symbol":  func(int) ([]protocol.Filters, error) { return nil, nil },
		"zero":                func(int) ([]protocol.Filters, error) { return withTick(0), nil },
		"below zero":          func(int) ([]protocol.Filters, error) { return withTick(-0.1), nil },
		"no number":           func(int) ([]protocol.Filters, error) { return withTick(math.NaN()), nil },
		"infinite":            func(int) ([]protocol.Filters, error) { return withTick(math.Inf(1)), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			steps := &stepsOf{filter: same}
			f.filters = steps.filters
			f.cancel = func(_ context.Context, o *protocol.Order) (protocol.Report, error) {
				t.Error("an order is canceled")
				return protocol.Report{Channel: protocol.ChannelAck, Symbol: o.Symbol, ClientID: o.ClientID, Status: hft.StatusCanceled}, nil
			}
			var log syncBuffer
			r := start(t, f, nil, func(c *venue.Config) {
				c.Trading, c.StepsInterval, c.Logger = true, 10*time.Millisecond, log.logger()
			}, "BTC")
			take(t, f.private, "the private stream")
			r.trade(0)
			answers := steps.since(filter)
			until(t, "the steps are asked for several times", func() bool { return answers() >= 6 })
			if n := len(r.custom(0, venue.CodeStepsChanged)); n != 0 {
				t.Errorf("told %d times", n)
			}
			r.trade(0)
			if !bytes.Contains(log.bytes(), []byte("lot size")) {
				t.Errorf("nothing is said:\n%s", log.bytes())
			}
			steps.since(same)
		})
	}
}

// TestStepsAfterAReconnection: they are asked for without waiting for the interval.
func TestStepsAfterAReconnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	steps := &stepsOf{filter: same}
	f.filters = steps.filters
	start(t, f, nil, nil, "BTC")
	market := take(t, f.market, "the market stream")
	answers := steps.since(same)
	_ = market.ws.CloseNow()
	take(t, f.market, "the market stream again")
	until(t, "the steps are asked for", func() bool { return answers() > 0 })
}

// TestStepsAreNotAnswered: questions that are not answered are one outage, which is over when one is, and say nothing
// about the steps.
func TestStepsAreNotAnswered(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	steps := &stepsOf{filter: same}
	f.filters = steps.filters
	var log syncBuffer
	r := start(t, f, nil, func(c *venue.Config) { c.StepsInterval, c.Logger = 20*time.Millisecond, log.logger() }, "BTC")
	take(t, f.market, "the market stream")
	steps.since(func(n int) ([]protocol.Filters, error) {
		if n > 1 && n < 5 {
			return nil, &protocol.Failure{Cause: protocol.Unknown, Msg: fmt.Sprintf("no answer from port %d", n)}
		}
		return withTick(0.01), nil
	})
	until(t, "the strategy is told", func() bool { return len(r.custom(0, venue.CodeStepsChanged)) > 0 })
	text := log.bytes()
	if n := bytes.Count(text, []byte("[WARN]")); n != 1 || bytes.Count(text, []byte("the venue works again")) != 1 {
		t.Errorf("%d warnings:\n%s", n, text)
	}
}
