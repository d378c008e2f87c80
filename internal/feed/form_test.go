package feed

import (
	"reflect"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
)

// told is a connector that tells what it has found.
type told []connector.FeedReport

func (t told) FeedReports() []connector.FeedReport { return t }

// TestFormIsReadBack: a report that another module's connector tells is the one that its book made.
func TestFormIsReadBack(t *testing.T) {
	gap := func(line int) Problem {
		return Problem{Finding: Gap, Symbol: "BTCUSDT", File: "a.gz", Line: line, LocalNs: 5, What: "updates are missing"}
	}
	r := Report{Symbol: "BTCUSDT", Depth: 4, Snapshots: 3, Quotes: 2, Trades: 1,
		Corrections: []Correction{{File: "a.gz", MinLatencyNs: -3, Line: 7, OffsetNs: 3}}}
	r.Found[Gap] = Found{N: 9, First: gap(2), More: []Problem{gap(3), gap(4)}}
	r.Found[SeenQuote] = Found{N: 1, First: Problem{Finding: SeenQuote, Symbol: "BTCUSDT", LocalNs: 6}}
	got := ReportsOf(told{r.Form()})
	if len(got) != 1 || !reflect.DeepEqual(got[0], r) {
		t.Errorf("%+v, not %+v", got, r)
	}
}
