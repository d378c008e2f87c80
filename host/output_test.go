package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/pluginapi"
)

// chattyParams say what a chatty strategy writes.
type chattyParams struct {
	Way   string `hcl:"way" json:"way" default:"slog"`
	Lines int    `hcl:"lines" json:"lines" default:"1"`
	// Slowly writes a line each 5 ms.
	Slowly bool `hcl:"slowly" json:"slowly" default:"false"`
	// Done is a file that is made when all is written.
	Done string `hcl:"done" json:"done" default:""`
}

// chatty writes much while it follows the market.
type chatty struct{ p chattyParams }

func serveChatty() {
	pluginapi.Serve(pluginapi.Plugin[chattyParams]{Name: "chatty", Version: "1.0.0", Doc: "writes much",
		New: func(p chattyParams) (pluginapi.Strategy, error) { return chatty{p}, nil }})
}

func (c chatty) Run(_ context.Context, bot hft.Bot) error {
	go c.write()
	for {
		if _, err := bot.Elapse(10 * time.Millisecond); err != nil {
			return err
		}
	}
}

func (c chatty) write() {
	logger, direct := pluginapi.Logger(), hclog.New(&hclog.LoggerOptions{Output: descriptor2(), JSONFormat: true})
	ways := map[string]func(i int){
		"all":    func(int) { sayAll() },
		"slog":   func(i int) { slog.Info("chatter", "i", i, "more", strings.Repeat("x", 60)) },
		"log":    func(i int) { log.Printf("chatter %d %s", i, strings.Repeat("x", 60)) },
		"logger": func(i int) { logger.Info("chatter", "i", i, "more", strings.Repeat("x", 60)) },
		"hclog":  func(i int) { direct.Info("chatter", "i", i, "more", strings.Repeat("x", 60)) },
		"stdout": func(i int) { fmt.Printf("chatter %d %s\n", i, strings.Repeat("x", 60)) },
		// The descriptor itself, past everything.
		"stderr": func(i int) { fmt.Fprintf(descriptor2(), "chatter %d %s\n", i, strings.Repeat("x", 60)) },
		// Once a parser that expects texts was ended by it, and the host with it.
		"json": func(i int) { fmt.Fprintf(descriptor2(), `{"@message":%d,"@level":["chatter"],"x":null}`+"\n", i) },
	}
	write := ways[c.p.Way]
	for i := range c.p.Lines {
		write(i)
		if c.p.Slowly {
			time.Sleep(5 * time.Millisecond)
		}
	}
	_ = os.WriteFile(c.p.Done, nil, 0o600)
}

// descriptor2 is standard error as the kernel knows it: os.Stderr is replaced in a plugin.
var descriptor2 = sync.OnceValue(func() *os.File { return os.NewFile(2, "stderr") })

// sayAll writes the same entries by slog's and hclog's loggers, of each level and with attributes of each type.
func sayAll() {
	logger, direct := pluginapi.Logger().With("symbol", "BTCUSDT"), hclog.New(&hclog.LoggerOptions{Output: descriptor2(), JSONFormat: true,
		Level: hclog.Debug}).With("symbol", "BTCUSDT")
	attributes := []any{"orders", 3, "price", 60000.1, "id", uint64(1) << 60, "error", errors.New("margin is \"insufficient\""), "ok", true,
		"age", 1500 * time.Millisecond, "side", hft.Buy.String()}
	for _, level := range []struct{ slog, hclog func(string, ...any) }{{logger.Debug, direct.Debug}, {logger.Info, direct.Info},
		{logger.Warn, direct.Warn}, {logger.Error, direct.Error}} {
		level.slog("said by slog", attributes...)
		level.hclog("said by hclog", attributes...)
	}
	logger.Log(context.Background(), slog.LevelDebug-4, "below what the host logs")
}

// What a strategy says by slog arrives as what it says by hclog: with its level and its attributes.
func TestLevelsAndAttributesArrive(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	done := filepath.Join(t.TempDir(), "done")
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "chatty", chattyParams{Way: "all", Lines: 1, Done: done})}
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Debug}))
	r.until("a", "all written", func(control.StrategyStatus) bool { return exists(done) })
	r.end()
	text, _ := logText(t, cfg, "a")
	said := map[string][]string{}
	for _, m := range regexp.MustCompile(`\[(\w+)\] +(?:\S+: )?said by (\w+): (.*)`).FindAllStringSubmatch(text, -1) {
		said[m[2]] = append(said[m[2]], m[1]+" "+m[3])
	}
	const attributes = ` age=1500000000 error="margin is \"insufficient\"" id=1152921504606846976 ok=true orders=3 price=60000.1 side=Buy symbol=BTCUSDT`
	want := []string{"DEBUG" + attributes, "INFO" + attributes, "WARN" + attributes, "ERROR" + attributes}
	if !slices.Equal(said["slog"], want) || !slices.Equal(said["hclog"], want) || strings.Contains(text, "below") {
		t.Errorf("%q, want %q:\n%s", said, want, text)
	}
}

