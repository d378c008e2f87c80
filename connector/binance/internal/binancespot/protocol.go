package binancespot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binanceapi"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

var (
	_ protocol.Protocol = (*Protocol)(nil)
	_ protocol.Sweeper  = (*Protocol)(nil)
	_ protocol.Lister   = (*Protocol)(nil)
	_ protocol.Noticer  = (*Protocol)(nil)
	_ protocol.FeePayer = (*Protocol)(nil)
	_ protocol.Hanger   = (*Protocol)(nil)
)

// Protocol is how to speak to Binance spot; see protocol.Protocol. Its methods may be called from any goroutine.
type Protocol struct {
	config Config
	signer *binanceapi.Signer
	client *binanceapi.Client
	// entry sends requests about orders, by REST or over the WebSocket API.
	entry  binanceapi.Entry
	parser binanceapi.Parser
}

// New returns a Protocol. Nothing is connected until something is asked, except that order entry by the WebSocket API
// connects at once and stays so until Close.
func New(config Config) (*Protocol, error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("binancespot: %w", err)
	}
	var key *binanceapi.Key
	if config.APIKey != "" {
		var err error
		if key, err = binanceapi.NewKey(config.APIKey, config.Secret); err != nil {
			return nil, fmt.Errorf("binancespot: %w", err)
		}
	}
	config.APIKey, config.Secret = "", "" // nothing shows what is not there
	p := &Protocol{config: config, signer: binanceapi.NewSigner(key, config.RecvWindow, config.NowNs)}
	budget, err := binanceapi.NewBudget(config.allowances())
	if err != nil {
		return nil, fmt.Errorf("binancespot: %w", err)
	}
	p.client, err = binanceapi.NewClient(binanceapi.ClientConfig{URL: config.APIURL, Signer: p.signer, Causes: cause,
		Details: replaceDetails, HTTPClient: config.HTTPClient, Timeout: config.Timeout, Budget: budget})
	if err != nil {
		return nil, fmt.Errorf("binancespot: %w", err)
	}
	p.entry.REST = p.client
	if config.OrderEntry == "ws" && key != nil {
		p.entry.WS, err = binanceapi.NewCaller(binanceapi.CallerConfig{Name: "orders", URL: config.WSAPIURL,
			Signer: p.signer, Causes: cause, Details: replaceDetails, Timeout: config.Timeout, Silence: config.Silence,
			Lifetime: config.Lifetime, Budget: budget, NowNs: config.NowNs, Logger: config.Logger,
			Outage: config.Outage})
		if err != nil {
			p.client.Close()
			return nil, fmt.Errorf("binancespot: %w", err)
		}
	}
	return p, nil
}

// HangUp ends the connection for order entry without a goodbye; see protocol.Hanger.
func (p *Protocol) HangUp() { p.entry.HangUp() }

// Close ends the connections for order entry and those of REST that are idle.
func (p *Protocol) Close() error {
	p.entry.Close()
	return nil
}

// NowNs returns the local clock.
func (p *Protocol) NowNs() int64 { return p.config.NowNs() }

// SetClockOffset sets what is added to the local clock in signed requests.
func (p *Protocol) SetClockOffset(offset time.Duration) { p.signer.SetClockOffset(offset) }

// UserStream returns the private stream, a connection to the WebSocket API. Its requests have a time and hold for one
// connection that is made soon. An Ed25519 key logs on and subscribes then; with other keys the subscription itself is
// signed.
func (p *Protocol) UserStream(context.Context) (protocol.Stream, error) {
	key := p.signer.Key()
	if key == nil {
		return protocol.Stream{}, &protocol.Failure{Cause: protocol.Key,
			Msg: "the private stream needs a key and its secret: set them in the connector's block"}
	}
	s := protocol.Stream{Name: "user", URL: p.config.WSAPIURL, Silence: p.config.Silence, Lifetime: p.config.Lifetime,
		OneByOne: true, Ready: p.subscribed}
	if key.Ed25519() {
		s.Hello = [][]byte{p.signer.AppendLogon(nil, "logon"),
			binanceapi.AppendCall(nil, "subscribe", "userDataStream.subscribe", nil)}
	} else {
		s.Hello = [][]byte{p.signer.AppendCall(nil, "subscribe", "userDataStream.subscribe.signature",
			make([]binanceapi.Param, 0, roomForSigning))}
	}
	s.Answers = len(s.Hello)
	return s, nil
}

// alreadySubscribed is the code of a subscription that the connection has already, which is as good as a new one.
const alreadySubscribed = -2035

// subscribed reports whether a frame answers a request, with an error when the venue refused it. A refusal that may
// pass, such as of a clock that is off, asks for a pause before the next attempt.
func (p *Protocol) subscribed(frame []byte) (answer bool, err error) {
	parseErr := p.parser.Parse(frame, func(v binanceapi.Value) error {
		if answer = v.Has("id") && v.Has("status"); !answer {
			return nil
		}
		if f := p.signer.ReplyFailure(v, cause); f != nil && f.Code != alreadySubscribed {
			return f
		}
		return nil
	})
	var f *protocol.Failure
	if !errors.As(parseErr, &f) {
		return answer && parseErr == nil, nil
	}
	return true, binanceapi.Refusal(f, p.config.NowNs())
}
