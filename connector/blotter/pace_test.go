package blotter_test

import (
	"math/rand/v2"
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

// TestPaceOfAnyAnswers: the same with venues whose answers are drawn by lot, of each kind up to three in turn.
func TestPaceOfAnyAnswers(t *testing.T) {
	const second = 1000 * ms
	statuses := []hft.Status{hft.StatusNone, hft.StatusNew, hft.StatusPartiallyFilled, hft.StatusFilled, hft.StatusCanceled, hft.StatusExpired, hft.StatusRejected}
	causes := []blotter.Cause{blotter.Unknown, blotter.Refused, blotter.WouldTake, blotter.DuplicateID, blotter.Gone, blotter.NotFound,
		blotter.NoChange, blotter.OrderRate, blotter.Weight, blotter.ClockOff, blotter.Overloaded}
	for seed := range uint64(5000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := newScript(t)
		s.place()
		anything := func(c blotter.Channel) *blotter.Report {
			r := s.report(c, statuses[rng.IntN(len(statuses))], rng.Int64N(11), rng.Int64N(5))
			r.ClientID = []string{s.id, s.newID, s.id, ""}[rng.IntN(4)]
			r.VenueID = []string{"1", "2", "1"}[rng.IntN(3)]
			r.HasCum = rng.IntN(4) > 0
			if rng.IntN(4) == 0 {
				r.TradeID, r.LastQty, r.LastPrice = "x", 2*lot, 100
			}
			return r
		}
		type answer struct {
			report *blotter.Report
			cause  blotter.Cause
		}
		var answers [blotter.QueryOrder + 1][]answer
		for i := range answers {
			for range 1 + rng.IntN(3) {
				if rng.IntN(2) == 0 {
					answers[i] = append(answers[i], answer{report: anything(blotter.Query)})
				} else {
					answers[i] = append(answers[i], answer{cause: causes[rng.IntN(len(causes))]})
				}
			}
		}
		requests := 0
		reply := func() {
			for len(s.actions) > 0 {
				a := s.actions[0]
				s.actions = s.actions[1:]
				if a.Request == blotter.Amend {
					s.newID = a.NewClientID
				}
				requests++
				if a.Request == blotter.FetchExecutions {
					continue
				}
				if got := answers[a.Request][requests%len(answers[a.Request])]; got.report != nil {
					s.b.Answered(a.ClientID, a.Request, got.report, s.nowNs)
				} else {
					s.b.Failed(a.ClientID, a.Request, blotter.Failure{Cause: got.cause}, s.nowNs)
				}
			}
		}
		for range 4 {
			if _, open := s.open[1]; open {
				switch rng.IntN(4) {
				case 0:
					s.cancel(1)
				case 1:
					s.modify(1, 1001, 3*lot)
				case 2:
					s.b.Report(anything(blotter.Stream), s.nowNs)
				}
			}
			if rng.IntN(2) == 0 {
				s.after(ms)
				reply()
			}
		}
		for begunNs := s.nowNs; s.nowNs < begunNs+60*second; {
			s.after(min(max(s.b.NextDueNs()-s.nowNs, ms), second))
			reply()
		}
		if requests > 60 {
			t.Errorf("seed %d: %d requests in a minute, answers %+v", seed, requests, answers)
		}
	}
}
