package ring

import (
	"math"
	"reflect"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/shm"
)

func TestRecordsKeepEveryField(t *testing.T) {
	order := hft.Order{OrderID: 1 << 63, PriceTick: -5, TickSize: 0.1, Qty: 1, LeavesQty: 2, ExecQty: 3,
		ExecPriceTick: 4, ExchTimestampNs: 5, LocalTimestampNs: -6, Side: hft.Sell, OrdType: hft.Market,
		TimeInForce: hft.IOC, Status: hft.StatusUnsupported, Req: hft.StatusReplaced, Maker: true}
	var words [OrderWords]uint64
	PutOrder(words[:], &order)
	var got hft.Order
	if GetOrder(words[:], &got); got != order {
		t.Errorf("%+v became %+v", order, got)
	}
	state := hft.StateValues{Position: -1, Balance: 2, Fee: 3, NumTrades: -4, TradingVolume: 5, TradingValue: 6}
	var stateW [StateWords]uint64
	PutState(stateW[:], &state)
	var gotState hft.StateValues
	if GetState(stateW[:], &gotState); gotState != state {
		t.Errorf("%+v became %+v", state, gotState)
	}
	event := hft.Event{Ev: hft.LocalEvent | hft.SellEvent | hft.EstimatedTime | hft.DepthEvent, ExchTimestampNs: 1, LocalTimestampNs: 2, Px: 3, Qty: 4, OrderID: 5}
	var rec shm.FeedRecord
	var gotEvent hft.Event
	PutFeed(&rec, 7, 8, true, &event)
	if more := GetFeed(&rec, &gotEvent); gotEvent != event || !more {
		t.Errorf("%+v became %+v, more %t", event, gotEvent, more)
	}
}

// FuzzDecodeError hands the bot arbitrary bytes as an error event.
func FuzzDecodeError(f *testing.F) {
	e := hft.CustomLiveError(-7, hft.MapValue(map[string]hft.Value{"a": hft.ListValue(hft.IntValue(1),
		hft.BoolValue(true)), "b": hft.FloatValue(1.5), "": {}}))
	e.Connector, e.OrderID = "bf", 12
	f.Add(AppendError(nil, &e))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeError(b)
		if err != nil {
			return
		}
		back, err := DecodeError(AppendError(nil, &e))
		if err != nil || back.Kind != e.Kind || back.Code != e.Code || back.OrderID != e.OrderID ||
			back.Connector != e.Connector || back.Val.Kind() != e.Val.Kind() || back.Val.String() != e.Val.String() {
			t.Errorf("%+v became %+v (%v)", e, back, err)
		}
	})
}

func TestErrorRoundTrip(t *testing.T) {
	e := hft.LiveError{Kind: hft.OrderError, Connector: "bf", OrderID: 7, Code: -3,
		Val: hft.MapValue(map[string]hft.Value{"list": hft.ListValue(hft.StringValue("x"), hft.Value{},
			hft.IntValue(math.MinInt64))})}
	got, err := DecodeError(AppendError(nil, &e))
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("%+v became %+v (%v)", e, got, err)
	}
	if _, err := DecodeError(append(AppendError(nil, &e), 0)); err == nil {
		t.Error("a byte too many is accepted")
	}
}
