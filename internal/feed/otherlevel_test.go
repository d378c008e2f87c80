package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/bybit"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestWrongTimeOfAnotherDepth: a message about a book that is not used, with a time that cannot be true, is
// counted and has no say in which book is used.
func TestWrongTimeOfAnotherDepth(t *testing.T) {
	const t0 = int64(1748908800000) // ms
	line := func(localMs, ts int64, depth int, kind string, u, seq int64, bids, asks string) string {
		return fmt.Sprintf(`%d {"topic":"orderbook.%d.BTCUSDT","type":%q,"ts":%d,"data":{"s":"BTCUSDT","b":[%s],"a":[%s],"u":%d,"seq":%d},"cts":%d}`+"\n",
			localMs*1e6, depth, kind, ts, bids, asks, u, seq, ts)
	}
	for _, wrong := range []int64{1, 4102444800000} { // 1970, 2100
		var text strings.Builder
		text.WriteString(line(t0, t0-5, 200, "snapshot", 100, 1000, `["100","1"],["99","2"]`, `["101","1"]`))
		text.WriteString(line(t0+1, t0-4, 50, "snapshot", 900, 1000, `["100","1"],["99","2"]`, `["101","1"]`))
		for i := int64(1); i < 40; i++ {
			ts := t0 + 100*i - 5
			text.WriteString(line(t0+100*i, ts, 200, "delta", 100+i, 1000+i, fmt.Sprintf(`["99","%d"]`, 2+i), ""))
			if i == 10 {
				ts = wrong
			}
			text.WriteString(line(t0+100*i+1, ts, 50, "delta", 900+i, 1000+i, fmt.Sprintf(`["99","%d"]`, 2+i), ""))
		}
		path := filepath.Join(t.TempDir(), "recording")
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		format := bybit.Kind().Format
		rows, ready := 0, 0
		r, _ := readThrough(t, feed.LinesConfig{Files: []string{path}, NewDecoder: format.NewDecoder, Format: "bybit",
			Formats: map[string]connector.Format{"bybit": format}}, func(_ int, _ *sides, out *feed.Out) {
			rows += len(out.Events)
			if out.Ready {
				ready++
			}
		})
		if n := r.Found[feed.BadTime].N; n != 1 || r.Found[feed.Gap].N+r.Found[feed.Unsynchronised].N > 0 || ready != 1 || rows != 3+39 {
			t.Errorf("%d: the book came %d times, %d rows, %v", wrong, ready, rows, r.Counts())
		}
	}
}
