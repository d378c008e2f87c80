package exchange

import (
	"fmt"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/sim"
)

// Err returns the error that ends the run, nil while there is none.
func (x *desk) Err() error { return x.err }

// respond answers the request of kind answers with the order as it is.
func (x *desk) respond(timestampNs int64, o *order, answers hft.Status) {
	x.report = Report{Request: Request{AssetNo: x.assetNo, Owner: o.owner, Tag: o.tag, Order: o.Order},
		Answers: answers, Position: x.state.Values.Position}
	x.responder.Respond(timestampNs, &x.report)
}

// fill executes qty of o: at priceTick when it takes, otherwise as the maker at its own price.
func (x *desk) fill(timestampNs int64, o *order, qty float64, priceTick int64, cause sim.FillCause) {
	if x.compat == sim.Stock && o.Final() {
		x.err = fmt.Errorf("exchange: execution of order %d, which is %v (hftbacktest's defect Q30; Compat Hftbacktest continues): %w",
			o.OrderID, o.Status, hft.ErrInvalidOrderStatus)
		return
	}
	o.Maker = cause != sim.CauseTaker
	o.ExecPriceTick = priceTick
	if o.Maker {
		o.ExecPriceTick = o.PriceTick
	}
	o.ExecQty = qty
	o.LeavesQty -= qty
	o.Status = hft.StatusPartiallyFilled
	if !x.partial || hft.QtyLots(o.LeavesQty, x.lotSize) <= 0 {
		o.Status = hft.StatusFilled
		if !x.partial || x.compat == sim.Fixed {
			o.LeavesQty = 0 // not the residue of subtracting floats
		}
	}
	o.ExchTimestampNs = timestampNs
	value, fee := x.state.ApplyFill(&o.Order)
	if !o.Maker && x.compat != sim.Fixed {
		return // the answer to the request is the only report
	}
	x.report = Report{Request: Request{AssetNo: x.assetNo, Owner: o.owner, Tag: o.tag, Order: o.Order}, Fill: true,
		FillValue: value, FillFee: fee, Cause: cause, Position: x.state.Values.Position}
	if o.Maker {
		x.report.JoinedFrontQty, x.report.RestedNs = o.joinedFrontQty, timestampNs-o.restsSinceNs
	} else {
		x.report.Answers = o.answers
	}
	x.responder.Respond(timestampNs, &x.report)
}
