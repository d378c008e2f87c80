package binancespot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/internal/stream"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

func TestMarketStreams(t *testing.T) {
	c := config(&fake{t: t})
	c.BookTicker, c.StreamURL = true, "ws://127.0.0.1:1/prefix/"
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var symbols, want []string
	for i := range 700 {
		symbol := "S" + strconv.Itoa(i) + "USDT"
		symbols = append(symbols, symbol)
		name := strings.ToLower(symbol)
		want = append(want, name+"@depth@100ms", name+"@trade", name+"@bookTicker")
	}
	streams := p.MarketStreams(symbols)
	if len(streams) != 3 || streams[0].Name != "market" || streams[2].Name != "market3" {
		t.Fatalf("%d streams", len(streams))
	}
	var got []string
	for i := range streams {
		s := &streams[i]
		if s.URL != "ws://127.0.0.1:1/prefix/stream" || s.Answers != len(s.Hello) ||
			s.HelloInterval < 200*time.Millisecond ||
			s.Silence <= 0 || s.QuietTopics <= 0 || s.Lifetime <= 0 || s.Lifetime >= 24*time.Hour {
			t.Errorf("%+v", s)
		}
		topics := 0
		for _, hello := range s.Hello {
			var m struct {
				Method string   `json:"method"`
				Params []string `json:"params"`
			}
			if err := json.Unmarshal(hello, &m); err != nil || m.Method != "SUBSCRIBE" {
				t.Errorf("%v, %s", err, hello)
			}
			got = append(got, m.Params...)
			topics += len(m.Params)
		}
		if topics > 1024 {
			t.Errorf("%d topics on one connection", topics)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("topics %q", got)
	}
	for frame, want := range map[string]struct{ answer, refused bool }{
		`{"result":null,"id":1}`: {true, false}, `{"stream":"btcusdt@trade","data":{}}`: {false, false},
		`{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}`: {true, true},
		`{"code":2,"msg":"Invalid request"}`:                                  {true, true},
	} {
		if answer, err := streams[0].Ready([]byte(frame)); answer != want.answer || (err != nil) != want.refused {
			t.Errorf("%s: %v, %v", frame, answer, err)
		}
	}
	if got := p.MarketStreams(nil); len(got) != 0 {
		t.Errorf("%d streams of nothing", len(got))
	}
}

// TestDecoders: the stream that is subscribed is the one that is decoded.
func TestDecoders(t *testing.T) {
	agg := strings.Replace(tradeText, `"trade"`, `"aggTrade"`, 1)
	for choice, kinds := range map[string][2]connector.MessageKind{
		"trade":    {connector.MessageTrade, connector.MessageIgnored},
		"aggTrade": {connector.MessageIgnored, connector.MessageTrade},
	} {
		c := config(&fake{t: t})
		c.TradeStream = choice
		p, err := binancespot.New(c)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for i, raw := range []string{tradeText, agg} {
			var m connector.Message
			if err := p.NewDecoder().Decode(1, []byte(raw), &m); err != nil || m.Kind != kinds[i] {
				t.Errorf("%s: %v, kind %d of %s", choice, err, m.Kind, raw)
			}
		}
		if hello := string(p.MarketStreams([]string{"BTCUSDT"})[0].Hello[0]); !strings.Contains(hello,
			`"btcusdt@`+choice+`"`) || strings.Contains(hello, "bookTicker") {
			t.Errorf("%s: %s", choice, hello)
		}
	}
}

func TestNotice(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	for frame, want := range map[string]bool{
		`{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1760000000500}}`: true,
		`{"e":"serverShutdown","E":1760000000500}`:                                     true,
		`{"event":{"e":"serverShutdown","E":1760000000500}}`:                           true,
		`{"result":null,"id":1}`:                                                       false, `serverShutdown`: false,
		`{"e":"other","x":"serverShutdown"}`: false, ``: false,
		`{"e":"serverShutdown","x":"` + strings.Repeat("x", 1000) + `"}`: false,
	} {
		if reason := p.Notice([]byte(frame)); (reason != "") != want {
			t.Errorf("%s: %q", frame, reason)
		}
	}
	frame := []byte(`{"result":null,"id":1}`)
	if n := testing.AllocsPerRun(100, func() { p.Notice(frame) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLogonVector: the log-on is byte for byte the one of the scripted session.
func TestLogonVector(t *testing.T) {
	c := config(&fake{t: t})
	c.Secret, c.RecvWindow = ed25519Secret, 5*time.Second
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, err := p.UserStream(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Hello) != 2 || s.Answers != 2 || !s.OneByOne || s.URL != c.WSAPIURL {
		t.Fatalf("%+v", s)
	}
	var got, want map[string]any
	for _, line := range session(t) {
		if strings.HasPrefix(line.Note, "request: logon") {
			if err := json.Unmarshal(line.Message, &want); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := json.Unmarshal(s.Hello[0], &got); err != nil {
		t.Fatal(err)
	}
	got["id"], want["id"] = nil, nil
	if fmt.Sprint(got) != fmt.Sprint(want) || len(want) == 0 {
		t.Errorf("%v, want %v", got, want)
	}
	if text := string(s.Hello[1]); text != `{"id":"subscribe","method":"userDataStream.subscribe"}` {
		t.Error(text)
	}
}

// TestRefusedSubscriptions: what may pass is tried again after a pause, the rest is final.
func TestRefusedSubscriptions(t *testing.T) {
	p, _ := answering(t, 200, "{}")
	s, err := p.UserStream(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		frame  string
		answer bool
		cause  protocol.Cause
		pause  time.Duration
	}{
		{frame: `{"id":"subscribe","status":200,"result":{"subscriptionId":0}}`, answer: true},
		{frame: `{"id":"subscribe","status":400,"error":{"code":-2035,"msg":"User Data Stream subscription already active."}}`, answer: true},
		{frame: `{"subscriptionId":0,"event":{"e":"balanceUpdate"}}`},
		{frame: `nonsense`},
		{frame: `{"id":"subscribe","status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}`, answer: true,
			cause: protocol.Key},
		{frame: `{"id":"subscribe","status":400,"error":{"code":-1022,"msg":"Signature for this request is not valid."}}`, answer: true, cause: protocol.Key},
		{frame: `{"id":"subscribe","status":400,"error":{"code":-1021,"msg":"Timestamp"}}`, answer: true,
			cause: protocol.ClockOff, pause: time.Second},
		{frame: `{"id":"subscribe","status":429,"error":{"code":-1003,"msg":"Too much request weight used","data":{"retryAfter":1700000030000}}}`, answer: true,
			cause: protocol.Weight, pause: 30 * time.Second},
		{frame: `{"id":"subscribe","status":400,"error":{"code":-2036,"msg":"no"}}`, answer: true,
			cause: protocol.Refused},
	} {
		answer, err := s.Ready([]byte(c.frame))
		if answer != c.answer || (err != nil) != (c.cause != 0) || err != nil && protocol.CauseOf(err) != c.cause {
			t.Errorf("%s: %v, %v", c.frame, answer, err)
		}
		var retry *backoff.RetryAfterError
		if errors.As(err, &retry) != (c.pause != 0) || retry != nil && retry.Duration != c.pause {
			t.Errorf("%s: %v", c.frame, retry)
		}
	}
}

// TestUserStream keeps the private stream over real sockets: events come after the log-on, and again after a cut.
func TestUserStream(t *testing.T) {
	for name, secret := range map[string]string{"HMAC": testSecret, "Ed25519": ed25519Secret} {
		t.Run(name, func(t *testing.T) {
			v := newWSVenue(t, nil)
			c := config(&fake{t: t})
			c.Secret, c.WSAPIURL = secret, v.url
			p, err := binancespot.New(c)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			up, reports := make(chan bool, 10), make(chan sink, 10)
			keeper, err := stream.New(stream.Config{Prepare: p.UserStream, NowNs: c.NowNs, OnUp: func() { up <- true },
				BackOffMin: time.Millisecond, OnFrame: func(_ int64, frame []byte) {
					var s sink
					if err := p.DecodeUser(frame, &s); err != nil {
						t.Error(err)
					}
					reports <- s
				}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- keeper.Run(ctx) }()
			for range 2 {
				<-up
				v.push(reportText)
				if s := <-reports; len(s.orders) != 1 || s.orders[0].ClientID != "hr-1" {
					t.Errorf("%+v", s)
				}
				v.cut()
			}
			<-up
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			want := []string{"userDataStream.subscribe.signature "}
			if name == "Ed25519" {
				want = []string{"session.logon ", "userDataStream.subscribe "}
			}
			if asked := v.asked(); !slices.Equal(asked, slices.Repeat(want, 3)) {
				t.Errorf("asked %q", asked)
			}
		})
	}
}
