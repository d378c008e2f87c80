package exchange_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/sim"
)

// A message never arrives before its time, before an earlier message, or later than either makes necessary.
func TestBusKeepsOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var bus exchange.Bus[int]
	var due []int64
	sent, received, nowNs := 0, 0, int64(0)
	for range 20000 {
		if random.IntN(2) == 0 {
			at := nowNs + random.Int64N(50)
			want := at
			if received < sent && due[sent-1] > at {
				want = due[sent-1]
			}
			if got := bus.Append(at, &sent); got != want {
				t.Fatalf("message %d for %d is due at %d, want %d", sent, at, got, want)
			}
			due = append(due, want)
			sent++
		} else {
			nowNs += random.Int64N(40)
			next := exchange.NeverNs
			if received < sent {
				next = due[received]
			}
			if bus.NextNs() != next || bus.Len() != sent-received {
				t.Fatalf("next at %d of %d, want %d of %d", bus.NextNs(), bus.Len(), next, sent-received)
			}
			for message := -1; bus.Receive(nowNs, &message); received++ {
				if message != received || due[received] > nowNs {
					t.Fatalf("received %d at %d, want %d at %d", message, nowNs, received, due[received])
				}
			}
			if received < sent && due[received] <= nowNs {
				t.Fatalf("message %d due at %d is still under way at %d", received, due[received], nowNs)
			}
		}
	}
	if received < 5000 {
		t.Fatalf("only %d messages were received", received)
	}
}

func TestLinkCarriesBothWays(t *testing.T) {
	latency, err := sim.NewConstantLatency(30, 20)
	if err != nil {
		t.Fatal(err)
	}
	link := exchange.NewLink(latency, latency)
	link.Send(100, &exchange.Request{Owner: 4, Order: hft.Order{OrderID: 1}})
	link.Respond(130, &exchange.Report{Request: exchange.Request{Owner: 4}})
	var request exchange.Request
	var report exchange.Report
	if link.ToExchange.NextNs() != 130 || link.ToLocal.NextNs() != 150 {
		t.Errorf("due at %d and %d, want 130 and 150", link.ToExchange.NextNs(), link.ToLocal.NextNs())
	}
	if link.ToExchange.Receive(129, &request) || !link.ToExchange.Receive(130, &request) || request.Owner != 4 {
		t.Errorf("received %+v", request)
	}
	if !link.ToLocal.Receive(150, &report) || report.Owner != 4 {
		t.Errorf("received %+v", report)
	}
}

