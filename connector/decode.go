package connector

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
)

// MessageKind says what a decoded message is.
type MessageKind uint8

// Message kinds.
const (
	// MessageIgnored is well-formed and of no interest: an acknowledgement, an unknown event type.
	MessageIgnored MessageKind = iota
	// MessageDepth is a difference of the book, in sequence by its update ids.
	MessageDepth
	// MessageSnapshot is a full book: clear it, then apply Events.
	MessageSnapshot
	// MessageBBO is the best bid and ask.
	MessageBBO
	// MessageTrade is one or more trades.
	MessageTrade
)

// Message is one message of a venue in decoded form. A Decoder fills it; the caller owns it and uses it again for the
// next message, so that decoding allocates nothing once Events has grown.
type Message struct {
	Kind MessageKind
	// Symbol is the venue's name of the instrument as in the message; it points into the message and is empty where
	// the message does not say (a REST snapshot).
	Symbol []byte
	// ExchTimestampNs is the venue's time of the message, 0 when it has none.
	ExchTimestampNs int64
	// SentNs is when the venue sent the message, where it says so beside the time at which it was made; 0 otherwise.
	SentNs int64
	// TimeUnit is the unit that it was written in (hft.UnixNs), 0 when there is none.
	TimeUnit time.Duration
	// FirstID and LastID are the first and last update id of a depth message (U, u); a snapshot has LastID only.
	FirstID, LastID int64
	// Seq is the place of a depth message, snapshot or quote among everything that the venue says about the symbol's book: of
	// two, the one with the smaller Seq is the older. It is Binance's u and lastUpdateId and Bybit's seq; 0 where the message has none.
	Seq int64
	// Level is of which depth the book is that a depth message, snapshot or quote is about, where a venue sends several that each are
	// complete in themselves: as many levels a side, 1 for the best bid and ask alone. 0 where there is one book only.
	Level int
	// TradeKey tells messages of trades apart that may have the same LastID: a hash of the last trade's own name. 0 where ids
	// are never used again.
	TradeKey uint64
	// PrevID is the last update id of the previous message of the stream (pu); HasPrevID is false where the venue
	// does not send it.
	PrevID    int64
	HasPrevID bool
	// Unused is the reason for which a message about the market is MessageIgnored, as of the second of two streams that tell of the
	// same trades; empty for any other.
	Unused string
	// Events are the message's rows in the venue's order, bids first, flagged LocalEvent and their side, with kind
	// DepthEvent, DepthSnapshotEvent, DepthBBOEvent, TradeEvent or OffBookTrade. Snapshots carry no clear rows.
	// A best bid and ask of which a side is empty has a row with price and quantity 0 for it; a side without a row is as before.
	Events []hft.Event
}

// Reset prepares m for the next message and keeps the memory of Events.
func (m *Message) Reset() { *m = Message{Events: m.Events[:0]} }

// Decoder decodes one venue's messages.
type Decoder interface {
	// Decode fills m from one message received at localTimestampNs. It keeps nothing of raw but m.Symbol. An error
	// describes what is wrong and where; m is then undefined. It never panics, whatever raw holds.
	Decode(localTimestampNs int64, raw []byte, m *Message) error
}
