package binancefutures

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
	stream := u.Text()
	u.Skip(`,"data":{"e":`)
	switch string(u.Text()) {
	case "depthUpdate":
		return !isPartial(stream) && usualDepth(localTimestampNs, &u, m)
	case "trade":
		return !d.AggTrades && usualTrade(localTimestampNs, &u, m)
	case "aggTrade":
		return d.AggTrades && usualAggTrade(localTimestampNs, &u, m)
	}
	return false
}

func usualDepth(localTimestampNs int64, u *scan.Usual, m *connector.Message) bool {
	u.Skip(`,"E":`)
	u.Int()
	u.Skip(`,"T":`)
	at := u.Int()
	u.Skip(`,"s":`)
	symbol := u.Text()
	u.Skip(`,"U":`)
	m.FirstID = u.Int()
	u.Skip(`,"u":`)
	m.LastID = u.Int()
	u.Skip(`,"pu":`)
	m.PrevID = u.Int()
	u.Skip(`,"b":`)
	m.Events = u.Rows(m.Events)
	numBids := len(m.Events)
	u.Skip(`,"a":`)
	m.Events = u.Rows(m.Events)
	u.Skip(`}}`)
	exchNs, unit, ok := hft.UnixNs(at, time.Millisecond)
	if !u.Ends() || !ok {
		return false
	}
	m.Kind, m.Symbol, m.Seq, m.HasPrevID, m.ExchTimestampNs, m.TimeUnit = connector.MessageDepth, symbol, m.LastID,
		true, exchNs, unit
	scan.Stamp(m.Events, numBids, hft.DepthEvent, scan.Times{ExchTimestampNs: exchNs,
		LocalTimestampNs: localTimestampNs})
	return true
}

func usualTrade(localTimestampNs int64, u *scan.Usual, m *connector.Message) bool {
	u.Skip(`,"E":`)
	u.Int()
	u.Skip(`,"T":`)
	t := scan.UsualTrade{At: u.Int()}
	u.Skip(`,"s":`)
	t.Symbol = u.Text()
	u.Skip(`,"t":`)
	t.FirstID = u.Int()
	t.LastID = t.FirstID
	u.Skip(`,"p":`)
	t.Px = u.Decimal()
	u.Skip(`,"q":`)
	t.Qty = u.Decimal()
	u.Skip(`,"X":"MARKET","m":`)
	t.BuyerIsMaker = u.Bool()
	u.Skip(`}}`)
	return u.Ends() && t.Fill(localTimestampNs, m)
}

// usualAggTrade takes one without what retail orders have of it.
func usualAggTrade(localTimestampNs int64, u *scan.Usual, m *connector.Message) bool {
	u.Skip(`,"E":`)
	u.Int()
	u.Skip(`,"s":`)
	t := scan.UsualTrade{Symbol: u.Text()}
	u.Skip(`,"a":`)
	u.Int()
	u.Skip(`,"p":`)
	t.Px = u.Decimal()
	u.Skip(`,"q":`)
	t.Qty = u.Decimal()
	u.Skip(`,"nq":`)
	normal := u.Decimal()
	u.Skip(`,"f":`)
	t.FirstID = u.Int()
	u.Skip(`,"l":`)
	t.LastID = u.Int()
	u.Skip(`,"T":`)
	t.At = u.Int()
	u.Skip(`,"m":`)
	t.BuyerIsMaker = u.Bool()
	u.Skip(`}}`)
	return u.Ends() && normal == t.Qty && normal > 0 && t.Fill(localTimestampNs, m)
}
