package blotter_test

import (
	"testing"

	"hftrunner/connector/blotter"
	"hftrunner/hft"
)

// TestPace: whatever a venue answers, and however fast, an order costs it a bounded number of requests. A venue that is
// asked and contradicts itself would otherwise be asked as fast as it answers, until its limits are used up and no order
// of any bot can be canceled.
func TestPace(t *testing.T) {
	const second = 1000 * ms
	for _, test := range []struct {
		name string
		// begin brings order 1 into a state, reply answers a request.
		begin func(s *script)
		reply func(s *script, a *blotter.Action)
	}{
		{"the end with less executed than before", func(s *script) {
			s.live()
			s.trade("a", 5, hft.StatusPartiallyFilled, 5, 2)
			s.stream(hft.StatusCanceled, 0, 3)
		}, func(s *script, a *blotter.Action) { s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 3) }},
		{"open when asked, unknown when canceled", func(s *script) {
			s.live()
			s.cancel(1)
		}, func(s *script, a *blotter.Action) {
			if a.Request == blotter.Cancel {
				s.failed(blotter.Cancel, blotter.Gone)
			} else {
				s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			}
		}},
		{"open when asked, no answer to a cancel", func(s *script) {
			s.live()
			s.cancel(1)
		}, func(s *script, a *blotter.Action) {
			if a.Request == blotter.Cancel {
				s.failed(blotter.Cancel, blotter.Unknown)
			} else {
				s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			}
		}},
		{"a replacement that is the canceled order", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.stream(hft.StatusCanceled, 0, 3)
			s.failed(blotter.Amend, blotter.Unknown)
		}, func(s *script, a *blotter.Action) { s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 3) }},
		{"executed when asked, and no such execution", func(s *script) {
			s.live()
			s.cancel(1)
			s.stream(hft.StatusCanceled, 4, 3)
		}, func(s *script, a *blotter.Action) {
			if a.Request == blotter.QueryOrder {
				s.answer(blotter.QueryOrder, hft.StatusCanceled, 4, 3)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScript(t)
			test.begin(s)
			requests, begunNs := 0, s.nowNs
			for s.nowNs < begunNs+60*second {
				s.after(ms)
				for len(s.actions) > 0 {
					a := s.actions[0]
					s.actions = s.actions[1:]
					requests++
					test.reply(s, &a)
				}
			}
			if requests > 60 {
				t.Errorf("%d requests in a minute", requests)
			}
		})
	}
}
