package linear

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// tradeSocket is the trade connection. It connects when it is first needed.
type tradeSocket struct {
	protocol *Protocol
	caller   *stream.Caller
	// idPrefix and count make request ids that the venue has not seen: a clock reading of this start and a number.
	idPrefix string
	count    atomic.Uint64

	mu      sync.Mutex
	stopped bool
	stop    context.CancelCauseFunc
	done    chan struct{}
}

// tradeAuthSeconds is for how long a log-on is good, counted from before the connection is made.
const tradeAuthSeconds = 15

func newTradeSocket(p *Protocol) (*tradeSocket, error) {
	t := &tradeSocket{protocol: p, idPrefix: strconv.FormatInt(p.config.NowNs(), 36) + "-"}
	caller, err := stream.NewCaller(stream.CallerConfig{
		Config: stream.Config{Prepare: t.prepare, OnFrame: func(int64, []byte) {}, NowNs: p.config.NowNs,
			Logger: p.config.Logger, Outage: p.config.Outage, What: "order connection", ForbiddenPause: forbiddenPause,
			RefusedPause: time.Minute},
		ID: requestID,
	})
	t.caller = caller
	return t, err
}

func (t *tradeSocket) prepare(context.Context) (protocol.Stream, error) {
	p := t.protocol
	auth, err := p.authFrame(p.venueMs() + tradeAuthSeconds*1000)
	return protocol.Stream{Name: "trade", URL: p.config.TradeURL, Hello: [][]byte{auth}, Answers: 1, OneByOne: true,
		Ready: p.parsers.ready, Ping: ping, PingInterval: pingInterval, Pong: p.parsers.isPong, Silence: silence}, err
}

// connect starts the connection if it is not there.
func (t *tradeSocket) connect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.stop != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	t.stop, t.done = cancel, make(chan struct{})
	go func() {
		defer close(t.done)
		if err := t.caller.Run(ctx); err != nil && t.protocol.config.Logger != nil {
			t.protocol.config.Logger.Error("the trade connection has failed, orders go by REST", "reason", err)
		}
	}()
}

// errHungUp has the connection end without a goodbye.
var errHungUp = errors.New("bybit: disconnected")

// end ends the connection, nil as its reason with a goodbye, and waits until it has ended. The first reason counts.
func (t *tradeSocket) end(reason error) {
	t.mu.Lock()
	stop, done := t.stop, t.done
	t.stopped = true
	t.mu.Unlock()
	if stop != nil {
		stop(reason)
		<-done
	}
}

// tradeOp is the name of an action on the trade connection.
func tradeOp(a action) string {
	switch a {
	case placeAction:
		return "order.create"
	case amendAction:
		return "order.amend"
	}
	return "order.cancel"
}

// cancelPatience is how long a cancel's answer is waited for here; then it goes by REST, too, where a second one does
// no harm.
const cancelPatience = time.Second

// send sends a request that is about one order and returns the ids that the venue answers with. sent is false when it
// is to go by REST: the connection is not up and nothing has happened, or it is a cancel that was not answered soon.
func (t *tradeSocket) send(ctx context.Context, a action, path string, o *protocol.Order,
	body []byte) (ids orderIDs, sent bool, err error) {
	t.connect()
	spent, err := t.protocol.spend(path, a, 1, false)
	if err != nil {
		return orderIDs{}, true, err
	}
	defer func() {
		outcome := err
		if !sent { // it is not known whether it was
			outcome = &protocol.Failure{Cause: protocol.Unreached}
		}
		spent.over(outcome)
	}()
	id := t.idPrefix + strconv.FormatUint(t.count.Add(1), 36)
	frame := t.frame(id, a, body)
	if a == cancelAction {
		soon, cancel := context.WithTimeout(ctx, cancelPatience)
		defer cancel()
		ctx = soon
	}
	answer, err := t.caller.Call(ctx, id, frame, nil)
	if err != nil {
		spent.counted(nil)
	}
	switch {
	case err != nil && o.Ended != nil && o.Ended():
		return orderIDs{}, true, &protocol.Failure{Cause: protocol.Gone,
			Msg: "the order has ended, the cancel was not answered", Err: err}
	case errors.Is(err, stream.ErrDown), errors.Is(err, stream.ErrBusy), err != nil && a == cancelAction:
		return orderIDs{}, false, nil
	case err != nil:
		return orderIDs{}, true, &protocol.Failure{Cause: protocol.Unknown, Msg: "no answer over the trade connection",
			Err: err}
	}
	ids, err = t.read(a, answer, spent.counted)
	return ids, true, err
}

// frame puts a REST body into the form of the trade connection.
func (t *tradeSocket) frame(id string, a action, body []byte) []byte {
	b := make([]byte, 0, len(body)+200)
	b = append(append(b, `{"reqId":"`...), id...)
	b = append(append(b, `","header":{"X-BAPI-TIMESTAMP":"`...), strconv.FormatInt(t.protocol.venueMs(), 10)...)
	b = append(append(b, `","X-BAPI-RECV-WINDOW":"`...), t.protocol.recvWindow...)
	b = append(append(b, `"},"op":"`...), tradeOp(a)...)
	b = append(append(b, `","args":[`...), body...)
	return append(b, `]}`...)
}

// read reads an answer. It tells done about it in any case.
func (t *tradeSocket) read(a action, frame []byte, done func(header func(string) string)) (orderIDs, error) {
	p := t.protocol
	parser := p.parsers.pool.Get()
	defer p.parsers.pool.Put(parser)
	v, err := parse(parser, frame)
	if err != nil {
		done(nil)
		return orderIDs{}, &protocol.Failure{Cause: protocol.Unknown, Msg: "an answer of the trade connection",
			Err: err}
	}
	header := row{v: v.Get("header")}
	done(header.str)
	envelope := row{v: v}
	code := int(envelope.whole("retCode"))
	if envelope.err != nil || v.Get("retCode") == nil {
		return orderIDs{}, &protocol.Failure{Cause: protocol.Unknown,
			Msg: "an answer of the trade connection without retCode", Err: envelope.err}
	}
	if code == codeRestarted {
		t.caller.Renew("the venue restarts this connection")
	}
	if code != 0 {
		return orderIDs{}, p.stop(p.refusal(code, envelope.str("retMsg"), a, p.resetNs(header.str)), a)
	}
	return readIDs(v.Get("data")), nil
}

// orderIDs are an order's names in an acknowledgement.
type orderIDs struct{ clientID, venueID string }

func readIDs(v *fastjson.Value) orderIDs {
	if v == nil {
		return orderIDs{}
	}
	r := row{v: v}
	return orderIDs{clientID: r.str("orderLinkId"), venueID: r.str("orderId")}
}

// requestID returns the reqId of an answer, nil when it has none.
func requestID(frame []byte) []byte {
	const name = `"reqId"`
	i := bytes.Index(frame, []byte(name))
	if i < 0 {
		return nil
	}
	rest := bytes.TrimLeft(frame[i+len(name):], " \t\r\n:")
	if len(rest) == 0 || rest[0] != '"' {
		return nil
	}
	id, _, ok := bytes.Cut(rest[1:], []byte{'"'})
	if !ok {
		return nil
	}
	return id
}
