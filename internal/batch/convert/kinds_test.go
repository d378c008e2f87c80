package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestOtherStreamOfTrades: where a recorder was started again with the other stream of trades, no trade is
// lost, in one file and in two; of both streams at the same time one is used, and what is not used is counted,
// with the first example.
func TestOtherStreamOfTrades(t *testing.T) {
	o := convert.Options{NewDecoder: binance.Spot().Format.NewDecoder,
		Rule: connector.RuleSpot, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	book := fmt.Sprintf(`%d {"lastUpdateId":10,"bids":[["100","3"]],"asks":[["100.5","2"]]}`+"\n", int64(t0)*1e6)
	difference := fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":11,"u":12,"b":[["99","1"]],"a":[]}`+"\n",
		int64(t0+100)*1e6, t0+90)
	more := fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":13,"u":14,"b":[["99","2"]],"a":[]}`+"\n",
		int64(t0+90_000)*1e6, t0+89_990)
	single := func(ms, id int64) string {
		return fmt.Sprintf(`%d {"e":"trade","E":%d,"T":%d,"s":"XUSDT","t":%d,"p":"100","q":"1","m":true}`+"\n",
			(t0+ms)*1e6, t0+ms-10, t0+ms-10, id)
	}
	aggregated := func(ms, id, fill int64) string {
		return fmt.Sprintf(`%d {"e":"aggTrade","E":%d,"T":%d,"s":"XUSDT","a":%d,"f":%d,"l":%d,"p":"100","q":"1","m":true}`+"\n",
			(t0+ms)*1e6, t0+ms-10,
			t0+ms-10, id, fill, fill)
	}
	head := book + difference
	one, two, both := "", "", ""
	for i := int64(0); i < 20; i++ {
		one += single(200+i*1000, 5_000_000+i)
		two += aggregated(30_000+i*1000, 900_000+i, 5_000_020+i)
		both += single(200+i*1000, 5_000_000+i) + aggregated(200+i*1000, 900_000+i, 5_000_000+i)
	}
	for name, c := range map[string]struct {
		parts          []string
		trades, unused int
	}{
		"one file":  {[]string{head + one + two}, 40, 0},
		"two files": {[]string{head + one, two + more}, 40, 0},
		"both":      {[]string{head + both}, 20, 20},
	} {
		rows, s, problems := converted(t, o, c.parts...)
		if n := numTrades(rows); n != c.trades || found(s, feed.NotWanted) != c.unused || s.Report.Found[feed.TradesAnew].N != 0 {
			t.Errorf("%s: %d trades, %v, %v", name, n, s.Report.Counts(), problems)
		}
	}
}

// TestTradesWithoutKind: trades of USD-M that do not say whether they were of the market are counted.
func TestTradesWithoutKind(t *testing.T) {
	o := convert.Options{NewDecoder: binance.Futures().Format.NewDecoder,
		Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001, Quotes: true}
	line := trade(9e6, 8)
	_, s, _ := converted(t, o, line+strings.Replace(line, `,"X":"MARKET"`, "", 1))
	if found(s, feed.NotWanted) != 1 || !strings.Contains(s.Report.Found[feed.NotWanted].First.Error(), "(X)") {
		t.Errorf("%s: %v", line, s.Report.Counts())
	}
}

// TestRecordedTwice: of trades without ids that count, the whole of two recordings of the same time is used
// once, however long they are.
func TestRecordedTwice(t *testing.T) {
	line := func(i int64) string {
		return fmt.Sprintf(`%d {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":%d,"data":[{"T":%d,"s":"BTCUSDT","S":"Buy","v":"1","p":"100","i":"id-%d","BT":false}]}`+"\n",
			(t0+i)*1e6, t0+i-5, t0+i-5, i)
	}
	const n = 6000
	var one, two strings.Builder
	for _, b := range []*strings.Builder{&one, &two} {
		fmt.Fprintf(b, `%d {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":%d,"data":{"s":"BTCUSDT","b":[["100","1"]],"a":[["101","1"]],"u":1000}}`+"\n",
			int64(t0)*1e6, t0-5)
		for i := int64(1); i <= n; i++ {
			b.WriteString(line(i))
		}
	}
	two.WriteString(line(n + 1))
	o := convert.Options{NewDecoder: bybit.Kind().Format.NewDecoder,
		Rule: connector.RuleStreamed, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	rows, s, _ := converted(t, o, one.String(), two.String())
	if got := numTrades(rows); got != n+1 || found(s, feed.SeenTrades) != n {
		t.Errorf("%d trades of %d, %v", got, n+1, s.Report.Counts())
	}
}
