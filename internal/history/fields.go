package history

import (
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

// Field is a figure or a text of a record. Value is of the type that rowfile says for Type, nil where there is none.
type Field struct {
	rowfile.Column
	Value any
}

// Fields returns what a record says besides its head, in an order that is always the same for its kind.
func Fields(r *journal.Record) []Field {
	f := &fields{r: r}
	f.body()
	texts := slices.Collect(r.Texts())
	for i, name := range textsOf(r.Kind) {
		text := ""
		if i < len(texts) {
			text = texts[i]
		}
		f.text(name, text)
	}
	return f.all
}

// textsOf returns the names of a kind's texts.
func textsOf(k journal.Kind) []string {
	switch k {
	case journal.KindInstrument:
		return []string{"connector_name", "symbol_name"}
	case journal.KindRunBegun:
		return []string{"version", "config_sha256"}
	case journal.KindRunEnded, journal.KindBookAbsent, journal.KindBookPresent, journal.KindReset,
		journal.KindUnattributed:
		return []string{"reason"}
	case journal.KindStarted, journal.KindReplaced:
		return []string{"name", "plugin", "version"}
	case journal.KindStopped, journal.KindFailed:
		return []string{"name", "reason"}
	case journal.KindHeld:
		return []string{"name", "held", "reason", "sha256"}
	case journal.KindSavedState:
		return []string{"name", "file", "reason"}
	case journal.KindBalance:
		return []string{"account", "asset"}
	case journal.KindFunding:
		return []string{"asset", "venue_id"}
	case journal.KindReconciled:
		return []string{"what", "details"}
	case journal.KindMismatch:
		return []string{"details"}
	case journal.KindTradingState:
		return []string{"scope", "name", "cause", "who"}
	case journal.KindCommand:
		return []string{"command", "who", "from"}
	case journal.KindAlert:
		return []string{"name", "text"}
	}
	return orderTextsOf(k)
}

// orderTextsOf returns the names of the texts of a kind that is about an order.
func orderTextsOf(k journal.Kind) []string {
	switch k {
	case journal.KindRefused:
		return []string{"rule", "reason"}
	case journal.KindSent:
		return []string{"origin", "client_id", "new_client_id"}
	case journal.KindAnswered:
		return []string{"origin", "client_id", "venue_order_id", "reason"}
	case journal.KindOrder:
		return []string{"origin", "client_id", "venue_order_id"}
	case journal.KindExecution:
		return []string{"origin", "client_id", "venue_order_id", "execution_id", "fee_asset"}
	}
	return nil
}

// fields collects them.
type fields struct {
	r   *journal.Record
	all []Field
}

func (f *fields) add(name string, t rowfile.ColumnType, v any) {
	f.all = append(f.all, Field{rowfile.Column{Name: name, Type: t}, v})
}

func (f *fields) text(name, v string) {
	if v == "" {
		f.add(name, rowfile.Text, nil)
		return
	}
	f.add(name, rowfile.Text, v)
}

func (f *fields) number(name string, v float64) { f.add(name, rowfile.Number, finite(v)) }
func (f *fields) whole(name string, v int64)    { f.add(name, rowfile.Whole, v) }

func (f *fields) time(name string, ns int64) {
	if ns == 0 {
		f.add(name, rowfile.Time, nil)
		return
	}
	f.add(name, rowfile.Time, ns)
}

// finite returns x, nil where it is not a number.
func finite(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}

func bodyOf[B journal.Body](r *journal.Record) B {
	b, _ := journal.As[B](r)
	return b
}

func (f *fields) order(o *hft.Order) {
	f.add("order_id", rowfile.ID, o.OrderID)
	f.text("side", strings.ToLower(o.Side.String()))
	f.text("type", strings.ToLower(o.OrdType.String()))
	f.text("tif", strings.ToLower(o.TimeInForce.String()))
	f.number("price", o.Price())
	f.number("qty", o.Qty)
	f.number("leaves_qty", o.LeavesQty)
	f.number("exec_qty", o.ExecQty)
	f.number("exec_price", o.ExecPrice())
	f.text("status", strings.ToLower(o.Status.String()))
	f.text("request", requestName(o.Req))
	f.add("maker", rowfile.Flag, o.Maker)
	f.time("venue_time", o.ExchTimestampNs)
	f.time("request_time", o.LocalTimestampNs)
}

// requestName returns what Order.Req asks for.
func requestName(s hft.Status) string {
	switch s {
	case hft.StatusNone:
		return ""
	case hft.StatusNew:
		return "submit"
	case hft.StatusCanceled:
		return "cancel"
	case hft.StatusReplaced:
		return "modify"
	}
	return strings.ToLower(s.String())
}

func (f *fields) holding(h *journal.Holding) {
	f.number("position", h.State.Position)
	f.number("balance", h.State.Balance)
	f.number("fees", h.State.Fee)
	f.whole("trades", h.State.NumTrades)
	f.number("volume", h.State.TradingVolume)
	f.number("traded_value", h.State.TradingValue)
	f.number("funding", h.State.Funding)
	f.number("own_position", h.OwnPosition)
	f.number("entry_price", h.EntryPrice)
	f.number("realised", h.Realised)
	f.add("orders", rowfile.ID, h.NumOrders)
	f.add("fills", rowfile.ID, h.NumFills)
	f.add("rejects", rowfile.ID, h.NumRejects)
}

func (f *fields) body() {
	switch r := f.r; r.Kind {
	case journal.KindInstrument:
		b := bodyOf[journal.Instrument](r)
		f.number("tick_size", b.TickSize)
		f.number("lot_size", b.LotSize)
	case journal.KindRunBegun, journal.KindRunEnded:
		b := bodyOf[journal.Run](r)
		f.whole("pid", b.PID)
		f.whole("monotonic_ns", b.MonotonicNs)
	case journal.KindStarted, journal.KindStopped, journal.KindFailed, journal.KindReplaced:
		b := bodyOf[journal.Process](r)
		f.text("sha256", hex.EncodeToString(b.SHA256[:]))
		f.whole("pid", b.PID)
		f.whole("old_pid", b.OldPID)
		f.whole("restarts", b.Restarts)
	case journal.KindSavedState:
		b := bodyOf[journal.SavedState](r)
		f.text("sha256", hex.EncodeToString(b.SHA256[:]))
		f.whole("bytes", b.Bytes)
	case journal.KindRequest, journal.KindRefused, journal.KindSent, journal.KindAnswered, journal.KindOrder,
		journal.KindExecution, journal.KindReconciled:
		f.orderBody()
	case journal.KindTradingState:
		b := bodyOf[journal.TradingState](r)
		f.text("was", stateName(b.From))
		f.text("is", stateName(b.To))
	case journal.KindClockStep:
		b := bodyOf[journal.ClockStep](r)
		f.whole("by_ns", b.ByNs)
		f.add("confirmed", rowfile.Flag, b.Confirmed != 0)
	case journal.KindLost:
		b := bodyOf[journal.Lost](r)
		f.add("records", rowfile.ID, b.Count)
		f.time("from_time", b.FromNs)
		f.time("to_time", b.ToNs)
	default:
		f.moneyBody()
	}
}

func (f *fields) orderBody() {
	switch r := f.r; r.Kind {
	case journal.KindRequest:
		b := bodyOf[journal.Request](r)
		f.order(&b.Order)
		f.time("saw_time", b.SawNs)
		f.whole("reacted_ns", b.ReactedNs)
	case journal.KindRefused:
		b := bodyOf[journal.Refusal](r)
		f.order(&b.Order)
		f.number("limit", b.Limit)
		f.number("value", b.Value)
		f.whole("count", b.Count)
		f.text("by", refuserName(b.By))
	case journal.KindSent:
		b := bodyOf[journal.Sent](r)
		f.order(&b.Order)
		f.add("number", rowfile.ID, b.Number)
	case journal.KindAnswered:
		b := bodyOf[journal.Answer](r)
		f.order(&b.Order)
		f.time("answer_time", b.VenueNs)
		f.whole("code", b.Code)
		f.text("outcome", outcomeName(b.Outcome))
	case journal.KindOrder:
		b := bodyOf[journal.OrderState](r)
		f.order(&b.Order)
		f.holding(&b.Holding)
	default:
		b := bodyOf[journal.Execution](r)
		f.order(&b.Order)
		f.number("exec_value", b.Value)
		f.number("fee", b.Fee)
		f.number("fee_paid", b.FeePaid)
		f.number("fee_qty", b.FeeQty)
		f.text("exec_kind", executionName(b.Kind))
		f.holding(&b.Holding)
	}
}

func (f *fields) moneyBody() {
	switch r := f.r; r.Kind {
	case journal.KindVenuePosition:
		b := bodyOf[journal.VenuePosition](r)
		f.number("qty", b.Qty)
		f.number("entry_price", b.EntryPrice)
		f.time("venue_time", b.VenueNs)
	case journal.KindUnattributed:
		b := bodyOf[journal.Unattributed](r)
		f.number("unattributed", b.Qty)
		f.number("account_position", b.Venue)
	case journal.KindMismatch:
		b := bodyOf[journal.Mismatch](r)
		f.number("account_position", b.Venue)
		f.number("strategies", b.Strategies)
		f.number("unattributed", b.Unattributed)
	case journal.KindBalance:
		b := bodyOf[journal.Balance](r)
		f.number("total", b.Total)
		f.number("free", b.Free)
		f.number("locked", b.Locked)
		f.time("venue_time", b.VenueNs)
	case journal.KindFunding:
		b := bodyOf[journal.Funding](r)
		f.number("amount", b.Amount)
		f.number("rate", b.Rate)
		f.number("price", b.Price)
		f.number("account_position", b.Position)
		f.time("venue_time", b.VenueNs)
		f.holding(&b.Holding)
	case journal.KindExecutionsRead:
		f.time("until_time", bodyOf[journal.ExecutionsRead](r).UntilNs)
	case journal.KindReset:
		b := bodyOf[journal.Holding](r)
		f.holding(&b)
	case journal.KindMark:
		b := bodyOf[journal.Mark](r)
		f.number("mid", b.Mid)
		f.number("equity", b.Equity)
		f.add("day_end", rowfile.Flag, b.DayEnd != 0)
		f.holding(&b.Holding)
	}
}

// nameOf returns the name of number n, other where it has none.
func nameOf(n int, names ...string) string {
	if n < len(names) {
		return names[n]
	}
	return "other"
}

func stateName(s uint8) string { return nameOf(int(s), "active", "reducing", "halted") }
func refuserName(r journal.Refuser) string {
	return nameOf(int(r), "", "host", "gate", "journal", "venue")
}
func outcomeName(o journal.Outcome) string {
	return nameOf(int(o), "", "accepted", "refused", "unknown")
}
func executionName(k journal.ExecutionKind) string {
	return nameOf(int(k), "trade", "liquidation", "adl", "settlement", "delivery", "transfer")
}
