package ipc

import (
	"fmt"
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// Records are converted word by word instead of cast: a peer is untrusted, and a cast of its bytes could make values
// that Go knows nothing of, such as a bool of 7.

const (
	evMore   uint32 = 1 << 8 // in the spare bits of Event.Ev: further events of the batch follow
	evKept   uint64 = 0xf00000ff
	monoBits        = 48
	monoMask uint64 = 1<<monoBits - 1
)

// putFeed encodes an event for the feed ring. order_id travels, ival and fval do not.
func putFeed(rec *shm.FeedRecord, feedNo int, monoNs int64, more bool, e *hft.Event) {
	rec.Lo = uint32(e.Ev & evKept)
	if more {
		rec.Lo |= evMore
	}
	rec.W[0] = uint64(e.ExchTimestampNs)
	rec.W[1] = uint64(e.LocalTimestampNs)
	rec.W[2] = math.Float64bits(e.Px)
	rec.W[3] = math.Float64bits(e.Qty)
	rec.W[4] = e.OrderID
	rec.W[5] = uint64(feedNo)<<monoBits | uint64(monoNs)&monoMask
}

func feedNoOf(rec *shm.FeedRecord) int { return int(rec.W[5] >> monoBits) }

func getFeed(rec *shm.FeedRecord, e *hft.Event) (more bool) {
	*e = hft.Event{
		Ev:               uint64(rec.Lo) & evKept,
		ExchTimestampNs:  int64(rec.W[0]),
		LocalTimestampNs: int64(rec.W[1]),
		Px:               math.Float64frombits(rec.W[2]),
		Qty:              math.Float64frombits(rec.W[3]),
		OrderID:          rec.W[4],
	}
	return rec.Lo&evMore != 0
}

// Kinds of records from host to bot, next to those of LiveEvent.
const (
	downLevels uint8 = 16 // up to levelsPerRecord levels of one side
	downClear  uint8 = 17 // clear the book of the instrument
	downError  uint8 = 18 // a piece of an encoded error
)

const (
	headWords       = 3
	bodyWords       = downWords - 1 - headWords
	levelsPerRecord = (bodyWords - 1) / 2
	errorPieceBytes = (bodyWords - 1) * 8
)

// downRecord is one record of the queue from host to bot: head word, feed sequence, time by the clock, body.
type downRecord [downWords - 1]uint64

func (r *downRecord) setHead(kind uint8, flags uint8, count int, feedNo int, feedSeq uint64, timestampNs int64) {
	r[0] = uint64(kind) | uint64(flags)<<8 | uint64(count)<<16 | uint64(uint32(feedNo))<<32
	r[1] = feedSeq
	r[2] = uint64(timestampNs)
}

func (r *downRecord) kind() uint8        { return uint8(r[0]) }
func (r *downRecord) flags() uint8       { return uint8(r[0] >> 8) }
func (r *downRecord) count() int         { return int(uint16(r[0] >> 16)) }
func (r *downRecord) feedNo() int        { return int(int32(r[0] >> 32)) }
func (r *downRecord) feedSeq() uint64    { return r[1] }
func (r *downRecord) timestampNs() int64 { return int64(r[2]) }
func (r *downRecord) body() []uint64     { return r[headWords:] }

const orderWords = 10

func putOrder(w []uint64, o *hft.Order) {
	_ = w[orderWords-1]
	w[0] = o.OrderID
	w[1] = uint64(o.PriceTick)
	w[2] = math.Float64bits(o.TickSize)
	w[3] = math.Float64bits(o.Qty)
	w[4] = math.Float64bits(o.LeavesQty)
	w[5] = math.Float64bits(o.ExecQty)
	w[6] = uint64(o.ExecPriceTick)
	w[7] = uint64(o.ExchTimestampNs)
	w[8] = uint64(o.LocalTimestampNs)
	maker := uint64(0)
	if o.Maker {
		maker = 1
	}
	w[9] = uint64(uint8(o.Side)) | uint64(o.OrdType)<<8 | uint64(o.TimeInForce)<<16 | uint64(o.Status)<<24 |
		uint64(o.Req)<<32 | maker<<40
}

func getOrder(w []uint64, o *hft.Order) {
	_ = w[orderWords-1]
	*o = hft.Order{
		OrderID:          w[0],
		PriceTick:        int64(w[1]),
		TickSize:         math.Float64frombits(w[2]),
		Qty:              math.Float64frombits(w[3]),
		LeavesQty:        math.Float64frombits(w[4]),
		ExecQty:          math.Float64frombits(w[5]),
		ExecPriceTick:    int64(w[6]),
		ExchTimestampNs:  int64(w[7]),
		LocalTimestampNs: int64(w[8]),
		Side:             hft.Side(int8(w[9])),
		OrdType:          hft.OrdType(w[9] >> 8),
		TimeInForce:      hft.TimeInForce(w[9] >> 16),
		Status:           hft.Status(w[9] >> 24),
		Req:              hft.Status(w[9] >> 32),
		Maker:            w[9]>>40&1 != 0,
	}
}

const stateWords = 6

func putState(w []uint64, s *hft.StateValues) {
	_ = w[stateWords-1]
	w[0] = math.Float64bits(s.Position)
	w[1] = math.Float64bits(s.Balance)
	w[2] = math.Float64bits(s.Fee)
	w[3] = uint64(s.NumTrades)
	w[4] = math.Float64bits(s.TradingVolume)
	w[5] = math.Float64bits(s.TradingValue)
}

func getState(w []uint64, s *hft.StateValues) {
	_ = w[stateWords-1]
	*s = hft.StateValues{
		Position:      math.Float64frombits(w[0]),
		Balance:       math.Float64frombits(w[1]),
		Fee:           math.Float64frombits(w[2]),
		NumTrades:     int64(w[3]),
		TradingVolume: math.Float64frombits(w[4]),
		TradingValue:  math.Float64frombits(w[5]),
	}
}

// upRecord is one record of the queue from bot to host: head word, time of the tick that caused it, body.
type upRecord [upWords - 1]uint64

func (r *upRecord) put(feedNo int, tickMonoNs uint64, q *LiveRequest) {
	r[0] = uint64(q.Kind) | uint64(uint32(feedNo))<<32
	r[1] = tickMonoNs
	putOrder(r[2:], &q.Order)
	r[2+orderWords] = math.Float64bits(q.TickSize)
	r[3+orderWords] = math.Float64bits(q.LotSize)
}

// get decodes what a bot wrote. Every field is checked: the bot is untrusted.
func (r *upRecord) get(q *Request) error {
	*q = Request{FeedNo: int(int32(r[0] >> 32)), tickMonoNs: r[1]}
	q.Kind = RequestKind(uint8(r[0]))
	q.TickSize = math.Float64frombits(r[2+orderWords])
	q.LotSize = math.Float64frombits(r[3+orderWords])
	getOrder(r[2:], &q.Order)
	switch q.Kind {
	case RequestRegisterInstrument:
		return nil
	case RequestOrder:
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
	if !positive(o.Qty) {
		return fmt.Errorf("quantity %v is not a positive number", o.Qty)
	}
	if !positive(o.TickSize) {
		return fmt.Errorf("tick size %v is not a positive number", o.TickSize)
	}
	if o.PriceTick == math.MinInt64 || o.PriceTick == math.MaxInt64 {
		return fmt.Errorf("price tick %d is out of range", o.PriceTick)
	}
	return nil
}
