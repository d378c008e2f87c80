package hft_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// TestEventIs has the cases of the reference's own test, and the ones around them.
func TestEventIs(t *testing.T) {
	const (
		localBidDepth         = hft.LocalEvent | hft.BuyEvent | hft.DepthEvent
		localBuyTrade         = hft.LocalEvent | hft.BuyEvent | hft.TradeEvent
		localBidDepthClear    = hft.LocalEvent | hft.BuyEvent | hft.DepthClearEvent
		localBidDepthSnapshot = hft.LocalEvent | hft.BuyEvent | hft.DepthSnapshotEvent
	)
	clear := hft.Event{Ev: localBidDepthClear | 1<<20}
	odd := hft.Event{Ev: hft.LocalEvent | hft.BuyEvent | 255}
	for _, c := range []struct {
		ev      hft.Event
		pattern uint64
		want    bool
	}{
		{clear, localBidDepth, false}, {clear, localBuyTrade, false}, {clear, localBidDepthClear, true},
		{odd, localBidDepth, false}, {odd, localBuyTrade, false}, {odd, localBidDepthClear, false},
		{odd, localBidDepthSnapshot, false}, {odd, hft.LocalEvent, true}, {odd, hft.BuyEvent, true},
		{clear, hft.SellEvent, false}, {clear, hft.LocalEvent | hft.ExchEvent, false}, {clear, 0, true},
	} {
		if got := c.ev.Is(c.pattern); got != c.want {
			t.Errorf("Event{Ev: %#x}.Is(%#x) = %v", c.ev.Ev, c.pattern, got)
		}
	}
	if clear.Kind() != hft.DepthClearEvent || clear.Side() != hft.Buy {
		t.Errorf("kind %d side %v", clear.Kind(), clear.Side())
	}
	for ev, side := range map[uint64]hft.Side{hft.SellEvent: hft.Sell, 1: hft.SideNone} {
		if e := (hft.Event{Ev: ev}); e.Side() != side {
			t.Errorf("side of %#x is %v", ev, e.Side())
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		price, tick float64
		want        int64
	}{
		{61800.25, 0.5, 123601}, {0.05, 0.1, 1}, {-0.05, 0.1, -1}, {math.NaN(), 0.1, 0},
		{math.Inf(1), 0.1, math.MaxInt64},
		{math.Inf(-1), 0.1, math.MinInt64}, {1e300, 1e-9, math.MaxInt64}, {-1e300, 1e-9, math.MinInt64},
		{9223372036854775808, 1, math.MaxInt64}, {-9223372036854775808, 1, math.MinInt64},
	} {
		if got := hft.PriceTick(c.price, c.tick); got != c.want {
			t.Errorf("PriceTick(%v, %v) = %d, want %d", c.price, c.tick, got, c.want)
		}
	}
	nan := math.NaN()
	if hft.MinFloat(nan, 2) != 2 || hft.MinFloat(2, nan) != 2 || hft.MinFloat(1, 2) != 1 || hft.MinFloat(2, 1) != 1 {
		t.Error("MinFloat")
	}
	if hft.MaxFloat(nan, 2) != 2 || hft.MaxFloat(2, nan) != 2 || hft.MaxFloat(1, 2) != 2 || hft.MaxFloat(2, 1) != 2 {
		t.Error("MaxFloat")
	}
	if hft.QtyLots(0.0149, 0.01) != 1 || hft.TickPrice(15, 0.5) != 7.5 {
		t.Error("lots or price")
	}
}

func TestOrderUpdate(t *testing.T) {
	order := hft.NewOrder(7, 100, 0.1, 2, hft.Sell, hft.Limit, hft.GTX)
	order.LocalTimestampNs, order.ExchTimestampNs, order.Req = 11, 12, hft.StatusNew
	if order.Cancellable() || order.Active() || !order.Pending() || order.Final() || order.Price() != 10 ||
		order.LeavesQty != 2 {
		t.Errorf("%+v", order)
	}
	report := order
	report.Status, report.Req, report.ExecQty, report.ExecPriceTick, report.Maker = hft.StatusPartiallyFilled,
		hft.StatusNone, 1, 99, true
	report.LocalTimestampNs, report.ExchTimestampNs = 55, 0
	order.Update(&report)
	if order.LocalTimestampNs != 11 || order.ExchTimestampNs != 12 || !order.Cancellable() ||
		order.ExecPrice() != hft.TickPrice(99, 0.1) {
		t.Errorf("%+v", order)
	}
	report.ExchTimestampNs, report.Status = 60, hft.StatusFilled
	if order.Update(&report); order.ExchTimestampNs != 60 || !order.Final() || order.Cancellable() {
		t.Errorf("%+v", order)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{hft.Buy.String(), "Buy"}, {hft.SideUnsupported.String(), "Unsupported"},
		{hft.StatusUnknown.String(), "Unknown"},
		{hft.StatusUnsupported.String(), "Unsupported"}, {hft.GTX.String(), "GTX"},
		{hft.TimeInForceUnsupported.String(), "Unsupported"},
		{hft.Market.String(), "Market"}, {hft.OrdTypeUnsupported.String(), "Unsupported"},
		{hft.ElapseOrderResponse.String(), "OrderResponse"},
		{hft.ElapseResult(9).String(), "Unknown"}, {hft.CriticalConnectionError.String(), "CriticalConnectionError"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// TestOrderMapAgainstMap drives an OrderMap and a Go map with the same random calls.
func TestOrderMapAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var m hft.OrderMap
	model := map[uint64]float64{}
	for step := range 20_000 {
		id := rng.Uint64N(40)
		switch rng.IntN(4) {
		case 0, 1:
			o := hft.NewOrder(id, int64(step), 0.1, float64(step), hft.Buy, hft.Limit, hft.GTC)
			m.Put(&o)
			model[id] = float64(step)
		case 2:
			_, want := model[id]
			if got := m.Delete(id); got != want {
				t.Fatalf("Delete(%d) = %v", id, got)
			}
			delete(model, id)
		case 3:
			if rng.IntN(20) == 0 {
				m.DeleteFunc(func(o *hft.Order) bool { return o.OrderID%3 == 0 })
				for k := range model {
					if k%3 == 0 {
						delete(model, k)
					}
				}
			}
		}
		view := m.View()
		if view.Len() != len(model) {
			t.Fatalf("%d orders, want %d", view.Len(), len(model))
		}
		last, n := int64(-1), 0
		for o := range view.All() {
			if int64(o.OrderID) <= last || model[o.OrderID] != o.Qty {
				t.Fatalf("order %d after %d, quantity %v", o.OrderID, last, o.Qty)
			}
			last = int64(o.OrderID)
			n++
		}
		if n != len(model) || (view.Get(id) != nil) != (func() bool { _, ok := model[id]; return ok }()) {
			t.Fatalf("ranged over %d of %d", n, len(model))
		}
	}
}

// TestOrdersMayChangeWhileRanging removes and adds orders in the loop, as a strategy that clears and submits does.
func TestOrdersMayChangeWhileRanging(t *testing.T) {
	var m hft.OrderMap
	put := func(id uint64) { o := hft.NewOrder(id, 0, 1, 1, hft.Buy, hft.Limit, hft.GTC); m.Put(&o) }
	for id := range uint64(6) {
		put(id * 10)
	}
	put(math.MaxUint64)
	var seen []uint64
	for o := range m.View().All() {
		id := o.OrderID
		seen = append(seen, id)
		switch id {
		case 10:
			m.Delete(0)
			m.Delete(10)
			m.Delete(30)
			put(5)
		case 40:
			put(1)
		}
	}
	if want := []uint64{0, 10, 20, 40, 50, math.MaxUint64}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
	for range m.View().All() {
		break
	}
}

func TestOrderMapAllocatesNothing(t *testing.T) {
	var m hft.OrderMap
	id := uint64(0)
	step := func() {
		o := hft.NewOrder(id, 0, 1, 1, hft.Buy, hft.Limit, hft.GTC)
		m.Put(&o)
		if id >= 50 {
			m.Delete(id - 50)
		}
		id++
		sum := 0.0
		for o := range m.View().All() {
			sum += o.Qty
		}
		if sum == 0 {
			t.Fatal("no orders")
		}
	}
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

func TestBotErrors(t *testing.T) {
	err := fmt.Errorf("quote: %w", &hft.BotError{Code: 12, Msg: "order 7"})
	if !errors.Is(err, hft.ErrOrderNotFound) || errors.Is(err, hft.ErrTimeout) ||
		err.Error() != "quote: order not found: order 7" {
		t.Error(err)
	}
	var bot *hft.BotError
	if !errors.As(err, &bot) || bot.Code != 12 {
		t.Errorf("%+v", bot)
	}
	if got := hft.CustomError("no more").Error(); got != "no more" {
		t.Error(got)
	}
	if got := (&hft.BotError{Code: 99}).Error(); got != "bot error 99" {
		t.Error(got)
	}
	build := fmt.Errorf("build: %w", &hft.BuildError{Kind: hft.Duplicate, What: "bot id 7"})
	if !errors.Is(build, &hft.BuildError{Kind: hft.Duplicate}) ||
		errors.Is(build, &hft.BuildError{Kind: hft.Duplicate, What: "x"}) ||
		errors.Is(build, &hft.BuildError{Kind: hft.InvalidArgument}) || build.Error() != "build: duplicate: bot id 7" {
		t.Error(build)
	}
	if got := (&hft.BuildError{Kind: hft.BuilderIncomplete}).Error(); got != "builder is incomplete" {
		t.Error(got)
	}
}

func TestLiveErrors(t *testing.T) {
	e := hft.CustomLiveError(-3, hft.MapValue(map[string]hft.Value{"code": hft.IntValue(-2011),
		"a": hft.BoolValue(true)}))
	e.Connector, e.AssetNo, e.OrderID = "bf", 1, 9
	if got := e.Error(); got != "Custom(-3) connector bf asset 1 order 9: {a: true, code: -2011}" {
		t.Error(got)
	}
	if i, ok := e.Value().Get("code").Int(); !ok || i != -2011 {
		t.Error(i, ok)
	}
	if got := hft.NewLiveError(hft.ConnectionInterrupted).Error(); got != "ConnectionInterrupted" {
		t.Error(got)
	}
	if got := hft.LiveErrorWith(hft.OrderError, hft.StringValue("x")).Error(); got != "OrderError: x" {
		t.Error(got)
	}
	if got := hft.ErrorKind(77).String(); got != "ErrorKind(77)" {
		t.Error(got)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		v    hft.Value
		kind hft.ValueKind
		text string
	}{
		{hft.Value{}, hft.ValueEmpty, ""}, {hft.StringValue("s"), hft.ValueString, "s"},
		{hft.IntValue(-5), hft.ValueInt, "-5"},
		{hft.FloatValue(0.1), hft.ValueFloat, "0.1"}, {hft.BoolValue(true), hft.ValueBool, "true"},
		{hft.ListValue(hft.IntValue(1), hft.StringValue("b")), hft.ValueList, "[1, b]"},
		{hft.MapValue(map[string]hft.Value{"k": hft.FloatValue(1e30)}), hft.ValueMap, "{k: 1e+30}"},
	} {
		if c.v.Kind() != c.kind || c.v.String() != c.text || c.v.IsEmpty() != (c.kind == hft.ValueEmpty) {
			t.Errorf("%+v: kind %d text %q", c.v, c.v.Kind(), c.v.String())
		}
		_, isStr := c.v.Str()
		_, isInt := c.v.Int()
		_, isFloat := c.v.Float()
		_, isBool := c.v.Bool()
		_, isList := c.v.List()
		_, isMap := c.v.Map()
		for kind, is := range map[hft.ValueKind]bool{hft.ValueString: isStr, hft.ValueInt: isInt,
			hft.ValueFloat: isFloat, hft.ValueBool: isBool, hft.ValueList: isList, hft.ValueMap: isMap} {
			if is != (kind == c.kind) {
				t.Errorf("%q of kind %d says it is of kind %d: %v", c.text, c.kind, kind, is)
			}
		}
	}
}

func TestWaitOrderResponse(t *testing.T) {
	one := hft.WaitOrderResponse{Specified: true, AssetNo: 1, OrderID: 7}
	if !one.Matches(1, 7) || one.Matches(0, 7) || one.Matches(1, 8) || (hft.WaitOrderResponse{}).Matches(0, 0) ||
		!(hft.WaitOrderResponse{Any: true}).Matches(5, 5) {
		t.Error("Matches")
	}
}

func Example() {
	trade := hft.Event{Ev: hft.LocalEvent | hft.SellEvent | hft.TradeEvent, Px: 61800.2, Qty: 0.5}
	fmt.Println(trade.Is(hft.TradeEvent), trade.Is(hft.BuyEvent|hft.TradeEvent), trade.Side())

	order := hft.NewOrder(1, hft.PriceTick(61800.2, 0.1), 0.1, 0.5, hft.Buy, hft.Limit, hft.GTX)
	order.Status = hft.StatusNew
	fmt.Println(order.PriceTick, order.Price(), order.Cancellable())

	err := fmt.Errorf("cancel order 7: %w", hft.ErrOrderNotFound)
	fmt.Println(err, errors.Is(err, hft.ErrOrderNotFound))
	// Output:
	// true false Sell
	// 618002 61800.200000000004 true
	// cancel order 7: order not found true
}

func TestWholeLots(t *testing.T) {
	for _, c := range []struct {
		qty, lotSize, whole float64
		ok                  bool
	}{{0.3, 0.1, 0.30000000000000004, true}, {0.1 + 0.2, 0.1, 0.30000000000000004, true},
		{0.25, 0.1, 0.30000000000000004, false}, {-3e-17, 0.001, 0, true}, {7, 1, 7, true}, {6.5, 1, 7, false}} {
		if whole, ok := hft.WholeLots(c.qty, c.lotSize); math.Abs(whole-c.whole) > 1e-9 && whole != c.whole ||
			ok != c.ok {
			t.Errorf("%v in lots of %v: %v %v, want %v %v", c.qty, c.lotSize, whole, ok, c.whole, c.ok)
		}
	}
	for _, c := range [][3]float64{{0.3, 0.1, 0.3}, {0.1 + 0.2, 0.1, 0.3}, {0.0999, 0.1, 0}, {-0.2999, 0.1, -0.2},
		{7.9, 1, 7}, {-3e-17, 0.001, 0}} {
		if got := hft.LotsWithin(c[0], c[1]); math.Abs(got-c[2]) > 1e-9 {
			t.Errorf("%v has %v in lots of %v, want %v", c[0], got, c[1], c[2])
		}
	}
	if _, ok := hft.WholeLots(math.NaN(), 1); ok {
		t.Error("NaN is a whole number of lots")
	}
}
