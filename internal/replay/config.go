package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/feed"
	"github.com/hftrunner/hftrunner/internal/recording"
)

// Sync says when the rows of a book are published.
type Sync string

// Ways to synchronise a book.
const (
	// SyncExchange publishes a book that is complete by the venue's rule, and only while it is.
	SyncExchange Sync = "exchange"
	// SyncNatural publishes every row at once.
	SyncNatural Sync = "natural"
)

// OnBadLine says what to do about a line or file that cannot be used as it is.
type OnBadLine string

// Ways to treat bad lines.
const (
	// SkipBadLine reports and counts it and goes on.
	SkipBadLine OnBadLine = "skip"
	// FatalBadLine ends the replay with an error.
	FatalBadLine OnBadLine = "fatal"
)

// OnGap says what to do when a difference of the book is missing.
type OnGap string

// Ways to treat gaps. With SyncNatural, ResyncOnGap means IgnoreGap.
const (
	// ResyncOnGap makes the book stale until a snapshot fits.
	ResyncOnGap OnGap = "resync"
	// IgnoreGap goes on with a book that may have wrong levels, but where the venue numbers everything anew.
	IgnoreGap OnGap = "ignore"
	// FatalGap ends the replay with an error.
	FatalGap OnGap = "fatal"
)

// DefaultMaxLineBytes bounds a line when Config does not.
const DefaultMaxLineBytes = recording.DefaultMaxLineBytes

// Config configures a Source.
type Config struct {
	// Context ends Open, which reads all files once for the correction of their local times; nil is for ever.
	Context context.Context
	// Files are the recordings of each symbol, in the order of their time.
	Files map[string][]string
	// NewDecoder makes the decoder of one instrument's messages.
	NewDecoder func() connector.Decoder
	// Format and Formats are as in feed.LinesConfig.
	Format  string
	Formats map[string]connector.Format
	// Rule is how the venue numbers the differences of a book.
	Rule connector.Rule
	// Sync is SyncExchange when left empty, OnBadLine SkipBadLine, OnGap ResyncOnGap.
	Sync      Sync
	OnBadLine OnBadLine
	OnGap     OnGap
	// BookTicker includes the best bids and asks of the venue's quote stream.
	BookTicker bool
	// ExchangeTime hands rows to the exchange at their exchange time, by batches of their own, and to the bots when they were
	// received, as a backtest of the converted recording does. Otherwise both get them then. Not with SyncNatural, where times are
	// as recorded and messages may come before they happened.
	ExchangeTime bool
	// OnProblem is called for each Problem that does not end the replay, on the goroutine that calls Open or Next; nil ignores them. Reports
	// has them all the same.
	OnProblem func(feed.Problem)
	// Progress is called every now and then while Open looks through the files of a symbol for that, with bytes; nil for never.
	Progress func(symbol string, done, total int64)
	// BaseLatency is the least latency of a file whose local times are corrected because some are before their exchange times; 0
	// or more. With SyncNatural nothing is corrected. Recordings without local times need it above 0; see feed.LinesConfig.
	BaseLatency time.Duration
	// MaxLineBytes bounds a line; 0 is DefaultMaxLineBytes.
	MaxLineBytes int
}

// check completes the configuration and returns everything that is wrong with it.
func (c *Config) check() error {
	if c.Context == nil {
		c.Context = context.Background()
	}
	if c.Sync == "" {
		c.Sync = SyncExchange
	}
	if c.OnBadLine == "" {
		c.OnBadLine = SkipBadLine
	}
	if c.OnGap == "" {
		c.OnGap = ResyncOnGap
	}
	if c.MaxLineBytes == 0 {
		c.MaxLineBytes = DefaultMaxLineBytes
	}
	if c.Progress == nil {
		c.Progress = func(string, int64, int64) {}
	}
	if c.OnProblem == nil {
		c.OnProblem = func(feed.Problem) {}
	}
	var errs []error
	if c.ExchangeTime && c.Sync == SyncNatural {
		errs = append(errs, errors.New("replay: ExchangeTime is not for SyncNatural, whose times are not corrected"))
	}
	if c.BaseLatency < 0 {
		errs = append(errs, fmt.Errorf("replay: BaseLatency is %v; use 0 or more", c.BaseLatency))
	}
	if len(c.Files) == 0 {
		errs = append(errs, errors.New("replay: no files; at least one symbol with its recordings is required"))
	}
	for symbol, files := range c.Files {
		if len(files) == 0 {
			errs = append(errs, fmt.Errorf("replay: symbol %s has no files; name its recordings", symbol))
		}
	}
	if c.NewDecoder == nil {
		errs = append(errs, errors.New("replay: NewDecoder is missing; must be the decoder of the recorded venue"))
	}
	if !c.Rule.Valid() {
		errs = append(errs, errors.New("replay: Rule is missing; use connector.RuleFutures, connector.RuleSpot or connector.RuleStreamed"))
	}
	if c.Sync != SyncExchange && c.Sync != SyncNatural {
		errs = append(errs, fmt.Errorf("replay: sync %q is unknown; use %q or %q", c.Sync, SyncExchange, SyncNatural))
	}
	if c.OnBadLine != SkipBadLine && c.OnBadLine != FatalBadLine {
		errs = append(errs, fmt.Errorf("replay: on_bad_line %q is unknown; use %q or %q", c.OnBadLine, SkipBadLine, FatalBadLine))
	}
	if c.OnGap != ResyncOnGap && c.OnGap != IgnoreGap && c.OnGap != FatalGap {
		errs = append(errs, fmt.Errorf("replay: on_gap %q is unknown; use %q, %q or %q", c.OnGap, ResyncOnGap, IgnoreGap, FatalGap))
	}
	if c.MaxLineBytes < 0 {
		errs = append(errs, fmt.Errorf("replay: MaxLineBytes is %d; use 0 or more", c.MaxLineBytes))
	}
	return errors.Join(errs...)
}
