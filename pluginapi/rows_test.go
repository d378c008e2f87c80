package pluginapi

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// fakeEngine is an engine that a test plays itself.
type fakeEngine struct {
	hft.Bot
	interrupted atomic.Bool
	rows        atomic.Int64
	finished    error
	closed      atomic.Bool
}

func (e *fakeEngine) Interrupt()                  { e.interrupted.Store(true) }
func (e *fakeEngine) Progress() backtest.Progress { return backtest.Progress{Rows: e.rows.Load()} }
func (e *fakeEngine) Close() error                { e.closed.Store(true); return nil }

func (e *fakeEngine) Finish(err error) backtest.Result {
	e.finished = err
	return backtest.Result{End: backtest.EndReturned, Rows: e.rows.Load()}
}

// collector takes updates as a host does.
type collector struct {
	records  []backtest.RecordRow
	orders   []backtest.OrderRow
	fills    []backtest.FillRow
	progress []backtest.Progress
	results  []backtest.Result
	largest  int
}

func (c *collector) take(u control.BacktestUpdate) error {
	records, err1 := backtest.DecodeRows[backtest.RecordRow](u.Records)
	orders, err2 := backtest.DecodeRows[backtest.OrderRow](u.Orders)
	fills, err3 := backtest.DecodeRows[backtest.FillRow](u.Fills)
	var p backtest.Progress
	err4 := json.Unmarshal(u.Progress, &p)
	c.records, c.orders, c.fills = append(c.records, records...), append(c.orders, orders...), append(c.fills, fills...)
	c.progress = append(c.progress, p)
	c.largest = max(c.largest, len(u.Records)+len(u.Orders)+len(u.Fills))
	if u.Result != nil {
		var r backtest.Result
		if err := json.Unmarshal(u.Result, &r); err != nil {
			return err
		}
		c.results = append(c.results, r)
	}
	return errors.Join(err1, err2, err3, err4)
}

func TestRowsArriveInOrder(t *testing.T) {
	var c collector
	e := &fakeEngine{}
	s := newRowSender(c.take)
	s.start(e)
	random := rand.New(rand.NewPCG(1, 2))
	var records, orders, fills int64
	for range 100_000 {
		switch random.IntN(3) {
		case 0:
			s.OnRecord(&backtest.RecordRow{AssetNo: records})
			records++
		case 1:
			s.OnOrder(&backtest.OrderRow{TimestampNs: orders, Kind: backtest.OrderCancel})
			orders++
		case 2:
			s.OnFill(&backtest.FillRow{ExchTimestampNs: fills, Maker: true})
			fills++
		}
		e.rows.Add(1)
	}
	if err := s.finish(e.Finish(nil)); err != nil {
		t.Fatal(err)
	}
	if int64(len(c.records)) != records || int64(len(c.orders)) != orders || int64(len(c.fills)) != fills {
		t.Fatalf("%d records, %d orders, %d fills; want %d, %d, %d", len(c.records), len(c.orders), len(c.fills),
			records, orders, fills)
	}
	for i, r := range c.records {
		if r.AssetNo != int64(i) {
			t.Fatalf("record %d is %+v", i, r)
		}
	}
	for i, o := range c.orders {
		if o.TimestampNs != int64(i) || o.Kind != backtest.OrderCancel {
			t.Fatalf("order %d is %+v", i, o)
		}
	}
	for i, f := range c.fills {
		if f.ExchTimestampNs != int64(i) || !f.Maker {
			t.Fatalf("fill %d is %+v", i, f)
		}
	}
	if len(c.results) != 1 || c.results[0].Rows != 100_000 || c.progress[len(c.progress)-1].Rows != 100_000 {
		t.Errorf("results are %+v, last progress %+v", c.results, c.progress[len(c.progress)-1])
	}
	if c.largest > batchBytes {
		t.Errorf("an update of %d bytes", c.largest)
	}
}

// TestEngineWaitsForASlowHost: nothing is lost and nothing piles up.
func TestEngineWaitsForASlowHost(t *testing.T) {
	var c collector
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	s := newRowSender(func(u control.BacktestUpdate) error {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
		return c.take(u)
	})
	e := &fakeEngine{}
	s.start(e)
	const rows = 5 * batchBytes / 64
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		for i := range int64(rows) {
			s.OnRecord(&backtest.RecordRow{AssetNo: i})
			e.rows.Store(i + 1)
		}
	}()
	<-entered
	// One batch is being sent; at most another is filled, however long this takes.
	for before := int64(-1); before != e.rows.Load(); {
		before = e.rows.Load()
		for range 1000 {
			if n := e.rows.Load() * int64(s.recordBytes); n > 2*batchBytes {
				t.Fatalf("%d bytes of rows while nothing is taken", n)
			}
		}
	}
	close(release)
	<-produced
	if err := s.finish(backtest.Result{}); err != nil || len(c.records) != rows {
		t.Errorf("%d of %d rows, %v", len(c.records), rows, err)
	}
}

func TestSendingFails(t *testing.T) {
	gone := errors.New("host is gone")
	s := newRowSender(func(control.BacktestUpdate) error { return gone })
	e := &fakeEngine{}
	s.start(e)
	for range 3 * batchBytes / 64 { // would wait for ever if the failure were not seen
		s.OnRecord(&backtest.RecordRow{})
		s.OnOrder(&backtest.OrderRow{})
		s.OnFill(&backtest.FillRow{})
	}
	if err := s.finish(backtest.Result{}); !errors.Is(err, gone) {
		t.Errorf("finish: %v", err)
	}
	if !e.interrupted.Load() {
		t.Error("the engine goes on")
	}
}

func TestResultThatIsNoJSON(t *testing.T) {
	var c collector
	s := newRowSender(c.take)
	s.start(&fakeEngine{})
	result := backtest.Result{Assets: []backtest.AssetResult{{Equity: math.NaN()}}}
	if err := s.finish(result); err == nil || !strings.Contains(err.Error(), "encode the result") {
		t.Errorf("finish: %v", err)
	}
}

func TestRowsDoNotAllocate(t *testing.T) {
	s := newRowSender(nil)
	s.filling.orders = make([]backtest.OrderRow, 0, 2000)
	row := &backtest.OrderRow{}
	if n := testing.AllocsPerRun(1000, func() { s.OnOrder(row) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func BenchmarkRows(b *testing.B) {
	s := newRowSender(func(control.BacktestUpdate) error { return nil })
	s.start(&fakeEngine{})
	row := &backtest.OrderRow{Kind: backtest.OrderSubmit}
	b.SetBytes(int64(s.orderBytes))
	b.ReportAllocs()
	for b.Loop() {
		s.OnOrder(row)
	}
	if err := s.finish(backtest.Result{}); err != nil {
		b.Fatal(err)
	}
}
