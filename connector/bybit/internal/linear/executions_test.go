package linear_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// executionServer lists total executions, the newest first, page by page. The time of each is by at.
func executionServer(t *testing.T, total int, atMs func(id int) int64) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var start int64
		_, _ = fmt.Sscan(q.Get("startTime"), &start)
		end := start + 7*24*3600*1000
		_, _ = fmt.Sscan(q.Get("endTime"), &end)
		before := total + 1
		_, _ = fmt.Sscan(q.Get("cursor"), &before)
		kind := "Trade"
		if q.Has("execType") {
			kind = q.Get("execType")
		}
		if kind != "Trade" && kind != "Funding" {
			before = 1
		}
		var rows []string
		for id := before - 1; id > 0 && len(rows) < 100; id-- {
			if ms := atMs(id); ms >= start && ms <= end {
				rows = append(rows, fmt.Sprintf(`{"symbol":"BTCUSDT","orderId":"v1","orderLinkId":"t1","side":"Buy",`+
					`"execId":"%d","execPrice":"2","execQty":"1",`+
					`"execType":"%s","execFee":"0","execTime":"%d"}`, id, kind, ms))
				before = id
			}
		}
		_, _ = fmt.Fprintf(w, `{"retCode":0,"retMsg":"OK","result":{"nextPageCursor":"%d","list":[%s]},"time":1}`,
			before, strings.Join(rows, ","))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestExecutionsInParts: more executions than a part has are listed once each, the oldest first, where those of one
// millisecond are on two pages and in two parts. They are all of one hour of a fortnight.
func TestExecutionsInParts(t *testing.T) {
	t.Parallel()
	const total, each, beganMs = 45_000, 7, testMs - 10*24*3600*1000
	atMs := func(id int) int64 { return int64(beganMs + 3600*1000*(id/each)/(total/each)) }
	c := slowConfig()
	c.APIURL = executionServer(t, total, atMs).URL
	p := newProtocol(t, c)
	seen := make(map[string]bool)
	parts, lastNs := 0, int64(0)
	for sinceNs := int64(beganMs-4*24*3600*1000) * 1_000_000; ; {
		list, err := p.Executions(t.Context(), "BTCUSDT", sinceNs)
		var more *protocol.More
		if err != nil && !errors.As(err, &more) {
			t.Fatal(err)
		}
		parts++
		for i := range list {
			if list[i].TimestampNs < lastNs {
				t.Fatalf("part %d: %+v after %d", parts, list[i], lastNs)
			}
			seen[list[i].TradeID], lastNs = true, list[i].TimestampNs
		}
		if more == nil {
			break
		}
		if more.SinceNs <= sinceNs || more.SinceNs < lastNs || len(list) > 40_000 {
			t.Fatalf("%d since %d go on at %d", len(list), sinceNs, more.SinceNs)
		}
		sinceNs = more.SinceNs
	}
	if len(seen) != total || parts < 2 {
		t.Errorf("%d executions in %d parts", len(seen), parts)
	}
}

// TestManyAccountEvents: more settlements of a week than a list has are listed once each.
func TestManyAccountEvents(t *testing.T) {
	t.Parallel()
	const total, beganMs = 30_000, testMs - 3*24*3600*1000
	c := slowConfig()
	c.APIURL = executionServer(t, total, func(id int) int64 { return beganMs + int64(id)/10 }).URL
	list, err := newProtocol(t, c).AccountEvents(t.Context(), (beganMs-1)*1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for i := range list {
		ids[list[i].ID] = true
	}
	if len(ids) != total || len(list) != total {
		t.Errorf("%d events, %d ids", len(list), len(ids))
	}
}

// TestEndlessExecutions: pages that are the same again and again have no end.
func TestEndlessExecutions(t *testing.T) {
	t.Parallel()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = fmt.Fprintf(w, `{"retCode":0,"retMsg":"OK","result":{"nextPageCursor":"%d","list":[{`+
			`"symbol":"BTCUSDT","orderId":"v1","side":"Buy",`+
			`"execId":"a","execPrice":"2","execQty":"1","execType":"Trade","execFee":"0","execTime":"%d"}]},"time":1}`,
			n, int64(testMs-5))
	}))
	t.Cleanup(s.Close)
	c := slowConfig()
	c.APIURL = s.URL
	if list, err := newProtocol(t, c).Executions(t.Context(), "BTCUSDT", (testMs-10)*1_000_000); err == nil ||
		n > 1000 {
		t.Errorf("%d executions after %d queries", len(list), n)
	}
}
