package venue

import (
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/internal/feed"
)

// instrument is one registered symbol with its feed.
type instrument struct {
	connector.Instrument
	priceDecimals, qtyDecimals int
	// quoteAsset is the asset of its prices, empty where that is not known. On spot the position is the balance of
	// baseAsset.
	quoteAsset, baseAsset string
	spot                  bool

	// mu is held while a message is applied: messages come from the streams and snapshots from elsewhere.
	mu   sync.Mutex
	book *feed.Book
	// asking is true while a snapshot is being fetched or waits for its turn.
	asking bool
	// losses counts the streams of the book that were lost: a snapshot that was asked for before says nothing of the next one.
	losses int
	// askedNs is the time of the last query for a snapshot. Its goroutine uses it, one at a time.
	askedNs   int64
	bookReady bool
	// stopped says why no new orders are taken any more; nil while they are.
	stopped atomic.Pointer[string]
	silence silence
	ready   bool // announced
	// positionNs is the venue's time of the newest position that the private stream has told. position is the last that was
	// passed on, jump one that was too far from it to be believed at once. maxQty is the largest order, 0 when not known.
	positionNs             int64
	position, jump, maxQty float64

	// cancels and questions are the requests about orders that wait; under trade's mutex.
	cancels, questions line
	reading            reading
	watch              watch
	// accounted says that open orders and position are known since the private stream came up. It is set under trade's mutex.
	accounted atomic.Bool
	early     early
	// unread are the rows of its list of open orders that cannot be read.
	unread unread
	// known says that the open orders were told once: from then on the record of orders has all of them.
	known atomic.Bool
	// doubts is how often in a row the venue's answer had an open order or a position that cannot be true, cannot be read or is none, doubt is the
	// last. trade's mutex guards them.
	doubts int
	doubt  error
	// oneWay says that it has one position, as the venue has told; trade's mutex guards it.
	oneWay bool
	// armed is true while the dead-man's switch may be armed. The goroutine that refreshes it uses it, and stop after that.
	armed bool
}

func newInstrument(inst connector.Instrument, rule connector.Rule, venueNs func(localNs int64) int64, f *protocol.Filters) (*instrument, error) {
	book, err := feed.NewBook(feed.Config{TickSize: inst.TickSize, LotSize: inst.LotSize, Rule: rule, Quotes: true, VenueNs: venueNs, Symbol: inst.Symbol})
	if err != nil {
		return nil, err
	}
	return &instrument{Instrument: inst, reading: reading{turn: make(chan struct{}, 1)}, quoteAsset: f.QuoteAsset, baseAsset: f.BaseAsset, spot: f.Spot,
		maxQty: f.MaxQty, book: book, priceDecimals: decimals(inst.TickSize), qtyDecimals: decimals(inst.LotSize)}, nil
}

// maxDecimals bounds what is looked for in a step: venues have at most 8 or so.
const maxDecimals = 18

// decimals returns how many digits after the point a step needs.
func decimals(step float64) int {
	text := strconv.FormatFloat(step, 'f', -1, 64)
	if _, fraction, ok := strings.Cut(text, "."); ok {
		return min(len(fraction), maxDecimals)
	}
	return 0
}

// price returns a price in ticks as the venue requires it.
func (i *instrument) price(tick int64) string {
	return strconv.FormatFloat(float64(tick)*i.TickSize, 'f', i.priceDecimals, 64)
}

// qty returns a quantity as the venue requires it.
func (i *instrument) qty(qty float64) string {
	return strconv.FormatFloat(math.Round(qty/i.LotSize)*i.LotSize, 'f', i.qtyDecimals, 64)
}
