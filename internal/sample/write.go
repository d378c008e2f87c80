package sample

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/internal/collector"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/wire"
)

// DefaultDuration is the default of Config.Duration.
const DefaultDuration = 5 * time.Minute

// MaxDuration ends before the day does, so that each symbol has one file.
const MaxDuration = 11 * time.Hour

// Start is the time when recordings begin. It is the day of the recording that hftbacktest's examples use, so that one
// configuration reads both.
func Start() time.Time { return time.Date(2024, 8, 8, 12, 0, 0, 0, time.UTC) }

// Config configures Write.
type Config struct {
	// Dir is the directory to make. What is there must be an empty directory, or nothing.
	Dir string
	// Venues are those to record, all when empty.
	Venues []string
	// Duration is the recorded market time, DefaultDuration if 0.
	Duration time.Duration
	// Progress, when not nil, is called now and then with how many seconds of how many are done, all venues taken
	// together. The calls come one after the other, on any goroutine.
	Progress func(done, total int64)
}

// File is a file of a recording.
type File struct {
	Venue  string `json:"venue"`
	Symbol string `json:"symbol"`
	Path   string `json:"path"`
	// Lines are its messages, Bytes its size.
	Lines int64 `json:"lines"`
	Bytes int64 `json:"bytes"`
}

// ErrExists reports that the directory is there already.
var ErrExists = errors.New("already exists: name another directory, or remove it first")

// Write makes the recordings, those of a venue sorted by symbol. The error says what is wrong with the directory or
// the disk; then, and when ctx ends before everything is written, there is no directory.
func Write(ctx context.Context, c Config) ([]File, error) {
	if c.Duration == 0 {
		c.Duration = DefaultDuration
	}
	if c.Duration < time.Second || c.Duration > MaxDuration {
		return nil, fmt.Errorf("sample: duration %v: must be from a second to %v", c.Duration, MaxDuration)
	}
	c.Dir = filepath.Clean(c.Dir)
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("sample: %s %w", c.Dir, ErrExists)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.Dir), 0o755); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	// The directory gets its name when it is complete.
	partial, err := os.MkdirTemp(filepath.Dir(c.Dir), "."+filepath.Base(c.Dir)+"-*")
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	files, err := write(ctx, c, partial)
	if err == nil {
		err = os.Chmod(partial, 0o755)
	}
	if err == nil {
		_ = os.Remove(c.Dir) // an empty directory is in the way, which the next line says
		err = os.Rename(partial, c.Dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sample: %w", err), os.RemoveAll(partial))
	}
	for i := range files {
		files[i].Path = filepath.Join(c.Dir, files[i].Path)
	}
	return files, nil
}

// write records all venues side by side into a directory. Paths of files are relative to it.
func write(ctx context.Context, c Config, dir string) ([]File, error) {
	feeds := feeds()
	if len(c.Venues) > 0 {
		feeds = slices.DeleteFunc(feeds, func(f feed) bool { return !slices.Contains(c.Venues, string(f.venue)) })
	}
	if len(feeds) == 0 {
		return nil, fmt.Errorf("there is no sample of %v", c.Venues)
	}
	var mu sync.Mutex
	var done int64
	step := func() {
		mu.Lock()
		defer mu.Unlock()
		if done++; c.Progress != nil {
			c.Progress(done, int64(c.Duration/progressEvery)*int64(len(feeds)))
		}
	}
	files := make([][]File, len(feeds))
	ctx, fail := context.WithCancelCause(ctx) // the first error ends the others
	defer fail(nil)
	var recording sync.WaitGroup
	for i := range feeds {
		recording.Go(func() {
			var err error
			if files[i], err = feeds[i].record(ctx, c.Duration, dir, step); err != nil {
				fail(err)
			}
		})
	}
	recording.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var all []File
	for _, list := range files {
		all = append(all, list...)
	}
	return all, nil
}

const (
	// resolution is the resolution of receive times: the market moves in steps of it.
	resolution = time.Millisecond
	// progressEvery is the market time between two calls of Config.Progress.
	progressEvery = time.Second
	// snapshotAfter is the time of the book request: updates have arrived by then.
	snapshotAfter = 200 * time.Millisecond
	// leastWay and mostWay bound how long a message is under way.
	leastWay, mostWay = 800 * time.Microsecond, 2500 * time.Microsecond
)

// record records one venue to a directory of its own.
func (f *feed) record(ctx context.Context, duration time.Duration, dir string, step func()) ([]File, error) {
	clock := wire.NewScriptedClock(Start().UnixNano())
	exchange, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{f.venue},
		OnlySymbols: f.symbols, Seed: f.seed, Clock: clock, Offline: true})
	if err != nil {
		return nil, err
	}
	defer exchange.Close()
	writer, err := collector.NewBatch(filepath.Join(dir, string(f.venue)))
	if err != nil {
		return nil, err
	}
	err = f.play(ctx, exchange, clock, writer, duration, step)
	if failed := writer.Close(); failed != nil { // the reason why play has ended, if it has
		err = failed
	}
	if err != nil {
		return nil, err
	}
	var files []File
	stats := writer.Stats()
	slices.SortFunc(stats, func(a, b collector.Stats) int { return strings.Compare(a.Symbol, b.Symbol) })
	for _, s := range stats {
		for _, path := range s.Files {
			info, err := os.Stat(path)
			if err != nil {
				return nil, err
			}
			name := filepath.Join(string(f.venue), filepath.Base(path))
			files = append(files, File{Venue: string(f.venue), Symbol: s.Symbol, Path: name, Lines: s.Lines,
				Bytes: info.Size()})
		}
	}
	return files, nil
}

// play moves the market and writes what it sends.
func (f *feed) play(ctx context.Context, exchange *testexchange.Exchange, clock *wire.ScriptedClock,
	writer *collector.Writer, duration time.Duration, step func()) error {
	random := rand.New(rand.NewPCG(f.seed, 0x77617973))
	var lastNs int64
	receive := func(symbol string, data []byte) {
		// What was sent first comes first, whatever its way took.
		lastNs = max(lastNs, clock.NowNs()+int64(leastWay)+random.Int64N(int64(mostWay-leastWay)))
		writer.Record(symbol, lastNs, data)
	}
	for _, symbol := range f.symbols {
		target, hello := f.subscribe(symbol)
		if err := exchange.Tap(f.venue, target, hello, func(data []byte) { receive(symbol, data) }); err != nil {
			return err
		}
	}
	for at := resolution; at <= duration; at += resolution {
		exchange.Advance(resolution)
		if at == snapshotAfter && f.snapshot != "" {
			for _, symbol := range f.symbols {
				body, err := exchange.Get(f.venue, fmt.Sprintf(f.snapshot, symbol))
				if err != nil {
					return err
				}
				receive(symbol, body)
			}
		}
		if at%progressEvery == 0 {
			if err := errors.Join(ctx.Err(), writer.Err()); err != nil {
				return err
			}
			step()
		}
	}
	return nil
}
