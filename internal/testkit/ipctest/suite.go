package ipctest

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// patience is the time that the suite waits for what must come: long enough that only a hang exceeds it.
const patience = 20 * time.Second

// Run checks that the channels of the fixtures that newFixture makes keep the contract of ipc.Channel. Every subtest
// gets a fixture of its own, whose clock has to be running; newFixture registers its clean-up with t.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	tests := []struct {
		name string
		run  func(t *testing.T, f Fixture)
	}{
		{"Instruments", testInstruments},
		{"RegistrationBurst", testRegistrationBurst},
		{"FeedOnlyAfterRegistration", testFeedOnlyAfterRegistration},
		{"RegisterRefused", testRegisterRefused},
		{"Batches", testBatches},
		{"FeedAndPrivateOrder", testFeedAndPrivateOrder},
		{"SeveralConnectors", testSeveralConnectors},
		{"FieldsOfEachKind", testFieldsOfEachKind},
		{"FloatsAreExact", testFloatsAreExact},
		{"ErrorValues", testErrorValues},
		{"Requests", testRequests},
		{"RequestQueueFull", testRequestQueueFull},
		{"UnknownInstrument", testUnknownInstrument},
		{"Isolation", testIsolation},
		{"Timeout", testTimeout},
		{"WakeUp", testWakeUp},
		{"InterruptFromAnotherGoroutine", testInterruptFromAnotherGoroutine},
		{"InterruptGoesBeforeEvents", testInterruptGoesBeforeEvents},
		{"InterruptByHost", testInterruptByHost},
		{"EndOfData", testEndOfData},
		{"CloseTwice", testCloseTwice},
		{"CloseFromAnotherGoroutine", testCloseFromAnotherGoroutine},
		{"NoAllocations", testNoAllocations},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newFixture(t)) })
	}
}

// peer is a bot's end in a test.
type peer struct {
	t     *testing.T
	f     Fixture
	ch    ipc.Channel
	botID uint64
	insts []ipc.Instrument
	ev    ipc.LiveEvent
}

// attach connects a bot without registering anything; the test ends when it is refused.
func attach(t *testing.T, f Fixture, botID uint64, insts ...ipc.Instrument) *peer {
	t.Helper()
	ch, err := f.Attach(botID, insts)
	if err != nil {
		t.Fatalf("Attach(%d): %v", botID, err)
	}
	t.Cleanup(func() { ch.Close() })
	return &peer{t: t, f: f, ch: ch, botID: botID, insts: insts}
}

// connect attaches a bot and registers its instruments with empty books.
func connect(t *testing.T, f Fixture, botID uint64, insts ...ipc.Instrument) *peer {
	t.Helper()
	p := attach(t, f, botID, insts...)
	for instNo := range insts {
		p.register(instNo)
		p.answer(instNo, nil, hft.StateValues{}, nil)
		p.burst(instNo)
	}
	return p
}

// register sends the registration of an instrument and takes it at the host.
func (p *peer) register(instNo int) {
	p.t.Helper()
	inst := p.insts[instNo]
	q := ipc.LiveRequest{Kind: ipc.RequestRegisterInstrument, TickSize: inst.TickSize, LotSize: inst.LotSize}
	if err := p.ch.Send(p.botID, instNo, &q); err != nil {
		p.t.Fatalf("Send of RegisterInstrument: %v", err)
	}
	botID, gotNo, got, ok := p.f.RecvRequest(patience)
	if !ok || botID != p.botID || gotNo != instNo || got.Kind != ipc.RequestRegisterInstrument ||
		got.TickSize != inst.TickSize || got.LotSize != inst.LotSize {
		p.t.Fatalf("host received bot %d instrument %d %+v (%v), sent was bot %d instrument %d %+v",
			botID, gotNo, got, ok, p.botID, instNo, q)
	}
}

func (p *peer) answer(instNo int, orders []hft.Order, state hft.StateValues, levels []hft.Event) {
	p.t.Helper()
	if err := p.f.AnswerRegister(p.botID, instNo, orders, state, levels); err != nil {
		p.t.Fatalf("AnswerRegister: %v", err)
	}
}

// recv returns the next event, which must come; it is valid until the next call.
func (p *peer) recv() (int, *ipc.LiveEvent) {
	p.t.Helper()
	instNo, err := p.ch.RecvTimeout(p.botID, patience, &p.ev)
	if err != nil {
		p.t.Fatalf("RecvTimeout: %v", err)
	}
	return instNo, &p.ev
}

// burst receives a whole registration burst of an instrument and returns the events between its marks.
func (p *peer) burst(instNo int) []ipc.LiveEvent {
	p.t.Helper()
	var events []ipc.LiveEvent
	for open := false; ; {
		gotNo, ev := p.recv()
		if gotNo != instNo {
			continue // the feed of another instrument
		}
		switch {
		case ev.Kind == ipc.EventBatchStart && !open:
			open = true
		case !open || ev.Kind == ipc.EventBatchStart:
			p.t.Fatalf("event kind %d outside of the registration burst", ev.Kind)
		case ev.Kind == ipc.EventBatchEnd:
			return events
		default:
			events = append(events, *ev)
		}
	}
}