// logText returns all that is kept of a strategy's log.
func logText(t *testing.T, cfg host.Config, name string) (text string, files int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(cfg.StateDir, "logs", name+"*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	return text, len(names)
}

// Whatever way a strategy writes, its log has one format, a bounded rate, and the number of the lines that were over it.
func TestStrategyThatWritesTooMuch(t *testing.T) {
	const lines = 50_000
	line := regexp.MustCompile(`^\S+Z? \[(INFO|WARN|ERROR)\] `)
	for _, way := range []string{"slog", "log", "logger", "hclog", "stdout", "stderr", "json"} {
		t.Run(way, func(t *testing.T) {
			if way != "slog" && way != "stdout" && os.Getenv("HFTRUNNER_LONG") == "" {
				t.Skip("one way of a log and one past it suffice: HFTRUNNER_LONG=1 for all")
			}
			t.Parallel()
			cfg := newConfig(t, 1, 0)
			done := filepath.Join(t.TempDir(), "done")
			cfg.Strategies = []host.StrategyConfig{strategyOf("a", "chatty", chattyParams{Way: way, Lines: lines, Done: done})}
			r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Info})) // which is the plugin's level
			r.until("a", "all written", func(control.StrategyStatus) bool { return exists(done) })
			before := r.status("a").Events
			r.until("a", "more events", func(s control.StrategyStatus) bool { return running(s) && s.Events > before })
			r.end()
			text, _ := logText(t, cfg, "a")
			all := strings.Split(strings.TrimSpace(text), "\n")
			dropped := 0
			for _, m := range regexp.MustCompile(`left out .* lines=(\d+)`).FindAllStringSubmatch(text, -1) {
				n, _ := strconv.Atoi(m[1])
				dropped += n
			}
			shown := strings.Count(text, "chatter")
			for _, l := range all {
				if !line.MatchString(l) {
					t.Fatalf("a line of another format: %s", l)
				}
			}
			if shown+dropped != lines || shown > lines/2 || shown == 0 {
				t.Errorf("%d lines shown, %d said to be left out, of %d:\n%.1000s", shown, dropped, lines, text)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Log files are rotated; two processes of a strategy write to one file one after the other.
func TestStrategyLogIsRotated(t *testing.T) {
	cfg := newConfig(t, 1, 0)
	cfg.StrategyLogs = host.StrategyLogs{Megabytes: 1, Files: 2, LinesPerSecond: 1_000_000}
	done := filepath.Join(t.TempDir(), "done")
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "chatty", chattyParams{Way: "log", Lines: 40_000, Done: done})}
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Info}))
	r.until("a", "all written", func(control.StrategyStatus) bool { return exists(done) })
	if _, err := r.host.Restart(t.Context(), "a", false); err != nil {
		t.Fatal(err)
	}
	r.end()
	if text, files := logText(t, cfg, "a"); files != 2 || len(text) > 2<<20 || len(text) < 1<<20 {
		t.Errorf("%d bytes in %d files", len(text), files)
	}
}

// A full disk and a removed log directory neither delay nor end a strategy; each is logged once, and so is its end.
func TestStrategyLogCannotBeWritten(t *testing.T) {
	var told lockedLog
	cfg := newConfig(t, 1, 0)
	cfg.Strategies = []host.StrategyConfig{strategyOf("a", "chatty", chattyParams{Way: "log", Lines: 1_000_000, Slowly: true})}
	logs := filepath.Join(cfg.StateDir, "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(logs, "a.log")
	if err := os.Symlink("/dev/full", file); err != nil {
		t.Fatal(err)
	}
	r := startLogged(t, cfg, hclog.New(&hclog.LoggerOptions{Output: &told, Level: hclog.Info}))
	goesOn := func() {
		before := r.status("a").Events
		r.until("a", "more events", func(s control.StrategyStatus) bool { return running(s) && s.Events > before+100 })
	}
	goesOn()
	const cannot, can = "cannot write the strategy's log", "log can be written again"
	told.await(t, cannot)
	if n := strings.Count(told.String(), cannot); n != 1 {
		t.Errorf("told %d times", n)
	}
	// A folder that the host writes a new file into in the same moment is not empty: the removal is tried again.
	for deadline := time.Now().Add(patience); os.RemoveAll(logs) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the folder of logs cannot be removed")
		}
	}
	told.await(t, can)
	goesOn()
	if !exists(file) || r.status("a").Restarts != 0 {
		t.Errorf("the log is not there again, or the strategy was restarted: %+v", r.status("a"))
	}
}

// lockedLog is a log that a test reads while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lockedLog) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(l.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %q:\n%.2000s", text, l.String())
		}
	}
}
