package venuecheck

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// connection is what became of one connection.
type connection struct {
	name              string
	mu                sync.Mutex
	upNs, firstNs     int64
	refused, lastDown string
	// heard is closed by the first message, up by the connection.
	heard, up chan struct{}
}

// streams makes each connection that trading needs and waits for its first message.
func (c *check) streams(ctx context.Context) {
	var names []string
	for i := range c.rules.Filters {
		names = append(names, c.rules.Filters[i].Symbol)
	}
	var all []*connection
	var group sync.WaitGroup
	limited, cancel := context.WithTimeout(ctx, c.StreamTimeout)
	defer cancel()
	open := func(name string, needsMessage bool, prepare func(context.Context) (protocol.Stream, error)) {
		one := &connection{name: name, heard: make(chan struct{}), up: make(chan struct{})}
		all = append(all, one)
		group.Go(func() { c.connect(limited, one, needsMessage, prepare) })
	}
	beginNs := c.Protocol.NowNs()
	if len(names) > 0 {
		for _, s := range c.Protocol.MarketStreams(names) {
			open(s.Name, true, func(context.Context) (protocol.Stream, error) { return s, nil })
		}
	}
	market := len(all)
	if c.HasKey {
		open("account", false, c.Protocol.UserStream)
	}
	group.Wait()
	silent := 0
	for n, one := range all {
		if n < market && one.firstNs == 0 {
			silent++
		}
	}
	for n, one := range all {
		c.tell(one, beginNs, n < market, silent == market)
	}
}

// connect keeps one connection until its first message has come, or until it is up where none is expected.
func (c *check) connect(ctx context.Context, one *connection, needsMessage bool,
	prepare func(context.Context) (protocol.Stream, error)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var upOnce, heardOnce sync.Once
	keeper, err := stream.New(stream.Config{Prepare: prepare, NowNs: c.Protocol.NowNs, Logger: c.Logger,
		OnUp: func() {
			upOnce.Do(func() {
				one.mu.Lock()
				one.upNs = c.Protocol.NowNs()
				one.mu.Unlock()
				close(one.up)
			})
		},
		OnFrame: func(localNs int64, _ []byte) {
			heardOnce.Do(func() {
				one.mu.Lock()
				one.firstNs = localNs
				one.mu.Unlock()
				close(one.heard)
			})
		},
		OnDown: func(reason string, _ time.Duration) {
			one.mu.Lock()
			one.lastDown = reason
			one.mu.Unlock()
		}})
	if err != nil {
		one.refused = err.Error()
		return
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := keeper.Run(ctx); err != nil {
			one.mu.Lock()
			one.refused = err.Error()
			one.mu.Unlock()
			cancel()
		}
	})
	enough := one.up
	if needsMessage {
		enough = one.heard
	}
	select {
	case <-enough:
	case <-ctx.Done():
	}
	cancel()
	running.Wait()
}

// tell adds what became of a connection. Without any message of any market connection there is no market data.
func (c *check) tell(one *connection, beginNs int64, market, allSilent bool) {
	f := connector.Finding{What: "stream " + one.name}
	if one.upNs == 0 {
		f.Value, f.Problem, f.Advice = "not connected", one.lastDown, "check its URL"
		if one.refused != "" {
			f.Problem, f.Advice = one.refused, "check its URL and the key's permissions"
		}
		if f.Problem == "" {
			f.Problem = fmt.Sprintf("there is no answer within %v", c.StreamTimeout)
		}
		c.add(f, true)
		return
	}
	f.Value = fmt.Sprintf("connected after %v", short(time.Duration(one.upNs-beginNs)))
	switch {
	case one.firstNs != 0:
		f.Value += fmt.Sprintf(", first message after %v", short(time.Duration(one.firstNs-beginNs)))
	case market:
		f.Problem = fmt.Sprintf("no message within %v", c.StreamTimeout)
		f.Advice = "check that its URL serves this class of streams; a market that hardly trades is silent, too"
	}
	c.add(f, f.Problem != "" && allSilent)
}
