package stats

import (
	"fmt"
	"math"
	"slices"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// Join returns the rows of days that were run separately as those of one run, days in ascending time. Each day starts
// flat with nothing counted: its position stays its own, and its equity, fee and counts add to those at the end of the
// day before, whose open position is valued at its last known price. A nil asset is sim.LinearAsset(1).
func Join(asset sim.AssetType, days ...[]backtest.Record) ([]backtest.Record, error) {
	o, err := Options{Asset: asset}.withDefaults()
	if err != nil {
		return nil, err
	}
	n := 0
	for _, day := range days {
		n += len(day)
	}
	rows := make([]backtest.Record, 0, n)
	var carried backtest.Record
	for _, day := range days {
		for _, r := range day {
			r.Balance += carried.Balance
			r.Fee += carried.Fee
			r.NumTrades += carried.NumTrades
			r.TradingVolume += carried.TradingVolume
			r.TradingValue += carried.TradingValue
			rows = append(rows, r)
		}
		if len(day) > 0 {
			carried = closed(o.Asset, rows[len(rows)-len(day):])
		}
	}
	if err := checkOrder(rows); err != nil {
		return nil, fmt.Errorf("join days: %w", err)
	}
	return rows, nil
}

// closed returns the last of a day's rows with its position turned into balance.
func closed(asset sim.AssetType, day []backtest.Record) backtest.Record {
	last := day[len(day)-1]
	if last.Position == 0 {
		return last
	}
	for i := len(day) - 1; math.IsNaN(last.Price) && i > 0; i-- {
		last.Price = day[i-1].Price
	}
	equity := equityWithoutFee(asset, &last)
	if math.IsNaN(equity) {
		return last // no price all day: the position cannot be valued, so it is worth nothing
	}
	// What balance is worth has the sign that an asset gives it: minus for an inverse one.
	unit := asset.Equity(1, 1, 0, 0) - asset.Equity(1, 0, 0, 0)
	last.Balance = equity / unit
	last.Position = 0
	return last
}

// Sum adds up the assets of one run: equity, fee and counts of the samples with the same time, and the position values.
// The assets must be kept in the same currency. Where one has no sample, its last state stands; before its first it
// adds nothing. Of the options, Asset and Window have no meaning here.
func Sum(o Options, parts ...*Stats) (*Stats, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	var times []int64
	for _, part := range parts {
		for _, s := range part.samples {
			times = append(times, s.TimestampNs)
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	total := make([]Sample, len(times))
	for i, ns := range times {
		total[i] = Sample{TimestampNs: ns, Price: math.NaN(), Position: math.NaN()}
	}
	for _, part := range parts {
		addTo(total, part.samples)
	}
	return evaluate(total, o), nil
}

func addTo(total, samples []Sample) {
	var state Sample
	next := 0
	for i := range total {
		t := &total[i]
		for next < len(samples) && samples[next].TimestampNs <= t.TimestampNs {
			state = samples[next]
			next++
			t.NumTrades += state.NumTrades
			t.TradingVolume += state.TradingVolume
			t.TradingValue += state.TradingValue
		}
		t.EquityWithoutFee += state.EquityWithoutFee
		t.Fee += state.Fee
		t.PositionValue += state.PositionValue
	}
}
