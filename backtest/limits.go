package backtest

import (
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/risk"
	"github.com/hftrunner/hftrunner/sim"
)

// limit gives every asset its place in the gate, which is that of a host.
func (b *backtestBot) limit(builder *Builder) {
	gate := risk.NewGate(builder.risk.Runner)
	strategy := gate.Strategy("", builder.risk.Strategy)
	accounts := make(map[string]*risk.Scope)
	for i, a := range b.assets {
		if accounts[a.connector] == nil {
			accounts[a.connector] = gate.Connector(a.connector, builder.risk.Connectors[a.connector])
		}
		from := builder.assets[i]
		_, inverse := from.asset.(sim.InverseAsset)
		a.limits = gate.Holding(strategy, accounts[a.connector], a.symbol, risk.Terms{LotSize: a.book.LotSize(),
			ContractSize: a.contractSize, Inverse: inverse, Currency: from.currency}, from.risk)
	}
}

// reserve counts an order against the limits, and returns which of them forbids it.
func (a *asset) reserve(o *hft.Order, nowNs int64) risk.Refusal {
	if o.Req == hft.StatusCanceled {
		return risk.Refusal{}
	}
	return a.limits.Reserve(o, a.book, nowNs)
}

// send puts the request in b.request under way, unless a limit forbids it.
func (b *backtestBot) send(a *asset, refusal risk.Refusal) {
	if refusal.Rule == risk.None {
		a.link.Send(b.nowNs, &b.request)
		return
	}
	b.numLimited++
	if b.limited == nil {
		b.limited = make(map[uint64]risk.Refusal)
	}
	b.request.Tag, b.limited[b.numLimited] = b.numLimited, refusal
	a.link.Refuse(b.nowNs, &b.request, sim.RejectLimit)
}

// reason returns the value of the error event of a refusal.
func (b *backtestBot) reason(report *exchange.Report) hft.Value {
	if report.Reject != sim.RejectLimit {
		return hft.StringValue("order rejected: " + report.Reject.String())
	}
	return b.limited[report.Tag].Event()
}

// told tells the gate what a report has changed.
func (a *asset) told(report *exchange.Report) {
	if report.Fill {
		a.limits.SetPosition(a.state.Values.Position, a.state.Values.Position)
	}
	if o := a.local.Orders.Get(report.Order.OrderID); o != nil {
		a.limits.Update(o)
	} else if report.Order.Final() || report.Order.Req == hft.StatusRejected {
		a.limits.Release(report.Order.OrderID)
	}
}
