package host_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// bookLogger writes down the best prices and quantities of its book after every message.
type bookLogger struct{ out string }

type bookLoggerParams struct {
	Out string `hcl:"out" json:"out"`
}

func serveBookLogger() {
	pluginapi.Serve(pluginapi.Plugin[bookLoggerParams]{Name: "booklogger", Version: "1.0.0", Doc: "writes its book down",
		New: func(p bookLoggerParams) (pluginapi.Strategy, error) { return bookLogger{p.Out}, nil }})
}

// bookLine is one line of a bookLogger.
type bookLine struct {
	Bid, Ask       int64
	BidQty, AskQty float64
}

func (b bookLogger) Run(_ context.Context, bot hft.Bot) (err error) {
	f, err := os.Create(b.out)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	defer func() { err = errors.Join(err, w.Flush(), f.Close()) }()
	d := bot.Depth(0)
	for {
		r, err := bot.WaitNextFeed(false, time.Hour)
		if err != nil {
			return err
		}
		if r == hft.ElapseMarketFeed {
			line := bookLine{d.BestBidTick(), d.BestAskTick(), d.BestBidQty(), d.BestAskQty()}
			if err := binary.Write(w, binary.LittleEndian, &line); err != nil {
				return err
			}
		}
	}
}

func openRecorded(t *testing.T, path string) *replay.Source {
	t.Helper()
	source, err := replay.Open(replay.Config{
		Files:      map[string][]string{"BTCUSDT": {head(t, path, recordedLines)}},
		NewDecoder: binance.Futures().Format.NewDecoder,
		Rule:       connector.RuleFutures, Sync: replay.SyncNatural, BookTicker: true})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// head returns a file with the first lines of a recording, the recording itself when lines is 0.
func head(t *testing.T, path string, lines int) string {
	t.Helper()
	if lines == 0 {
		return path
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	var cut bytes.Buffer
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<20)
	for range lines {
		if !sc.Scan() {
			t.Fatalf("%s has less than %d lines: %v", path, lines, sc.Err())
		}
		cut.Write(append(sc.Bytes(), '\n'))
	}
	short := filepath.Join(t.TempDir(), "head.txt")
	if err := os.WriteFile(short, cut.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return short
}

// TestReplayedBooksEqualTheReference replays the recorded day through decoder, fused book, shared memory and a
// strategy process, and compares the book that the strategy sees after every message with the host's, and with
// hftbacktest's wherever one of its lines (every 1000th row) ends a message.
func TestReplayedBooksEqualTheReference(t *testing.T) {
	path := datatest.Recording(t, "binancefutures", "btcusdt_20240808.gz")
	messages, compared := replayedBooks(t, path, goldenBooks(t))
	if messages < 90_000 && recordedLines == 0 {
		t.Errorf("only %d messages", messages)
	}
	if compared < 50 && recordedLines == 0 || compared == 0 {
		t.Errorf("only %d lines of the reference end a message", compared)
	}
}

// The same on the sample, without hftbacktest.
func TestReplayedBooksEqualTheHosts(t *testing.T) {
	if messages, _ := replayedBooks(t, sampletest.Path(t, "binancefutures", "BTCUSDT"), nil); messages < 10_000 && recordedLines == 0 {
		t.Errorf("only %d messages", messages)
	}
}

// replayedBooks replays a recording and compares; it returns how many messages and how many of hftbacktest's lines.
func replayedBooks(t *testing.T, path string, golden map[int]bookLine) (messages, compared int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "book")
	sim, err := paper.New(paper.Config{Source: openRecorded(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := newConfig(t, 1, 0)
	cfg.Connectors = []host.ConnectorConfig{{Name: "sim", Kind: "paper", Connector: sim}}
	cfg.Strategies = []host.StrategyConfig{strategyOf("log", "booklogger", bookLoggerParams{Out: out})}
	r := start(t, cfg)
	if sum := r.await(); r.err != nil || sum.Exit != host.ExitEndOfData || sum.Strategies[0].LostEvents != 0 {
		t.Fatalf("%+v, %v", sum, r.err)
	}
	seen := readBookLines(t, out)

	reader, err := recording.Open(recording.Config{Files: []string{head(t, path, recordedLines)}, OnProblem: func(p recording.Problem) error { return p }})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	book := depth.NewFusedMarketDepth(0.1, 0.001)
	decoder := binance.Futures().Format.NewDecoder()
	var m connector.Message
	var emit []hft.Event
	rows := 0
	for {
		localNs, line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := decoder.Decode(localNs, line, &m); err != nil {
			t.Fatal(err)
		}
		published := 0
		for i := range m.Events {
			e := &m.Events[i]
			if e.Kind() == hft.TradeEvent {
				published++
				continue
			}
			if e.Kind() == hft.DepthSnapshotEvent && (i == 0 || e.Side() != m.Events[i-1].Side()) {
				rows++ // hftbacktest's file has a clear before each side of a snapshot
			}
			rows++
			emit = book.Update(e, e.ExchTimestampNs, emit[:0])
			published += len(emit)
		}
		if published == 0 {
			continue
		}
		if messages >= len(seen) {
			t.Fatalf("the strategy saw %d messages, there are more", len(seen))
		}
		want := bookLine{book.BestBidTick(), book.BestAskTick(), book.BestBidQty(), book.BestAskQty()}
		if got := seen[messages]; got != want {
			t.Fatalf("after message %d the strategy's book is %+v, the host's %+v", messages+1, got, want)
		}
		if reference, ok := golden[rows]; ok && m.Kind != connector.MessageTrade {
			compared++
			if seen[messages] != reference {
				t.Fatalf("after row %d the strategy's book is %+v, the reference's %+v", rows, seen[messages], reference)
			}
		}
		messages++
	}
	if messages != len(seen) || messages == 0 {
		t.Errorf("the strategy saw %d messages, want %d", len(seen), messages)
	}
	t.Logf("%d messages, %d rows, %d lines of the reference compared", messages, rows, compared)
	return messages, compared
}

func readBookLines(t *testing.T, path string) []bookLine {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]bookLine, len(b)/binary.Size(bookLine{}))
	if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// goldenBooks returns hftbacktest's fused book by row number.
func goldenBooks(t *testing.T) map[int]bookLine {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(datatest.Golden(t, "fused.btc.bbo.csv"))), "\n")
	books := make(map[int]bookLine)
	for _, line := range lines[1:] {
		f := strings.Split(line, ",")
		n, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		var b bookLine
		if _, err := fmt.Sscan(f[2]+" "+f[3]+" "+f[4]+" "+f[5], &b.Bid, &b.Ask, &b.BidQty, &b.AskQty); err != nil {
			t.Fatal(err)
		}
		if math.IsNaN(b.BidQty) {
			t.Fatalf("line %q", line)
		}
		books[n] = b
	}
	return books
}
