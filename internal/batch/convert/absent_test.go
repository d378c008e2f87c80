package convert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// TestRecordingOfNoUse: a recording that has no book for most of its time, and one whose book differs from most
// of its snapshots, is of no use, even if it ends with a complete book.
func TestRecordingOfNoUse(t *testing.T) {
	o := convert.Options{NewDecoder: spot, Rule: connector.RuleSpot, TickSize: 0.5, LotSize: 0.001, Quotes: true}
	snapshot := func(second, id int64, qty int) string {
		return fmt.Sprintf(`%d {"lastUpdateId":%d,"bids":[["100","%d"]],"asks":[["100.5","2"]]}`+"\n",
			(t0+second*1000)*1e6, id, qty)
	}
	difference := func(second, id int64) string {
		return fmt.Sprintf(`%d {"e":"depthUpdate","E":%d,"s":"XUSDT","U":%d,"u":%d,"b":[["99","1"]],"a":[]}`+"\n",
			(t0+second*1000)*1e6, t0+second*1000-10, id, id)
	}
	for name, c := range map[string]struct {
		gapAt    int64 // in seconds
		snapshot []int // quantities of the best bid
		want     []feed.Finding
	}{
		"good":          {590, []int{3, 3, 3}, nil},
		"gap at first":  {60, []int{3}, []feed.Finding{feed.NoBook}},
		"gap at last":   {500, []int{3}, nil},
		"one differs":   {590, []int{3, 3, 5}, nil},
		"most of them":  {590, []int{5, 5, 5}, []feed.Finding{feed.Mismatch}},
		"without a gap": {0, []int{3}, nil},
	} {
		var text strings.Builder
		text.WriteString(snapshot(0, 1, 3))
		id := int64(2)
		for second := int64(1); second < 600; second++ {
			if second == c.gapAt {
				id++
			}
			text.WriteString(difference(second, id))
			if n := len(c.snapshot); n > 1 && second%150 == 0 && second/150 <= int64(n) {
				text.WriteString(snapshot(second, id, c.snapshot[second/150-1]))
			}
			id++
		}
		text.WriteString(snapshot(600, id-1, 3) + difference(601, id))
		_, s, _ := converted(t, o, text.String())
		if got := s.Report.Unusable(s.NumRows); !slices.Equal(got, c.want) {
			t.Errorf("%s: of no use for %v, want %v: %v", name, got, c.want, s.Report.Lines())
		}
	}
}
