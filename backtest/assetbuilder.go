package backtest

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/exchange"
	"github.com/hftrunner/hftrunner/internal/local"
	"github.com/hftrunner/hftrunner/risk"
	"github.com/hftrunner/hftrunner/sim"
)

// ExchangeKind chooses the exchange model.
type ExchangeKind uint8

// Exchange models.
const (
	// NoPartialFill fills every order whole; it is the default.
	NoPartialFill ExchangeKind = iota
	// PartialFill takes displayed and traded quantities into account.
	PartialFill
	// L3FIFO takes data by order and queues first in, first out. It fills orders whole.
	L3FIFO
)

// maxLastTrades bounds the memory of the last trades.
const maxLastTrades = 1 << 20

// AssetBuilder collects what an instrument of a backtest is made of (L2AssetBuilder, L3AssetBuilder). Data and Book are
// required; everything else has the reference's default: no latency, a linear asset of size 1, LogProbability2, fees 0,
// NoPartialFill.
type AssetBuilder struct {
	connector     string
	symbol        string
	data          []Data
	snapshot      Data
	book          bookSpec
	exchange      ExchangeKind
	queue         sim.QueueModel
	entry         sim.LatencyModel
	response      sim.LatencyModel
	asset         sim.AssetType
	fee           sim.FeeModel
	feedOffset    time.Duration
	lastTrades    int
	consumeDepth  bool
	sweepFills    bool
	currency      string
	risk          risk.Limits
	countPartials bool // for the tests: the third oracle
}

// bookSpec describes the local and the exchange book.
type bookSpec struct {
	kind                               string
	tickSize, lotSize, roiLow, roiHigh float64
}

// NewAsset returns a builder with the defaults. symbol is the instrument's name, for messages and results.
func NewAsset(symbol string) *AssetBuilder {
	none, _ := sim.NewConstantLatency(0, 0) // which is never wrong
	return &AssetBuilder{symbol: symbol, queue: sim.ProbabilityQueue(sim.LogProbability2), entry: none, response: none,
		asset: sim.LinearAsset(1), fee: sim.TradingValueFee{}}
}

// Connector sets the name of the connector that live orders would go through, for messages.
func (a *AssetBuilder) Connector(name string) *AssetBuilder {
	a.connector = name
	return a
}

// Data sets the rows: sources that are read one after the other (data).
func (a *AssetBuilder) Data(sources ...Data) *AssetBuilder {
	a.data = sources
	return a
}

// InitialSnapshot sets what the books begin with. Only side, price and quantity of its rows count.
func (a *AssetBuilder) InitialSnapshot(d Data) *AssetBuilder {
	a.snapshot = d
	return a
}

// Book sets the kind of the books, "window", "hashmap" or "btree", and the instrument's tick and lot size (depth).
func (a *AssetBuilder) Book(kind string, tickSize, lotSize float64) *AssetBuilder {
	a.book = bookSpec{kind: kind, tickSize: tickSize, lotSize: lotSize}
	return a
}

// ROIBook sets books that hold the prices from roiLow to roiHigh (ROIVectorMarketDepth).
func (a *AssetBuilder) ROIBook(tickSize, lotSize, roiLow, roiHigh float64) *AssetBuilder {
	a.book = bookSpec{"roi", tickSize, lotSize, roiLow, roiHigh}
	return a
}

// Exchange sets the exchange model (exchange).
func (a *AssetBuilder) Exchange(kind ExchangeKind) *AssetBuilder {
	a.exchange = kind
	return a
}

// Queue sets the queue model of an L2 exchange (queue_model).
func (a *AssetBuilder) Queue(q sim.QueueModel) *AssetBuilder {
	a.queue = q
	return a
}

// Latency sets the order latency (latency_model). A model that keeps a cursor needs two instances, one for the requests
// and one for the responses; others may be given twice.
func (a *AssetBuilder) Latency(entry, response sim.LatencyModel) *AssetBuilder {
	a.entry, a.response = entry, response
	return a
}

// AssetType sets what quantities are worth (asset_type).
func (a *AssetBuilder) AssetType(t sim.AssetType) *AssetBuilder {
	a.asset = t
	return a
}

// Fee sets the fee model (fee_model).
func (a *AssetBuilder) Fee(f sim.FeeModel) *AssetBuilder {
	a.fee = f
	return a
}

// FeedLatencyOffset is added to the local time of every row; every row has to be received after it happened then
// (latency_offset).
func (a *AssetBuilder) FeedLatencyOffset(offset time.Duration) *AssetBuilder {
	a.feedOffset = offset
	return a
}

// LastTrades sets how many of the last trades are kept, 0 for none (last_trades_capacity). In mode sim.Hftbacktest any
// other number keeps all until they are cleared.
func (a *AssetBuilder) LastTrades(capacity int) *AssetBuilder {
	a.lastTrades = max(capacity, 0)
	return a
}

