package blotter_test

import (
	"math/rand/v2"
	"testing"

	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// maxPace is how many requests one order may cost in a minute, whatever the venue answers.
const maxPace = 60

// answerAll has reply answer the requests that were sent, and those that follow from the answers, and returns how many
// they were.
func (s *script) answerAll(reply func(a *blotter.Action)) (requests int) {
	for ; len(s.actions) > 0; requests++ {
		a := s.actions[0]
		s.actions = s.actions[1:]
		if a.Request == blotter.Amend {
			s.newID = a.NewClientID
		}
		reply(&a)
	}
	return requests
}

// minute lets a minute pass in which every request is answered at once, and returns how many there were.
func (s *script) minute(reply func(a *blotter.Action)) (requests int) {
	const second = 1000 * ms
	for endNs := s.nowNs + 60*second; s.nowNs < endNs; {
		s.after(min(max(s.b.NextDueNs()-s.nowNs, ms), second))
		requests += s.answerAll(reply)
	}
	return requests
}

// TestPace: whatever a venue answers, and however fast, an order costs it a bounded number of requests. A venue that is
// asked and contradicts itself would otherwise be asked as fast as it answers, until its limits are used up and no
// order of any bot can be canceled.
func TestPace(t *testing.T) {
	canceling := func(s *script) { s.live(); s.cancel(1) }
	// open says that the order is open when it is asked about, and fails cancels.
	open := func(cancels protocol.Cause) func(s *script, a *blotter.Action) {
		return func(s *script, a *blotter.Action) {
			if a.Request == blotter.Cancel {
				s.failed(blotter.Cancel, cancels)
			} else {
				s.answer(blotter.QueryOrder, hft.StatusNew, 0, 1)
			}
		}
	}
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
		}, func(s *script, _ *blotter.Action) { s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 3) }},
		{"open when asked, unknown when canceled", canceling, open(protocol.Gone)},
		{"open when asked, no answer to a cancel", canceling, open(protocol.Unknown)},
		{"no answer to a cancel nor to questions", canceling, func(s *script, a *blotter.Action) { s.failed(a.Request, protocol.Unknown) }},
		{"no answer to a submission nor to questions, and unknown when canceled", func(s *script) { s.place(); s.cancel(1) },
			func(s *script, a *blotter.Action) {
				if a.Request == blotter.Cancel {
					s.failed(a.Request, protocol.Gone)
				} else {
					s.failed(a.Request, protocol.Unknown)
				}
			}},
		{"banned", canceling, func(s *script, a *blotter.Action) { s.failed(a.Request, protocol.Banned) }},
		{"a replacement that is the canceled order", func(s *script) {
			s.live()
			s.modify(1, 1001, 3*lot)
			s.stream(hft.StatusCanceled, 0, 3)
			s.failed(blotter.Amend, protocol.Unknown)
		}, func(s *script, _ *blotter.Action) { s.answer(blotter.QueryOrder, hft.StatusCanceled, 0, 3) }},
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
			if n := s.minute(func(a *blotter.Action) { test.reply(s, a) }); n > maxPace {
				t.Errorf("%d requests in a minute", n)
			}
		})
	}
}

// whim is an answer drawn by lot: a report, or a failure where that is nil. renamed says that the report has the client
// id of the newest replacement.
type whim struct {
	report  *protocol.Report
	renamed bool
	cause   protocol.Cause
}

func (s *script) drawReport(rng *rand.Rand) *protocol.Report {
	statuses := []hft.Status{hft.StatusNone, hft.StatusNew, hft.StatusPartiallyFilled, hft.StatusFilled, hft.StatusCanceled, hft.StatusExpired, hft.StatusRejected}
	r := s.report(protocol.ChannelQuery, statuses[rng.IntN(len(statuses))], rng.Int64N(11), rng.Int64N(5))
	if rng.IntN(4) == 0 {
		r.ClientID = ""
	}
	r.VenueID = []string{"1", "2", "1"}[rng.IntN(3)]
	r.HasCum = rng.IntN(4) > 0
	if rng.IntN(4) == 0 {
		r.TradeID, r.LastQty, r.LastPrice = "x", 2*lot, 100
	}
	return r
}

func (s *script) drawAnswer(rng *rand.Rand) whim {
	causes := []protocol.Cause{protocol.Unknown, protocol.Refused, protocol.WouldTake, protocol.DuplicateID, protocol.Gone, protocol.NotFound,
		protocol.NoChange, protocol.OrderRate, protocol.Weight, protocol.ClockOff, protocol.Overloaded, protocol.Banned}
	if rng.IntN(2) == 0 {
		return whim{report: s.drawReport(rng), renamed: rng.IntN(3) == 0}
	}
	return whim{cause: causes[rng.IntN(len(causes))]}
}

// TestPaceOfAnyAnswers: the same with venues whose answers are drawn by lot, of each kind up to three in turn.
func TestPaceOfAnyAnswers(t *testing.T) {
	renamed := 0
	for seed := range uint64(5000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := newScript(t)
		s.place()
		var answers [blotter.QueryOrder + 1][]whim
		for i := range answers {
			for range 1 + rng.IntN(3) {
				answers[i] = append(answers[i], s.drawAnswer(rng))
			}
		}
		turn := 0
		reply := func(a *blotter.Action) {
			if a.Request == blotter.FetchExecutions {
				return
			}
			turn++
			w := answers[a.Request][turn%len(answers[a.Request])]
			if w.report == nil {
				s.b.Failed(a.ClientID, a.Request, blotter.Failure{Cause: w.cause}, s.nowNs)
				return
			}
			r := *w.report
			if w.renamed && s.newID != "" {
				r.ClientID = s.newID
				renamed++
			}
			s.b.Answered(a.ClientID, a.Request, &r, s.nowNs)
		}
		requests := 0
		for range 4 {
			if _, open := s.open[1]; open {
				switch rng.IntN(4) {
				case 0:
					s.cancel(1)
				case 1:
					s.modify(1, 1001, 3*lot)
				case 2:
					s.b.Report(s.drawReport(rng), s.nowNs)
				}
			}
			if rng.IntN(2) == 0 {
				s.after(ms)
				requests += s.answerAll(reply)
			}
		}
		if requests += s.minute(reply); requests > maxPace {
			t.Errorf("seed %d: %d requests in a minute, answers %+v", seed, requests, answers)
		}
	}
	if renamed == 0 {
		t.Error("no answer had the id of a replacement")
	}
}
