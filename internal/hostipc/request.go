package hostipc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/internal/shm"
	"github.com/hftrunner/hftrunner/ipc"
)

// Request is one request of a bot as the host got it: copied from shared memory once and checked.
type Request struct {
	ipc.LiveRequest
	// FeedNo is the instrument's number in the connector, not yet checked against the bot's instruments.
	FeedNo     int
	tickMonoNs uint64
}

// TickToOrderNs returns the time from the publication of the newest feed event the bot had received when it sent the
// request until now, -1 when it had received none or what it says cannot be.
func (q *Request) TickToOrderNs() int64 {
	d := int64((uint64(shm.MonotonicNs()) - q.tickMonoNs) & ring.MonoMask)
	if q.tickMonoNs == 0 || q.tickMonoNs > ring.MonoMask || d > int64(3600e9) {
		return -1
	}
	return d
}

// get decodes what a bot wrote. Every field is checked: the bot is untrusted.
func (q *Request) get(r *ring.UpRecord) error {
	*q = Request{FeedNo: r.FeedNo(), tickMonoNs: r.TickMonoNs()}
	q.Kind = ipc.RequestKind(r.Kind())
	q.TickSize, q.LotSize = r.TickSize(), r.LotSize()
	r.Order(&q.Order)
	switch q.Kind {
	case ipc.RequestRegisterInstrument:
		return nil
	case ipc.RequestOrder:
		return checkOrder(&q.Order)
	}
	return fmt.Errorf("request kind %d does not exist", uint8(q.Kind))
}

func checkOrder(o *hft.Order) error {
	switch o.Req {
	case hft.StatusNew, hft.StatusCanceled, hft.StatusReplaced:
	default:
		return fmt.Errorf("an order cannot be requested to be %v", o.Req)
	}
	if o.Side != hft.Buy && o.Side != hft.Sell {
		return fmt.Errorf("side %d is neither buy nor sell", int8(o.Side))
	}
	if o.OrdType != hft.Limit && o.OrdType != hft.Market {
		return fmt.Errorf("order type %d does not exist", uint8(o.OrdType))
	}
	if o.TimeInForce > hft.IOC {
		return fmt.Errorf("time in force %d does not exist", uint8(o.TimeInForce))
	}
	if !ring.Positive(o.Qty) {
		return fmt.Errorf("quantity %v is not a positive number", o.Qty)
	}
	if !ring.Positive(o.TickSize) {
		return fmt.Errorf("tick size %v is not a positive number", o.TickSize)
	}
	if o.PriceTick == math.MinInt64 || o.PriceTick == math.MaxInt64 {
		return fmt.Errorf("price tick %d is out of range", o.PriceTick)
	}
	return nil
}

// AttachRequest is what a process asks for that attaches itself to a running host.
type AttachRequest struct {
	// BotID identifies the bot and its orders; it is not 0.
	BotID uint64
	// Instruments are the bot's in its order, at least one.
	Instruments []ipc.Instrument
	// Wait is how the bot waits for the next event.
	Wait ipc.WaitStrategy
	// KeepOrders leaves the bot's open orders at the venue when the process disconnects; else they are canceled.
	KeepOrders bool
}

// decodeAttachRequest decodes and checks what a process sent.
func decodeAttachRequest(b []byte) (*AttachRequest, error) {
	var m ring.AttachRequest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("attach request is corrupt: %w", err)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	wait, err := ipc.ParseWaitStrategy(m.Wait)
	if err != nil {
		return nil, &hft.BuildError{Kind: hft.InvalidArgument, What: err.Error()}
	}
	r := &AttachRequest{BotID: m.BotID, Wait: wait, KeepOrders: m.OnExit == ring.OnExitKeep}
	for _, i := range m.Instruments {
		r.Instruments = append(r.Instruments, ipc.Instrument(i))
	}
	return r, nil
}

// answerOf describes an attachment whose descriptors are the files' places in the answer.
func answerOf(a *ipc.Attachment) *ring.AttachAnswer {
	m := &ring.AttachAnswer{Control: a.ControlFD}
	for _, c := range a.Connectors {
		m.Connectors = append(m.Connectors, ring.Connector{Name: c.Name, Feed: c.FeedFD, Private: c.PrivateFD})
	}
	for _, i := range a.Instruments {
		m.FeedNumbers = append(m.FeedNumbers, i.FeedNo)
	}
	return m
}

// refusalOf describes an error to the process.
func refusalOf(err error) *ring.AttachAnswer {
	m := &ring.Refusal{Text: err.Error()}
	if build, ok := errors.AsType[*hft.BuildError](err); ok {
		m.Kind, m.What = build.Kind, build.What
	}
	return &ring.AttachAnswer{Refused: m}
}
