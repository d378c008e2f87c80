package host_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/host"
	"github.com/hftrunner/hftrunner/internal/runlog"
)

// tapped is a connector whose sink the test uses, too.
type tapped struct {
	timed
	sink chan connector.Sink
}

func (c *tapped) Run(ctx context.Context, sink connector.Sink, clock connector.Clock) error {
	c.sink <- sink
	return c.timed.Run(ctx, sink, clock)
}

// blockable is an output that nobody reads while shut is held.
type blockable struct {
	shut sync.Mutex
	text bytes.Buffer
}

func (b *blockable) Write(p []byte) (int, error) {
	b.shut.Lock()
	defer b.shut.Unlock()
	return b.text.Write(p)
}

// Orders are refused by the ten thousand while nobody reads the host's log: each error event reaches its bot, the connector is
// never held up, and the log has a few of them, with the strategy's name, and their number.
func TestErrorEventsWhileTheLogIsUnread(t *testing.T) {
	const events, bot = 10_000, 7
	cfg := newConfig(t, 1, 0)
	tap := &tapped{cfg.Connectors[0].Connector.(timed), make(chan connector.Sink, 1)}
	cfg.Connectors[0].Connector = tap
	st := strategyOf("grid", "chatty", chattyParams{})
	st.BotID = bot
	cfg.Strategies = []host.StrategyConfig{st}
	cfg.StrategyLogs.LinesPerSecond = 1_000_000
	out := &blockable{}
	lines := runlog.New(runlog.Config{Name: "runner", Level: hclog.Info, Out: out})
	r := startLogged(t, cfg, lines.Logger())
	r.until("grid", "running", running)
	sink := <-tap.sink
	out.shut.Lock()
	for i := range events {
		e := connector.Error{InstrumentNo: 0, Owner: connector.Owner{Bot: bot}, LiveError: hft.LiveErrorWith(hft.OrderError, hft.StringValue(fmt.Sprintf("no margin for %d", i)))}
		e.OrderID = uint64(i + 1)
		sink.Error(&e)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if text, _ := logText(t, cfg, "grid"); strings.Contains(text, fmt.Sprintf("no margin for %d\n", events-1)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the last error event has not reached the bot")
		}
	}
	out.shut.Unlock()
	r.end()
	if !lines.Close(patience) {
		t.Fatal("the log does not end")
	}
	text := out.text.String()
	counted := strings.Count(text, "error event: kind=OrderError strategy=grid order=")
	for _, m := range regexp.MustCompile(`\(the last of (\d+) more like it|dropped .*lines=(\d+)`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1] + m[2])
		counted += n
		if m[1] != "" {
			counted-- // the line itself
		}
	}
	if n := strings.Count(text, "\n"); n > 100 || counted < events || counted > events+events/10 {
		t.Errorf("%d lines, which count %d events of %d:\n%.2000s", n, counted, events, text)
	}
}
