package feed

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// Config configures a Book.
type Config struct {
	// Symbol goes into the Report.
	Symbol string
	// TickSize and LotSize are the steps of price and quantity, finite and above 0.
	TickSize, LotSize float64
	// Rule selects how the venue numbers the differences of a book.
	Rule connector.Rule
	// Quotes lets the venue's quote stream into the book.
	Quotes bool
	// IgnoreGaps goes on after a missing difference with a book that may have wrong levels.
	IgnoreGaps bool
	// VenueNs returns the venue's time at a local time, which exchange times are compared with; nil where local times are as
	// good.
	VenueNs func(localNs int64) int64
}

// Out has the actions after a message, in this order: drop it when Seen, clear the book when Stale is set, publish Events as
// one batch, announce the book when Ready, ask for a snapshot when NeedSnapshot.
type Out struct {
	// Seen: the message has come before, so it is neither published nor recorded.
	Seen bool
	// Stale is the reason why the book is lost, empty if it is not.
	Stale string
	// Events are the rows to publish; there may be none.
	Events []hft.Event
	// Ready: the book is complete with Events.
	Ready bool
	// NeedSnapshot: fetch a snapshot, or subscribe again if the stream brings them. It is set again if a snapshot does not fit.
	NeedSnapshot bool
	// Problems with the message to report: each impossible time, each gap, and the first of everything else. Report counts all.
	Problems []error
}

// Book is the feed of one symbol. One goroutine at a time uses it.
type Book struct{ of *feed.Book }

// NewBook returns a Book that is not in step yet. Steps that are not above 0 and a rule that does not exist are errors.
func NewBook(cfg Config) (*Book, error) {
	b, err := feed.NewBook(feed.Config{Symbol: cfg.Symbol, TickSize: cfg.TickSize, LotSize: cfg.LotSize, Rule: cfg.Rule,
		Quotes: cfg.Quotes, IgnoreGaps: cfg.IgnoreGaps, VenueNs: cfg.VenueNs})
	if err != nil {
		return nil, err
	}
	return &Book{b}, nil
}

// Take takes one message, received at localNs, and may change the times of its rows. Kinds that say nothing about the market
// give nothing.
func (b *Book) Take(localNs int64, m *connector.Message) Out { return told(b.of.Take(localNs, m)) }

// Lost forgets the stream, as when the connection that brought the book is gone. Out has nothing but Stale, which is reason
// when the book was in step.
func (b *Book) Lost(reason string) Out { return told(b.of.Lost(reason)) }

// LostTrades notes that the connection that has brought trades is gone: ids that are less than before begin again over the
// next one.
func (b *Book) LostTrades() { b.of.LostTrades() }

// Synced reports whether the book follows the venue.
func (b *Book) Synced() bool { return b.of.Synced() }

// Seq is the place of the newest depth message in the book among all that the venue says about it (connector.Message.Seq), 0
// when the venue does not say or the book is not in step.
func (b *Book) Seq() int64 { return b.of.Seq() }

// Report returns what was found so far, for connector.FeedReporter.
func (b *Book) Report() connector.FeedReport {
	r := b.of.Report()
	return r.Form()
}

func told(out feed.Out) Out {
	var problems []error
	for _, p := range out.Problems {
		problems = append(problems, p)
	}
	return Out{out.Seen, out.Stale, out.Events, out.Ready, out.NeedSnapshot, problems}
}
