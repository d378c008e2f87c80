package blotter_test

import (
	"math"
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/blotter"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// FuzzReports plays any sequence of requests, reports, answers and times. The desk fails when an order comes back to
// life or ends twice; here no execution may be published twice nor more than was ever told.
func FuzzReports(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x03\x12\x05\x21\x44\x06\x33\x21\x99\xff\x10\x20\x30\x40\x50\x60"))
	for seed := range byte(12) {
		script := make([]byte, 600)
		x := uint32(seed) + 1
		for i := range script {
			x = x*1664525 + 1013904223
			script[i] = byte(x >> 24)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		p := fuzzer{d: newDesk(t), script: script, lots: make(map[string]int64)}
		p.d.keep = false
		for len(p.script) > 0 && len(p.d.errors) < 10_000 {
			p.step()
		}
		told := int64(0)
		for _, n := range p.lots {
			told += n
		}
		if c := p.d.b.Counts(); c.Assumed == 0 && lots(p.d.volume) > told {
			t.Fatalf("%d lots published, %d were ever told", lots(p.d.volume), told)
		}
		if uint64(p.d.numFills) != p.d.b.Counts().Fills {
			t.Fatalf("%d executions, counted %d", p.d.numFills, p.d.b.Counts().Fills)
		}
	})
}

// fuzzer turns bytes into calls.
type fuzzer struct {
	d      *desk
	script []byte
	ids    []string         // client ids that were ever sent
	lots   map[string]int64 // by trade id, the most that was told of it
}

func (p *fuzzer) next() int {
	if len(p.script) == 0 {
		return 0
	}
	b := p.script[0]
	p.script = p.script[1:]
	return int(b)
}

func (p *fuzzer) number() float64 {
	switch n := p.next(); n {
	case 255:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 253:
		return -1
	case 252:
		return 1e300
	default:
		return float64(n%16) * lot
	}
}

func (p *fuzzer) id() string {
	switch n := p.next(); {
	case n < 20:
		return ""
	case n < 30:
		return "web_1"
	case n < 60:
		id, err := p.d.codec.Encode(connector.Owner{Bot: 7}, uint64(n%6))
		if err != nil {
			p.d.t.Fatal(err)
		}
		return id
	case len(p.ids) > 0:
		return p.ids[n%len(p.ids)]
	}
	return ""
}

func (p *fuzzer) report() *protocol.Report {
	r := &protocol.Report{Channel: protocol.Channel(p.next() % 4), Symbol: symbol, ClientID: p.id(), Status: hft.Status(p.next() % 10),
		Side: hft.Side(p.next()%4 - 1), OrdType: hft.OrdType(p.next() % 3), Price: 1000 * p.number(), Qty: p.number(), CumQty: p.number(),
		HasCum: p.next()%4 > 0, AvgPrice: 1000 * p.number(), TimestampNs: startNs + int64(p.next()-20)*ms}
	if n := p.next(); n < 250 {
		r.VenueID = []string{"", "1", "2", "3", "4"}[n%5]
	}
	if n := p.next(); n%2 == 0 {
		r.TradeID = []string{"", "a", "b", "c", "d", "e", "f"}[n%7]
		r.LastQty, r.LastPrice = p.number(), 1000*p.number()
		if l := lots(r.LastQty); l < 16 && l > p.lots[r.TradeID] {
			p.lots[r.TradeID] = l
		} else if !(r.LastQty < 1) {
			p.lots[r.TradeID] = 1 << 53
		}
	}
	return r
}

func (p *fuzzer) step() {
	d, b := p.d, p.d.b
	id := uint64(p.next() % 6)
	_, open := d.open[id]
	switch p.next() % 9 {
	case 0, 1:
		if !open {
			o := d.order(id, 1000, float64(1+p.next()%15)*lot, hft.Buy)
			if p.next()%3 == 0 {
				o.OrdType = hft.Market
			}
			d.submit(o)
		}
	case 2:
		if open {
			d.cancel(id)
		}
	case 3:
		if open {
			d.modify(id, int64(1000+p.next()%3), float64(1+p.next()%15)*lot)
		}
	case 4:
		b.Report(p.report(), d.nowNs)
	case 5:
		b.Answered(p.id(), blotter.Request(p.next()%6), p.report(), d.nowNs)
	case 6:
		b.Failed(p.id(), blotter.Request(p.next()%6), blotter.Failure{Cause: protocol.Cause(p.next() % 15), RetryAtNs: d.nowNs + int64(p.next()%3)}, d.nowNs)
	case 7:
		list := []protocol.Report{*p.report(), *p.report()}
		if p.next()%2 == 0 {
			b.Listed(symbol, list, d.nowNs, d.nowNs)
		} else {
			b.Executions(list, d.nowNs)
		}
	case 8:
		d.after(int64(p.next()) * int64(p.next()) * 10 * ms)
	}
	for _, a := range d.actions {
		if a.Request != blotter.FetchExecutions {
			p.ids = append(p.ids, a.ClientID)
		}
		if a.NewClientID != "" {
			p.ids = append(p.ids, a.NewClientID)
		}
	}
	d.actions = d.actions[:0]
	if b.Open() > 100 {
		d.t.Fatalf("%d orders open of 6 ids", b.Open())
	}
}
