package ring

import (
	"math"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/shm"
)

// Records are converted word by word instead of cast: a peer is untrusted, and a cast of its bytes could make values
// that Go knows nothing of, such as a bool of 7.

const (
	evMore   uint32 = 1 << 8 // in the spare bits of Event.Ev: further events of the batch follow
	evKept   uint64 = 0xf80000ff
	monoBits        = 48
	MonoMask uint64 = 1<<monoBits - 1
)

// PutFeed encodes an event for the feed ring. order_id travels, ival and fval do not.
func PutFeed(rec *shm.FeedRecord, feedNo int, monoNs int64, more bool, e *hft.Event) {
	rec.Lo = uint32(e.Ev & evKept)
	if more {
		rec.Lo |= evMore
	}
	rec.W[0] = uint64(e.ExchTimestampNs)
	rec.W[1] = uint64(e.LocalTimestampNs)
	rec.W[2] = math.Float64bits(e.Px)
	rec.W[3] = math.Float64bits(e.Qty)
	rec.W[4] = e.OrderID
	rec.W[5] = uint64(feedNo)<<monoBits | uint64(monoNs)&MonoMask
}

// FeedNoOf returns the number of a feed record's instrument.
func FeedNoOf(rec *shm.FeedRecord) int { return int(rec.W[5] >> monoBits) }

// GetFeed decodes a feed record; more says that further events of the batch follow.
func GetFeed(rec *shm.FeedRecord, e *hft.Event) (more bool) {
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
	DownLevels uint8 = 16 // up to levelsPerRecord levels of one side
	DownClear  uint8 = 17 // clear the book of the instrument
	DownError  uint8 = 18 // a piece of an encoded error
)

const (
	headWords       = 3
	bodyWords       = DownWords - 1 - headWords
	LevelsPerRecord = (bodyWords - 1) / 2
	ErrorPieceBytes = (bodyWords - 1) * 8
)

// DownRecord is one record of the queue from host to bot: head word, feed sequence, time by the clock, body.
type DownRecord [DownWords - 1]uint64

func (r *DownRecord) SetHead(kind uint8, flags uint8, count int, feedNo int, feedSeq uint64, timestampNs int64) {
	r[0] = uint64(kind) | uint64(flags)<<8 | uint64(count)<<16 | uint64(uint32(feedNo))<<32
	r[1] = feedSeq
	r[2] = uint64(timestampNs)
}

func (r *DownRecord) Kind() uint8        { return uint8(r[0]) }
func (r *DownRecord) Flags() uint8       { return uint8(r[0] >> 8) }
func (r *DownRecord) Count() int         { return int(uint16(r[0] >> 16)) }
func (r *DownRecord) FeedNo() int        { return int(int32(r[0] >> 32)) }
func (r *DownRecord) FeedSeq() uint64    { return r[1] }
func (r *DownRecord) TimestampNs() int64 { return int64(r[2]) }
func (r *DownRecord) Body() []uint64     { return r[headWords:] }

const OrderWords = 10

// PutOrder encodes an order.
func PutOrder(w []uint64, o *hft.Order) {
	_ = w[OrderWords-1]
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

// GetOrder decodes an order.
func GetOrder(w []uint64, o *hft.Order) {
	_ = w[OrderWords-1]
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

const StateWords = 7

// PutState encodes a bot's state.
func PutState(w []uint64, s *hft.StateValues) {
	_ = w[StateWords-1]
	w[0] = math.Float64bits(s.Position)
	w[1] = math.Float64bits(s.Balance)
	w[2] = math.Float64bits(s.Fee)
	w[3] = uint64(s.NumTrades)
	w[4] = math.Float64bits(s.TradingVolume)
	w[5] = math.Float64bits(s.TradingValue)
	w[6] = math.Float64bits(s.Funding)
}

// GetState decodes a bot's state.
func GetState(w []uint64, s *hft.StateValues) {
	_ = w[StateWords-1]
	*s = hft.StateValues{
		Position:      math.Float64frombits(w[0]),
		Balance:       math.Float64frombits(w[1]),
		Fee:           math.Float64frombits(w[2]),
		NumTrades:     int64(w[3]),
		TradingVolume: math.Float64frombits(w[4]),
		TradingValue:  math.Float64frombits(w[5]),
		Funding:       math.Float64frombits(w[6]),
	}
}

// UpRecord is one record of the queue from bot to host: head word, time of the tick that caused it, body.
type UpRecord [UpWords - 1]uint64

// Put encodes a request of a bot.
func (r *UpRecord) Put(kind uint8, feedNo int, tickMonoNs uint64, o *hft.Order, tickSize, lotSize float64) {
	r[0] = uint64(kind) | uint64(uint32(feedNo))<<32
	r[1] = tickMonoNs
	PutOrder(r[2:], o)
	r[2+OrderWords] = math.Float64bits(tickSize)
	r[3+OrderWords] = math.Float64bits(lotSize)
}

// Kind is the kind of the request.
func (r *UpRecord) Kind() uint8 { return uint8(r[0]) }

// FeedNo is the number of the instrument.
func (r *UpRecord) FeedNo() int { return int(int32(r[0] >> 32)) }

// TickMonoNs is the publication time of the newest feed event that the bot had received.
func (r *UpRecord) TickMonoNs() uint64 { return r[1] }

// Order decodes the order.
func (r *UpRecord) Order(o *hft.Order) { GetOrder(r[2:], o) }

// TickSize is the bot's tick size.
func (r *UpRecord) TickSize() float64 { return math.Float64frombits(r[2+OrderWords]) }

// LotSize is the bot's lot size.
func (r *UpRecord) LotSize() float64 { return math.Float64frombits(r[3+OrderWords]) }
