package binancefutures_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestExecutionsInParts: more executions than a part has are listed once each, the oldest first, where those of one
// millisecond are on two pages and in two parts.
func TestExecutionsInParts(t *testing.T) {
	t.Parallel()
	const total, each, beganMs = 60_000, 7, nowMs - 60_000
	atMs := func(id int) int { return beganMs + (id-1)/each }
	p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var start, from int
		_, _ = fmt.Sscan(q.Get("startTime"), &start)
		if _, err := fmt.Sscan(q.Get("fromId"), &from); err != nil {
			from = max(start-beganMs, 0)*each + 1
		}
		var rows []string
		for id := from; id <= total && len(rows) < 1000; id++ {
			rows = append(rows, fmt.Sprintf(`{"commission":"0","commissionAsset":"USDT","id":%d,"orderId":5,`+
				`"price":"60000","qty":"0.004","side":"BUY",`+
				`"symbol":"BTCUSDT","time":%d}`, id, atMs(id)))
		}
		_, _ = w.Write([]byte("[" + strings.Join(rows, ",") + "]"))
	}, nil)
	next, parts := 1, 0
	for sinceNs := int64(beganMs-1) * 1_000_000; ; {
		list, err := p.Executions(t.Context(), "BTCUSDT", sinceNs)
		var more *protocol.More
		if err != nil && !errors.As(err, &more) {
			t.Fatal(err)
		}
		parts++
		for i := range list {
			r := &list[i]
			if next > 1 && r.TimestampNs <= int64(atMs(next-1))*1_000_000 && r.TradeID != fmt.Sprint(next) {
				continue // of the last instant of the part before
			} else if r.TradeID != fmt.Sprint(next) || r.TimestampNs != int64(atMs(next))*1_000_000 {
				t.Fatalf("part %d: %+v in the place of execution %d", parts, r, next)
			}
			next++
		}
		if more == nil {
			break
		}
		if more.SinceNs <= sinceNs || len(list) > 50_000 {
			t.Fatalf("%d since %d go on at %d", len(list), sinceNs, more.SinceNs)
		}
		sinceNs = more.SinceNs
	}
	if next != total+1 || parts != 2 {
		t.Errorf("%d executions in %d parts", next-1, parts)
	}
}

// TestImpossibleExecutions: a page that is not behind the one before says something else than was asked for.
func TestImpossibleExecutions(t *testing.T) {
	t.Parallel()
	p := newProtocol(t, func(w http.ResponseWriter, r *http.Request) {
		row := fmt.Sprintf(`{"id":7,"orderId":5,"price":"60000","qty":"0.004","side":"BUY",`+
			`"symbol":"BTCUSDT","time":%d}`, nowMs-10)
		_, _ = w.Write([]byte("[" + strings.Repeat(row+",", 999) + row + "]"))
	}, nil)
	list, err := p.Executions(t.Context(), "BTCUSDT", (nowMs-1000)*1_000_000)
	var f *protocol.Failure
	if !errors.As(err, &f) || !f.Unreadable || list != nil {
		t.Errorf("%d executions, %v", len(list), err)
	}
}
