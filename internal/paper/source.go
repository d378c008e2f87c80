package paper

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// Source is where the paper connector's market comes from: recorded files or a synthetic order flow. One goroutine
// uses it.
type Source interface {
	// StartNs returns the time of the first batch, known once the source is open.
	StartNs() int64
	// Register adds an instrument; one that the source has nothing of is an error. It is called before the first Next
	// and also later, where a source that cannot do that returns an error.
	Register(inst connector.Instrument) error
	// Next stores the next batch in b, which the caller owns and passes again. io.EOF ends the data; any other error
	// ends the run. Batches come in ascending time.
	Next(b *Batch) error
	// Close releases files and goroutines.
	Close() error
}

// Batch is one message of a source.
type Batch struct {
	// TimestampNs is when it reaches those whom it is for: the local timestamp of a recording, for the exchange alone
	// its exchange timestamp.
	TimestampNs int64
	// To says whom it is for.
	To Audience
	// InstrumentNo is the instrument it is about.
	InstrumentNo int
	// Events are its rows, valid until the next Next.
	Events []hft.Event
	// Stale says, before the events are applied, that the book is lost, and why; Ready, after them, that it is
	// complete.
	Stale string
	Ready bool
	// Counts are what happened while reading up to this batch.
	Counts [connector.NumCounters]uint64
}

// Audience says who gets a batch.
type Audience uint8

// Audiences.
const (
	// ToEverybody is for the bots and the exchange, at the same time.
	ToEverybody Audience = iota
	// ToBots is for the bots alone: the exchange gets the rows, or has got them, by other batches.
	ToBots
	// ToExchange is for the exchange alone; such a batch has only Events, with a hft.DepthClearEvent in the place of
	// Stale.
	ToExchange
)
