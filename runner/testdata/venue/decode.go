package main

import (
	"encoding/json"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// message is a line of the venue: a book (Whole), a change of it, a trade, or the execution of an order.
type message struct {
	Symbol     string
	Time       int64
	ID         int64
	Whole      bool
	Bids, Asks [][2]float64
	// Trade is price and quantity, negative for a sale.
	Trade [2]float64
	Order int
}

// decoder decodes market data. One that trades for money does it without allocating.
type decoder struct{}

// Decode fills m.
func (decoder) Decode(localNs int64, raw []byte, m *connector.Message) error {
	var from message
	if err := json.Unmarshal(raw, &from); err != nil {
		return err
	}
	m.Reset()
	m.Symbol, m.ExchTimestampNs = []byte(from.Symbol), from.Time
	m.FirstID, m.LastID, m.Seq = from.ID, from.ID, from.ID
	kind := hft.DepthEvent
	switch {
	case from.Whole:
		m.Kind, kind = connector.MessageSnapshot, hft.DepthSnapshotEvent
	case from.Trade[1] != 0:
		m.Kind, kind = connector.MessageTrade, hft.TradeEvent
	case len(from.Bids)+len(from.Asks) > 0:
		m.Kind = connector.MessageDepth
	}
	row := func(side uint64, price, qty float64) {
		m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | side | kind,
			ExchTimestampNs: from.Time, LocalTimestampNs: localNs, Px: price, Qty: qty})
	}
	switch {
	case from.Trade[1] > 0:
		row(hft.BuyEvent, from.Trade[0], from.Trade[1])
	case from.Trade[1] < 0:
		row(hft.SellEvent, from.Trade[0], -from.Trade[1])
	}
	for _, level := range from.Bids {
		row(hft.BuyEvent, level[0], level[1])
	}
	for _, level := range from.Asks {
		row(hft.SellEvent, level[0], level[1])
	}
	return nil
}
