package venue

import (
	"errors"
	"fmt"
	"io"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/paper"
	"github.com/hftrunner/hftrunner/internal/testexchange/market"
)

// Background is the background market: a source of recorded or synthetic market data on the venue's time.
type Background struct {
	source  paper.Source
	symbols []string
	// offsetNs is the venue's time less the source's.
	offsetNs int64
	pending  paper.Batch
	waiting  bool
	// halted is true if the market stands still, since haltedNs.
	halted   bool
	haltedNs int64
	// err is the reason why the source ended, io.EOF for its end.
	err error
}

// NewBackground registers the symbols with a source that begins when the venue does, at startNs. The source belongs to
// the Background.
func NewBackground(source paper.Source, symbols []market.SymbolConfig, startNs int64) (*Background, error) {
	b := &Background{source: source}
	for i, sc := range symbols {
		s, err := market.NewSymbol(sc)
		if err == nil {
			err = source.Register(connector.Instrument{No: i, Symbol: s.Name, TickSize: s.Tick.Float(),
				LotSize: s.Lot.Float()})
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("background: %w", err), source.Close())
		}
		b.symbols = append(b.symbols, s.Name)
	}
	b.offsetNs = startNs - source.StartNs()
	return b, nil
}

// advance applies what is due and calls after for each batch.
func (b *Background) advance(nowNs int64, m *market.Market, after func(nowNs int64)) {
	for b.err == nil && !b.halted {
		if !b.waiting {
			if b.err = b.source.Next(&b.pending); b.err != nil {
				return
			}
			b.waiting = true
		}
		atNs := b.pending.TimestampNs + b.offsetNs
		if atNs > nowNs {
			return
		}
		b.waiting = false
		symbol := b.symbols[b.pending.InstrumentNo]
		if b.pending.Stale != "" {
			b.err = m.ClearOthers(atNs, symbol)
		}
		if b.err == nil {
			b.err = m.ApplyBatch(atNs, symbol, b.pending.Events)
		}
		after(atNs)
	}
}

// halt lets the market stand still, or go on where it was.
func (b *Background) halt(nowNs int64, halted bool) {
	switch {
	case halted && !b.halted:
		b.haltedNs = nowNs
	case b.halted && !halted:
		b.offsetNs += nowNs - b.haltedNs
	}
	b.halted = halted
}

// Err returns why the background has ended, nil while it goes on or when it was at its end.
func (b *Background) Err() error {
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// Close closes the source. A nil Background has nothing to close.
func (b *Background) Close() error {
	if b == nil {
		return nil
	}
	return b.source.Close()
}
