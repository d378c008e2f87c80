// Package sampletest gives tests a minute of the recordings that package sample makes. They are made once a process, at
// the first use, and are the same in each, so that a test may rely on what is in them.
//
// Functions are for the test's goroutine. Rows belong to this package and are not to be changed.
package sampletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/sample"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

// Duration is the length of the recordings.
const Duration = time.Minute

// file is a recording in memory: tests come and go with their directories, and it is made once.
type file struct {
	venue, symbol, name string
	content             []byte
	lines               int
}

// made are the recordings of each venue.
var made = map[string]func() ([]file, error){
	"binancefutures": sync.OnceValues(func() ([]file, error) { return record("binancefutures") }),
	"binancespot":    sync.OnceValues(func() ([]file, error) { return record("binancespot") }),
	"bybit":          sync.OnceValues(func() ([]file, error) { return record("bybit") }),
}

func record(venue string) (files []file, err error) {
	dir, err := os.MkdirTemp("", "sample")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	list, err := sample.Write(context.Background(), sample.Config{Dir: dir, Venues: []string{venue},
		Duration: Duration})
	for _, f := range list {
		content, err := os.ReadFile(f.Path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{f.Venue, f.Symbol, filepath.Base(f.Path), content, int(f.Lines)})
	}
	return files, err
}

func find(venue, symbol string) (*file, error) {
	get := made[venue]
	if get == nil {
		return nil, fmt.Errorf("there is no sample of a venue %s", venue)
	}
	files, err := get()
	for i := range files {
		if files[i].symbol == symbol {
			return &files[i], nil
		}
	}
	return nil, cmp.Or(err, fmt.Errorf("there is no sample of %s at %s", symbol, venue))
}

// Dir returns a directory with all recordings, of which the test may do what it likes.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, get := range made {
		files, err := get()
		if err != nil {
			tb.Fatal(err)
		}
		for i := range files {
			write(tb, dir, &files[i])
		}
	}
	return dir
}

// Path returns the path of the recording of one symbol at one venue, such as binancefutures and BTCUSDT.
func Path(tb testing.TB, venue, symbol string) string {
	tb.Helper()
	f, err := find(venue, symbol)
	if err != nil {
		tb.Fatal(err)
	}
	return write(tb, tb.TempDir(), f)
}

// Lines returns how many lines a recording has.
func Lines(tb testing.TB, venue, symbol string) int {
	tb.Helper()
	f, err := find(venue, symbol)
	if err != nil {
		tb.Fatal(err)
	}
	return f.lines
}

// EachLine hands over the lines of recordings, this package's or others', in which nothing may be wrong. A message is
// valid until take returns.
func EachLine(tb testing.TB, take func(localNs int64, message []byte), paths ...string) {
	tb.Helper()
	r, err := recording.Open(recording.Config{Files: paths, OnProblem: func(p recording.Problem) error { return p }})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	for {
		localNs, message, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		take(localNs, message)
	}
}

func write(tb testing.TB, dir string, f *file) (path string) {
	tb.Helper()
	path = filepath.Join(dir, f.venue, f.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, f.content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

var (
	rowsBTC = sync.OnceValues(func() (depthtest.Recording, error) { return rows("BTCUSDT") })
	rowsETH = sync.OnceValues(func() (depthtest.Recording, error) { return rows("ETHUSDT") })
)

func rows(symbol string) (depthtest.Recording, error) {
	f, err := find("binancefutures", symbol)
	if err != nil {
		return depthtest.Recording{}, err
	}
	return depthtest.Read(f.content)
}

// BTC returns the rows of BTCUSDT at Binance futures; its steps are depthtest's.
func BTC(tb testing.TB) depthtest.Recording { return recordingOf(tb, rowsBTC) }

// ETH returns the rows of ETHUSDT at Binance futures; its steps are depthtest's.
func ETH(tb testing.TB) depthtest.Recording { return recordingOf(tb, rowsETH) }

func recordingOf(tb testing.TB, get func() (depthtest.Recording, error)) depthtest.Recording {
	tb.Helper()
	rec, err := get()
	if err != nil {
		tb.Fatal(err)
	}
	return rec
}

// EachBTC runs a test on BTC and, with HFTRUNNER_LONG=1 and where it is there, on the recorded day.
func EachBTC(t *testing.T, test func(t *testing.T, btc depthtest.Recording)) {
	t.Run("sample", func(t *testing.T) { test(t, BTC(t)) })
	t.Run("recorded", func(t *testing.T) {
		onlyLong(t)
		test(t, depthtest.RecordedBTC(t))
	})
}

// EachPath runs a test on the recording of one symbol at one venue and, with HFTRUNNER_LONG=1 and where it is there, on
// the file of the recorded day.
func EachPath(t *testing.T, venue, symbol, file string, test func(t *testing.T, path string)) {
	t.Run("sample", func(t *testing.T) { test(t, Path(t, venue, symbol)) })
	t.Run("recorded", func(t *testing.T) {
		onlyLong(t)
		test(t, datatest.Recording(t, venue, file))
	})
}

// onlyLong passes over a whole day in the tests of every day.
func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv("HFTRUNNER_LONG") == "" {
		t.Skip("a long test: set HFTRUNNER_LONG=1")
	}
}
