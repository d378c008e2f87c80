package pluginapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
)

const botID = 42

// recorder is a strategy that writes down what happens to it and does in Run what the test says.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	params recorderParams
	run    func(ctx context.Context, bot hft.Bot) error
	save   func() ([]byte, error)
	onErr  error
}

type recorderParams struct {
	Qty float64 `hcl:"qty" default:"1" min:"0"`
	Bad bool    `hcl:"bad" default:"false"`
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
}

func (r *recorder) noted() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.calls, ", ")
}

func (r *recorder) Run(ctx context.Context, bot hft.Bot) error {
	r.note("run")
	if r.run != nil {
		return r.run(ctx, bot)
	}
	for {
		if _, err := bot.WaitNextFeed(true, time.Minute); err != nil {
			return err
		}
	}
}

func (r *recorder) SaveState() ([]byte, error) {
	r.note("save")
	if r.save != nil {
		return r.save()
	}
	return []byte("saved"), nil
}

func (r *recorder) RestoreState(state []byte) error {
	r.note("restore %s", state)
	switch string(state) {
	case "bad":
		return errors.New("too old")
	case "worse":
		panic("cannot read this")
	}
	return nil
}

func (r *recorder) OnError(e hft.LiveError) error {
	r.note("error %v", e.Kind)
	return r.onErr
}

func (r *recorder) OnOrder(prev, next *hft.Order) error {
	r.note("order %t %d", prev == nil, next.OrderID)
	return nil
}

func recorderPlugin(r *recorder) Plugin[recorderParams] {
	return Plugin[recorderParams]{Name: "recorder", Version: "2.0.0", Doc: "Writes down.",
		New: func(p recorderParams) (Strategy, error) {
			if p.Bad {
				return nil, errors.New("bad is not good")
			}
			r.params = p
			return r, nil
		}}
}

// newRecorder returns a strategy under the adapter, attached to a host in memory that answers registrations.
func newRecorder(t testing.TB, r *recorder) (*adapter, *ipctest.Hub) {
	t.Helper()
	hub := ipctest.NewHub(ipctest.Instruments(), nil)
	hub.Handle(func(q ipctest.Request) error {
		if q.Kind != ipc.RequestRegisterInstrument {
			return nil
		}
		go func() { _ = hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{Position: 7}, nil) }()
		return nil
	})
	w := liveWiring()
	w.attach = func(a ipc.Attachment) (ipc.Channel, error) {
		var instruments []ipc.Instrument
		for _, i := range a.Instruments {
			instruments = append(instruments, i.Instrument)
		}
		return hub.Attach(a.BotID, instruments)
	}
	a, err := newAdapter(recorderPlugin(r), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Stop(context.Background()) })
	return a, hub
}

func configuration(params string) control.Configuration {
	c := control.Configuration{StrategyName: "s", Params: json.RawMessage(params),
		Attachment: ipc.Attachment{BotID: botID}}
	for i, inst := range ipctest.Instruments()[:2] {
		c.Attachment.Instruments = append(c.Attachment.Instruments,
			ipc.InstrumentAttachment{Instrument: inst, FeedNo: i})
		c.Books = append(c.Books, control.Book{Depth: "window", LastTrades: 10})
	}
	return c
}

// start configures and starts, and fails the test when that fails.
func start(t testing.TB, a *adapter, state []byte) {
	t.Helper()
	if err := a.Configure(t.Context(), configuration("{}")); err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context(), state); err != nil {
		t.Fatal(err)
	}
}

