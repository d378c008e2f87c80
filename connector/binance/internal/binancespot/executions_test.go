package binancespot_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// TestExecutionsInParts: more executions than a part has are listed once each, the oldest first, where those of one
// millisecond are on two pages and in two parts.
func TestExecutionsInParts(t *testing.T) {
	t.Parallel()
	const total, each, beganMs = 60_000, 7, 1499865549000
	atMs := func(id int) int { return beganMs + (id-1)/each }
	p, f := answering(t, 200, "")
	f.answer = func(r *request) (int, string) {
		from, err := strconv.Atoi(r.params.Get("fromId"))
		if err != nil {
			start, _ := strconv.Atoi(r.params.Get("startTime"))
			from = max(start-beganMs, 0)*each + 1
		}
		var rows []string
		for id := from; id <= total && len(rows) < 1000; id++ {
			rows = append(rows, `{"symbol":"BTCUSDT","id":`+strconv.Itoa(id)+`,"orderId":5,"price":"4.5",`+
				`"qty":"12","quoteQty":"54","commission":"0",`+
				`"commissionAsset":"BNB","time":`+strconv.Itoa(atMs(id))+`,"isBuyer":true,"isMaker":true,`+
				`"isBestMatch":true}`)
		}
		return 200, "[" + strings.Join(rows, ",") + "]"
	}
	next, parts := 1, 0
	for sinceNs := int64(1); ; {
		list, err := p.Executions(t.Context(), "BTCUSDT", sinceNs)
		var more *protocol.More
		if err != nil && !errors.As(err, &more) {
			t.Fatal(err)
		}
		parts++
		for i := range list {
			r := &list[i]
			if next > 1 && r.TimestampNs <= int64(atMs(next-1))*1_000_000 && r.TradeID != strconv.Itoa(next) {
				continue // of the last instant of the part before
			} else if r.TradeID != strconv.Itoa(next) || r.TimestampNs != int64(atMs(next))*1_000_000 {
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
