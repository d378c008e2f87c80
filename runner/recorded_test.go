package runner

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/replay"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/venues"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// seenMarket is what a reader of a recording has seen.
type seenMarket struct {
	book   depth.Book
	levels int
	trades int
	volume float64
}

func newMarket() *seenMarket {
	return &seenMarket{book: depth.NewHashMapMarketDepth(0.1, 0.00001)}
}

func (m *seenMarket) take(rows []hft.Event) {
	for i := range rows {
		e := &rows[i]
		switch e.Kind() {
		case hft.TradeEvent:
			m.trades, m.volume = m.trades+1, m.volume+e.Px*e.Qty
		case hft.DepthEvent, hft.DepthSnapshotEvent:
			m.levels++
		}
		depth.Apply(m.book, e)
	}
}

func (m *seenMarket) String() string {
	return fmt.Sprintf("%d rows of levels, %d trades of %v, book %v", m.levels, m.trades, m.volume, m.book.Snapshot(nil))
}

func clearBook(m *seenMarket) {
	m.take([]hft.Event{{Ev: hft.DepthClearEvent, Px: math.NaN()}})
}

// replayed reads a recording as a paper connector does.
func replayed(t *testing.T, name, path string) *seenMarket {
	t.Helper()
	format := recordedFormats()[name]
	s, err := replay.Open(replay.Config{Files: map[string][]string{"BTCUSDT": {path}}, NewDecoder: format.NewDecoder, Rule: format.Rule, Format: name,
		Formats: recordedFormats(), BookTicker: true, BaseLatency: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Register(connector.Instrument{Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.00001}); err != nil {
		t.Fatal(err)
	}
	m := newMarket()
	var b paper.Batch
	for {
		if err = s.Next(&b); err != nil {
			break
		}
		if b.Stale != "" || b.Ready {
			clearBook(m)
		}
		m.take(b.Events)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return m
}

// convertedMarket reads a recording as a backtest does.
func convertedMarket(t *testing.T, name, path string) *seenMarket {
	t.Helper()
	format := recordedFormats()[name]
	out := filepath.Join(t.TempDir(), "out.npy")
	if _, err := convert.Events(t.Context(), []string{path}, out, convert.Options{NewDecoder: format.NewDecoder, Rule: format.Rule, Format: name,
		Formats: recordedFormats(), TickSize: 0.1, LotSize: 0.00001, Quotes: true, BaseLatency: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	r, err := npy.Open[hft.Event](out, npy.EventDtype())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := newMarket()
	rows := make([]hft.Event, 1000)
	for {
		n, err := r.Read(rows)
		for i := range rows[:n] {
			if rows[i].Ev&hft.LocalEvent != 0 {
				m.take(rows[i : i+1])
			}
		}
		if errors.Is(err, io.EOF) {
			return m
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplayReadsWhatConvertReads: every format, in every form of file, is the same market for both.
func TestReplayReadsWhatConvertReads(t *testing.T) {
	for _, name := range config.Kinds(venues.Kinds()).Recorded() {
		t.Run(name, func(t *testing.T) {
			if _, ok := recordedFormats()[name]; !ok {
				t.Fatal("it can be configured, and not be read")
			}
			timed, timeless := firstOf(t, sampletest.Path(t, name, "BTCUSDT"), 3000)
			forms := map[string][]byte{"plain": timed, "gz": gzipped([]string{string(timed)}), "zip": zipped(t, timed), "plain without times": timeless, "zip without times": zipped(t, timeless)}
			whole := ""
			for form, content := range forms {
				if name == venues.BinanceSpot && (form == "plain without times" || form == "zip without times") {
					continue // the venue does not give its snapshots a time
				}
				path := filepath.Join(t.TempDir(), "btcusdt")
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				inReplay, converted := replayed(t, name, path).String(), convertedMarket(t, name, path).String()
				if inReplay != converted {
					t.Errorf("%s: replayed %.300s, converted %.300s", form, inReplay, converted)
				}
				if whole == "" {
					whole = inReplay
				}
				if inReplay != whole {
					t.Errorf("%s: %.300s, another form %.300s", form, inReplay, whole)
				}
			}
			if m := replayed(t, name, sampletest.Path(t, name, "BTCUSDT")); m.trades < 100 || m.levels < 1000 {
				t.Errorf("the test shows little: %.300s", m)
			}
		})
	}
}

// firstOf returns the first lines of a recording, as they are and without their local times.
func firstOf(t *testing.T, path string, lines int) (timed, timeless []byte) {
	t.Helper()
	r, err := recording.Open(recording.Config{Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range lines {
		ns, message, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		timed = fmt.Appendf(timed, "%d %s\n", ns, message)
		timeless = fmt.Appendf(timeless, "%s\n", message)
	}
	return timed, timeless
}

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create("btcusdt.data")
	if err == nil {
		_, err = f.Write(text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
