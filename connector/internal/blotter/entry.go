package blotter

import (
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
)

// phase is where a request is.
type phase uint8

const (
	idle      phase = iota // nothing under way
	sent                   // Output has it, no answer yet
	accepted               // acknowledged without an outcome: the stream has to tell it
	uncertain              // whether it was executed is not known: the order is asked about
)

// leg is one order at the venue. An entry has several when amending replaces orders.
type leg struct {
	clientID, venueID string
	// qtyLots is its quantity, 0 while not known; cumLots what is executed of it.
	qtyLots, cumLots int64
	// filledLots is what is published of cumLots, assumedLots what of that was concluded from cumLots.
	filledLots, assumedLots int64
	// avgPrice is the average price of the first avgLots executed, 0 when not told.
	avgPrice float64
	avgLots  int64
	// toldLots is the most that was told of it other than by its executions, answeredLots what the last answer told, firmLots
	// what the last two did. adoptedLots is what of filledLots was executed before the order was adopted.
	toldLots, answeredLots, firmLots, adoptedLots int64
	// filledValue is what was published of it, price times lots, unless unpriced: not all of the prices are the venue's.
	filledValue float64
	unpriced    bool
	// denied is how often the venue has said less than was told before; ruined that it stays with it and more was published.
	denied doubt
	ruined bool
	// done says that its end was told, and with it all that was executed.
	done bool
	// estimated says that qtyLots was not told.
	estimated bool
}

// maxPrior is how many former legs are kept apart; older ones are only counted.
const maxPrior = 64

// terms are a price and a quantity that a modification asks for: openLots is what is to stay open, totalLots that with
// what is executed.
type terms struct {
	priceTick           int64
	openLots, totalLots int64
}

// entry is one order of a bot.
type entry struct {
	book  *book
	owner connector.Owner
	// shown is the order as the bot knows it: as it was published last.
	shown  hft.Order
	liveAt int // in book.live while not over

	ids        []string // all client ids that it is or may be known by
	now        leg
	prior      []leg
	foldedLots int64 // executed in legs that are forgotten

	// What the venue was ever asked for: the newest terms (openLots is the whole quantity there), the most of a quantity, the
	// lowest and highest price, 0 when the price of an execution has no limit.
	asked             [maxAsked]terms
	numAsked          int
	maxLots           int64
	lowTick, highTick int64

	// What the venue has said that cannot be true: falsehood is the last of it. The order is asked about until an answer can be.
	suspect, stopping bool // stopping: the instrument takes no new orders because of it
	falsehood         falsehood
	suspectNs         int64
	numUnreadable     int // answers in a row
	// otherID is a venue id that was told of it and is not its own, otherPrice and otherQty are terms that were not asked for.
	otherID              string
	otherPrice, otherQty float64

	// What the venue says of the current leg.
	priceTick int64
	priceNs   int64 // of the report that priceTick and quantity are from, 0 before there was one
	rank      int
	tsNs      int64
	seen      bool       // the venue has shown the order
	end       hft.Status // final state, StatusNone while there is none
	over      bool       // the end is settled
	overShown bool       // and published
	unheard   bool       // adopted, and nothing of it published yet
	recovered bool       // known from an earlier run
	answered  bool       // an answer or a list of the venue has told of it
	guessed   bool       // the end was concluded, not told by the venue
	reason    string

	// What is published. Executions of adopted orders up to adoptedNs are part of the state that was adopted.
	baseLots, filledLots  int64
	filledValue           float64 // price times lots
	valueUnknown          bool    // it lacks what was executed before the order was found
	fromNs                int64   // venue's time from which executions of a recovered order may be missing, below 0 when not known
	adoptedNs, completeNs int64

	// Requests. req is the bot's one in flight.
	req                   hft.Status
	place, amend, cancel  phase
	wantCancel, wantAmend bool
	toEnd                 bool // a cancel was asked for, whatever has become of it, and no modification since
	gone                  bool // a cancel was refused because there was no such open order
	strays                int  // cancels because it was at the venue after its end was concluded
	target, wanted        terms
	amendID               string
	amendNs               int64
	amendOut              bool // Output has it and has not answered, whatever the stream has shown since
	cancelTries           int
	canceledNs            int64 // when the last cancel was sent
	blind                 bool  // and that nobody knew then whether the submission had arrived
	asking                bool
	askedFormer           string // venue id of the former leg that is asked about, empty when it is the order itself
	askedReplacement      bool   // the last question was about the order that may have taken its place
	askedNs               int64  // when the last question was sent
	questions             int    // in a row, without a long pause between them
	noAnswer              bool   // the last question has failed
	disputed              bool   // the last report told less executed than is known of
	absent                doubt  // the venue does not know it
	holds                 int
	listed                uint64

	// Times at which something is due, 0 for never.
	askAtNs, formerAtNs, cancelAtNs, holdAtNs, forgetAtNs int64
	dueNs                                                 int64
	dueAt                                                 int // in the agenda, -1 when not
}

