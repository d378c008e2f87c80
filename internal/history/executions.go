package history

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/internal/journal"
)

// holdingKey is a strategy on an instrument.
type holdingKey struct {
	bot        uint64
	instrument uint32
}

// holdingRow is a row of positions: the ledger after the last execution or settlement.
type holdingRow struct {
	sequence uint64
	timeNs   int64
	journal.Holding
	dirty bool
}

// execution writes one, and the position after it. learnt says how it was learnt of when not at once.
func (p *projector) execution(r *journal.Record, learnt string) {
	b := bodyOf[journal.Execution](r)
	o, h := &b.Order, &b.Holding
	key := holdingKey{r.Bot, r.Instrument}
	held := p.holdings[key]
	if held == nil {
		held = &holdingRow{}
		p.holdings[key] = held
	}
	// What the holding has realised counts from its beginning; a run without a position at its start counts its
	// executions from 1.
	fresh := h.NumFills <= held.NumFills || held.NumFills == 0
	realised := h.Realised
	if !fresh {
		realised -= held.Realised
	}
	*held = holdingRow{r.Sequence, r.TimeNs, *h, true}
	var origin, clientID, venueID, executionID, feeAsset string
	if r.Kind == journal.KindExecution {
		origin, clientID, venueID, executionID, feeAsset = r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Text(4)
	}
	p.put("executions", r.Sequence, r.TimeNs, int64(r.Bot), r.Incarnation, r.Instrument, int64(o.OrderID),
		strings.ToLower(o.Side.String()), number(o.ExecPrice()), number(o.ExecQty), number(b.Value), number(b.Fee),
		number(b.FeePaid), number(b.FeeQty), feeAsset, o.Maker, executionName(b.Kind), learnt, number(realised),
		number(h.OwnPosition), fresh, origin, clientID, venueID, executionID, o.ExchTimestampNs)
}

// reset forgets what a strategy has on an instrument: its position is 0, and nobody follows its orders any longer.
func (p *projector) reset(r *journal.Record) {
	p.holdings[holdingKey{r.Bot, r.Instrument}] = &holdingRow{sequence: r.Sequence, timeNs: r.TimeNs, dirty: true}
	for key, o := range p.orders.newest {
		if key.bot == r.Bot && key.instrument == r.Instrument && !o.over {
			o.over, o.status, o.dirty = true, "unknown", true
			p.orders.retire(p, o)
		}
	}
}

func (p *projector) loadHoldings() error {
	p.holdings = make(map[holdingKey]*holdingRow)
	rows, err := p.conn.QueryContext(p.ctx,
		"SELECT bot, instrument, sequence, time_ns, position, own_position, entry_price, balance, fees, realised, volume, "+
			"traded_value, funding, fills FROM positions")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key holdingKey
		h := new(holdingRow)
		f := func(x *float64) any { return (*orZero)(x) }
		if err := rows.Scan((*signed)(&key.bot), &key.instrument, (*signed)(&h.sequence), &h.timeNs,
			f(&h.State.Position), f(&h.OwnPosition), f(&h.EntryPrice),
			f(&h.State.Balance), f(&h.State.Fee), f(&h.Realised), f(&h.State.TradingVolume), f(&h.State.TradingValue),
			f(&h.State.Funding), (*signed)(&h.NumFills)); err != nil {
			return err
		}
		p.holdings[key] = h
	}
	return rows.Err()
}

func (p *projector) flushHoldings() {
	for key, h := range p.holdings {
		if h.dirty {
			h.dirty = false
			p.replace("positions", int64(key.bot), key.instrument, h.sequence, h.timeNs, number(h.State.Position),
				number(h.OwnPosition), number(h.EntryPrice),
				number(h.State.Balance), number(h.State.Fee), number(h.Realised), number(h.State.TradingVolume),
				number(h.State.TradingValue), number(h.State.Funding), h.NumFills)
		}
	}
}

// event writes what has happened besides orders and money.
func (p *projector) event(r *journal.Record) {
	subject, text, who, n := eventOf(r)
	p.put("events", r.Sequence, r.TimeNs, r.Kind.String(), int64(r.Bot), r.Incarnation, r.Instrument, subject, text,
		who, n)
}

// eventOf returns what an event is about, its text, who has caused it, and how many there were.
func eventOf(r *journal.Record) (subject, text, who string, n int64) {
	switch r.Kind {
	case journal.KindRunBegun:
		b := bodyOf[journal.Run](r)
		text = fmt.Sprintf("version %s, process %d", r.Text(0), b.PID)
		if sum := r.Text(1); sum != "" {
			text += fmt.Sprintf(", configuration %.12s", sum)
		}
		return "host", text, "", 1
	case journal.KindRunEnded:
		return "host", r.Text(0), "", 1
	case journal.KindStarted, journal.KindReplaced:
		b := bodyOf[journal.Process](r)
		return r.Text(0), fmt.Sprintf("%s %s, process %d, sha256 %.12s", r.Text(1), r.Text(2), b.PID,
			hex.EncodeToString(b.SHA256[:])), "", 1
	case journal.KindStopped, journal.KindFailed:
		return r.Text(0), r.Text(1), "", 1
	case journal.KindHeld:
		text = cmp.Or(r.Text(1), "started by command")
		return r.Text(0), strings.TrimSuffix(text+": "+r.Text(2), ": "), "", 1
	case journal.KindSavedState:
		b := bodyOf[journal.SavedState](r)
		return r.Text(0), fmt.Sprintf("%d bytes: %s", b.Bytes, r.Text(2)), "", 1
	case journal.KindRefused:
		b := bodyOf[journal.Refusal](r)
		subject = strings.TrimSpace(requestName(b.Order.Req) + fmt.Sprintf(" %d", b.Order.OrderID))
		return subject, strings.TrimPrefix(r.Text(0)+": "+r.Text(1), ": "), refuserName(b.By), b.Count
	case journal.KindReconciled, journal.KindAlert:
		return r.Text(0), r.Text(1), "", 1
	case journal.KindTradingState:
		b := bodyOf[journal.TradingState](r)
		return strings.TrimSpace(r.Text(0) + " " + r.Text(1)), fmt.Sprintf("%s, was %s: %s", stateName(b.To),
			stateName(b.From), r.Text(2)), r.Text(3), 1
	case journal.KindCommand:
		return r.Text(0), "", strings.TrimSpace(r.Text(1) + " " + r.Text(2)), 1
	case journal.KindClockStep:
		b := bodyOf[journal.ClockStep](r)
		text = "not confirmed"
		if b.Confirmed != 0 {
			text = "confirmed"
		}
		return "clock", fmt.Sprintf("by %v, %s", time.Duration(b.ByNs), text), "", 1
	case journal.KindLost:
		b := bodyOf[journal.Lost](r)
		return "journal", "records could not be appended", "", int64(b.Count)
	}
	return positionOf(r)
}

// positionOf is eventOf for the account's position, and for what has only a text.
func positionOf(r *journal.Record) (subject, text, who string, n int64) {
	switch r.Kind {
	case journal.KindUnattributed:
		return "position", fmt.Sprintf("%v of the account belongs to no strategy: %s",
			bodyOf[journal.Unattributed](r).Qty, r.Text(0)), "", 1
	case journal.KindMismatch:
		return "position", r.Text(0), "", 1
	}
	return "", r.Text(0), "", 1
}
