package binanceapi

import (
	"github.com/hftrunner/hftrunner/connector"
)

// recorded decodes a recording whichever of its two streams of trades a Binance venue was recorded with: single fills
// or those of one taker as one. The one that comes first is taken, the other is not, because both tell of the same
// trades.
type recorded struct {
	single, aggregated connector.Decoder
	// chosen is nil until there was a trade.
	chosen connector.Decoder
}

// Decode decodes a message; see connector.Decoder.
func (r *recorded) Decode(localTimestampNs int64, raw []byte, m *connector.Message) error {
	if r.chosen != nil {
		return r.chosen.Decode(localTimestampNs, raw, m)
	}
	for _, d := range []connector.Decoder{r.single, r.aggregated} {
		if err := d.Decode(localTimestampNs, raw, m); err != nil {
			return err
		}
		if m.Kind == connector.MessageTrade {
			r.chosen = d
		}
		if m.Kind != connector.MessageIgnored {
			break
		}
	}
	return nil
}

// Recorded returns a decoder of recordings, made of one of single fills and one of those of a taker as one.
func Recorded(single, aggregated connector.Decoder) connector.Decoder {
	return &recorded{single: single, aggregated: aggregated}
}
