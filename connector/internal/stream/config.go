package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Config configures a Keeper. Prepare, OnFrame and NowNs have to be set; everything else has a default.
type Config struct {
	// Prepare returns the connection to make. It is called before every one, so that it can ask for a fresh listen key
	// or a fresh signature. An error is tried again later, one of backoff.RetryAfter not before that, and one of
	// backoff.Permanent ends Run.
	Prepare func(ctx context.Context) (protocol.Stream, error)
	// OnUp is called when a connection is established after there was none. No frame is delivered earlier; data that
	// arrives before the last answer to a Hello is held, up to ReadLimit bytes in all.
	OnUp func()
	// OnDown is called when the connection is lost, and after each failed attempt, with the reason and the delay before
	// the next attempt. No frame is delivered until then.
	OnDown func(reason string, next time.Duration)
	// OnRenewed is called when another connection has taken over without a gap: Send uses it. Frames of the old one
	// still arrive for Overlap, and those of the new one start after Settle.
	OnRenewed func(reason string)
	// OnFrame takes a message and the local time at which it was read. It has to return: it holds up reading.
	OnFrame func(localNs int64, frame []byte)
	// OnQuiet is called each time a live connection has brought no data for Stream.QuietTopics. It returns the reason
	// to end the connection, or nil to let it be quiet. Default: NoData.
	OnQuiet func(quiet time.Duration) error
	// NowNs is the local clock, in nanoseconds since the epoch.
	NowNs func() int64
	// Logger may be nil.
	Logger hclog.Logger
	// Outage collects when connections go down and come up; use the same one for everything of one venue. Default: one
	// of its own. What names the connection there. Default: "connection".
	Outage protocol.Outage
	What   string

	// Attempts limits connection attempts; give the same to all streams of one venue. Default: NewAttempts(60, 5
	// minutes).
	Attempts *rate.Limiter
	// TLS is for wss, nil for the system's authorities. Header goes with the handshake.
	TLS    *tls.Config
	Header http.Header
	// Uncompressed does not offer permessage-deflate. It is offered otherwise, for what the venue sends; what is sent
	// from here is never compressed.
	Uncompressed bool
	// ReadLimit is the longest message in bytes. Default: 16 MiB.
	ReadLimit int64

	// OpenTimeout bounds each of Prepare, the handshake, the answers to the Hellos, and KeepAlive. Default: 10 s.
	OpenTimeout time.Duration
	// WriteTimeout limits how long a write waits for the venue to read; then the connection is closed. Default: 5 s.
	WriteTimeout time.Duration
	// CloseTimeout limits the wait for the venue's answer to a close frame. Default: 1 s.
	CloseTimeout time.Duration
	// Overlap is the time for which a replaced connection still delivers. Default: 2 s.
	Overlap time.Duration
	// Settle is the delay before a new connection delivers, at most Overlap. A new connection that is ahead of the old
	// one then causes no gap: by the end of it the old one has delivered everything before the new one's first message,
	// and what both bring is a duplicate. Data waits in TCP meanwhile. Default: 200 ms, at most half of Overlap.
	Settle time.Duration
	// SlowFrame is from which time in OnFrame a frame is counted as slow. Default: 10 ms.
	SlowFrame time.Duration
	// StableAfter is the time a connection must last, with data, for the back-off to start again. Default: 60 s.
	StableAfter time.Duration
	// BackOffMin and BackOffMax are the first and the longest pause between attempts, before jitter of a half; each is
	// twice the one before. Default: 100 ms and 60 s.
	BackOffMin, BackOffMax time.Duration
	// ForbiddenPause is the pause after HTTP 403. Default: BackOffMax. Bybit wants 10 minutes.
	ForbiddenPause time.Duration
	// MaxRefusals is the number of refusals in a row that end Run, not counting those that say when to try again.
	// Default: 5.
	MaxRefusals int
	// RefusedPause, where it is not 0, is the pause after so many refusals of a connection that the venue has taken
	// before: what it has given once is asked for again, and Run goes on.
	RefusedPause time.Duration
}

// NewAttempts returns a limit of connection attempts that never lets more than n pass in any window of per: half of
// them at once, the other half spread over the window. An n below 2 counts as 2.
func NewAttempts(n int, per time.Duration) *rate.Limiter {
	// A token bucket passes its size and what flows in during the window, so both together have to be n.
	n = max(n, 2)
	return rate.NewLimiter(rate.Limit(float64(n-n/2)/per.Seconds()), n/2)
}

func orDefault[T int | int64 | time.Duration](value *T, standard T) {
	if *value == 0 {
		*value = standard
	}
}

// complete fills in the defaults and reports what cannot be.
func (c *Config) complete() error {
	if c.Prepare == nil || c.OnFrame == nil || c.NowNs == nil {
		return errors.New("stream: Prepare, OnFrame and NowNs have to be set")
	}
	if c.OnUp == nil {
		c.OnUp = func() {}
	}
	if c.OnDown == nil {
		c.OnDown = func(string, time.Duration) {}
	}
	if c.OnRenewed == nil {
		c.OnRenewed = func(string) {}
	}
	if c.OnQuiet == nil {
		c.OnQuiet = NoData
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Outage == nil {
		c.Outage = NewOutage(c.Logger, c.NowNs)
	}
	if c.What == "" {
		c.What = "connection"
	}
	if c.Attempts == nil {
		c.Attempts = NewAttempts(60, 5*time.Minute)
	}
	orDefault(&c.ReadLimit, 16<<20)
	orDefault(&c.OpenTimeout, 10*time.Second)
	orDefault(&c.WriteTimeout, 5*time.Second)
	orDefault(&c.CloseTimeout, time.Second)
	orDefault(&c.Overlap, 2*time.Second)
	orDefault(&c.Settle, min(200*time.Millisecond, c.Overlap/2))
	orDefault(&c.SlowFrame, 10*time.Millisecond)
	orDefault(&c.StableAfter, time.Minute)
	orDefault(&c.BackOffMin, 100*time.Millisecond)
	orDefault(&c.BackOffMax, time.Minute)
	orDefault(&c.ForbiddenPause, c.BackOffMax)
	orDefault(&c.MaxRefusals, 5)
	return c.check()
}

// check reports times and limits that cannot be.
func (c *Config) check() error {
	for _, d := range []time.Duration{c.OpenTimeout, c.WriteTimeout, c.CloseTimeout, c.Overlap, c.Settle, c.SlowFrame,
		c.StableAfter, c.BackOffMin, c.BackOffMax, c.ForbiddenPause, time.Duration(c.ReadLimit),
		time.Duration(c.MaxRefusals)} {
		if d < 0 {
			return fmt.Errorf("stream: a limit or duration of the configuration is negative: %d", int64(d))
		}
	}
	if c.Settle > c.Overlap {
		return fmt.Errorf("stream: Settle %v is longer than Overlap %v", c.Settle, c.Overlap)
	}
	if c.BackOffMin > c.BackOffMax {
		return fmt.Errorf("stream: the first pause %v is longer than the longest %v", c.BackOffMin, c.BackOffMax)
	}
	return nil
}

// NoData is why a connection is ended that lives and has brought nothing for a time.
func NoData(quiet time.Duration) error {
	return fmt.Errorf("connected, but no data for %v: check topics and URL", quiet)
}