func wait(t testing.TB, a *adapter) control.Exit {
	t.Helper()
	exit, err := a.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

func TestWholeLife(t *testing.T) {
	r := &recorder{}
	running := make(chan struct{})
	r.run = func(ctx context.Context, bot hft.Bot) error {
		r.note("position %v of %d assets", bot.Position(1), bot.NumAssets())
		close(running)
		_, err := bot.Elapse(time.Hour)
		r.note("%v, cancelled %t", err, ctx.Err() != nil)
		return err
	}
	a, _ := newRecorder(t, r)
	d, err := a.Describe(t.Context())
	if err != nil || d.Name != "recorder" || d.Version != "2.0.0" || d.Doc != "Writes down." || len(d.Params) != 2 {
		t.Errorf("description is %+v, %v", d, err)
	}
	if err := a.Configure(t.Context(), configuration(`{"qty": 2.5}`)); err != nil {
		t.Fatal(err)
	}
	if r.params.Qty != 2.5 {
		t.Errorf("New got %+v", r.params)
	}
	if err := a.Start(t.Context(), []byte("before")); err != nil {
		t.Fatal(err)
	}
	<-running
	for range 2 {
		state, err := a.Stop(t.Context())
		if err != nil || string(state) != "saved" {
			t.Errorf("stop returned %q, %v", state, err)
		}
	}
	if exit := wait(t, a); exit != (control.Exit{}) {
		t.Errorf("exit is %+v", exit)
	}
	want := "restore before, run, position 7 of 2 assets, interrupted, cancelled true, save"
	if got := r.noted(); got != want {
		t.Errorf("strategy saw\n%s\nwant\n%s", got, want)
	}
}

func TestConfigureRefuses(t *testing.T) {
	r := &recorder{}
	a, _ := newRecorder(t, r)
	var errs control.ParamErrors
	if err := a.Configure(t.Context(), configuration(`{"qty": -1, "qyt": 2}`)); !errors.As(err, &errs) ||
		len(errs) != 2 {
		t.Errorf("wrong parameters: %v", err)
	}
	if err := a.Configure(t.Context(), configuration(`{"bad": true}`)); err == nil || err.Error() != "bad is not good" {
		t.Errorf("an error of New: %v", err)
	}
	c := configuration(`{}`)
	c.Books[1].Depth = "heap"
	if err := a.Configure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "heap") {
		t.Errorf("an unknown book: %v", err)
	}
	c.Books = c.Books[:1]
	if err := a.Configure(t.Context(), c); err == nil || !strings.Contains(err.Error(), "1 books for 2 instruments") {
		t.Errorf("a missing book: %v", err)
	}
	if err := a.Start(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("start before configure: %v", err)
	}
	if err := a.Configure(t.Context(), configuration(`{}`)); err != nil {
		t.Errorf("configure after errors: %v", err)
	}
	if err := a.Configure(t.Context(), configuration(`{}`)); err == nil {
		t.Error("configured twice")
	}
}

func TestConfigureWithoutSharedMemory(t *testing.T) {
	a, err := newAdapter(recorderPlugin(&recorder{}), liveWiring())
	if err != nil {
		t.Fatal(err)
	}
	c := configuration("{}")
	c.Attachment.ControlFD = 1 << 20
	if err := a.Configure(t.Context(), c); err == nil || !strings.Contains(err.Error(),
		"attach to the host's shared memory") {
		t.Errorf("attach without a host: %v", err)
	}
}

