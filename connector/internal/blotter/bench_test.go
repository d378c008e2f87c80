package blotter_test

import (
	"strconv"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// ignore is an Output that remembers the last client id only.
type ignore struct {
	clientID string
	updates  int
}

func (o *ignore) Send(a *blotter.Action)       { o.clientID = a.ClientID }
func (o *ignore) Order(*connector.OrderUpdate) { o.updates++ }
func (o *ignore) Error(*connector.Error)       {}

// newBench returns a blotter with open orders of 1e9 lots and a report about the last one.
func newBench(tb testing.TB, numOrders int) (*blotter.Blotter, *ignore, *protocol.Report) {
	tb.Helper()
	codec, err := clientid.New("hr", startNs/ms)
	if err != nil {
		tb.Fatal(err)
	}
	out := new(ignore)
	b, err := blotter.New(blotter.Config{Codec: codec, Output: out})
	if err != nil {
		tb.Fatal(err)
	}
	if err := b.Register(blotter.Instrument{No: 3, Symbol: symbol, TickSize: tick, LotSize: lot}); err != nil {
		tb.Fatal(err)
	}
	for id := range uint64(numOrders) {
		o := connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7}, Order: hft.NewOrder(id, 1000, tick, 1e6, hft.Buy, hft.Limit, hft.GTC)}
		b.Submit(&o, startNs)
		b.Report(&protocol.Report{Symbol: symbol, ClientID: out.clientID, VenueID: strconv.FormatUint(id, 10), Status: hft.StatusNew, HasCum: true,
			Price: 100, Qty: 1e6, TimestampNs: startNs}, startNs)
	}
	return b, out, &protocol.Report{Symbol: symbol, ClientID: out.clientID, VenueID: strconv.Itoa(numOrders - 1), Status: hft.StatusPartiallyFilled,
		HasCum: true, Price: 100, Qty: 1e6, LastQty: lot, LastPrice: 100, TimestampNs: startNs}
}

// tradeIDs returns more ids than are remembered, so that they can be used in turn.
func tradeIDs() []string {
	ids := make([]string, 8192)
	for i := range ids {
		ids[i] = "t" + strconv.Itoa(i)
	}
	return ids
}

func TestAllocations(t *testing.T) {
	b, out, r := newBench(t, 100)
	ids := tradeIDs()
	n := 0
	fill := func() {
		n++
		r.TradeID, r.CumQty = ids[n%len(ids)], float64(n)*lot
		b.Report(r, startNs)
	}
	for range len(ids) {
		fill()
	}
	if a := testing.AllocsPerRun(5000, fill); a != 0 {
		t.Errorf("an execution allocates %v times", a)
	}
	if out.updates != 100+n {
		t.Errorf("%d updates of %d executions", out.updates-100, n)
	}
	if a := testing.AllocsPerRun(1000, func() { b.Report(r, startNs) }); a != 0 {
		t.Errorf("a repeated report allocates %v times", a)
	}
	// The life of an order: the client id is the only thing made.
	nowNs := int64(startNs)
	o := connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7}, Order: hft.NewOrder(1000, 1000, tick, lot, hft.Buy, hft.Limit, hft.GTC)}
	life := func() {
		nowNs += 1e9
		b.Due(nowNs)
		b.Submit(&o, nowNs)
		report := protocol.Report{Symbol: symbol, ClientID: out.clientID, VenueID: "x", Status: hft.StatusNew, HasCum: true, Price: 100, Qty: lot}
		b.Answered(out.clientID, blotter.Place, &report, nowNs)
		b.Cancel(&o, nowNs)
		report.Status = hft.StatusCanceled
		b.Report(&report, nowNs)
	}
	for range 1000 {
		life()
	}
	if a := testing.AllocsPerRun(1000, life); a > 1 {
		t.Errorf("an order's life allocates %v times", a)
	}
}

func BenchmarkExecution(b *testing.B) {
	book, _, r := newBench(b, 100)
	ids := tradeIDs()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.TradeID, r.CumQty = ids[i%len(ids)], float64(i+1)*lot
		book.Report(r, startNs)
	}
}

func BenchmarkRepeatedReport(b *testing.B) {
	book, _, r := newBench(b, 100)
	r.TradeID, r.CumQty = "a", lot
	b.ReportAllocs()
	for b.Loop() {
		book.Report(r, startNs)
	}
}

// BenchmarkOrder is the life of an order: submit, acknowledgement, cancel, end, forgetting.
func BenchmarkOrder(b *testing.B) {
	book, out, _ := newBench(b, 100)
	nowNs := int64(startNs)
	o := connector.Order{InstrumentNo: 3, Owner: connector.Owner{Bot: 7}, Order: hft.NewOrder(1000, 1000, tick, lot, hft.Buy, hft.Limit, hft.GTC)}
	b.ReportAllocs()
	for b.Loop() {
		nowNs += 1e9
		book.Due(nowNs)
		book.Submit(&o, nowNs)
		r := protocol.Report{Symbol: symbol, ClientID: out.clientID, VenueID: "x", Status: hft.StatusNew, HasCum: true, Price: 100, Qty: lot}
		book.Answered(out.clientID, blotter.Place, &r, nowNs)
		book.Cancel(&o, nowNs)
		r.Status = hft.StatusCanceled
		book.Report(&r, nowNs)
	}
}
