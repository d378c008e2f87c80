package binanceapi

import (
	"time"

	"github.com/hftrunner/hftrunner/connector"
)

// recorded decodes a recording whichever of its two streams of trades a Binance venue was recorded with: single fills
// or those of one taker as one. The one that comes first is taken, the other is not, because both tell of the same
// trades, unless the first has ended, as where a recorder was started again with the other one.
type recorded struct {
	single, aggregated connector.Decoder
	// chosen is nil until there was a trade, lastNs the exchange time of its newest one.
	chosen connector.Decoder
	lastNs int64
}

// streamEnded is by how much a trade of one stream is later than the last of the other when that has ended: both have the same times.
const streamEnded = time.Second

// Decode decodes a message; see connector.Decoder.
func (r *recorded) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	first, second := r.single, r.aggregated
	if r.chosen == r.aggregated {
		first, second = second, first
	}
	if err := first.Decode(localTimestampNs, raw, m); err != nil || m.Kind != connector.MessageIgnored {
		r.choose(first, m)
		return err
	}
	unused := m.Unused
	if err := second.Decode(localTimestampNs, raw, m); err != nil {
		return err
	}
	if m.Kind == connector.MessageTrade && r.chosen != nil && m.ExchTimestampNs-r.lastNs <= int64(streamEnded) {
		symbol := m.Symbol
		m.Reset()
		m.Symbol, unused = symbol, "a trade of the stream that tells of the same trades as the one in use"
	}
	r.choose(second, m)
	if m.Kind == connector.MessageIgnored {
		m.Unused = unused
	}
	return nil
}

// choose goes on with the stream of a trade.
func (r *recorded) choose(d connector.Decoder, m *connector.Message) {
	if m.Kind == connector.MessageTrade {
		r.chosen, r.lastNs = d, m.ExchTimestampNs
	}
}

// Recorded returns a decoder of recordings, made of one of single fills and one of those of a taker as one.
func Recorded(single, aggregated connector.Decoder) connector.Decoder {
	return &recorded{single: single, aggregated: aggregated}
}
