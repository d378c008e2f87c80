package sample_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/depthsync"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write makes a short sample.
func write(t *testing.T, duration time.Duration) (dir string, files []sample.File) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "made", "here")
	files, err := sample.Write(t.Context(), sample.Config{Dir: dir, Duration: duration})
	if err != nil {
		t.Fatal(err)
	}
	return dir, files
}

// The same bytes each time, whatever else the machine does, and nothing but the named files.
func TestSameBytes(t *testing.T) {
	dir, files := write(t, 4*time.Second)
	again, _ := write(t, 4*time.Second)
	var names []string
	for _, f := range files {
		name, err := filepath.Rel(dir, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		one, err1 := os.ReadFile(f.Path)
		two, err2 := os.ReadFile(filepath.Join(again, name))
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) || int64(len(one)) != f.Bytes || f.Lines < 100 {
			t.Errorf("%+v: %d and %d bytes, %v, %v", f, len(one), len(two), err1, err2)
		}
		names = append(names, filepath.ToSlash(name))
	}
	if got := strings.Join(names, " "); got != "binancefutures/btcusdt_20240808.gz binancefutures/ethusdt_20240808.gz "+
		"binancespot/btcusdt_20240808.gz binancespot/ethusdt_20240808.gz bybit/btcusdt_20240808.gz bybit/ethusdt_20240808.gz" {
		t.Errorf("files %s", got)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder: %v, %v", entries, err)
	}
}

// A longer sample begins with the shorter one.
func TestDurationOnly(t *testing.T) {
	_, short := write(t, 2*time.Second)
	_, long := write(t, 3*time.Second)
	for i := range short {
		want, got := lines(t, short[i].Path), lines(t, long[i].Path)
		if len(got) <= len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: %d lines are not the beginning of %d", short[i].Path, len(want), len(got))
		}
	}
}

func lines(t *testing.T, path string) (list []string) {
	t.Helper()
	r := open(t, path)
	for {
		ns, message, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%d %s", ns, message))
	}
}

