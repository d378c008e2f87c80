package linear

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

const (
	// maxArgs is how many characters the topics of one connection may take up; the venue says 21,000, and whether it
	// counts the quotes is not said, so they count here.
	maxArgs = 21000
	// pingInterval is what the venue asks for. A connection that has not even answered two pings is dead.
	pingInterval = 20 * time.Second
	silence      = 2*pingInterval + 5*time.Second
	// The best bid and ask come at least every 3 s, a deeper book only when it changes.
	quietBookTicker = 15 * time.Second
	quietBook       = time.Minute
)

// topics returns what is subscribed for a symbol.
func (p *Protocol) topics(symbol string) []string {
	topics := []string{p.bookTopic(symbol)}
	if p.config.BookTicker {
		topics = append(topics, "orderbook.1."+symbol)
	}
	return append(topics, "publicTrade."+symbol)
}

func (p *Protocol) bookTopic(symbol string) string {
	return "orderbook." + strconv.Itoa(p.config.DepthLevel) + "." + symbol
}

// MarketStreams returns the connections for symbols: one for as many as the venue takes on one connection. Without
// symbols there is none.
func (p *Protocol) MarketStreams(symbols []string) []protocol.Stream {
	var streams []protocol.Stream
	var args []string
	size := 0
	flush := func() {
		if len(args) > 0 {
			streams = append(streams, p.marketStream(len(streams)+1, args))
			args, size = nil, 0
		}
	}
	for _, symbol := range symbols {
		topics := p.topics(symbol)
		length := 0
		for _, topic := range topics {
			length += len(topic) + len(`"",`)
		}
		if size+length > maxArgs {
			flush()
		}
		args, size = append(args, topics...), size+length
	}
	flush()
	return streams
}

func (p *Protocol) marketStream(no int, args []string) protocol.Stream {
	s := protocol.Stream{Name: "public", URL: p.config.PublicURL, Hello: [][]byte{operation("subscribe", args)},
		Answers: 1, OneByOne: true, Ready: p.parsers.ready, Ping: ping, PingInterval: pingInterval,
		Pong: p.parsers.isPong, Silence: silence, QuietTopics: quietBook}
	if no > 1 {
		s.Name += " " + strconv.Itoa(no)
	}
	if p.config.BookTicker || p.config.DepthLevel == 1 {
		s.QuietTopics = quietBookTicker
	}
	return s
}

// peekLevels are compared at most: what is deeper may come and go without a message.
const peekLevels = 25

// Peek asks for the best levels a side. The answer's u counts another depth of the book; its seq is that of all depths.
func (p *Protocol) Peek(ctx context.Context, symbol string, m *connector.Message) error {
	query := linear(symbol) + "&limit=" + strconv.Itoa(min(peekLevels, p.config.DepthLevel))
	return p.call(ctx, request{path: "/v5/market/orderbook", query: query, open: true},
		func(result *fastjson.Value) error {
			r := row{v: result}
			m.Reset()
			m.Kind, m.Symbol, m.Seq, m.ExchTimestampNs = connector.MessageSnapshot, []byte(r.str("s")), r.whole("seq"),
				r.timeNs("ts")
			for _, side := range []struct {
				name string
				ev   uint64
			}{{"b", hft.BuyEvent}, {"a", hft.SellEvent}} {
				if result == nil || result.Get(side.name) == nil {
					return fmt.Errorf("there is no list %q of levels", side.name)
				}
				for _, level := range result.GetArray(side.name) {
					l := row{v: level}
					px, qty := l.number("0"), l.number("1")
					if r.err = errors.Join(r.err, l.err); !(px > 0) || !(qty > 0) {
						return fmt.Errorf("%s is not a level", level)
					}
					m.Events = append(m.Events, hft.Event{Ev: hft.LocalEvent | hft.DepthSnapshotEvent | side.ev,
						ExchTimestampNs: m.ExchTimestampNs, Px: px, Qty: qty})
				}
			}
			return r.err
		})
}

// Resubscribe returns the messages that, sent one after the other on the symbol's connection, make the venue send the
// book anew.
func (p *Protocol) Resubscribe(symbol string) [][]byte {
	topic := []string{p.bookTopic(symbol)}
	return [][]byte{operation("unsubscribe", topic), operation("subscribe", topic)}
}

// Notice returns why a connection has to be renewed that is up: it was refused a subscription.
func (p *Protocol) Notice(frame []byte) string {
	if a, ok := p.parsers.answer(frame); ok && !a.ok && a.op == "subscribe" {
		return "the venue rejected the new subscription: " + p.clean(a.msg)
	}
	return ""
}

func operation(op string, args []string) []byte {
	return marshal(struct {
		ReqID string   `json:"req_id"`
		Op    string   `json:"op"`
		Args  []string `json:"args"`
	}{op, op, args})
}

func ping() []byte { return []byte(`{"req_id":"ping","op":"ping"}`) }

// isAnswer reports whether a message may be an answer: those have an op, and messages about topics do not.
func isAnswer(frame []byte) bool {
	const longest = 1 << 12
	return len(frame) < longest && bytes.Contains(frame, []byte(`"op"`))
}

// answer is what the venue says to an operation, in the words of the public and private connections (success, ret_msg)
// and of the trade connection (retCode, retMsg).
type answer struct {
	op, msg string
	ok      bool
	code    int
}

func (p *parsers) answer(frame []byte) (a answer, ok bool) {
	if !isAnswer(frame) {
		return answer{}, false
	}
	parser := p.pool.Get()
	defer p.pool.Put(parser)
	v, err := parse(parser, frame)
	if err != nil {
		return answer{}, false
	}
	r := row{v: v}
	a = answer{op: r.str("op"), code: int(r.whole("retCode"))}
	if a.msg = r.str("ret_msg"); a.msg == "" {
		a.msg = r.str("retMsg")
	}
	if v.Exists("success") {
		a.ok = r.is("success")
	} else {
		a.ok = a.code == 0
	}
	return a, a.op != ""
}

// isPong knows the three pongs: of a public connection, which repeats the op and says pong in words, of a private one
// and of a trade connection, which both have the op pong.
func (p *parsers) isPong(frame []byte) bool {
	a, ok := p.answer(frame)
	return ok && (a.op == "pong" || a.op == "ping")
}

// ready looks for the answers to log-ons and subscriptions.
func (p *parsers) ready(frame []byte) (bool, error) {
	a, ok := p.answer(frame)
	if !ok || a.op != "auth" && a.op != "subscribe" {
		return false, nil
	}
	if a.ok || a.op == "auth" && a.code == codeLoggedOn {
		return true, nil
	}
	f := &protocol.Failure{Cause: protocol.Refused, Code: a.code, Msg: a.op + ": " + a.msg}
	switch {
	case a.code != 0:
		f.Cause = causeOf(a.code, queryAction)
	case a.op == "auth":
		f.Cause = protocol.Key
	}
	switch f.Cause {
	// it may pass, and is no reason to give up
	case protocol.Weight, protocol.Banned, protocol.ClockOff, protocol.Overloaded:
		return false, fmt.Errorf("bybit: %w (%w)", f, &backoff.RetryAfterError{Duration: time.Second})
	}
	return false, fmt.Errorf("bybit: %w", f)
}
