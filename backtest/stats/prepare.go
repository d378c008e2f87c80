package stats

import (
	"math"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/sim"
)

// equityWithoutFee is the reference's order of operations, which differs from sim's Equity in the last bit: the
// contract size comes last.
func equityWithoutFee(asset sim.AssetType, r *backtest.Record) float64 {
	switch a := asset.(type) {
	case sim.LinearAsset:
		return r.Balance + float64(float64(r.Position*r.Price)*float64(a))
	case sim.InverseAsset:
		return -r.Balance - float64(r.Position/r.Price*float64(a))
	default:
		return asset.Equity(r.Price, r.Balance, r.Position, 0)
	}
}

// prepare makes one sample of each row; the counts of the first are zero, as there is no row before it.
func prepare(rows []backtest.Record, asset sim.AssetType) []Sample {
	samples := make([]Sample, len(rows))
	for i := range rows {
		r := &rows[i]
		s := Sample{
			TimestampNs:      r.TimestampNs,
			Price:            r.Price,
			Position:         r.Position,
			PositionValue:    math.Abs(r.Position) * r.Price,
			EquityWithoutFee: equityWithoutFee(asset, r),
			Fee:              r.Fee,
		}
		if i > 0 {
			before := &rows[i-1]
			s.NumTrades = float64(r.NumTrades - before.NumTrades)
			s.TradingVolume = r.TradingVolume - before.TradingVolume
			s.TradingValue = r.TradingValue - before.TradingValue
		}
		samples[i] = s
	}
	return samples
}

// resample keeps the last sample of each window of windowNs, labelled by the window's start, with the counts of all.
// Windows are aligned to the epoch; those without a row do not appear. It works in place.
func resample(samples []Sample, windowNs int64) []Sample {
	kept := samples[:0]
	for _, s := range samples {
		s.TimestampNs = floorDiv(s.TimestampNs, windowNs) * windowNs
		if n := len(kept); n > 0 && kept[n-1].TimestampNs == s.TimestampNs {
			s.NumTrades += kept[n-1].NumTrades
			s.TradingVolume += kept[n-1].TradingVolume
			s.TradingValue += kept[n-1].TradingValue
			kept[n-1] = s
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
