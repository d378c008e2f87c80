package live

import (
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/ipc"
)

// Instrument is one instrument of a bot: what it is at its connector, and what the bot keeps of it (Instrument).
type Instrument struct {
	ipc.Instrument
	book       depth.L2MarketDepth
	lastTrades int
}

// NewInstrument returns an instrument (Instrument::new). connector is the name of the connector and symbol the
// venue's name; tickSize and lotSize have to be the host's. The bot takes over book, which is empty and of these
// steps. lastTradesCapacity is the number of trades LastTrades keeps; 0 or less keeps none.
func NewInstrument(connector, symbol string, tickSize, lotSize float64, book depth.L2MarketDepth,
	lastTradesCapacity int) Instrument {
	return Instrument{
		Instrument: ipc.Instrument{Connector: connector, Symbol: symbol, TickSize: tickSize, LotSize: lotSize},
		book:       book, lastTrades: max(lastTradesCapacity, 0),
	}
}

// asset is what a bot keeps of one instrument.
type asset struct {
	local.Asset
	instrument  ipc.Instrument
	book        depth.L2MarketDepth
	connectorNo int  // assets of one connector share its messages
	registering bool // the burst that answers the registration has not ended yet
	inBurst     bool
}
