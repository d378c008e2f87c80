package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// distorted returns a recording with the lines of another, of which those about the book are missing from the 30th to
// the 40th second, and whose lines are all held up for seven seconds now and then.
func distorted(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if text, err = io.ReadAll(zip); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	startNs := int64(0)
	for line := range bytes.Lines(text) {
		stamp, rest, _ := bytes.Cut(line, []byte(" "))
		ns, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if startNs == 0 {
			startNs = ns
		}
		at := time.Duration(ns - startNs)
		if at > 30*time.Second && at < 40*time.Second && !bytes.Contains(rest, []byte("rade")) {
			continue
		}
		if held := at % (16 * time.Second); held < 7*time.Second && at > time.Second {
			ns += int64(7*time.Second - held)
		}
		fmt.Fprintf(&out, "%d %s", ns, rest)
	}
	changed := filepath.Join(t.TempDir(), "distorted")
	if err := os.WriteFile(changed, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return changed
}

// TestExchangeTime: the exchange gets the rows in the order of exchange times and the bots in that of receipt, each at
// its time and whole, however late they were received.
func TestExchangeTime(t *testing.T) {
	formats := map[string]connector.Format{"binancefutures": {NewDecoder: futures, Rule: connector.RuleFutures},
		"binancespot": {NewDecoder: binance.Spot().Format.NewDecoder, Rule: connector.RuleSpot},
		"bybit":       {NewDecoder: bybit.Kind().Format.NewDecoder, Rule: connector.RuleStreamed}}
	for venue, format := range formats {
		t.Run(venue, func(t *testing.T) {
			path := sampletest.Path(t, venue, "BTCUSDT")
			t.Run("as it is", func(t *testing.T) { exchangeTime(t, format, path) })
			t.Run("distorted", func(t *testing.T) { exchangeTime(t, format, distorted(t, path)) })
		})
	}
}

func exchangeTime(t *testing.T, format connector.Format, path string) {
	received, rows := readInOrder(t, format, path)
	happened := slices.Clone(rows)
	slices.SortStableFunc(happened, func(a, b hft.Event) int { return int(a.ExchTimestampNs - b.ExchTimestampNs) })
	s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": {path}}, NewDecoder: format.NewDecoder, Rule: format.Rule,
		BookTicker: true, BaseLatency: time.Millisecond, ExchangeTime: true, OnProblem: func(p feed.Problem) {
			if p.Finding == feed.Late {
				t.Error(p)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.00001}); err != nil {
		t.Fatal(err)
	}
	if s.StartNs() != happened[0].ExchTimestampNs {
		t.Errorf("time begins at %d, the first row is of %d", s.StartNs(), happened[0].ExchTimestampNs)
	}
	var b paper.Batch
	lastNs, exch, bots := int64(0), 0, 0
	for {
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.TimestampNs < lastNs || b.To == paper.ToEverybody {
			t.Fatalf("a batch to %d at %d after %d", b.To, b.TimestampNs, lastNs)
		}
		lastNs = b.TimestampNs
		want, at := received, &bots
		if b.To == paper.ToExchange {
			want, at = happened, &exch
		}
		for i := range b.Events {
			got, want := b.Events[i], want[*at]
			ns := want.LocalTimestampNs
			if b.To == paper.ToExchange {
				ns = want.ExchTimestampNs
			}
			if math.IsNaN(got.Px) && math.IsNaN(want.Px) {
				got.Px, want.Px = 0, 0
			}
			if got != want || b.TimestampNs != ns {
				t.Fatalf("row %d to %d at %d is %+v, want %+v", *at, b.To, b.TimestampNs, got, want)
			}
			*at++
		}
	}
	if exch != len(happened) || bots != len(received) || exch < 5000 {
		t.Errorf("%d of %d rows to the exchange, %d of %d to the bots", exch, len(happened), bots, len(received))
	}
}

// readInOrder returns what bots and exchange get of a recording, in the order of receipt.
func readInOrder(t *testing.T, format connector.Format, path string) (bots, exchange []hft.Event) {
	l, err := feed.OpenLines(context.Background(), feed.LinesConfig{Files: []string{path}, NewDecoder: format.NewDecoder, BaseLatency: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	book, err := l.NewBook(feed.Config{TickSize: 0.1, LotSize: 0.00001, Rule: format.Rule, Quotes: true})
	if err != nil {
		t.Fatal(err)
	}
	ordered := feed.Ordered{Book: book}
	for {
		localNs, err := l.Next()
		if errors.Is(err, io.EOF) {
			return bots, exchange
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Message()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			continue
		}
		rows, out := ordered.TakeRows(localNs, m)
		bots, exchange = append(bots, rows[len(rows)-len(out.Events):]...), append(exchange, rows...)
	}
}
