package paper

import "time"

// Config configures a paper connector.
type Config struct {
	// Source is the market. The connector closes it when Run ends.
	Source Source
	// Speed is how fast the source's time passes against the wall clock; 0 is as fast as the bots can follow, without
	// losing an event, for recorded data "max".
	Speed float64
	// Exchange is how orders are matched, for every instrument.
	Exchange Exchange
}

// Exchange configures the simulated exchange.
type Exchange struct {
	// PartialFill takes displayed quantities into account; otherwise every fill is whole.
	PartialFill bool
	// Queue is the queue model: risk_adverse.
	Queue string
	// OrderLatency is from the host to the exchange, ResponseLatency back.
	OrderLatency, ResponseLatency time.Duration
	// MakerFee and TakerFee are shares of the traded value; a rebate is negative.
	MakerFee, TakerFee float64
	// ContractSize is the value of one contract at price 1; 1 when left 0.
	ContractSize float64
}
