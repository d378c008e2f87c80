package ipc

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// FuzzRequest hands the host arbitrary words: it must not panic, and what it accepts is a sound request.
func FuzzRequest(f *testing.F) {
	var r upRecord
	o := hft.NewOrder(1, 2, 0.1, 3, hft.Buy, hft.Limit, hft.GTC)
	o.Req = hft.StatusNew
	r.put(4, 5, &LiveRequest{Kind: RequestOrder, Order: o})
	f.Add(wordsToBytes(r[:]))
	f.Add(bytes.Repeat([]byte{0xff}, len(r)*8))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r upRecord
		for i, c := range b[:min(len(b), len(r)*8)] {
			r[i/8] |= uint64(c) << (8 * (i % 8))
		}
		var q Request
		if r.get(&q) != nil || q.Kind == RequestRegisterInstrument {
			return
		}
		if q.Kind != RequestOrder || !(q.Order.Qty > 0) || math.IsInf(q.Order.Qty, 0) || !(q.Order.TickSize > 0) ||
			q.Order.Side != hft.Buy && q.Order.Side != hft.Sell || q.Order.OrdType > hft.Market || q.Order.TimeInForce > hft.IOC {
			t.Errorf("accepted %+v", q)
		}
		if ns := q.TickToOrderNs(); ns < -1 {
			t.Errorf("tick to order %d", ns)
		}
		var again upRecord
		again.put(q.FeedNo, q.tickMonoNs, &q.LiveRequest)
		var back Request
		if err := again.get(&back); err != nil || !sameRequest(&back, &q) {
			t.Errorf("%+v became %+v (%v)", q, back, err)
		}
	})
}

// sameRequest compares bit by bit: a NaN is the same as itself.
func sameRequest(a, b *Request) bool {
	var x, y upRecord
	x.put(a.FeedNo, a.tickMonoNs, &a.LiveRequest)
	y.put(b.FeedNo, b.tickMonoNs, &b.LiveRequest)
	return x == y
}

func wordsToBytes(words []uint64) (b []byte) {
	for _, w := range words {
		for i := range 8 {
			b = append(b, byte(w>>(8*i)))
		}
	}
	return b
}

func TestRecordsKeepEveryField(t *testing.T) {
	order := hft.Order{OrderID: 1 << 63, PriceTick: -5, TickSize: 0.1, Qty: 1, LeavesQty: 2, ExecQty: 3, ExecPriceTick: 4,
		ExchTimestampNs: 5, LocalTimestampNs: -6, Side: hft.Sell, OrdType: hft.Market, TimeInForce: hft.IOC,
		Status: hft.StatusUnsupported, Req: hft.StatusReplaced, Maker: true}
	var words [orderWords]uint64
	putOrder(words[:], &order)
	var got hft.Order
	if getOrder(words[:], &got); got != order {
		t.Errorf("%+v became %+v", order, got)
	}
	state := hft.StateValues{Position: -1, Balance: 2, Fee: 3, NumTrades: -4, TradingVolume: 5, TradingValue: 6}
	var stateW [stateWords]uint64
	putState(stateW[:], &state)
	var gotState hft.StateValues
	if getState(stateW[:], &gotState); gotState != state {
		t.Errorf("%+v became %+v", state, gotState)
	}
}

// FuzzDecodeError hands the bot arbitrary bytes as an error event.
func FuzzDecodeError(f *testing.F) {
	e := hft.CustomLiveError(-7, hft.MapValue(map[string]hft.Value{"a": hft.ListValue(hft.IntValue(1), hft.BoolValue(true)),
		"b": hft.FloatValue(1.5), "": {}}))
	e.Connector, e.OrderID = "bf", 12
	f.Add(appendError(nil, &e))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeError(b)
		if err != nil {
			return
		}
		back, err := decodeError(appendError(nil, &e))
		if err != nil || back.Kind != e.Kind || back.Code != e.Code || back.OrderID != e.OrderID || back.Connector != e.Connector ||
			back.Val.Kind() != e.Val.Kind() || back.Val.String() != e.Val.String() {
			t.Errorf("%+v became %+v (%v)", e, back, err)
		}
	})
}

func TestErrorRoundTrip(t *testing.T) {
	e := hft.LiveError{Kind: hft.OrderError, Connector: "bf", OrderID: 7, Code: -3,
		Val: hft.MapValue(map[string]hft.Value{"list": hft.ListValue(hft.StringValue("x"), hft.Value{}, hft.IntValue(math.MinInt64))})}
	got, err := decodeError(appendError(nil, &e))
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("%+v became %+v (%v)", e, got, err)
	}
	if _, err := decodeError(append(appendError(nil, &e), 0)); err == nil {
		t.Error("a byte too many is accepted")
	}
}

// TestSyncPointsComeInPairs checks that each publishing store has its observing load: a name stands at two places, or
// at more where several places observe.
func TestSyncPointsComeInPairs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`// SYNC POINT: (.*)`).FindAllStringSubmatch(string(b), -1) {
			count[m[1]]++
		}
	}
	if len(count) == 0 {
		t.Error("no sync points found")
	}
	for name, n := range count {
		if n != 2 {
			t.Errorf("sync point %q stands %d times, want a store and a load", name, n)
		}
	}
}
