package binancefutures

import (
	"slices"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// positions are those of a message or a reply, by symbol. In one-way mode a symbol has a row of the side BOTH, and the
// venue may list the sides LONG and SHORT besides, with nothing in them. In hedge mode the sides have the positions,
// and
// a row of BOTH with 0 may be there or not: not a position.
type positions []sides

type sides struct {
	protocol.Position
	both, oneSided bool
	side           string // the side of a row that is not BOTH
}

// add takes a row.
func (p *positions) add(symbol, side string, qty float64, timestampNs int64) {
	i := slices.IndexFunc(*p, func(s sides) bool { return s.Symbol == symbol })
	if i < 0 {
		i = len(*p)
		*p = append(*p, sides{Position: protocol.Position{Symbol: symbol, TimestampNs: timestampNs}})
	}
	s := &(*p)[i]
	if side == "BOTH" || side == "" {
		s.both, s.Qty, s.TimestampNs = true, qty, timestampNs
		return
	}
	if s.side == "" || qty != 0 {
		s.side = side
	}
	s.oneSided = s.oneSided || qty != 0
}

// hedge reports whether the rows are those of hedge mode.
func (s *sides) hedge() bool { return s.oneSided || s.side != "" && !s.both }

// position returns the position, or why there is none.
func (s *sides) position() protocol.Position {
	if s.hedge() {
		return protocol.Position{Symbol: s.Symbol, TimestampNs: s.TimestampNs,
			Err: protocol.HedgeMode("the account, which has a " + s.side + " side of " + s.Symbol + ",")}
	}
	return s.Position
}
