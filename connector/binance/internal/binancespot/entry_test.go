package binancespot_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// wsProtocol returns a Protocol whose orders go over the WebSocket API to v, connected.
func wsProtocol(t *testing.T, v *wsVenue, secret string) *binancespot.Protocol {
	t.Helper()
	c := config(&fake{t: t, answer: func(r *request) (int, string) {
		t.Errorf("over HTTP: %s", r)
		return 500, ""
	}})
	c.WSAPIURL, c.OrderEntry, c.Secret = v.url, "ws", secret
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	connected(t, p)
	return p
}

// connected waits until requests can be sent.
func connected(t *testing.T, p *binancespot.Protocol) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		// An amendment: what it asks for goes by no other way.
		_, err := p.Amend(context.Background(),
			amendOrder(func(o *protocol.Order) { o.Symbol, o.Qty = "PROBE", "0.008" }))
		if protocol.CauseOf(err) == protocol.Gone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no connection for order entry: %v", err)
		}
	}
}

// answered wraps a result of the REST interface, which is the same over the WebSocket API, and answers probes.
func answered(answer func(c *call) string) func(c *call) string {
	return func(c *call) string {
		switch {
		case c.text("symbol") == "PROBE":
			return `"status":400,"error":{"code":-2013,"msg":"Order does not exist."}`
		case strings.HasPrefix(c.Method, "session."):
			return ""
		}
		return answer(c)
	}
}

func TestOrderEntryOverWebSocket(t *testing.T) {
	for name, secret := range map[string]string{"HMAC": testSecret, "Ed25519": ed25519Secret} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			v := newWSVenue(t, answered(func(c *call) string {
				text := map[string]string{"order.place": placedText, "order.cancel": oldCanceledText,
					"order.status": placedText, "order.amend.keepPriority": amendedText,
					"order.cancelReplace": replacedText}[c.Method]
				return `"status":200,"result":` + text
			}))
			p := wsProtocol(t, v, secret)
			v.asked()

			o := limitOrder()
			o.VenueID = "33"
			placed, err := p.Place(ctx, o)
			if err != nil || placed.VenueID != "9007199254740993" || placed.Channel != protocol.ChannelAck ||
				placed.Status != hft.StatusPartiallyFilled {
				t.Errorf("%v, %+v", err, placed)
			}
			if r, err := p.Cancel(ctx, o); err != nil || r.ClientID != "hr-1" || r.Status != hft.StatusCanceled {
				t.Errorf("%v, %+v", err, r)
			}
			if r, err := p.QueryOrder(ctx, o); err != nil || r.Channel != protocol.ChannelQuery {
				t.Errorf("%v, %+v", err, r)
			}
			if r, err := p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Qty = "0.008" })); err != nil ||
				r.Qty != 0.008 || r.ClientID != "hr-1" {
				t.Errorf("%v, %+v", err, r)
			}
			if r, err := p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Price = "60001" })); err != nil ||
				r.VenueID != "34" || r.ClientID != "hr-2" {
				t.Errorf("%v, %+v", err, r)
			}
			want := []string{
				"order.place newClientOrderId=hr-1&newOrderRespType=RESULT&price=60000.10&quantity=0.01000&side=BUY&symbol=BTCUSDT&timeInForce=GTC&type=LIMIT",
				"order.cancel orderId=33&symbol=BTCUSDT", "order.status orderId=33&symbol=BTCUSDT",
				"order.amend.keepPriority newClientOrderId=hr-1&newQty=0.008&orderId=33&symbol=BTCUSDT",
				"order.cancelReplace cancelOrderId=33&cancelReplaceMode=STOP_ON_FAILURE&cancelRestrictions=ONLY_NEW&newClientOrderId=hr-2" +
					"&newOrderRespType=RESULT&price=60001&quantity=0.01000&side=BUY&symbol=BTCUSDT&timeInForce=GTC&type=LIMIT",
			}
			if asked := v.asked(); !slices.Equal(asked, want) {
				t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestOverRESTInstead: a cancel and a question go by REST where the WebSocket API has no connection, loses it, or does
// not answer; a new order and an amendment do not.
func TestOverRESTInstead(t *testing.T) {
	for name, answer := range map[string]func(c *call) string{
		"down":      nil,
		"lost":      func(*call) string { return "" },
		"silent":    func(*call) string { return "-" },
		"forbidden": func(*call) string { return `"status":403,"error":{"code":-1000,"msg":"Forbidden"}` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{t: t, answer: func(r *request) (int, string) {
				if r.method == http.MethodDelete {
					return 200, oldCanceledText
				}
				return 200, placedText
			}}
			c := config(f)
			c.WSAPIURL, c.OrderEntry, c.Timeout = "ws://127.0.0.1:1/ws-api/v3", "ws", 2*time.Second
			var v *wsVenue
			if answer != nil {
				v = newWSVenue(t, answered(answer))
				c.WSAPIURL = v.url
			}
			p, err := binancespot.New(c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close() })
			again := func() {
				if answer != nil && name != "forbidden" { // that keeps the connection, over which nothing goes any more
					connected(t, p)
				}
			}
			if answer != nil {
				connected(t, p)
			}
			if r, err := p.Cancel(t.Context(), limitOrder()); err != nil || r.Status != hft.StatusCanceled {
				t.Errorf("cancel: %+v, %v", r, err)
			}
			again()
			if r, err := p.QueryOrder(t.Context(), limitOrder()); err != nil || r.Channel != protocol.ChannelQuery {
				t.Errorf("question: %+v, %v", r, err)
			}
			again()
			if r, err := p.Place(t.Context(), limitOrder()); err == nil {
				t.Errorf("a new order was sent a second way: %+v", r)
			}
			if name == "forbidden" {
				if asked := v.asked(); len(asked) != 2 { // the first finds out that the connection is up
					t.Errorf("asked while forbidden: %q", asked)
				}
			}
		})
	}
}

