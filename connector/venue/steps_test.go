package venue_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"hftrunner/connector"
	"hftrunner/connector/venue"
	"hftrunner/hft"
)

// offDecoder is wordDecoder whose trades have a price between two ticks.
type offDecoder struct{ wordDecoder }

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
	until(t, "all are counted", func() bool { return r.Counter(connector.OffGrid) == 4 })
	for no, symbol := range []string{"BTC", "ETH"} {
		texts := r.custom(no, venue.CodeOffGrid)
		if len(texts) != 1 || !strings.Contains(texts[0], symbol+": the price 100.05 of a trade is no multiple of tick_size 0.1") {
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
