package binanceapi

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// CallerConfig is what a Caller needs.
type CallerConfig struct {
	// Name tells the connection apart in messages, URL is the whole address.
	Name, URL string
	// Signer has to have a key. With Ed25519 each connection logs on and requests carry no signature of their own;
	// otherwise each is signed.
	Signer *Signer
	Causes Causes
	// Details may be nil.
	Details Details
	// Timeout is how long an answer may take, 0 for DefaultTimeout.
	Timeout time.Duration
	// Silence and Lifetime are as in protocol.Stream.
	Silence, Lifetime time.Duration
	// RefusedPause is as in stream.Config, 0 for a minute.
	RefusedPause time.Duration
	// Budget is asked before each request.
	Budget Budget
	// NowNs is the local clock.
	NowNs func() int64
	// Logger and Outage may be nil.
	Logger hclog.Logger
	Outage protocol.Outage
}

// Caller speaks to a WebSocket API over a connection that it keeps. Any number of goroutines use it.
type Caller struct {
	config CallerConfig
	link   *stream.Caller
	lastID atomic.Uint64
	parser Parser

	cancel context.CancelCauseFunc
	done   chan struct{}
	mu     sync.Mutex
	ended  error // why there will be no connection any more
}

// NewCaller returns a caller that connects and stays so until Close.
func NewCaller(config CallerConfig) (*Caller, error) {
	if config.Signer.Key() == nil {
		return nil, errNoKey()
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	config.RefusedPause = cmp.Or(config.RefusedPause, time.Minute)
	c := &Caller{config: config, done: make(chan struct{})}
	var err error
	c.link, err = stream.NewCaller(stream.CallerConfig{ID: c.parser.replyID, Timeout: config.Timeout,
		Config: stream.Config{
			Prepare: c.prepare, OnFrame: c.notice, NowNs: config.NowNs, Logger: config.Logger,
			Outage: config.Outage, What: "order connection", RefusedPause: config.RefusedPause}})
	if err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, c.cancel = context.WithCancelCause(context.Background())
	go func() {
		defer close(c.done)
		err := c.link.Run(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended = err; err == nil {
			c.ended = errors.New("binanceapi: the connection for requests is closed")
		}
	}()
	return c, nil
}

// Close ends the connection; calls that wait fail. All goroutines have ended when it returns.
func (c *Caller) Close() {
	c.cancel(nil)
	<-c.done
}

// HangUp lets Close end the connection without a goodbye.
func (c *Caller) HangUp() { c.cancel(errHungUp) }

var errHungUp = errors.New("binanceapi: disconnected")

// Up says that requests can be sent.
func (c *Caller) Up() bool { return c.link.Up() }

const logonID = "logon"

// prepare describes the connection.
func (c *Caller) prepare(context.Context) (protocol.Stream, error) {
	s := protocol.Stream{Name: c.config.Name, URL: c.config.URL, Silence: c.config.Silence, Lifetime: c.config.Lifetime}
	if c.config.Signer.Key().Ed25519() {
		s.Hello, s.Answers = [][]byte{c.config.Signer.AppendLogon(nil, logonID)}, 1
		s.Ready = c.loggedOn
	}
	return s, nil
}

// loggedOn looks at the answer to the log-on.
func (c *Caller) loggedOn(frame []byte) (answer bool, err error) {
	if string(c.parser.replyID(frame)) != logonID {
		return false, nil
	}
	err = c.parser.Parse(frame, func(v Value) error {
		if f := c.config.Signer.ReplyFailure(v, c.config.Causes); f != nil {
			return Refusal(f, c.config.NowNs())
		}
		return nil
	})
	return true, err
}

// Refusal returns why a log-on or subscription was refused in the form of a stream: one that may pass, such as of a
// clock that is off, asks for a pause before the next attempt, and is no reason to give up.
func Refusal(f *protocol.Failure, nowNs int64) error {
	switch f.Cause {
	case protocol.Weight, protocol.Banned, protocol.ClockOff, protocol.Overloaded, protocol.Unreached, protocol.Unknown:
		pause := max(time.Second, f.RetryAt.Sub(time.Unix(0, nowNs)))
		return fmt.Errorf("%w (%w)", f, &backoff.RetryAfterError{Duration: pause})
	}
	return f
}

// notice looks at a frame that answers nothing.
func (c *Caller) notice(_ int64, frame []byte) {
	if reason := c.parser.Notice(frame); reason != "" {
		c.link.Renew(reason)
	}
}

// Do sends a signed request and hands the reply's result to read, nil when there is nothing to read. It returns a
// *protocol.Failure. params is given away.
func (c *Caller) Do(ctx context.Context, method string, params []Param, cost Cost,
	read func(result Value) error) error {
	spent, failure := c.config.Budget.spend(c.config.Signer, cost, false)
	if failure != nil {
		return failure
	}
	return spent.answered(c.exchange(ctx, method, params, &spent, read))
}

// exchange sends a request and reads its answer.
func (c *Caller) exchange(ctx context.Context, method string, params []Param, spent *spending,
	read func(result Value) error) error {
	id := "r" + strconv.FormatUint(c.lastID.Add(1), 10)
	frame := make([]byte, 0, 768)
	if c.config.Signer.Key().Ed25519() {
		frame = c.config.Signer.AppendSessionCall(frame, id, method, params)
	} else {
		frame = c.config.Signer.AppendCall(frame, id, method, params)
	}
	answer, err := c.link.Call(ctx, id, frame, nil)
	switch {
	case errors.Is(err, stream.ErrUnknown):
		return lost(err)
	case err != nil:
		return c.unsent(err)
	}
	if err := c.parser.Parse(answer, func(v Value) error { return c.reply(v, spent, read) }); err != nil {
		return asFailure(err)
	}
	return nil
}

// unsent is the failure of a request that was not sent, for err: for good when the log-on was refused.
func (c *Caller) unsent(err error) *protocol.Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	var refused *stream.RefusedError
	if errors.As(c.ended, &refused) {
		f := &protocol.Failure{Cause: protocol.Key, Err: fmt.Errorf("%w: %w", err, c.ended)}
		var failure *protocol.Failure
		if errors.As(refused.Err, &failure) {
			f.Code = failure.Code
		}
		return f
	}
	return unsent(err)
}

// reply looks at an answer.
func (c *Caller) reply(v Value, spent *spending, read func(result Value) error) error {
	ReadLimits(v.Field("rateLimits"), spent.used)
	if f := c.config.Signer.ReplyFailure(v, c.config.Causes); f != nil {
		if data := v.Field("error").Field("data"); c.config.Details != nil && data.IsObject() {
			c.config.Details(f, data)
		}
		return f
	}
	if read == nil {
		return nil
	}
	return read(v.Field("result"))
}

// ReplyFailure returns what a reply of a WebSocket API says in place of a result, nil for a success.
func (s *Signer) ReplyFailure(v Value, causes Causes) *protocol.Failure {
	status := int(v.Int("status"))
	failed := v.Field("error")
	if status == http.StatusOK && !failed.IsObject() {
		return nil
	}
	forbidden := 0
	if status == http.StatusForbidden {
		forbidden = status // of this way; see Entry.Do
	}
	if !failed.IsObject() {
		return &protocol.Failure{Cause: causeOf(status, 0, "", causes), Status: forbidden,
			Msg: "status " + strconv.Itoa(status) + " without an error"}
	}
	var retryAt time.Time
	if data := failed.Field("data"); data.IsObject() {
		retryAt = s.told(data.Int("retryAfter"))
	}
	f := s.refusal(status, int(failed.Int("code")), failed.Text("msg"), causes, retryAt)
	f.Status = forbidden
	return f
}

// replyID returns the id of a frame that answers a request, nil for any other frame.
func (p *Parser) replyID(frame []byte) []byte {
	const usual = `{"id":"`
	if rest, ok := bytes.CutPrefix(frame, []byte(usual)); ok {
		if end := bytes.IndexByte(rest, '"'); end > 0 && bytes.IndexByte(rest[:end], '\\') < 0 {
			return rest[:end]
		}
	}
	var id []byte
	err := p.Parse(frame, func(v Value) error {
		if v.IsObject() {
			id = []byte(v.ID("id"))
		}
		return nil
	})
	if err != nil || len(id) == 0 {
		return nil
	}
	return id
}
