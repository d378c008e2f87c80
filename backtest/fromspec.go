package backtest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/sim"
)

// FromSpec returns a builder of what a Spec describes. Latency files are read; event files are opened by Build. An
// error names the asset, the value and what there is to choose from.
func FromSpec(spec Spec) (*Builder, error) {
	compat, err := compatOf(spec.Compat)
	if err != nil {
		return nil, err
	}
	b := NewBuilder().Compat(compat).Period(spec.FromNs, spec.ToNs).
		RecordInterval(time.Duration(spec.RecordIntervalNs)).Risk(spec.Risk)
	if spec.AllowUnsorted {
		b.AllowUnsorted()
	}
	for i := range spec.Assets {
		a, err := assetOf(&spec.Assets[i], compat)
		if err != nil {
			return nil, fmt.Errorf("backtest: %s: %w", spec.Assets[i].Symbol, err)
		}
		b.AddAsset(a)
	}
	return b, nil
}

func compatOf(name string) (sim.Compat, error) {
	switch name {
	case "", "fixed":
		return sim.Fixed, nil
	case "hftbacktest":
		return sim.Hftbacktest, nil
	}
	return 0, invalid("compat %q: must be fixed or hftbacktest", name)
}

func assetOf(s *AssetSpec, compat sim.Compat) (*AssetBuilder, error) {
	a := NewAsset(s.Symbol).Connector(s.Connector).LastTrades(s.LastTrades).
		FeedLatencyOffset(time.Duration(s.FeedLatencyOffsetNs)).
		ConsumeDepth(s.Exchange.ConsumeDepth).SweepFills(s.Exchange.SweepFills).Risk(s.Currency, s.Risk)
	if s.Depth == "roi" {
		a.ROIBook(s.TickSize, s.LotSize, s.ROILow, s.ROIHigh)
	} else {
		a.Book(s.Depth, s.TickSize, s.LotSize)
	}
	data := make([]Data, len(s.Files))
	for i, name := range s.Files {
		data[i] = File(name)
	}
	a.Data(data...)
	if s.Snapshot != "" {
		a.InitialSnapshot(File(s.Snapshot))
	}
	kind, err := exchangeOf(s.Exchange.Model)
	if err != nil {
		return nil, err
	}
	a.Exchange(kind)
	if kind != L3FIFO {
		queue, err := queueOf(s.Exchange.Queue, s.Exchange.QueueN)
		if err != nil {
			return nil, err
		}
		a.Queue(queue)
	}
	if err := a.setMoney(s); err != nil {
		return nil, err
	}
	entry, err := latencyOf(&s.Exchange, compat)
	if err != nil {
		return nil, err
	}
	response, err := latencyOf(&s.Exchange, compat)
	if err != nil {
		return nil, err
	}
	return a.Latency(entry, response), nil
}

func exchangeOf(model string) (ExchangeKind, error) {
	switch model {
	case "no_partial_fill":
		return NoPartialFill, nil
	case "partial_fill":
		return PartialFill, nil
	case "l3_fifo":
		return L3FIFO, nil
	}
	return 0, invalid("exchange model %q: must be no_partial_fill, partial_fill or l3_fifo", model)
}

func queueOf(name string, n float64) (sim.QueueModel, error) {
	probability := map[string]sim.Probability{"power_prob": sim.PowerProbability(n),
		"power_prob2": sim.PowerProbability2(n), "power_prob3": sim.PowerProbability3(n),
		"log_prob": sim.LogProbability, "log_prob2": sim.LogProbability2}[name]
	switch {
	case name == "risk_adverse":
		return sim.RiskAdverseQueue(), nil
	case probability == nil:
		return nil,
			invalid("queue %q: must be risk_adverse, power_prob, power_prob2, power_prob3, log_prob or log_prob2", name)
	case (name != "log_prob" && name != "log_prob2") && (!(n > 0) || math.IsInf(n, 0)):
		return nil, invalid("queue_n is %v: the exponent of %s has to be above 0", n, name)
	}
	return sim.ProbabilityQueue(probability), nil
}