// TestCancelWhileRESTIsForbidden: what a firewall in front of REST does not let through stops REST only, a ban stops
// the WebSocket API, too.
func TestCancelWhileRESTIsForbidden(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		up       bool
		canceled bool
		cause    protocol.Cause
	}{
		"forbidden": {403, true, true, 0}, "forbidden, WebSocket API down": {403, false, false, protocol.Banned},
		"banned": {418, true, false, protocol.Banned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{t: t, answer: func(*request) (int, string) { return c.status, "<html>" }}
			config := config(f)
			config.WSAPIURL, config.OrderEntry = "ws://127.0.0.1:1/ws-api/v3", "ws"
			if c.up {
				config.WSAPIURL = newWSVenue(t,
					answered(func(*call) string { return `"status":200,"result":` + oldCanceledText })).url
			}
			p, err := binancespot.New(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close() })
			if c.up {
				connected(t, p)
			}
			if _, err := p.OpenOrders(t.Context(), "BTCUSDT"); protocol.CauseOf(err) != protocol.Banned {
				t.Fatalf("a question: %v", err)
			}
			if r, err := p.Cancel(t.Context(), limitOrder()); c.canceled != (err == nil) ||
				c.canceled && r.Status != hft.StatusCanceled || !c.canceled && protocol.CauseOf(err) != c.cause {
				t.Errorf("cancel: %+v, %v", r, err)
			}
			// Of which nobody could be asked, like a new order.
			if r, err := p.Amend(t.Context(),
				amendOrder(func(o *protocol.Order) { o.Qty = "0.008" })); protocol.CauseOf(err) != protocol.Banned {
				t.Errorf("an amendment: %+v, %v", r, err)
			}
			if asked := f.asked(); len(asked) != 1 {
				t.Errorf("by REST: %q", asked)
			}
		})
	}
}

// TestCancelAllGoesOnce: it is not asked for over the WebSocket API, where it may wait in a connection that hangs, and
// then again by REST.
func TestCancelAllGoesOnce(t *testing.T) {
	t.Parallel()
	v := newWSVenue(t, answered(func(*call) string { return "-" }))
	f := &fake{t: t, answer: func(*request) (int, string) { return 200, `[` + oldCanceledText + `]` }}
	c := config(f)
	c.WSAPIURL, c.OrderEntry = v.url, "ws"
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	connected(t, p)
	v.asked()
	if reports, err := p.CancelAll(t.Context(), "BTCUSDT"); err != nil || len(reports) != 1 {
		t.Errorf("%+v, %v", reports, err)
	}
	if ws, rest := v.asked(), f.asked(); len(ws) > 0 || len(rest) != 1 {
		t.Errorf("by WebSocket %q, by REST %q", ws, rest)
	}
}

