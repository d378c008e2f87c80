package blotter_test

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// TestOrdersOfAnotherRunner: of orders that are not known here, those count as this runner's that it can have sent by the
// numbers of their client ids. Another one is reported once, and neither taken nor canceled, whatever channel reports it.
func TestOrdersOfAnotherRunner(t *testing.T) {
	const hour = 3600_000 // ids are numbered by the millisecond of a run's start
	for _, test := range []struct {
		name     string
		atMs     int64 // when the run began that has sent it, against this one's
		newest   int64 // when the record's newest id was made, against this run's start
		takeOver bool
		ours     bool
	}{
		{"of an earlier run, known to be over", -2 * hour, -hour, false, true},
		{"what the machine had not written", -hour, -hour, false, true},
		{"no record", -hour, -1000 * hour, false, false},
		{"no record, taken over", -hour, -1000 * hour, true, true},
		{"this run's, long over", 0, -hour, false, true},
		{"of one that begins later", hour, -hour, false, false},
		{"of one that begins later, and this one has taken over", hour, -hour, true, false},
	} {
		for _, way := range []string{"stream", "list", "executions"} {
			d := &told{}
			codec, err := clientid.New("hr", startNs/ms)
			if err != nil {
				t.Fatal(err)
			}
			b, err := blotter.New(blotter.Config{Codec: codec, Output: d, Other: func(protocol.Report) { d.others++ }})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Register(blotter.Instrument{No: 3, Symbol: symbol, TickSize: tick, LotSize: lot}); err != nil {
				t.Fatal(err)
			}
			record, theirs := numbered(t, startNs/ms+test.newest), numbered(t, startNs/ms+test.atMs)
			b.Continue(codec.Number(record), test.takeOver)
			if id, err := codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 9); err != nil || id <= record {
				t.Fatal(id, err) // number 0 of this run
			}
			r := protocol.Report{Channel: protocol.ChannelStream, Symbol: symbol, ClientID: theirs, VenueID: "5",
				Status: hft.StatusPartiallyFilled, Side: hft.Buy, Price: 100, Qty: 10 * lot, CumQty: lot, HasCum: true, TimestampNs: startNs}
			for range 2 {
				switch way {
				case "stream":
					_ = b.Report(&r, startNs)
				case "list":
					r.Channel = protocol.ChannelQuery
					_ = b.Listed(symbol, []protocol.Report{r}, startNs, startNs)
				case "executions":
					x := r
					x.Status, x.HasCum, x.TradeID, x.LastQty, x.LastPrice = hft.StatusNone, false, "x", lot, 100
					if len(b.Unknown(symbol, []protocol.Report{x})) > 0 && !b.Missed(&r, []protocol.Report{x}, startNs) && test.ours {
						t.Errorf("%s, %s: not claimed", test.name, way)
					}
				}
			}
			got := b.Knows(theirs)
			if got != test.ours || (d.others == 0) != test.ours || d.others > 1 || test.ours == (d.updates == 0) {
				t.Errorf("%s, %s: known %t, told %d times, %d updates", test.name, way, got, d.others, d.updates)
			}
			if d.requests > 0 && !test.ours {
				t.Errorf("%s, %s: %d requests", test.name, way, d.requests)
			}
		}
	}
}

// told is an Output that counts.
type told struct{ updates, errors, requests, others int }

func (o *told) Order(*connector.OrderUpdate) { o.updates++ }
func (o *told) Error(*connector.Error)       { o.errors++ }
func (o *told) Send(*blotter.Action)         { o.requests++ }

// numbered returns the first client id of a run.
func numbered(t *testing.T, startMs int64) string {
	t.Helper()
	codec, err := clientid.New("hr", startMs)
	if err != nil {
		t.Fatal(err)
	}
	id, err := codec.Encode(connector.Owner{Bot: 7, Incarnation: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestOldNumberThatIsNew: an order that the venue has just taken and that no record has is another runner's, also when
// that has begun long ago and its numbers are low.
func TestOldNumberThatIsNew(t *testing.T) {
	d := newDesk(t)
	d.b.Continue(d.codec.Number(numbered(t, startNs/ms-10)), false)
	r := protocol.Report{Channel: protocol.ChannelStream, Symbol: symbol, ClientID: numbered(t, startNs/ms-3600_000),
		VenueID: "5", Status: hft.StatusNew, Side: hft.Buy, Price: 100, Qty: 10 * lot, HasCum: true, TimestampNs: startNs}
	if err := d.b.Report(&r, d.nowNs); err != nil || d.b.Knows(r.ClientID) || d.b.Counts().Others != 1 {
		t.Error(err, d.b.Counts())
	}
}
