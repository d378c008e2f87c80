package venuecheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clientid"
	"github.com/hftrunner/hftrunner/connector/protocol"
	"github.com/hftrunner/hftrunner/hft"
)

// orderTest has the smallest order on each symbol tested, at the best bid, post only. Nothing is placed.
func (c *check) orderTest(ctx context.Context) {
	if !c.OrderTest {
		return
	}
	tester, ok := c.Protocol.(protocol.OrderTester)
	if !ok {
		c.say("order test", "not done: the venue cannot validate orders without placing them")
		return
	}
	codec, err := clientid.New(c.OrderPrefix, c.Protocol.NowNs()/int64(time.Millisecond))
	if err != nil {
		c.failed("order test", err)
		return
	}
	for i := range c.rules.Filters {
		f := &c.rules.Filters[i]
		what := "order test on " + f.Symbol
		price, err := c.bestBid(ctx, f.Symbol)
		if err != nil {
			c.failed(what, fmt.Errorf("the book: %w", err))
			continue
		}
		// No bot's id is that high, and the order is never placed.
		id, err := codec.Encode(connector.Owner{Bot: math.MaxUint64, Incarnation: 1}, 1)
		if err == nil {
			o := protocol.Order{Symbol: f.Symbol, ClientID: id, Side: hft.Buy, OrdType: hft.Limit, TimeInForce: hft.GTX,
				Price: inSteps(price, f.TickSize), Qty: inSteps(leastQty(f, price), f.LotSize)}
			if err = tester.TestOrder(ctx, &o); err == nil {
				c.say(what, "passed: buy %s at %s", o.Qty, o.Price)
				continue
			}
		}
		c.failed(what, err)
	}
}

var errNoBid = errors.New("it has no bid")

// bestBid asks for the book and returns its best bid.
func (c *check) bestBid(ctx context.Context, symbol string) (float64, error) {
	body, err := c.Protocol.Snapshot(ctx, symbol)
	if err != nil {
		return 0, err
	}
	var m connector.Message
	if err := c.Protocol.NewDecoder().Decode(c.Protocol.NowNs(), body, &m); err != nil {
		return 0, err
	}
	best := 0.0
	for i := range m.Events {
		if e := &m.Events[i]; e.Is(hft.BuyEvent) && e.Qty > 0 {
			best = max(best, e.Px)
		}
	}
	if m.Kind != connector.MessageSnapshot || best == 0 {
		return 0, errNoBid
	}
	return best, nil
}

// leastQty is the smallest quantity that the rules allow at a price, in whole lots.
func leastQty(f *protocol.Filters, price float64) float64 {
	qty := max(f.MinQty, f.MinNotional/price, f.LotSize)
	return math.Ceil(qty/f.LotSize-1e-9) * f.LotSize
}

// inSteps writes a price or quantity with the decimals of its step.
func inSteps(x, step float64) string {
	_, fraction, _ := strings.Cut(number(step), ".")
	return strconv.FormatFloat(math.Round(x/step)*step, 'f', len(fraction), 64)
}

// number writes a number as people do.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
