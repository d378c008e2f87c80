package linear

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// userAuthSeconds is for how long the log-on to the private stream is good, counted from before the connection is made.
const userAuthSeconds = 15

// UserStream returns the private stream. With OrdersByWebSocket it also starts the trade connection, so that the first
// order does not wait for it.
func (p *Protocol) UserStream(context.Context) (protocol.Stream, error) {
	if p.config.APIKey == "" {
		return protocol.Stream{}, fmt.Errorf("bybit: %w", &protocol.Failure{Cause: protocol.Key, Err: errNoKey})
	}
	auth, err := p.authFrame(p.venueMs() + userAuthSeconds*1000)
	if err != nil {
		return protocol.Stream{}, fmt.Errorf("bybit: %w", &protocol.Failure{Cause: protocol.Key,
			Msg: "the logon cannot be signed", Err: err})
	}
	topics := []string{"order.linear", "execution.linear", "position.linear", "wallet"}
	if p.config.DisconnectCancel {
		topics = append(topics, "dcp.future")
	}
	if p.trade != nil {
		p.trade.connect()
	}
	return protocol.Stream{Name: "user", URL: p.config.PrivateURL,
		Hello: [][]byte{auth, operation("subscribe", topics)}, Answers: 2, OneByOne: true, Ready: p.parsers.ready,
		Ping: ping, PingInterval: pingInterval, Pong: p.parsers.isPong, Silence: silence}, nil
}

// DecodeUser decodes a message of the private stream and hands its rows to the sink. Topics, statuses and fields that
// are not known are passed over. A row that is broken is reported as an error after the others have been handed over.
// Executions may come before or after the order's own message, also after its last; both are passed on as they come.
func (p *Protocol) DecodeUser(frame []byte, sink protocol.UserSink) error {
	parser := p.parsers.pool.Get()
	defer p.parsers.pool.Put(parser)
	v, err := parse(parser, frame)
	if err != nil {
		return fmt.Errorf("bybit: private stream: %w: %s", err, excerpt(frame))
	}
	topic, category, _ := bytes.Cut(v.GetStringBytes("topic"), []byte{'.'})
	if len(topic) == 0 {
		p.userAnswer(frame, sink)
		return nil
	}
	if len(category) > 0 && string(category) != "linear" {
		return nil
	}
	take := userRow(string(topic), sink)
	if take == nil {
		return nil
	}
	if data := v.Get("data"); data == nil || data.Type() != fastjson.TypeArray {
		return fmt.Errorf("bybit: private stream: %s: data is not an array", excerpt(topic))
	}
	for _, element := range v.GetArray("data") {
		err = errors.Join(err, takeRow(element, take))
	}
	if err != nil {
		return fmt.Errorf("bybit: private stream: %s: %w", excerpt(topic), err)
	}
	return nil
}

// userRow returns what to do with the rows of a topic, nil for nothing.
func userRow(topic string, sink protocol.UserSink) func(r *row) error {
	switch topic {
	case "order":
		return func(r *row) error {
			if report, ok := orderReport(r, protocol.ChannelStream); ok && r.err == nil {
				sink.Order(&report)
			}
			return nil
		}
	case "execution":
		return func(r *row) error {
			if event, ok := accountEvent(r); ok && r.err == nil {
				sink.Account(event)
				return nil
			}
			if report, ok := executionReport(r, protocol.ChannelStream); ok && r.err == nil {
				sink.Order(&report)
			}
			return nil
		}
	case "position":
		return func(r *row) error {
			if position, ok := position(r); ok && r.err == nil {
				sink.Position(position)
			}
			return nil
		}
	case "wallet":
		return func(r *row) error { return coins(r, sink.Balance) }
	}
	return nil
}

// userAnswer looks at what the venue says without being asked: that the connection is not logged on any more.
func (p *Protocol) userAnswer(frame []byte, sink protocol.UserSink) {
	a, ok := p.parsers.answer(frame)
	if ok && !a.ok && (a.op == "auth" || a.op == "subscribe") {
		sink.Renew(a.op + ": " + p.clean(a.msg))
	}
}
