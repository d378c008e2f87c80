package venue

import (
	"hftrunner/connector"
	"hftrunner/connector/feed"
	"hftrunner/hft"
)

// CodeOffGrid is the code of error events of kind hft.CustomKind that say that the venue has sent a price or quantity of an
// instrument that is no multiple of its steps. There is one for each instrument; connector.OffGrid counts them.
const CodeOffGrid int64 = 105

// offGrid tells of prices and quantities that are no multiples of the steps. The instrument's lock is held, so the log comes
// later.
func (c *Connector) offGrid(inst *instrument, out *feed.Out) {
	c.sink.Count(connector.OffGrid, uint64(out.OffGridRows))
	if out.OffGrid == "" {
		return
	}
	text := inst.Symbol + ": " + out.OffGrid + ": has the venue changed its steps? Such values are rounded; they are counted, and not told again"
	c.sink.Error(&connector.Error{InstrumentNo: inst.No, LiveError: hft.CustomLiveError(CodeOffGrid, hft.StringValue(text))})
	c.group.Go(func() { c.log.Warn(text) })
}