// nothing checks that there is no event.
func (p *peer) nothing() {
	p.t.Helper()
	if instNo, err := p.ch.RecvTimeout(p.botID, 0, &p.ev); !errors.Is(err, hft.ErrTimeout) {
		p.t.Fatalf("received %s of instrument %d (%v), want nothing", describe(&p.ev), instNo, err)
	}
}

// want checks that the next event is want.
func (p *peer) want(instNo int, want *ipc.LiveEvent) {
	p.t.Helper()
	gotNo, ev := p.recv()
	if gotNo != instNo || describe(ev) != describe(want) {
		p.t.Fatalf("received instrument %d %s,\nwant instrument %d %s", gotNo, describe(ev), instNo, describe(want))
	}
}

// publish publishes one message of an instrument of the bot and returns the events as they have to arrive.
func (p *peer) publish(instNo int, events ...hft.Event) []ipc.LiveEvent {
	p.t.Helper()
	if err := p.f.PublishFeed(p.insts[instNo].Connector, p.insts[instNo].Symbol, events); err != nil {
		p.t.Fatalf("PublishFeed: %v", err)
	}
	arrive := make([]ipc.LiveEvent, len(events))
	for i := range events {
		arrive[i] = ipc.LiveEvent{Kind: ipc.EventFeed, More: i+1 < len(events), Feed: events[i]}
	}
	return arrive
}

func (p *peer) sendOrder(instNo int, order hft.Order, state hft.StateValues) ipc.LiveEvent {
	p.t.Helper()
	if err := p.f.SendOrder(p.botID, instNo, &order, state); err != nil {
		p.t.Fatalf("SendOrder: %v", err)
	}
	return ipc.LiveEvent{Kind: ipc.EventOrder, Order: order, State: state}
}

func (p *peer) sendPosition(instNo int, state hft.StateValues) ipc.LiveEvent {
	p.t.Helper()
	if err := p.f.SendPosition(p.botID, instNo, state); err != nil {
		p.t.Fatalf("SendPosition: %v", err)
	}
	return ipc.LiveEvent{Kind: ipc.EventPosition, State: state}
}

func (p *peer) sendError(e hft.LiveError) ipc.LiveEvent {
	p.t.Helper()
	if err := p.f.SendError(p.botID, e); err != nil {
		p.t.Fatalf("SendError: %v", err)
	}
	return ipc.LiveEvent{Kind: ipc.EventError, Err: e}
}

// describe writes down what an event says: the fields of its kind and no others. Floats are written as bits, because
// a NaN has to arrive too.
func describe(ev *ipc.LiveEvent) string {
	bits := math.Float64bits
	s := &ev.State
	state := fmt.Sprintf("state %x %x %x %d %x %x", bits(s.Position), bits(s.Balance), bits(s.Fee), s.NumTrades,
		bits(s.TradingVolume), bits(s.TradingValue))
	switch ev.Kind {
	case ipc.EventFeed:
		e := &ev.Feed
		return fmt.Sprintf("feed more=%v ev=%x exch=%d local=%d px=%x qty=%x order=%d ival=%d fval=%x", ev.More, e.Ev,
			e.ExchTimestampNs, e.LocalTimestampNs, bits(e.Px), bits(e.Qty), e.OrderID, e.Ival, bits(e.Fval))
	case ipc.EventOrder:
		o := &ev.Order
		return fmt.Sprintf("order more=%v id=%d tick=%d tickSize=%x qty=%x leaves=%x execQty=%x execTick=%d exch=%d local=%d "+
			"%v %v %v %v req=%v maker=%v %s", ev.More, o.OrderID, o.PriceTick, bits(o.TickSize), bits(o.Qty),
			bits(o.LeavesQty), bits(o.ExecQty), o.ExecPriceTick, o.ExchTimestampNs, o.LocalTimestampNs, o.Side,
			o.OrdType, o.TimeInForce, o.Status, o.Req, o.Maker, state)
	case ipc.EventPosition:
		return fmt.Sprintf("position more=%v %s", ev.More, state)
	case ipc.EventError:
		e := &ev.Err
		return fmt.Sprintf("error more=%v %v code=%d connector=%q asset=%d order=%d %s", ev.More, e.Kind, e.Code,
			e.Connector, e.AssetNo, e.OrderID, describeValue(e.Val))
	}
	return fmt.Sprintf("kind %d more=%v", ev.Kind, ev.More)
}

// describeValue writes down a value with its types.
func describeValue(v hft.Value) string {
	if list, ok := v.List(); ok {
		s := "["
		for _, e := range list {
			s += describeValue(e) + ","
		}
		return s + "]"
	}
	if m, ok := v.Map(); ok {
		parts := make(map[string]string, len(m))
		for k, e := range m {
			parts[k] = describeValue(e)
		}
		return fmt.Sprint(parts) // fmt sorts the keys
	}
	if f, ok := v.Float(); ok {
		return fmt.Sprintf("float %x", math.Float64bits(f))
	}
	return fmt.Sprintf("%d:%s", v.Kind(), v.String())
}
