package binancespot_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/hftrunner/hftrunner/connector/binance/internal/binancespot"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// TestRESTOverSockets asks for everything there is over real sockets, from several goroutines at the same time.
func TestRESTOverSockets(t *testing.T) {
	replies := map[string]string{
		"GET /api/v3/time": `{"serverTime":1760000000000}`, "GET /api/v3/exchangeInfo": string(datatest.Messages(t,
			"binance-spot/rest_exchangeInfo.json")),
		"GET /api/v3/depth":           string(datatest.Messages(t, "binance-spot/rest_depth_snapshot.json")),
		"GET /api/v3/account":         string(datatest.Messages(t, "binance-spot/rest_account.json")),
		"GET /api/v3/rateLimit/order": `[]`, "POST /api/v3/order": placedText, "POST /api/v3/order/test": `{}`,
		"GET /api/v3/order":    placedText,
		"DELETE /api/v3/order": oldCanceledText, "PUT /api/v3/order/amend/keepPriority": amendedText,
		"POST /api/v3/order/cancelReplace": replacedText,
		"DELETE /api/v3/openOrders":        `[` + oldCanceledText + `]`, "GET /api/v3/openOrders": `[` + placedText + `]`,
		"GET /api/v3/myTrades": `[]`,
	}
	var mu sync.Mutex
	asked := map[string]int{}
	verifier := &fake{t: t, answer: func(r *request) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.method+" "+r.path]++
		return 200, replies[r.method+" "+r.path]
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := verifier.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(reply.StatusCode)
		if _, err := io.Copy(w, reply.Body); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	c := config(nil)
	c.APIURL, c.HTTPClient = server.URL, nil
	p, err := binancespot.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const goroutines = 4
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() { everything(t, p) })
	}
	group.Wait()
	for request := range replies {
		want := goroutines
		if request == "GET /api/v3/account" {
			want = 2 * goroutines // for the balances and the permissions
		}
		if asked[request] != want {
			t.Errorf("%s: %d times, want %d", request, asked[request], want)
		}
	}
}

// everything calls each method of p that asks the venue once.
func everything(t *testing.T, p *binancespot.Protocol) {
	ctx := context.Background()
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	_, err := p.ServerTimeNs(ctx)
	note(err)
	_, err = p.Filters(ctx, []string{"ETHBTC"})
	note(err)
	_, err = p.Permissions(ctx)
	note(err)
	_, err = p.Snapshot(ctx, "BTCUSDT")
	note(err)
	_, err = p.Place(ctx, limitOrder())
	note(err)
	note(p.TestOrder(ctx, limitOrder()))
	_, err = p.Cancel(ctx, limitOrder())
	note(err)
	_, err = p.QueryOrder(ctx, limitOrder())
	note(err)
	_, err = p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Qty = "0.008" }))
	note(err)
	_, err = p.Amend(ctx, amendOrder(func(o *protocol.Order) { o.Price = "60001" }))
	note(err)
	_, err = p.CancelAll(ctx, "BTCUSDT")
	note(err)
	_, err = p.OpenOrders(ctx, "BTCUSDT")
	note(err)
	_, err = p.Executions(ctx, "BTCUSDT", 0)
	note(err)
	_, err = p.Balances(ctx)
	note(err)
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		t.Errorf("call %d: %v", i, errs[i])
	}
}
