package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/binance"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestAFileWithoutDepth: a backtest on the day before's book is none, so a file without depth is refused among others,
// too.
func TestAFileWithoutDepth(t *testing.T) {
	const day, ms = 1_700_000_000_000, 1_000_000
	trade := func(i int) string {
		at := day + i
		return fmt.Sprintf(`%d {"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"1.0","q":"1","T":%d,"m":true}`+"\n", (at+1)*ms, at, i, at)
	}
	update := func(i int) string {
		at := day + i
		return fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"BTCUSDT","U":%d,"u":%[3]d,"b":[["1.0","%[3]d"]],"a":[]}`+"\n", (at+1)*ms, at, i)
	}
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{update(1) + trade(2), update(3) + trade(4)}, ""},
		{[]string{update(1) + trade(2), trade(3) + trade(4)}, "1: there is no book in it, of 2 messages 2 are trades and none is about the depth"},
		{[]string{trade(1), update(3) + trade(4)}, "0: there is no book in it, of 1 messages 1 are trades"},
		{[]string{update(1) + trade(2), "5 {}\n"}, ""}, // of which is told that nothing of it can be used
	} {
		var files []string
		folder := t.TempDir()
		for i, text := range c.files {
			files = append(files, filepath.Join(folder, fmt.Sprint(i)))
			if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		format := connector.Format{NewDecoder: binance.Spot().Format.NewDecoder, Rule: connector.RuleSpot}
		l, err := feed.OpenLines(t.Context(), feed.LinesConfig{Files: files, NewDecoder: format.NewDecoder, Format: "binancespot",
			Formats: map[string]connector.Format{"binancespot": format}})
		if err == nil {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q: %v, want %q", c.files, err, c.want)
		}
	}
}
