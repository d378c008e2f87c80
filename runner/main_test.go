package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/recording"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/internal/venues"
	"github.com/hftrunner/hftrunner/runner/internal/config"
)

// cleaned removes what all tests share.
type cleaned struct{ *testing.M }

func (c cleaned) Run() int {
	defer func() { _ = errors.Join(os.RemoveAll(built.dir), os.RemoveAll(testPlugins.dir)) }()
	// Where the tests themselves were started with SIGHUP ignored, as under nohup, their runners would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	return c.M.Run()
}

// The test binary is also the runner, by the name it is called by.
func TestMain(m *testing.M) {
	testscript.Main(cleaned{m}, map[string]func(){"runner": func() { program(smallJournal, venues.Kinds()) }})
}

// smallJournal makes the journal's memory small, as tests start many hosts: to make it takes a tenth of their time.
func smallJournal(c *host.Config) { c.Journal.RingBytes = 8 << 20 }

func TestScripts(t *testing.T) {
	day, plugin := gzipped(sampleLines(t, 2500)), testPlugin(t)
	testscript.Run(t, testscript.Params{Dir: filepath.Join("testdata", "script"), UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true, Setup: func(env *testscript.Env) error { return setUpScript(env, day, plugin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waithost": waitHost, "waitstate": waitState, "truncate": truncate}})
}

// setUpScript makes a plugin folder: plugins and a program that is none; and a recording.
func setUpScript(env *testscript.Env, day []byte, plugin string) error {
	dir := filepath.Join(env.WorkDir, "plugins")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, from := range map[string]string{"join": plugin, "panics": plugin, "noplugin": "/bin/true"} {
		if err := installProgram(filepath.Join(dir, name), from); err != nil {
			return err
		}
	}
	env.Setenv("RUNNER_PLUGIN_DIR", "plugins")
	if err := os.WriteFile(filepath.Join(env.WorkDir, "day_20240808.gz"), day, 0o600); err != nil {
		return err
	}
	// Socket paths are short: the work folder's may be too long for one.
	state, err := os.MkdirTemp("", "runner")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(state) })
	env.Setenv("RUNNER_STATE_DIR", state)
	return nil
}

// truncate FROM TO N makes TO of the first N bytes of FROM.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: truncate FROM TO BYTES")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:min(n, len(text))]), 0o600))
}

// waitHost waits until the host runs all of its strategies.
func waitHost(ts *testscript.TestScript, _ bool, _ []string) {
	waitFor(ts, allRunning)
}

// waitState STATE TEXT waits until all strategies are in a state for a reason that has TEXT.
func waitState(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: waitstate STATE TEXT")
	}
	waitFor(ts, func(socket string) error {
		return allOf(socket, func(s control.StrategyStatus) bool { return s.State == args[0] && strings.Contains(s.Reason, args[1]) })
	})
}

func waitFor(ts *testscript.TestScript, condition func(socket string) error) {
	socket := filepath.Join(ts.Getenv("RUNNER_STATE_DIR"), host.SocketName)
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if last = condition(socket); last == nil {
			return
		}
	}
	ts.Fatalf("still not so: %v", last)
}

func allRunning(socket string) error {
	return allOf(socket, func(s control.StrategyStatus) bool { return s.State == "running" && s.Events > 0 })
}

func allOf(socket string, condition func(control.StrategyStatus) bool) error {
	client, err := control.DialRunner(socket)
	if err != nil {
		return err
	}
	defer client.Close()
	all, err := client.Strategies(context.Background())
	if err != nil {
		return err
	}
	for _, s := range all {
		if !condition(s) {
			return fmt.Errorf("%s is %s after %d events: %s", s.Name, s.State, s.Events, s.Reason)
		}
	}
	return nil
}

