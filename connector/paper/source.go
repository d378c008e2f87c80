package paper

import (
	"hftrunner/connector"
	"hftrunner/hft"
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
	// TimestampNs is when the bots get it, the local timestamp of a recording.
	TimestampNs int64
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