// ConsumeDepth lets own taking orders of a PartialFill exchange use up the quantities that are displayed: they cannot
// be taken again before the feed shows the price anew. What a GTC order has left after all that its limit reaches then
// rests at its limit, and takes what the feed shows there next. Only in mode sim.Fixed.
func (a *AssetBuilder) ConsumeDepth(on bool) *AssetBuilder {
	a.consumeDepth = on
	return a
}

// SweepFills lets what a trade has left after what is displayed at its price trade on through the next levels; own
// orders up to them see it as a trade at their price. It is for feeds that report a sweep as one trade at its first
// price. Only in mode sim.Fixed.
func (a *AssetBuilder) SweepFills(on bool) *AssetBuilder {
	a.sweepFills = on
	return a
}

// Risk sets the limits of the instrument, and the currency of its values, which limits of money at any level need.
func (a *AssetBuilder) Risk(currency string, l risk.Limits) *AssetBuilder {
	a.currency, a.risk = currency, l
	return a
}

// newBook makes a book in a mode.
func (s *bookSpec) newBook(c sim.Compat) (depth.Book, error) {
	mode := depth.Compat
	if c == sim.Fixed {
		mode = depth.Fixed
	}
	return depth.New(s.kind, s.tickSize, s.lotSize, s.roiLow, s.roiHigh, mode)
}

// check returns all that is wrong with the asset, its data left unopened.
func (a *AssetBuilder) check() (wrong []error) {
	if len(a.data) == 0 {
		wrong = append(wrong, incomplete("no data: call Data with files or rows"))
	}
	if a.book.kind == "" {
		wrong = append(wrong, incomplete("no book: call Book with the instrument's tick and lot size"))
	}
	if a.lastTrades > maxLastTrades {
		wrong = append(wrong, invalid("last trades %d: keep at most %d", a.lastTrades, maxLastTrades))
	}
	if a.exchange > L3FIFO {
		wrong = append(wrong, invalid("exchange model %d: must be NoPartialFill, PartialFill or L3FIFO", a.exchange))
	}
	if a.queue == nil || a.entry == nil || a.response == nil || a.asset == nil || a.fee == nil {
		wrong = append(wrong, incomplete("a model is nil: leave it out for the default"))
	}
	return wrong
}

// build makes the asset, which check has found right, and starts to read its data.
func (a *AssetBuilder) build(assetNo int, b *Builder) (*asset, error) {
	made := &asset{connector: a.connector, symbol: a.symbol, contractSize: contractSize(a.asset),
		link: exchange.NewLink(a.entry, a.response), local: local.NewAsset(a.book.tickSize, a.book.lotSize,
			a.lastTrades), state: exchange.NewState(a.asset, a.fee), keepTrades: a.lastTrades > 0,
		countPartials: a.countPartials}
	if err := a.buildSides(assetNo, made, b); err != nil {
		return nil, err
	}
	t, err := newTape(a.data, int64(a.feedOffset), b.allowUnsorted)
	if err != nil {
		return nil, err
	}
	made.tape = t
	made.localRows, made.exchRows = newCursor(t, hft.LocalEvent), newCursor(t, hft.ExchEvent)
	made.measure = newMeasure()
	return made, nil
}

// contractSize returns the size of one contract, 0 for a type that has none.
func contractSize(t sim.AssetType) float64 {
	switch t := t.(type) {
	case sim.LinearAsset:
		return float64(t)
	case sim.InverseAsset:
		return float64(t)
	}
	return 0
}

// buildSides makes the books and the exchange.
func (a *AssetBuilder) buildSides(assetNo int, made *asset, b *Builder) error {
	localBook, err := a.book.newBook(b.compat)
	if err != nil {
		return err
	}
	exchBook, err := a.book.newBook(b.compat)
	if err != nil {
		return err
	}
	var snapshot []hft.Event
	if a.snapshot != nil {
		if snapshot, err = readAll(a.snapshot); err != nil {
			return dataError(fmt.Errorf("initial snapshot: %w", err))
		}
		localBook.ApplySnapshot(snapshot)
	}
	made.book = localBook
	cfg := exchange.Config{AssetNo: assetNo, Book: exchBook, Queue: a.queue, Asset: a.asset, Fee: a.fee,
		Responder: made.link, Compat: b.compat, ConsumeDepth: a.consumeDepth, SweepFills: a.sweepFills}
	switch a.exchange {
	case L3FIFO:
		if snapshot != nil {
			return invalid("an initial snapshot has levels, and a book by order needs orders: leave it out")
		}
		return a.buildL3(made, localBook, exchBook, cfg)
	case PartialFill:
		made.l2, err = exchange.NewPartialFill(cfg)
	default:
		made.l2, err = exchange.NewNoPartialFill(cfg)
	}
	if err != nil {
		return err
	}
	if snapshot != nil {
		made.l2.ApplySnapshot(snapshot)
	}
	made.exchange = made.l2
	return nil
}
