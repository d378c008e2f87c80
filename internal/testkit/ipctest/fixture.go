package ipctest

import (
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/ipc"
)

// Fixture is one host as the conformance suite drives it. The suite calls the host side from one goroutine at a time,
// but not always from the one that receives.
type Fixture interface {
	// Attach connects a bot that uses those instruments, which are some of Instruments in any order. It or the first
	// RequestRegisterInstrument is refused with a *hft.BuildError: Duplicate when a connected bot has the id,
	// ConnectorNotFound, or InvalidArgument when tick or lot size are not the host's.
	Attach(botID uint64, instruments []ipc.Instrument) (ipc.Channel, error)
	// PublishFeed publishes the events of one message as one batch.
	PublishFeed(connector, symbol string, events []hft.Event) error
	// SendOrder, SendPosition and SendError send a bot a private event. instNo and AssetNo count the bot's
	// instruments. An error whose Connector is set is ordered with that connector's feed.
	SendOrder(botID uint64, instNo int, order *hft.Order, state hft.StateValues) error
	SendPosition(botID uint64, instNo int, state hft.StateValues) error
	SendError(botID uint64, e hft.LiveError) error
	// RecvRequest returns the next request of any bot; ok is false when none came within timeout of the wall clock.
	RecvRequest(timeout time.Duration) (botID uint64, instNo int, request ipc.LiveRequest, ok bool)
	// AnswerRegister answers the registration of an instrument by a burst: BatchStart, the orders, the state, a clear
	// of both sides of the book, the levels, BatchEnd. The bot gets the instrument's feed from then on.
	AnswerRegister(botID uint64, instNo int, orders []hft.Order, state hft.StateValues, levels []hft.Event) error
	// EndOfData ends the data of all connectors.
	EndOfData()
	// Interrupt asks a bot to stop, as the host does.
	Interrupt(botID uint64)
}

// Instruments returns the instruments that the host of a Fixture has to serve: three on two connectors.
func Instruments() []ipc.Instrument {
	return []ipc.Instrument{
		{Connector: "alpha", Symbol: "BTCUSDT", TickSize: 0.1, LotSize: 0.001},
		{Connector: "alpha", Symbol: "ETHUSDT", TickSize: 0.01, LotSize: 0.01},
		{Connector: "beta", Symbol: "BTCUSDT", TickSize: 0.5, LotSize: 1},
	}
}
