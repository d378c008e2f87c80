package host

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/control"
)

// What is said of orders whose end is not confirmed.

// maxOrdersLogged is the maximum number of orders logged, ordersPerEntry that of one entry; the summary has all.
const maxOrdersLogged, ordersPerEntry = 100, 25

// unaccountedFor names the instruments of which a venue has not told what an earlier run has left.
func (l *leaving) unaccountedFor() (names []string) {
	for _, at := range l.untold {
		if at.instrumentNo >= 0 {
			names = append(names, at.pub.name+" "+at.pub.symbol(at.instrumentNo))
			continue
		}
		if at.instrumentNo == unreached {
			for _, symbol := range l.symbolsAt(at.pub) {
				names = append(names, at.pub.name+" "+symbol)
			}
		}
		if at.instrumentNo == -1 || !l.fixed {
			names = append(names, at.pub.name+" (symbols that no strategy has)")
		}
	}
	return names
}

// strays returns the open orders of this runner without a strategy here.
func (h *Host) strays() (left []leftOrder) {
	here := make(map[uint64]bool)
	for _, s := range h.everyStrategy() {
		here[s.botID] = true
	}
	for _, o := range h.openOrders() {
		if !here[o.Owner.Bot] {
			left = append(left, o)
		}
	}
	return left
}

// named returns orders for people.
func (h *Host) named(orders []leftOrder) []control.OpenOrder {
	names := make(map[uint64]string)
	for _, s := range h.everyStrategy() {
		names[s.botID] = s.cfg.Name
	}
	list := make([]control.OpenOrder, 0, len(orders))
	for i := range orders {
		o := &orders[i]
		symbol, tickSize := o.Symbol, o.TickSize
		if o.InstrumentNo >= 0 {
			o.pub.mu.Lock()
			inst := o.pub.instruments[o.InstrumentNo]
			o.pub.mu.Unlock()
			symbol, tickSize = inst.symbol, inst.tickSize
		}
		list = append(list, control.OpenOrder{Strategy: names[o.Owner.Bot], Connector: o.pub.name, Symbol: symbol,
			ClientID: cmp.Or(o.ClientID, strconv.FormatUint(o.OrderID, 10)), Side: o.Side.String(),
			Price: rounded(hft.TickPrice(o.PriceTick, tickSize)), OpenQty: rounded(o.LeavesQty)})
	}
	return list
}

// rounded takes the noise of binary fractions away.
func rounded(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 12, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// logOrders logs orders, several to an entry, because entries that only differ in numbers are collapsed.
func logOrders(log func(msg string, args ...any), msg string, orders []control.OpenOrder) {
	shown := orders[:min(len(orders), maxOrdersLogged)]
	for some := range slices.Chunk(shown, ordersPerEntry) {
		texts := make([]string, len(some))
		for i, o := range some {
			texts[i] = o.String()
		}
		log(msg, "orders", strings.Join(texts, ", "))
	}
	if more := len(orders) - len(shown); more > 0 {
		log(msg, "more", more)
	}
}

// mayBeOpen is said of orders whose end was not confirmed, notTold of those of an earlier run that nobody knows, leftOpen of those
// that no strategy is here for.
const (
	mayBeOpen = "orders may still be open, not confirmed as closed: check at the venue"
	leftOpen  = "open orders belong to a strategy that is not in the configuration; they were left unchanged: cancel them at the venue, or restore the strategy"
	notTold   = "the venue has not reported which orders an earlier run has left: check at the venue"
)

// leftError lists what a stopped strategy has left.
func (s *strategy) leftError(l *leaving) *control.OrdersLeftError {
	return &control.OrdersLeftError{Strategy: s.cfg.Name, Orders: s.host.named(l.left), Unaccounted: l.unaccountedFor()}
}

// accounts are the orders left at the venues.
type accounts struct {
	unconfirmed, strays []control.OpenOrder
	unaccounted         []string // instruments
}

// accounts returns what is left by what is known now.
func (l *leaving) accounts() accounts {
	return accounts{unconfirmed: l.host.named(l.look()), strays: l.host.named(l.host.strays()), unaccounted: l.unaccountedFor()}
}

func (s *Summary) settle(a accounts) {
	s.UnconfirmedOrders, s.StrayOrders, s.UnaccountedInstruments = a.unconfirmed, a.strays, a.unaccounted
}

// SummaryAtOnce is Summary for a process that ends without the end of Run: what may be open by what is known now.
func (h *Host) SummaryAtOnce() Summary {
	s := h.Summary(ExitInterrupted)
	s.settle(h.newLeaving(h.everyStrategy(), false).accounts())
	return s
}

// settleAccounts lists what is left, and what is said of it when it is not what was said before.
func (h *Host) settleAccounts() {
	now := h.leaving.accounts()
	h.endMu.Lock()
	before := h.accounts
	h.accounts = now
	h.endMu.Unlock()
	if !slices.Equal(now.unconfirmed, before.unconfirmed) {
		logOrders(h.log.Error, mayBeOpen, now.unconfirmed)
	}
	if !slices.Equal(now.strays, before.strays) {
		logOrders(h.log.Error, leftOpen, now.strays)
	}
	if len(now.unaccounted) > 0 && !slices.Equal(now.unaccounted, before.unaccounted) {
		h.log.Error(notTold, "instruments", strings.Join(now.unaccounted, ", "))
	}
	if len(before.unconfirmed)+len(before.unaccounted) > 0 && len(now.unconfirmed)+len(now.unaccounted) == 0 {
		h.log.Info("all orders are now confirmed as closed")
	}
}