// TestCancelsAfterTheLogOnIsRefused: where the WebSocket API does not take the key and is given up, cancels go by REST.
func TestCancelsAfterTheLogOnIsRefused(t *testing.T) {
	t.Parallel()
	v := newWSVenue(t, func(*call) string {
		return `"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}`
	})
	rest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, oldCanceledText) }))
	t.Cleanup(rest.Close)
	c := config(&fake{t: t}) // which knows no signature of this kind
	c.HTTPClient, c.APIURL = rest.Client(), rest.URL
	c.WSAPIURL, c.OrderEntry, c.Secret = v.url, "ws", ed25519Secret
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for protocol.CauseOf(err) != protocol.Key {
		if _, err = p.Place(t.Context(), limitOrder()); err == nil {
			t.Fatal("an order was sent")
		}
		time.Sleep(250 * time.Millisecond) // each counts as an order
	}
	if r, err := p.Cancel(t.Context(), limitOrder()); err != nil || r.Status != hft.StatusCanceled {
		t.Errorf("cancel: %+v, %v", r, err)
	}
}

func TestRefusalsOverWebSocket(t *testing.T) {
	var text string
	v := newWSVenue(t, answered(func(*call) string { return text }))
	p := wsProtocol(t, v, testSecret)
	for _, c := range []struct {
		text  string
		cause protocol.Cause
		old   bool
	}{
		{text: `"status":400,"error":{"code":-2010,"msg":"Order would immediately match and take."}`,
			cause: protocol.WouldTake},
		{text: `"status":409,"error":{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE",` +
			`"cancelResponse":` + oldCanceledText + `,"newOrderResponse":{"code":-2010,"msg":"Order would immediately match and take."}}}`, cause: protocol.WouldTake, old: true},
		{text: `"status":400,"error":{"code":-2022,"msg":"Order cancel-replace failed.","data":{"cancelResult":"FAILURE","newOrderResult":"NOT_ATTEMPTED",` +
			`"cancelResponse":{"code":-2011,"msg":"Unknown order sent."},"newOrderResponse":null}}`, cause: protocol.Gone},
		{text: `"status":200,"result":7`, cause: protocol.Unknown},
		{text: `"status":500`, cause: protocol.Unknown},
		{text: ``, cause: protocol.Unknown}, // the connection is closed instead of an answer
	} {
		text = c.text
		r, err := p.Amend(context.Background(), amendOrder(func(o *protocol.Order) { o.Price = "60001" }))
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != c.cause {
			t.Errorf("%s: %v", c.text, err)
		}
		if c.old != (r.Status == hft.StatusCanceled && r.ClientID == "hr-1") || !c.old && r != (protocol.Report{}) {
			t.Errorf("%s: report %+v", c.text, r)
		}
	}
	connected(t, p) // again

	// After this nothing is sent before the venue's time.
	text = `"status":429,"error":{"code":-1003,"msg":"Too much request weight used","data":{"serverTime":1,"retryAfter":1700000030000}}`
	for _, cause := range []protocol.Cause{protocol.Weight, protocol.OrderRate} {
		_, err := p.Place(context.Background(), limitOrder())
		var f *protocol.Failure
		if !errors.As(err, &f) || f.Cause != cause || f.RetryAt.UnixMilli() != 1700000030000 {
			t.Errorf("%v, %+v", err, f)
		}
	}
}

// TestOrderEntryWithoutConnection: a request that was not sent is known not to be executed.
func TestOrderEntryWithoutConnection(t *testing.T) {
	c := config(&fake{t: t})
	c.WSAPIURL, c.OrderEntry = "ws://127.0.0.1:1/ws-api/v3", "ws"
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Place(context.Background(), limitOrder()); err == nil ||
		protocol.CauseOf(err) != protocol.Unreached {
		t.Error(err)
	}
}

// TestHangUp: the connection for orders ends without a goodbye, for which a venue may take its time, once it is to hang
// up.
func TestHangUp(t *testing.T) {
	for _, hangUp := range []bool{false, true} {
		v := newWSVenue(t, answered(func(*call) string { return "-" }))
		p := wsProtocol(t, v, testSecret)
		want := websocket.StatusNormalClosure
		if hangUp {
			p.HangUp()
			want = -1
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			v.mu.Lock()
			ends := slices.Clone(v.ends)
			v.mu.Unlock()
			if len(ends) == 1 && ends[0] == want {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("hang up %v: connections ended with %v", hangUp, ends)
			}
		}
	}
}