func TestNewPanicsOrReturnsNothing(t *testing.T) {
	for want, create := range map[string]func(recorderParams) (Strategy, error){
		"New panicked: oops": func(recorderParams) (Strategy, error) { panic("oops") },
		"neither a strategy": func(recorderParams) (Strategy, error) { return nil, nil },
	} {
		a, err := newAdapter(Plugin[recorderParams]{Name: "p", New: create}, liveWiring())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Configure(t.Context(), configuration("{}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestRestoreFails(t *testing.T) {
	for state, want := range map[string]string{"bad": "too old", "worse": "RestoreState panicked: cannot read this"} {
		r := &recorder{}
		a, _ := newRecorder(t, r)
		if err := a.Configure(t.Context(), configuration("{}")); err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context(), []byte(state)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if strings.Contains(r.noted(), "run") {
			t.Error("it runs all the same")
		}
	}
}

func TestRunEnds(t *testing.T) {
	cases := []struct {
		name string
		run  func(ctx context.Context, bot hft.Bot) error
		want control.Exit
		save bool
	}{
		{"returns", func(context.Context, hft.Bot) error { return nil }, control.Exit{}, true},
		{"fails", func(context.Context, hft.Bot) error { return errors.New("no balance") },
			control.Exit{Error: "no balance"}, true},
		{"panics", func(context.Context, hft.Bot) error { panic("index out of range") },
			control.Exit{Error: "Run panicked: index out of range"}, false},
		{"asks for no such asset", func(_ context.Context, bot hft.Bot) error { bot.Depth(5); return nil },
			control.Exit{Error: "Run panicked: live: the strategy asks for asset 5"}, false},
		{"interrupted", func(context.Context, hft.Bot) error { return fmt.Errorf("quote: %w", hft.ErrInterrupted) },
			control.Exit{}, true},
		{"end of data", func(context.Context, hft.Bot) error { return hft.ErrEndOfData }, control.Exit{EndOfData: true},
			true},
		{"its own timeout", func(context.Context, hft.Bot) error { return context.Canceled },
			control.Exit{Error: "context canceled"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{run: c.run}
			a, _ := newRecorder(t, r)
			start(t, a, nil)
			exit := wait(t, a)
			if exit.EndOfData != c.want.EndOfData || !strings.HasPrefix(exit.Error, c.want.Error) ||
				(exit.Error == "") != (c.want.Error == "") {
				t.Errorf("exit is %+v, want %+v", exit, c.want)
			}
			if strings.Contains(exit.Error, "panicked") && !strings.Contains(exit.Error, "adapter_test.go") {
				t.Errorf("exit has no stack: %s", exit.Error)
			}
			if _, err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if got := strings.HasSuffix(r.noted(), "save"); got != c.save {
				t.Errorf("state saved is %t: %s", got, r.noted())
			}
		})
	}
}

func TestEndOfDataIsSeenThoughRunReturnsNil(t *testing.T) {
	a, hub := newRecorder(t, &recorder{})
	start(t, a, nil)
	hub.EndOfData()
	if exit := wait(t, a); exit != (control.Exit{EndOfData: true}) {
		t.Errorf("exit is %+v", exit)
	}
}

func TestHooks(t *testing.T) {
	r := &recorder{onErr: errors.New("enough")}
	a, hub := newRecorder(t, r)
	ready := make(chan struct{})
	r.run = func(_ context.Context, bot hft.Bot) error {
		close(ready)
		_, err := bot.Elapse(time.Hour)
		return err
	}
	start(t, a, nil)
	<-ready
	if err := hub.SendOrder(botID, 0, &hft.Order{OrderID: 9, Status: hft.StatusNew}, hft.StateValues{}); err != nil {
		t.Fatal(err)
	}
	if err := hub.SendError(botID, hft.NewLiveError(hft.ConnectionInterrupted)); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, a); exit.Error != "enough" {
		t.Errorf("exit is %+v", exit)
	}
	if want := "run, order true 9, error ConnectionInterrupted"; r.noted() != want {
		t.Errorf("strategy saw %q, want %q", r.noted(), want)
	}
}

func TestStopWhileTheHostDoesNotAnswer(t *testing.T) {
	r := &recorder{}
	a, hub := newRecorder(t, r)
	hub.Handle(func(ipctest.Request) error { return nil })
	start(t, a, nil)
	if state, err := a.Stop(t.Context()); err != nil || string(state) != "saved" {
		t.Errorf("stop returned %q, %v", state, err)
	}
	if strings.Contains(r.noted(), "run") {
		t.Error("Run was called without a book")
	}
}

func TestStopBeforeStart(t *testing.T) {
	for _, configured := range []bool{false, true} {
		r := &recorder{}
		a, _ := newRecorder(t, r)
		if configured {
			if err := a.Configure(t.Context(), configuration("{}")); err != nil {
				t.Fatal(err)
			}
		}
		if state, err := a.Stop(t.Context()); err != nil || state != nil {
			t.Errorf("stop returned %q, %v", state, err)
		}
		wait(t, a)
		if err := a.Start(t.Context(), nil); err == nil {
			t.Error("started after stop")
		}
		if err := a.Configure(t.Context(), configuration("{}")); err == nil {
			t.Error("configured after stop")
		}
		if r.noted() != "" {
			t.Errorf("strategy saw %s", r.noted())
		}
	}
}

func TestStopOfOneThatDoesNotObey(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	a, _ := newRecorder(t, &recorder{run: func(context.Context, hft.Bot) error {
		close(entered)
		<-release
		return nil
	}})
	start(t, a, nil)
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := a.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop returned %v", err)
	}
	close(release)
	if state, err := a.Stop(t.Context()); err != nil || string(state) != "saved" {
		t.Errorf("second stop returned %q, %v", state, err)
	}
}

func TestSaveStateFails(t *testing.T) {
	for want, save := range map[string]func() ([]byte, error){
		"save the state: disk full":           func() ([]byte, error) { return []byte("half"), errors.New("disk full") },
		"save the state: SaveState panicked:": func() ([]byte, error) { panic("oops") },
	} {
		a, _ := newRecorder(t, &recorder{save: save})
		start(t, a, nil)
		state, err := a.Stop(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), want) || state != nil {
			t.Errorf("stop returned %q, %v, want %q", state, err, want)
		}
	}
}

