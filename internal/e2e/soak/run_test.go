package soak

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/hostipc"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testkit/sinktest"
)

// run is one connector at work.
type run struct {
	*sinktest.Sink
	connector   connector.Connector
	instruments []connector.Instrument
	bots        map[uint64]*bot
	clock       *hostipc.Clock
	cancel      context.CancelFunc
	// done is closed when Run has returned err.
	done chan struct{}
	err  error
}

// Order follows a bot's order.
func (r *run) Order(u *connector.OrderUpdate) {
	r.Sink.Order(u)
	b := r.bots[u.Owner.Bot]
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.Fill {
		b.filled += u.ExecQty * float64(u.Side)
	}
	o := b.open[u.OrderID]
	if o == nil {
		return
	}
	if u.Req == hft.StatusRejected {
		if o.Req == hft.StatusNew {
			delete(b.open, u.OrderID)
		}
		o.Req = hft.StatusNone
		return
	}
	if u.Final() {
		delete(b.open, u.OrderID)
		return
	}
	local := o.LocalTimestampNs
	*o = u.Order.Order
	o.LocalTimestampNs = local
}

// start connects a venue's connector to an exchange and lets two bots begin. The seed chooses the way of orders.
func start(t *testing.T, s subject, e *testexchange.Exchange, seed uint64) *run {
	t.Helper()
	return startAt(t, s, e, seed, "")
}

// startAt is start at another address than the exchange's, if there is one.
func startAt(t *testing.T, s subject, e *testexchange.Exchange, seed uint64, address string) *run {
	t.Helper()
	// Faults come faster than they would in years, so pauses are short: bots are to trade, not to wait.
	set := settings{deadMan: s.deadMan, pace: venue.Pace{AuditInterval: time.Second, BackOffMax: time.Second,
		AttemptsPer5Min: 100_000, RefusedPause: time.Second}}
	set.entry, set.address = []string{"ws", "rest"}[seed%2], address
	r := connect(t, s, e, set)
	for id := uint64(1); id <= 2; id++ {
		r.bots[id] = &bot{id: id, run: r, random: rand.New(rand.NewPCG(seed, id)), patience: s.patience,
			open: map[uint64]*hft.Order{}}
	}
	r.begin()
	return r
}

// settings describes how a connector is set up. Empty ones are those of all tests.
type settings struct {
	options
	// prefix is that of client order ids.
	prefix                      string
	deadMan, cancelOnDisconnect time.Duration
	// pace is the connector's; what options have is theirs.
	pace    venue.Pace
	logger  hclog.Logger
	symbols []string
}

// connect makes a connector with its instruments that does not run yet.
func connect(t *testing.T, s subject, e *testexchange.Exchange, set settings) *run {
	t.Helper()
	r := prepare(t, s, e, set)
	for _, inst := range r.instruments {
		r.connector.Register(inst)
	}
	return r
}

// prepare makes a connector without instruments.
func prepare(t *testing.T, s subject, e *testexchange.Exchange, set settings) *run {
	t.Helper()
	set.logger = hclog.New(&hclog.LoggerOptions{Name: string(s.name), Output: &testWriter{t: t},
		Level: hclog.LevelFromString(cmp.Or(os.Getenv("HFTRUNNER_LOG"), "warn"))})
	v := s.open(t, e, set)
	if set.symbols == nil {
		set.symbols = []string{"BTCUSDT", "ETHUSDT"}
	}
	insts, filters := instruments(t, v.Protocol, set.symbols...)
	c := v.Knowing(filters)
	return &run{Sink: sinktest.NewSink(), connector: c, instruments: insts, bots: map[uint64]*bot{},
		clock: v.Clock, done: make(chan struct{})}
}

// begin lets the connector run.
func (r *run) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		r.err = r.connector.Run(ctx, r, r.clock)
		close(r.done)
	}()
}

// testWriter sends log lines to the test's log.
type testWriter struct{ t *testing.T }

func (w *testWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSpace(string(line)))
	return len(line), nil
}

// eventually waits for cond, with a bound.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for began := time.Now(); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// agree waits until check finds nothing, with a bound.
func agree(t *testing.T, what string, check func() error) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > patience/3 {
			t.Errorf("%s: %v", what, err)
			return
		}
	}
}

func (r *run) ready() bool {
	for _, inst := range r.instruments {
		if !r.IsReady(inst.No) {
			return false
		}
	}
	return true
}

// end stops a run, if it is not over already, and checks that it ended well.
func (r *run) end(t *testing.T) {
	t.Helper()
	r.cancel()
	select {
	case <-r.done:
		if r.err != nil {
			t.Errorf("Run returned %v", r.err)
		}
	case <-time.After(patience):
		t.Error("Run does not return")
	}
}
