package convert_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestStalledLine: quotes without a time get one that a stalled line makes too late, and the differences behind
// it in the line follow it, by however much; one that a quote has overtaken follows the difference before it,
// and neither does a wrong time of the venue let levels stay.
func TestStalledLine(t *testing.T) {
	o := convert.Options{Rule: connector.RuleSpot, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	o.NewDecoder = binance.Spot().Format.NewDecoder
	difference := func(localMs, exchMs, first, last int64, bids string) string {
		return fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":%d,"u":%d,"b":[%s],"a":[]}`+"\n",
			(t0+localMs)*1e6, t0+exchMs, first, last, bids)
	}
	quote := func(localMs, seq int64, qty string) string {
		return fmt.Sprintf(`%d {"u":%d,"s":"XUSDT","b":"100","B":%q,"a":"101","A":"2"}`+"\n",
			(t0+localMs)*1e6, seq, qty)
	}
	begin := func(localMs int64) string {
		return fmt.Sprintf(`%d {"lastUpdateId":10,"bids":[["100","3"],["99","1"],["98","4"]],"asks":[["101","2"]]}`+"\n",
			(t0+localMs)*1e6)
	}
	for name, recording := range map[string]string{
		"12 s": begin(0) + difference(5, 0, 11, 12, `["97","1"]`) +
			quote(12_000, 13, "4") + difference(12_001, 600, 13, 14, `["100","0"],["99","7"]`) + // both were made at 600
			difference(13_000, 12_995, 15, 16, `["98","1"]`),
		"overtaken": begin(0) + difference(5, 0, 11, 12, `["97","1"]`) +
			quote(305, 75, "4") + difference(306, 100, 13, 80, `["99","8"],["100","4"]`) +
			quote(307, 100, "5") + difference(308, 200, 81, 90, `["99","0"],["98","6"]`) +
			difference(405, 400, 91, 110, `["100","5"],["97","2"]`) + difference(9405, 9400, 111, 120, `["97","3"]`),
		"wrong time": begin(30_000) + difference(30_100, 100, 11, 12, `["99","1"]`) + difference(30_200, 11_200, 13, 14, `["100.5","5"]`) +
			difference(30_300, 300, 15, 16, `["100.5","0"]`) + difference(50_000, 20_000, 17, 18, `["97","7"]`),
	} {
		rows, _, _ := converted(t, o, recording)
		exchange := text(bookAt(rows, hft.ExchEvent, 0.5, 0.001).Snapshot(nil))
		if bot := text(bookAt(rows, hft.LocalEvent, 0.5, 0.001).Snapshot(nil)); exchange != bot {
			t.Errorf("%s: in the end the exchange has\n%s\nthe bot\n%s\nof\n%s", name, exchange, bot, text(rows))
		}
	}
}

// TestFileThatBreaksOff: a line that cannot be read or the end of a file in its midst, after the last update,
// leaves a book of which nobody knows whether it is the last one. The file of the next day begins with it all
// the same, and its updates show whether it was.
func TestFileThatBreaksOff(t *testing.T) {
	o := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	difference := func(localMs, first, last int64, bids string) string {
		return fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":%d,"u":%d,"b":[%s],"a":[]}`+"\n",
			(t0+localMs)*1e6, t0+localMs-10, first, last, bids)
	}
	trade := func(localMs, id int64) string {
		return fmt.Sprintf(`%d {"e":"trade","E":%d,"T":%d,"s":"XUSDT","t":%d,"p":"100","q":"1","m":true}`+"\n",
			(t0+localMs)*1e6, t0+localMs-10, t0+localMs-10, id)
	}
	day := fmt.Sprintf(`%d {"lastUpdateId":10,"bids":[["100","3"],["99.5","1"]],"asks":[["100.5","2"]]}`+"\n",
		int64(t0)*1e6) + trade(50, 6) + difference(100, 11, 12, `["99","1"]`)
	next := trade(300, 8) + difference(400, 13, 14, `["99.5","0"]`)
	garbage := fmt.Sprintf("%d {garbage\n", int64(t0+150)*1e6)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	for _, err := range []error{second(z.Write([]byte(day))), z.Flush(), second(z.Write([]byte(trade(160, 7)))), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, first := range map[string]string{"whole": day, "garbage": day + garbage, "garbage and a trade": day + garbage + trade(200, 7),
		"cut off": zipped.String()[:zipped.Len()-12]} {
		rows, all := fed(t, o, first, next)
		if n, lost := found(all[0], feed.Unsynchronised), name != "whole"; (n == 1) != lost || (all[0].LastUpdateID == 0) != lost {
			t.Errorf("%s: last update %d, %v", name, all[0].LastUpdateID, all[0].Report.Counts())
		}
		if found(all[1], feed.Unsynchronised) != 0 || all[1].LastUpdateID != 14 {
			t.Errorf("%s: on the next day last update %d, %v", name, all[1].LastUpdateID, all[1].Report.Counts())
		}
		const want = "100x3 99x1 100.5x2 "
		for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
			got := ""
			for _, row := range bookAt(rows[1], flag, 0.5, 0.001).Snapshot(nil) {
				got += fmt.Sprintf("%vx%v ", row.Px, row.Qty)
			}
			if got != want {
				t.Errorf("%s: the book of the next day is %s, want %s", name, got, want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