// installProgram makes another name of a program, or a copy where that cannot be.
func installProgram(to, from string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// recordedFormats are those of all venues.
func recordedFormats() map[string]connector.Format { return config.Kinds(venues.Kinds()).Formats() }

func writeConfig(t *testing.T, source string) *config.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runner.hcl")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Load(path, config.Options{Kinds: venues.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The defaults of the table are those of the packages that do the work, and both know the same names.
func TestDefaultsAgree(t *testing.T) {
	c := writeConfig(t, "connector \"paper\" \"sim\" {\n}\n").Connectors[0]
	if s := c.Synthetic; s.EventsPerSecond != paper.DefaultEventsPerSecond || s.Volatility != paper.DefaultVolatility ||
		s.JumpInterval != paper.DefaultJumpInterval || s.JumpSize != paper.DefaultJumpSize || c.Exchange.QueueN != paper.DefaultQueueN {
		t.Errorf("the synthetic market's defaults differ: %+v", s)
	}
	for _, queue := range paper.QueueNames() {
		f := writeConfig(t, fmt.Sprintf("connector \"paper\" \"sim\" {\n  exchange {\n    queue = %q\n  }\n}\n", queue))
		if _, err := hostConfig(t.Context(), f, hclog.NewNullLogger()); err != nil {
			t.Errorf("queue %s: %v", queue, err)
		}
	}
	for format, f := range recordedFormats() {
		if f.NewDecoder() == nil || !f.Rule.Valid() {
			t.Errorf("format %s is not wired", format)
		}
	}
}

// A recording that is said to be of another venue is refused with the name of the format that reads it, one without a
// book is refused, and one without trades is told of once; the reference's rows come as they are.
func TestPlausibleRecordings(t *testing.T) {
	formats := recordedFormats()
	open := func(path, format string, natural bool) (problems []string, err error) {
		l, err := feed.OpenLines(t.Context(), feed.LinesConfig{Files: []string{path}, NewDecoder: formats[format].NewDecoder, AsRecorded: natural,
			Format: format, Formats: formats, OnProblem: func(p feed.Problem) error { problems = append(problems, p.Finding.String()); return nil }})
		if err != nil {
			return nil, err
		}
		defer l.Close()
		for err == nil {
			if _, err = l.Next(); err == nil {
				_, err = l.Message()
			}
		}
		if err == io.EOF {
			err = nil
		}
		return problems, err
	}
	only := func(path string, keep string) string {
		name := filepath.Join(t.TempDir(), "part")
		r, err := recording.Open(recording.Config{Files: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var text []byte
		for {
			ns, line, err := r.Next()
			if err != nil {
				break
			}
			if bytes.Contains(line, []byte(keep)) || keep == "lastUpdateId" && bytes.Contains(line, []byte("depthUpdate")) {
				text = fmt.Appendf(text, "%d %s\n", ns, line)
			}
		}
		if err := os.WriteFile(name, text, 0o600); err != nil || len(text) == 0 {
			t.Fatal(len(text), err)
		}
		return name
	}
	for venue := range formats {
		path := sampletest.Path(t, venue, "BTCUSDT")
		for format := range formats {
			for _, natural := range []bool{false, true} {
				problems, err := open(path, format, natural)
				if format == venue && (err != nil || len(problems) > 0) {
					t.Errorf("%s: %v, %q", venue, err, problems)
				}
				if want := "use --format " + venue + ", "; format != venue && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
					t.Errorf("%s as %s, natural %t: %v does not say %q", venue, format, natural, err, want)
				}
			}
		}
	}
	// Trades of futures without the field that tells those of the market are passed over; a recording with them is
	// none of spot, which has no such field.
	lines, err := os.ReadFile(only(sampletest.Path(t, "binancefutures", "BTCUSDT"), `"T":`)) // depth and trades
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for line := range bytes.Lines(lines) {
		if text = append(text, line...); bytes.Contains(line, []byte(`"X":"MARKET",`)) {
			text = text[:len(text)-len(line)]
			text = append(text, bytes.Repeat(bytes.Replace(line, []byte(`"X":"MARKET",`), nil, 1), 20)...)
		}
	}
	withoutX := filepath.Join(t.TempDir(), "without-x")
	if err := os.WriteFile(withoutX, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, natural := range []bool{false, true} {
		if problems, err := open(withoutX, "binancefutures", natural); err != nil || slices.Contains(problems, "no trades") == natural {
			t.Errorf("natural %t: %v, %q", natural, err, problems)
		}
		if _, err := open(withoutX, "binancespot", natural); err == nil || !strings.Contains(err.Error(), "use --format binancefutures") {
			t.Errorf("natural %t: as spot: %v", natural, err)
		}
	}
	spot := sampletest.Path(t, "binancespot", "BTCUSDT")
	trades := only(spot, `"e":"trade"`)
	if _, err := open(trades, "binancespot", false); err == nil || !strings.Contains(err.Error(), "there is no book in it") {
		t.Errorf("only trades: %v", err)
	}
	if _, err := open(trades, "binancespot", true); err != nil {
		t.Errorf("only trades, natural: %v", err)
	}
	if problems, err := open(only(spot, "lastUpdateId"), "binancespot", false); err != nil || !slices.Equal(problems, []string{"no trades"}) {
		t.Errorf("no trades: %v, %q", err, problems)
	}
}

// How far recordings have been looked through is told when that takes long, and not at each step.
func TestLookingThrough(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	show := lookingThrough(hclog.New(&hclog.LoggerOptions{Output: &out}), func() time.Time { return now })
	for i := range 100 { // 10 s
		show("BTCUSDT", int64(i), 100)
		now = now.Add(100 * time.Millisecond)
	}
	if said := out.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, `symbol=BTCUSDT done="10%"`) || !strings.Contains(said, `done="60%"`) {
		t.Errorf("it says %s", said)
	}
}

// Files of one symbol may have been recorded with different streams of trades.
func TestRecordedTradeStreams(t *testing.T) {
	texts := []string{`1700000000000000000 {"e":"aggTrade","E":1700000000000,"s":"BTCUSDT","a":1,"p":"100.0","q":"1","nq":"1","f":1,"l":2,"T":1700000000000,"m":true}` + "\n",
		`1700000001000000000 {"e":"trade","E":1700000001000,"T":1700000001000,"s":"BTCUSDT","t":3,"p":"100.0","q":"1","X":"MARKET","m":true}` + "\n"}
	var files []string
	for i, text := range texts {
		files = append(files, filepath.Join(t.TempDir(), fmt.Sprint(i)))
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := feed.OpenLines(t.Context(), feed.LinesConfig{Files: files, NewDecoder: recordedFormats()["binancefutures"].NewDecoder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for i := range files {
		_, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := l.Message(); err != nil || m == nil || m.Kind != connector.MessageTrade {
			t.Errorf("file %d: %+v, %v", i, m, err)
		}
	}
}

func TestHostConfig(t *testing.T) {
	f := writeConfig(t, `connector "paper" "sim" {
  speed = "max"
}
strategy "a" {
  plugin   = "join"
  wait     = "park"
  position = "account"
  enabled  = false
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    order_qty = 1
  }
}
`)
	cfg, err := hostConfig(t.Context(), f, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	st := cfg.Strategies[0]
	got := fmt.Sprintln(st.Name, st.Plugin, st.Wait, st.OnExit, st.OnChange, st.Position, st.Disabled, string(st.Params),
		st.Instruments) // and their limits
	if !strings.HasPrefix(got, `a join park cancel restart account true {"order_qty":1} [{sim BTCUSDT 0.1 0.001 window 0 0 100 `) {
		t.Errorf("got %s", got)
	}
	if cfg.Connectors[0].Connector == nil || cfg.Supervision.StartTimeout != 10*time.Second {
		t.Errorf("got %+v", cfg)
	}
}

// A recording that is missing is an error with the place of its connector.
func TestMissingRecording(t *testing.T) {
	f := writeConfig(t, "connector \"paper\" \"day\" {\n  replay {\n    format = \"binancespot\"\n    files = { BTCUSDT = \"gone.gz\" }\n  }\n}\n")
	if _, err := hostConfig(t.Context(), f, hclog.NewNullLogger()); err == nil {
		t.Error("no error")
	}
}

func Example() {
	for _, kind := range venues.Kinds() {
		fmt.Println(kind.Name)
	}
	// Output:
	// binancefutures
	// binancespot
	// bybit
}