// setMoney sets asset type and fees.
func (a *AssetBuilder) setMoney(s *AssetSpec) error {
	if err := a.setFee(&s.Fee); err != nil {
		return err
	}
	if !(s.ContractSize > 0) || math.IsInf(s.ContractSize, 0) {
		return invalid("contract size %v: must be above 0, 1 if there are no contracts", s.ContractSize)
	}
	switch s.Type {
	case "linear":
		a.AssetType(sim.LinearAsset(s.ContractSize))
	case "inverse":
		a.AssetType(sim.InverseAsset(s.ContractSize))
	default:
		return invalid("asset type %q: must be linear or inverse", s.Type)
	}
	return nil
}

// setFee sets the fee model.
func (a *AssetBuilder) setFee(f *FeeSpec) error {
	for _, x := range []float64{f.Maker, f.Taker, f.Buyer, f.Seller} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return invalid("a fee is %v: must be finite", x)
		}
	}
	directional := f.Buyer != 0 || f.Seller != 0
	switch {
	case f.Model == "value" && directional:
		a.Fee(sim.DirectionalTradingValueFee{Maker: f.Maker, Taker: f.Taker, Buyer: f.Buyer, Seller: f.Seller})
	case f.Model == "value":
		a.Fee(sim.TradingValueFee{Maker: f.Maker, Taker: f.Taker})
	case f.Model == "quantity" && directional:
		a.Fee(sim.DirectionalTradingQtyFee{Maker: f.Maker, Taker: f.Taker, Buyer: f.Buyer, Seller: f.Seller})
	case f.Model == "quantity":
		a.Fee(sim.TradingQtyFee{Maker: f.Maker, Taker: f.Taker})
	case f.Model == "flat" && directional:
		return invalid("a flat fee has no buyer's and seller's share: use value or quantity, or remove them")
	case f.Model == "flat":
		a.Fee(sim.FlatPerTradeFee{Maker: f.Maker, Taker: f.Taker})
	default:
		return invalid("fee model %q: must be value, quantity or flat", f.Model)
	}
	return nil
}

// latencyOf makes one instance of an order latency.
func latencyOf(s *ExchangeSpec, compat sim.Compat) (sim.LatencyModel, error) {
	all, err := oneLatency(&s.Latency, compat)
	if err != nil || s.ModifyLatency == nil && s.CancelLatency == nil {
		return all, err
	}
	each := sim.PerRequestLatency{New: all, Modify: all, Cancel: all}
	if s.ModifyLatency != nil {
		if each.Modify, err = oneLatency(s.ModifyLatency, compat); err != nil {
			return nil, fmt.Errorf("modify latency: %w", err)
		}
	}
	if s.CancelLatency != nil {
		if each.Cancel, err = oneLatency(s.CancelLatency, compat); err != nil {
			return nil, fmt.Errorf("cancel latency: %w", err)
		}
	}
	return each, nil
}

func oneLatency(s *LatencySpec, compat sim.Compat) (sim.LatencyModel, error) {
	if len(s.Files) == 0 {
		return sim.NewConstantLatency(time.Duration(s.EntryNs+s.OffsetNs), time.Duration(s.ResponseNs+s.OffsetNs))
	}
	var rows []sim.LatencyRow
	for _, name := range s.Files {
		more, err := ReadLatencies(name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return sim.NewInterpolatedLatency(rows, time.Duration(s.OffsetNs), compat)
}

// ReadLatencies returns the rows of an order-latency file, .npz (member data.npy) or .npy. Errors are hft.ErrData.
func ReadLatencies(path string) ([]sim.LatencyRow, error) {
	r, err := npy.Open[sim.LatencyRow](path, npy.LatencyDtype())
	if err != nil {
		return nil, dataError(err)
	}
	defer r.Close()
	var rows []sim.LatencyRow
	buf := make([]sim.LatencyRow, 4096)
	for {
		n, err := r.Read(buf)
		rows = append(rows, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, dataError(err)
		}
	}
}