func open(t *testing.T, path string) *recording.Reader {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: []string{path},
		OnProblem: func(p recording.Problem) error { return p }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// Each venue's own decoder reads every line, its own rule puts the book together without a gap, trades and quotes agree
// with the book, and times of receipt go forwards and lie after the exchange's.
func TestVenuesReadTheirs(t *testing.T) {
	_, files := write(t, 10*time.Second)
	venues := map[string]struct {
		decoder connector.Decoder
		rule    connector.Rule
		quoted  bool // quotes have the number of an update of the book
	}{
		"binancefutures": {binance.Futures().Format.NewDecoder(), connector.RuleFutures, true},
		"binancespot":    {binance.Spot().Format.NewDecoder(), connector.RuleSpot, true},
		"bybit":          {bybit.Kind().Format.NewDecoder(), connector.RuleStreamed, false},
	}
	for _, f := range files {
		t.Run(f.Venue+"/"+f.Symbol, func(t *testing.T) {
			v := venues[f.Venue]
			sync, err := depthsync.New(depthsync.Config{Rule: v.rule})
			if err != nil {
				t.Fatal(err)
			}
			r, b := open(t, f.Path), book{}
			counts, quotes, compared := map[connector.MessageKind]int{}, map[int64][2]float64{}, 0
			var lastNs int64
			for {
				ns, raw, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				var m connector.Message
				if err == nil {
					err = v.decoder.Decode(ns, raw, &m)
				}
				if err != nil || len(m.Symbol) > 0 && string(m.Symbol) != f.Symbol || ns < lastNs {
					t.Fatalf("%v: %d after %d: %s", err, ns, lastNs, raw)
				}
				lastNs = ns
				counts[m.Kind]++
				for _, e := range m.Events {
					untimed := f.Venue == "binancespot" && m.Kind != connector.MessageDepth &&
						m.Kind != connector.MessageTrade
					if e.ExchTimestampNs >= ns && !untimed || ns-e.ExchTimestampNs > int64(200*time.Millisecond) {
						t.Fatalf("sent at %d, received at %d", e.ExchTimestampNs, ns)
					}
				}
				switch m.Kind {
				case connector.MessageSnapshot:
					b.take(sync.Snapshot(ns, &m))
				case connector.MessageDepth:
					b.take(sync.Depth(ns, &m))
					if q, ok := quotes[m.LastID]; ok && v.quoted && sync.State() == depthsync.Synced {
						compared++
						if b.best(hft.Buy) != q[0] || b.best(hft.Sell) != q[1] {
							t.Fatalf("update %d: best %v and %v, quoted %v", m.LastID, b.best(hft.Buy),
								b.best(hft.Sell), q)
						}
					}
				case connector.MessageBBO:
					quotes[m.LastID] = [2]float64{m.Events[0].Px, m.Events[1].Px}
				}
			}
			if s := sync.Stats(); sync.State() != depthsync.Synced || s.Gaps != 0 ||
				b.best(hft.Buy) >= b.best(hft.Sell) {
				t.Errorf("state %v, %+v, best %v and %v", sync.State(), s, b.best(hft.Buy), b.best(hft.Sell))
			}
			if counts[connector.MessageDepth] < 50 || counts[connector.MessageTrade] < 50 ||
				counts[connector.MessageBBO] < 50 || counts[connector.MessageSnapshot] == 0 ||
				counts[connector.MessageIgnored] != 0 || v.quoted && compared < 10 {
				t.Errorf("messages %v, %d quotes compared", counts, compared)
			}
		})
	}
}

// book is a plain book: quantities by price, bids first.
type book [2]map[float64]float64

func (b *book) take(out depthsync.Output) {
	if out.Stale != "" || b[0] == nil {
		*b = book{{}, {}}
	}
	for _, e := range out.Events {
		side := b[0]
		if e.Side() == hft.Sell {
			side = b[1]
		}
		switch {
		case e.Kind() == hft.DepthClearEvent:
			clear(side)
		case e.Qty == 0:
			delete(side, e.Px)
		default:
			side[e.Px] = e.Qty
		}
	}
}

func (b *book) best(side hft.Side) float64 {
	if len(b[0]) == 0 || len(b[1]) == 0 {
		return math.NaN()
	}
	if side == hft.Buy {
		return slices.Max(slices.Collect(maps.Keys(b[0])))
	}
	return slices.Min(slices.Collect(maps.Keys(b[1])))
}

// What cannot be done is said, and nothing is left behind.
func TestRefusals(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, dir string
		duration  time.Duration
		ctx       context.Context
		want      string
	}{
		{"there is a file in it", "full", 0, t.Context(),
			"full already exists: name another directory, or remove it first"},
		{"a file is in its place", filepath.Join("full", "file"), 0, t.Context(), "not a directory"},
		{"its parent is a file", filepath.Join("full", "file", "x"), 0, t.Context(), "not a directory"},
		{"interrupted", "new", time.Second, canceled, "context canceled"},
		{"too short", "new", time.Millisecond, t.Context(), "must be from a second to 11h0m0s"},
		{"too long", "new", 12 * time.Hour, t.Context(), "must be from a second to 11h0m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "full"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "full", "file"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sample.Write(c.ctx, sample.Config{Dir: filepath.Join(root, c.dir), Duration: c.duration})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
			if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// An empty directory is as good as none, and progress ends at the whole.
func TestEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	var done, total int64
	files, err := sample.Write(t.Context(), sample.Config{Dir: dir, Duration: 2 * time.Second,
		Progress: func(d, all int64) { done, total = d, all }})
	if err != nil || len(files) != 6 || done != 6 || total != 6 {
		t.Errorf("%d files, %d of %d, %v", len(files), done, total, err)
	}
}
