package host

import (
	"testing"

	"hftrunner/connector"
	"hftrunner/hft"
)

// TestWhatIsNotKept: of one that keeps its orders those end that it has canceled itself, and those that were taken for over; not a
// submission without an answer.
func TestWhatIsNotKept(t *testing.T) {
	l := &leaving{}
	for name, test := range map[string]struct {
		status, req hft.Status
		ends        bool
	}{
		"open":                      {hft.StatusNew, hft.StatusNone, false},
		"submitted, without answer": {hft.StatusUnknown, hft.StatusNew, false},
		"modified, without answer":  {hft.StatusUnknown, hft.StatusReplaced, false},
		"being canceled":            {hft.StatusNew, hft.StatusCanceled, true},
		"taken for over":            {hft.StatusUnknown, hft.StatusNone, true},
	} {
		o := leftOrder{OpenOrder: connector.OpenOrder{Order: connector.Order{Order: hft.Order{Status: test.status, Req: test.req}}}}
		if l.concerns(&o) != test.ends {
			t.Errorf("%s: it is to end: %t", name, !test.ends)
		}
	}
}