// priorLots is what was executed in former legs.
func (e *entry) priorLots() int64 {
	lots := e.foldedLots
	for i := range e.prior {
		lots += e.prior[i].cumLots
	}
	return lots
}

// cumLots is the executed quantity that the venue told, over all legs.
func (e *entry) cumLots() int64 { return e.priorLots() + e.now.cumLots }

// totalLots is the whole order: executed and open. 0 when it is not known.
func (e *entry) totalLots() int64 {
	if e.now.qtyLots == 0 {
		return 0
	}
	return e.priorLots() + e.now.qtyLots
}

// former returns a former leg of which it is not known, or not known well enough, what was executed, nil when there is none.
func (e *entry) former() *leg {
	for i := range e.prior {
		if l := &e.prior[i]; (!l.done || !l.firm()) && l.venueID != "" {
			return l
		}
	}
	return nil
}

// whole reports whether the venue told what was executed in all former legs.
func (e *entry) whole() bool {
	for i := range e.prior {
		if !e.prior[i].done {
			return false
		}
	}
	return true
}

// boundLots is the most that may have been executed of a leg, 0 when that is not known.
func (e *entry) boundLots(l *leg) int64 {
	switch {
	case l.done:
		return l.cumLots
	case l.estimated:
		return 0
	case l == &e.now && e.amending() && l.qtyLots > 0:
		return max(l.qtyLots, l.cumLots, e.target.totalLots-e.priorLots())
	}
	return max(l.qtyLots, l.cumLots)
}

// missingLots is what is executed and not published.
func (e *entry) missingLots() int64 { return e.cumLots() - e.filledLots }

// amending reports whether an amendment may take effect.
func (e *entry) amending() bool { return e.amend != idle }

// view returns the order as it is to be shown now.
func (e *entry) view() hft.Order {
	o := e.shown
	o.PriceTick, o.Req = e.priceTick, e.req
	if total := e.totalLots(); total > 0 {
		if lots := total - e.baseLots; e.book.lots(o.Qty) != lots {
			o.Qty = e.book.qty(max(lots, 0))
		}
		if leaves := max(total-e.filledLots, 0); e.book.lots(o.LeavesQty) != leaves {
			o.LeavesQty = e.book.qty(leaves)
		}
	}
	switch {
	case e.over:
		o.Status, o.Req = e.end, hft.StatusNone
		if e.end == hft.StatusFilled {
			o.LeavesQty = 0
		}
	case e.seen && e.filledLots > e.baseLots:
		o.Status = hft.StatusPartiallyFilled
	case e.seen:
		o.Status = hft.StatusNew
	case e.place == uncertain:
		o.Status = hft.StatusUnknown
	}
	o.ExchTimestampNs = max(o.ExchTimestampNs, e.tsNs)
	return o
}

// missingPrice returns the average price of what is executed and not published, 0 when nothing tells it.
func (e *entry) missingPrice(missing int64) float64 {
	value, known := e.now.value()
	for i := range e.prior {
		v, ok := e.prior[i].value()
		value, known = value+v, known && ok
	}
	known = known && e.foldedLots == 0 && !e.valueUnknown
	price := (value - e.filledValue) / float64(missing)
	if known && e.book.priced(price) {
		return price
	}
	if e.priceTick > 0 {
		return hft.TickPrice(e.priceTick, e.shown.TickSize)
	}
	return 0
}

// value returns what the executions of a leg add up to, price times lots; ok is false when the venue has not told.
func (l *leg) value() (value float64, ok bool) {
	return l.avgPrice * float64(l.avgLots), l.cumLots == l.avgLots
}

// names returns what the order is known by outside.
func (e *entry) names() connector.Names {
	n := connector.Names{ClientID: e.now.clientID, VenueID: e.now.venueID, Origin: e.now.clientID}
	if len(e.ids) > 0 {
		n.Origin = e.ids[0]
	}
	return n
}
