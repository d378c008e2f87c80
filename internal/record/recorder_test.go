package record_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/internal/collector"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/record"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/venues"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newExchange(t *testing.T) *testexchange.Exchange {
	t.Helper()
	return newExchangeOf(t, testexchange.BinanceFutures)
}

func newExchangeOf(t *testing.T, venue testexchange.Venue) *testexchange.Exchange {
	t.Helper()
	e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{venue}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func newRecorder(t *testing.T, e *testexchange.Exchange, dir string) *record.Recorder {
	t.Helper()
	return newRecorderBy(t, e, dir, nil, hclog.NewNullLogger())
}

func newRecorderBy(t *testing.T, e *testexchange.Exchange, dir string, clock *hostipc.Clock, logger hclog.Logger) *record.Recorder {
	t.Helper()
	ws := e.WSURL(testexchange.BinanceFutures)
	return newRecorderOf(t, testexchange.BinanceFutures, map[string]any{"public_url": ws + "/public",
		"market_url": ws + "/market", "private_url": ws + "/private", "api_url": e.HTTPURL(testexchange.BinanceFutures)},
		dir, clock, logger)
}

// newRecorderOf makes a recorder of a venue with the settings.
func newRecorderOf(t *testing.T, venue testexchange.Venue, settings map[string]any, dir string, clock *hostipc.Clock,
	logger hclog.Logger) *record.Recorder {
	t.Helper()
	kind := string(venue)
	made, err := venues.Make(kind, settings)
	if err != nil {
		t.Fatal(err)
	}
	v, err := venues.Open(venues.Config{Kind: kind, Clock: clock, Settings: made})
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := v.Steps(t.Context(), "BTCUSDT", "ETHUSDT")
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.New(record.Config{Connector: v.Connector, Clock: v.Clock, Symbols: symbols, Dir: dir, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// begin runs a recorder and returns how to end it.
func begin(t *testing.T, r *record.Recorder) (end func() error, done <-chan error) {
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- r.Run(ctx) }()
	return func() error {
		cancel()
		return <-result
	}, result
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// kinds counts the lines of a file by kind.
func kinds(t *testing.T, name string) map[connector.MessageKind]int {
	t.Helper()
	return kindsBy(t, name, binance.Futures().Format.NewDecoder())
}

// kindsBy counts the lines of a file by kind, with a venue's decoder.
func kindsBy(t *testing.T, name string, d connector.Decoder) map[connector.MessageKind]int {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: []string{name}, OnProblem: func(p recording.Problem) error {
		t.Errorf("%v", p)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	counts := map[connector.MessageKind]int{}
	for {
		ns, message, err := r.Next()
		if errors.Is(err, io.EOF) {
			return counts
		}
		var m connector.Message
		if err == nil {
			err = d.Decode(ns, message, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		counts[m.Kind]++
	}
}

// lockedLog keeps a log.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// says counts a text.
func (l *lockedLog) says(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// The time of a recording never goes back: setting the wall clock does not move it, a suspension moves it on. Each is told once.
func TestTimeJumps(t *testing.T) {
	e, dir := newExchange(t), t.TempDir()
	var wallNs, bootNs atomic.Int64
	this := hostipc.ThisMachine()
	clock := hostipc.NewWallClockOf(hostipc.Machine{Wall: func() int64 { return this.Wall() + wallNs.Load() }, Boot: func() int64 { return this.Boot() + bootNs.Load() }})
	var log lockedLog
	r := newRecorderBy(t, e, dir, clock, hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: &log}))
	beganNs := clock.NowNs()
	end, _ := begin(t, r)
	more := func(text string) {
		t.Helper()
		lines := r.Progress().Symbols[0].Lines
		until(t, text, func() bool { return r.Progress().Symbols[0].Lines > lines+20 })
	}
	more("lines")
	wallNs.Add(-int64(time.Hour))
	until(t, "it is told", func() bool { return log.says("clock step detected:") > 0 })
	more("lines after the wall clock was set")
	wallNs.Add(int64(time.Minute))
	bootNs.Add(int64(time.Minute))
	until(t, "it is told", func() bool { return log.says("the machine was suspended:") > 0 })
	more("lines after a suspension")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if set, suspended := log.says("clock step detected:"), log.says("the machine was suspended:"); set != 1 || suspended != 1 {
		t.Errorf("told %d and %d times: %s", set, suspended, &log.text)
	}
	lastNs := beganNs
	in, err := recording.Open(recording.Config{Files: r.Progress().Symbols[0].Files, OnProblem: func(p recording.Problem) error { return p }})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for {
		ns, _, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || ns < lastNs {
			t.Fatalf("%d after %d, %v", ns, lastNs, err)
		}
		lastNs = ns
	}
	if went := time.Duration(lastNs - beganNs); went < time.Minute || went > 30*time.Minute {
		t.Errorf("the recording is of %v", went)
	}
}

// TestEachDayBeginsWithASnapshot: the file of a new day has the book of each symbol without the file before it, whether
// the venue sends snapshots on request or with the stream.
func TestEachDayBeginsWithASnapshot(t *testing.T) {
	for venue, settings := range map[testexchange.Venue]func(ws, api string) map[string]any{
		testexchange.BinanceFutures: func(ws, api string) map[string]any {
			return map[string]any{"public_url": ws + "/public", "market_url": ws + "/market", "private_url": ws + "/private",
				"api_url": api}
		},
		testexchange.Bybit: func(ws, api string) map[string]any {
			return map[string]any{"public_url": ws + "/v5/public/linear", "private_url": ws + "/v5/private",
				"trade_url": ws + "/v5/trade", "api_url": api}
		},
	} {
		e := newExchangeOf(t, venue)
		this := hostipc.ThisMachine()
		shift := new(atomic.Int64)
		wall := func() int64 { return this.Wall() + shift.Load() }
		const day = int64(24 * time.Hour)
		midnightNs := (this.Wall() + day/2) / day * day // the nearest one: times far from the venue's are not believed
		shift.Store(midnightNs - int64(3*time.Second) - this.Wall())
		clock := hostipc.NewWallClockOf(hostipc.Machine{Wall: wall, Boot: this.Boot})
		r := newRecorderOf(t, venue, settings(e.WSURL(venue), e.HTTPURL(venue)), t.TempDir(), clock, hclog.NewNullLogger())
		end, _ := begin(t, r)
		until(t, "two days of both symbols, with a snapshot each", func() bool {
			for _, s := range r.Progress().Symbols {
				if len(s.Files) < 2 || s.Report.Snapshots < 2 {
					return false
				}
			}
			return true
		})
		if err := end(); err != nil {
			t.Fatal(err)
		}
		kind, _ := venues.KindOf(string(venue))
		for _, s := range r.Progress().Symbols {
			if s.Gaps > 0 {
				t.Errorf("%s: the book was lost: %+v", s.Symbol, s)
			}
			for _, name := range s.Files {
				if n := kindsBy(t, name, kind.Format.NewDecoder()); n[connector.MessageSnapshot] == 0 {
					t.Errorf("%s, %s: %v", venue, name, n)
				}
			}
		}
	}
}

// Each symbol has its file with everything in it, and a snapshot at the beginning and after each gap.
func TestRecordsWithASnapshotForEachGap(t *testing.T) {
	e, dir := newExchange(t), t.TempDir()
	r := newRecorder(t, e, dir)
	end, _ := begin(t, r)
	ready := func() bool {
		p := r.Progress()
		return p.Symbols[0].Ready && p.Symbols[1].Ready && p.Symbols[0].Lines > 50 && p.Symbols[1].Lines > 50
	}
	until(t, "both books", ready)
	for i, symbol := range []string{"btcusdt", "ethusdt"} {
		if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.DepthGap, Count: 1, Only: symbol}); err != nil {
			t.Fatal(err)
		}
		until(t, "a gap in the book of "+symbol, func() bool { return r.Progress().Symbols[i].Gaps > 0 && ready() })
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	p := r.Progress()
	for _, s := range p.Symbols {
		if len(s.Files) == 0 || s.FileBytes == 0 || s.FileBytes > s.Bytes {
			t.Fatalf("%+v", s)
		}
		n := map[connector.MessageKind]int{}
		lines := 0
		for _, name := range s.Files {
			for kind, count := range kinds(t, name) {
				n[kind] += count
				lines += count
			}
		}
		if n[connector.MessageSnapshot] < 2 || n[connector.MessageDepth] == 0 || n[connector.MessageTrade] == 0 || n[connector.MessageBBO] == 0 ||
			n[connector.MessageIgnored] != 0 || int64(lines) != s.Lines {
			t.Errorf("%s: %v of %+v", s.Symbol, n, s)
		}
	}
	gaps := uint64(0)
	for _, s := range p.Symbols {
		gaps += s.Report.Found[feed.Gap].N
	}
	if gaps < 2 || p.BadMessages != 0 || p.Messages == 0 {
		t.Errorf("%+v", p)
	}
}

// A connection that is lost comes back, with new snapshots.
func TestRecordsOnAfterALoss(t *testing.T) {
	e := newExchange(t)
	r := newRecorder(t, e, t.TempDir())
	end, _ := begin(t, r)
	until(t, "a book", func() bool { return r.Progress().Symbols[0].Ready })
	if err := e.Arm(testexchange.BinanceFutures, fault.Fault{Name: fault.CutConnections, Count: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, "a reconnection", func() bool { return r.Progress().Reconnects > 0 })
	until(t, "a book again", func() bool { return r.Progress().Symbols[0].Ready })
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

// When the files cannot be written the recording ends and says why.
func TestEndsWhenTheDiskFails(t *testing.T) {
	e, dir := newExchange(t), t.TempDir()
	for day := range 2 { // today, and tomorrow in case it is midnight
		name := collector.Name("BTCUSDT", time.Now().AddDate(0, 0, day))
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, done := begin(t, newRecorder(t, e, dir))
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "is a directory") {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
}

func ExampleMeter() {
	var m record.Meter
	m.Take(record.Progress{Symbols: []record.SymbolProgress{{Symbol: "BTCUSDT", Lines: 0}}})
	time.Sleep(time.Millisecond)
	p := m.Take(record.Progress{Symbols: []record.SymbolProgress{{Symbol: "BTCUSDT", Lines: 10}}})
	fmt.Println(p.Symbols[0].LinesPerSecond > 0)
	// Output: true
}
