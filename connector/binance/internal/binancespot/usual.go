package binancespot

import (
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/scan"
	"github.com/hftrunner/hftrunner/hft"
)

// usual fills m from a difference of the book or a trade of the form in which the venue writes them, and reports
// whether raw is one. All others are read in more than one pass, with the same result.
func (d *Decoder) usual(localTimestampNs int64, raw []byte, m *connector.Message) bool {
	u := d.payload.Usual(raw)
	u.Skip(`{"stream":`)
	u.Text()
	u.Skip(`,"data":{"e":`)
	kind := u.Text()
	u.Skip(`,"E":`)
	sent := u.Int()
	u.Skip(`,"s":`)
	symbol := u.Text()
	switch string(kind) {
	case "depthUpdate":
		return usualDepth(localTimestampNs, sent, symbol, &u, m)
	case "trade":
		return !d.AggTrades && usualTrade(localTimestampNs, symbol, &u, m)
	case "aggTrade":
		return d.AggTrades && usualAggTrade(localTimestampNs, symbol, &u, m)
	}
	return false
}

func usualDepth(localTimestampNs, sent int64, symbol []byte, u *scan.Usual, m *connector.Message) bool {
	u.Skip(`,"U":`)
	m.FirstID = u.Int()
	u.Skip(`,"u":`)
	m.LastID = u.Int()
	u.Skip(`,"b":`)
	m.Events = u.Rows(m.Events)
	numBids := len(m.Events)
	u.Skip(`,"a":`)
	m.Events = u.Rows(m.Events)
	u.Skip(`}}`)
	exchNs, unit, ok := hft.UnixNs(sent, time.Millisecond)
	if !u.Ends() || !ok {
		return false
	}
	m.Kind, m.Symbol, m.Seq, m.ExchTimestampNs, m.TimeUnit = connector.MessageDepth, symbol, m.LastID, exchNs, unit
	scan.Stamp(m.Events, numBids, hft.DepthEvent, scan.Times{ExchTimestampNs: exchNs,
		LocalTimestampNs: localTimestampNs})
	return true
}

func usualTrade(localTimestampNs int64, symbol []byte, u *scan.Usual, m *connector.Message) bool {
	t := scan.UsualTrade{Symbol: symbol}
	u.Skip(`,"t":`)
	t.FirstID = u.Int()
	t.LastID = t.FirstID
	u.Skip(`,"p":`)
	t.Px = u.Decimal()
	u.Skip(`,"q":`)
	t.Qty = u.Decimal()
	return usualEnd(u, &t) && t.Fill(localTimestampNs, m)
}

func usualAggTrade(localTimestampNs int64, symbol []byte, u *scan.Usual, m *connector.Message) bool {
	t := scan.UsualTrade{Symbol: symbol}
	u.Skip(`,"a":`)
	u.Int()
	u.Skip(`,"p":`)
	t.Px = u.Decimal()
	u.Skip(`,"q":`)
	t.Qty = u.Decimal()
	u.Skip(`,"f":`)
	t.FirstID = u.Int()
	u.Skip(`,"l":`)
	t.LastID = u.Int()
	return usualEnd(u, &t) && t.Fill(localTimestampNs, m)
}

// usualEnd takes what each trade ends with.
func usualEnd(u *scan.Usual, t *scan.UsualTrade) bool {
	u.Skip(`,"T":`)
	t.At = u.Int()
	u.Skip(`,"m":`)
	t.BuyerIsMaker = u.Bool()
	u.Skip(`,"M":`)
	u.Bool()
	u.Skip(`}}`)
	return u.Ends()
}
