package scan

// Key is a field that a Payload notes. The names are the venue's, the constants say what they mean in the messages
// that are decoded; other messages use some of the names for other things.
type Key uint8

// Keys.
const (
	// NoKey is any other field.
	NoKey Key = iota
	// EventType is e.
	EventType
	// EventTime is E, TransactionTime is T.
	EventTime
	TransactionTime
	// Symbol is s.
	Symbol
	// FirstID, LastID and PrevID are U, u and pu.
	FirstID
	LastID
	PrevID
	// Bids and Asks are b and a: the rows of a depth message, the prices of a bookTicker.
	Bids
	Asks
	// BidQty and AskQty are B and A.
	BidQty
	AskQty
	// Price and Qty are p and q, the trade's.
	Price
	Qty
	// BuyerIsMaker is m.
	BuyerIsMaker
	// ExecutionType is X, of a futures trade.
	ExecutionType
	// TradeID is t, FirstTradeID and LastTradeID are f and l, of trades that were put together.
	TradeID
	FirstTradeID
	LastTradeID
	// SnapshotID, SnapshotBids and SnapshotAsks are lastUpdateId, bids and asks.
	SnapshotID
	SnapshotBids
	SnapshotAsks
	// Sequence is seq, Bybit's.
	Sequence
	// NormalQty is nq, of a futures trade that was put together: what of its quantity was no retail order's.
	NormalQty

	numKeys
	dataKey
	streamKey
)

var keyNames = [numKeys]string{EventType: "e", EventTime: "E", TransactionTime: "T", Symbol: "s", FirstID: "U",
	LastID: "u", PrevID: "pu", Bids: "b", Asks: "a", BidQty: "B", AskQty: "A", Price: "p", Qty: "q", BuyerIsMaker: "m",
	ExecutionType: "X", TradeID: "t", FirstTradeID: "f", LastTradeID: "l", SnapshotID: "lastUpdateId",
	SnapshotBids: "bids", SnapshotAsks: "asks", Sequence: "seq", NormalQty: "nq"}

// String returns the field's name in the message.
func (k Key) String() string {
	if k < numKeys {
		return keyNames[k]
	}
	return ""
}

func letterKey(c byte) Key {
	switch c {
	case 'e':
		return EventType
	case 'E':
		return EventTime
	case 'T':
		return TransactionTime
	case 's':
		return Symbol
	case 'U':
		return FirstID
	case 'u':
		return LastID
	case 'b':
		return Bids
	case 'a':
		return Asks
	case 'B':
		return BidQty
	case 'A':
		return AskQty
	case 'p':
		return Price
	case 'q':
		return Qty
	case 'm':
		return BuyerIsMaker
	case 'X':
		return ExecutionType
	case 't':
		return TradeID
	case 'f':
		return FirstTradeID
	case 'l':
		return LastTradeID
	}
	return NoKey
}

func keyOf(name []byte) Key {
	switch string(name) {
	case "pu":
		return PrevID
	case "lastUpdateId":
		return SnapshotID
	case "bids":
		return SnapshotBids
	case "asks":
		return SnapshotAsks
	case "seq":
		return Sequence
	case "nq":
		return NormalQty
	case "data":
		return dataKey
	case "stream":
		return streamKey
	}
	if len(name) == 1 {
		return letterKey(name[0])
	}
	return NoKey
}