// A negative entry latency loses the request, which the bot learns after that time.
func TestLinkLosesRequests(t *testing.T) {
	latency, err := sim.NewConstantLatency(-5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []hft.Status{hft.StatusNew, hft.StatusCanceled, hft.StatusReplaced} {
		link := exchange.NewLink(latency, latency)
		r := exchange.Request{Owner: 4, Order: hft.Order{OrderID: 9, Req: request, Status: hft.StatusNew}}
		link.Send(100, &r)
		var report exchange.Report
		if link.ToExchange.Len() != 0 || link.ToLocal.NextNs() != 105 || !link.ToLocal.Receive(105, &report) {
			t.Fatalf("request %v went elsewhere", request)
		}
		if report.Reject != sim.RejectLost || report.Order.Req != hft.StatusRejected ||
			report.Order.Status != hft.StatusNew || report.Order.OrderID != 9 {
			t.Errorf("request %v came back as %+v", request, report)
		}
	}
}

func TestStateEquity(t *testing.T) {
	state := exchange.NewState(sim.LinearAsset(2), sim.TradingValueFee{Maker: 0.1, Taker: 0.2})
	value, fee := state.ApplyFill(&hft.Order{Side: hft.Sell, ExecPriceTick: 50, TickSize: 2, ExecQty: 3})
	if value != 600 || fee != 120 || state.Equity(90) != 600-2*3*90-120 {
		t.Errorf("value %v fee %v equity %v", value, fee, state.Equity(90))
	}
}

func TestRejectTexts(t *testing.T) {
	seen := map[string]bool{}
	for r := sim.NotRejected; r <= sim.RejectLost+1; r++ {
		if text := r.String(); text == "" || seen[text] {
			t.Errorf("reason %d reads %q", r, text)
		} else {
			seen[text] = true
		}
	}
}

// Each kind of request has its own latency there and back; an execution that no request caused comes back as answers
// to submissions do.
func TestPerRequestLatency(t *testing.T) {
	constant := func(entry, response time.Duration) sim.LatencyModel {
		latency, err := sim.NewConstantLatency(entry, response)
		if err != nil {
			t.Fatal(err)
		}
		return latency
	}
	latency := sim.PerRequestLatency{New: constant(10, 1), Modify: constant(20, 2), Cancel: constant(-30, 3)}
	for request, want := range map[hft.Status][2]int64{
		hft.StatusNew: {110, 101}, hft.StatusReplaced: {120, 102}, hft.StatusCanceled: {130, 103},
		hft.StatusNone: {110, 101},
	} {
		link := exchange.NewLink(latency, latency)
		link.Send(100, &exchange.Request{Order: hft.Order{Req: request}})
		if got := min(link.ToExchange.NextNs(), link.ToLocal.NextNs()); got != want[0] {
			t.Errorf("request %v arrives or is lost at %d, want %d", request, got, want[0])
		}
		link = exchange.NewLink(latency, latency)
		link.Respond(100, &exchange.Report{Answers: request})
		var report exchange.Report
		if at := link.ToLocal.NextNs(); at != want[1] || !link.ToLocal.Receive(at, &report) ||
			report.Order.Req != hft.StatusNone {
			t.Errorf("answer to %v arrives at %d as %+v, want %d", request, at, report, want[1])
		}
	}
}

// Every report says which request it answers.
func TestReportsAnswer(t *testing.T) {
	for _, compat := range []sim.Compat{sim.Fixed, sim.Hftbacktest} {
		w := newWorld(t, options{partial: true, compat: compat})
		w.run(book)
		w.recorder.take()
		for _, step := range []struct {
			line string
			want hft.Status
		}{
			{"new 1 buy 98 2 GTC", hft.StatusNew},
			{"modify 1 98 1", hft.StatusReplaced},
			{"modify 1 97 1", hft.StatusReplaced},
			{"modify 1 97 0", hft.StatusReplaced},
			{"trade-sell 90 1", hft.StatusNone},
			{"cancel 1", hft.StatusCanceled},
			{"new 2 buy 101 2 GTC", hft.StatusNew},
			{"new 3 buy 98 2 GTC", hft.StatusNew},
			{"modify 3 105 20", hft.StatusReplaced},
			{"new 4 buy 98 2 GTC", hft.StatusNew},
			{"cancel 4", hft.StatusCanceled},
			{"market 5 sell 1", hft.StatusNew},
		} {
			w.do(step.line)
			reports := w.recorder.take()
			if len(reports) == 0 {
				t.Errorf("%s: no report", step.line)
			}
			for _, r := range reports {
				if r.Answers != step.want {
					t.Errorf("compat %d, %s: %s answers %v, want %v", compat, step.line, text(r), r.Answers, step.want)
				}
			}
		}
	}
}

// A modification that gets lost brings the previous price and quantity back (spec 3.4), if the sender gave them.
func TestLostModificationComesBack(t *testing.T) {
	latency, err := sim.NewConstantLatency(-5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		request hft.Status
		prevQty float64
		want    hft.Order
	}{
		{hft.StatusReplaced, 3, hft.Order{PriceTick: 90, Qty: 3}},
		{hft.StatusReplaced, 0, hft.Order{PriceTick: 100, Qty: 7}},
		{hft.StatusCanceled, 3, hft.Order{PriceTick: 100, Qty: 7}},
	} {
		link := exchange.NewLink(latency, latency)
		r := exchange.Request{Order: hft.Order{PriceTick: 100, Qty: 7, Req: c.request}, PrevPriceTick: 90,
			PrevQty: c.prevQty}
		link.Send(100, &r)
		var report exchange.Report
		if !link.ToLocal.Receive(105, &report) || report.Answers != c.request {
			t.Fatalf("%v: came back as %+v", c.request, report)
		}
		if o := &report.Order; o.PriceTick != c.want.PriceTick || o.Qty != c.want.Qty {
			t.Errorf("%v with previous quantity %v came back as %+v", c.request, c.prevQty, o)
		}
	}
}