func TestServeWithoutHost(t *testing.T) {
	for role, says := range map[string][]string{
		"serve":   {"exit status 2", "recorder 2.0.0 is a strategy plugin", "Writes down.", "qty (float, default 1)"},
		"mistake": {"exit status 2", "panic: pluginapi.Serve: plugin p has no New"},
	} {
		out, err := exec.Command(os.Args[0], role).CombinedOutput()
		got := fmt.Sprintf("%v %s", err, out)
		for _, want := range says {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q: %s", role, want, got)
			}
		}
	}
}

// TestNothingIsToldBeforeRun: what happens while the bot is built (its orders of before, an error) is told in the first
// waiting call and not before Run.
func TestNothingIsToldBeforeRun(t *testing.T) {
	r := &recorder{}
	a, hub := newRecorder(t, r)
	hub.Handle(func(q ipctest.Request) error {
		if q.Kind != ipc.RequestRegisterInstrument {
			return nil
		}
		o := hft.NewOrder(uint64(q.InstNo)+3, 1000, q.TickSize, q.LotSize, hft.Buy, hft.Limit, hft.GTC)
		o.Status = hft.StatusNew
		if err := hub.SendError(q.BotID, hft.NewLiveError(hft.ConnectionInterrupted)); err != nil {
			return err
		}
		return hub.AnswerRegister(q.BotID, q.InstNo, []hft.Order{o}, hft.StateValues{}, nil)
	})
	r.run = func(_ context.Context, bot hft.Bot) error {
		if bot.Orders(0).Len() != 1 || bot.Orders(1).Len() != 1 {
			r.note("no orders")
		}
		bot.CurrentTimestampNs()
		if _, err := bot.SubmitBuyOrder(0, 9, 100, 1, hft.GTC, hft.Limit, false); err != nil {
			r.note("submit %v", err)
		}
		r.note("wait")
		_, err := bot.Elapse(time.Millisecond)
		return err
	}
	start(t, a, nil)
	if exit, err := a.Wait(t.Context()); err != nil || exit.Error != "" {
		t.Errorf("%+v, %v", exit, err)
	}
	kind := hft.ConnectionInterrupted
	want := fmt.Sprintf("run, wait, error %v, order true 3, error %v, order true 4", kind, kind)
	if got := r.noted(); got != want {
		t.Errorf("called: %s\nwant:   %s", got, want)
	}
}

// TestStrategyClosesItsBot: the adapter goes on with a closed bot and channel, and knows of the end of the data.
func TestStrategyClosesItsBot(t *testing.T) {
	r := &recorder{}
	a, hub := newRecorder(t, r)
	r.run = func(_ context.Context, bot hft.Bot) (err error) {
		defer func() { err = bot.Close() }()
		for {
			if _, err := bot.WaitNextFeed(true, time.Minute); err != nil {
				return err
			}
		}
	}
	start(t, a, nil)
	hub.EndOfData()
	if exit, err := a.Wait(t.Context()); err != nil || exit.Error != "" || !exit.EndOfData {
		t.Errorf("%+v, %v", exit, err)
	}
	for range 2 {
		if state, err := a.Stop(t.Context()); string(state) != "saved" || err != nil {
			t.Errorf("Stop = %q, %v", state, err)
		}
	}
}
