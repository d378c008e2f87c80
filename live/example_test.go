package live_test

import (
	"fmt"
	"time"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/ipctest"
	"github.com/hftrunner/hftrunner/ipc"
	"github.com/hftrunner/hftrunner/live"
)

// quote is a tiny market maker: it keeps one order on each side, a fixed distance from the mid price, and replaces it
// when the mid has moved.
func quote(bot hft.Bot, halfSpread, qty float64) error {
	const bidID, askID = 1, 2
	lastMid := 0.0
	for {
		result, err := bot.WaitNextFeed(false, time.Second)
		if err != nil {
			return err
		}
		if result != hft.ElapseMarketFeed {
			return nil // no market any more
		}
		book := bot.Depth(0)
		mid := (book.BestBid() + book.BestAsk()) / 2
		if mid == lastMid || mid != mid { // nothing new, or a side is empty
			continue
		}
		for _, id := range []uint64{bidID, askID} {
			if o := bot.Orders(0).Get(id); o != nil && o.Cancellable() {
				if _, err := bot.Cancel(0, id, true); err != nil {
					return err
				}
			}
		}
		bot.ClearInactiveOrders(0)
		if _, err := bot.SubmitBuyOrder(0, bidID, mid-halfSpread, qty, hft.GTX, hft.Limit, true); err != nil {
			return err
		}
		if _, err := bot.SubmitSellOrder(0, askID, mid+halfSpread, qty, hft.GTX, hft.Limit, true); err != nil {
			return err
		}
		lastMid = mid
	}
}

// A strategy on a host in memory: the hub plays the venue, which takes every order and fills none.
func Example() {
	inst := ipc.Instrument{Connector: "venue", Symbol: "BTCUSDT", TickSize: 0.5, LotSize: 0.01}
	clock := ipctest.NewManualClock(0)
	hub := ipctest.NewHub([]ipc.Instrument{inst}, clock)
	hub.Handle(func(q ipctest.Request) error {
		if q.Kind == ipc.RequestRegisterInstrument {
			return hub.AnswerRegister(q.BotID, q.InstNo, nil, hft.StateValues{}, nil)
		}
		o := q.Order
		o.Status, o.ExchTimestampNs = hft.StatusNew, clock.NowNs()
		if o.Req == hft.StatusCanceled {
			o.Status = hft.StatusCanceled
		}
		fmt.Printf("%3v ms  %-8v %v %v at %v\n", clock.NowNs()/1e6, o.Status, o.Side, o.Qty, o.Price())
		o.Req = hft.StatusNone
		return hub.SendOrder(q.BotID, q.InstNo, &o, hft.StateValues{})
	})
	for i, mid := range []float64{60000, 60000, 60005} { // the market of the next 30 ms
		clock.At(int64(i+1)*10e6, func() {
			_ = hub.PublishFeed("venue", "BTCUSDT", []hft.Event{
				{Ev: hft.LocalEvent | hft.DepthClearEvent},
				{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, Px: mid - 1, Qty: 2},
				{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthEvent, Px: mid + 1, Qty: 3},
			})
		})
	}

	channel, err := hub.Attach(0, []ipc.Instrument{inst})
	if err != nil {
		fmt.Println(err)
		return
	}
	book, err := depth.New("window", inst.TickSize, inst.LotSize, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	bot, err := live.NewBuilder().
		Register(live.NewInstrument(inst.Connector, inst.Symbol, inst.TickSize, inst.LotSize, book, 0)).
		ErrorHandler(func(e hft.LiveError) error { return e }).
		Build(channel)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	if err := quote(bot, 5, 0.1); err != nil {
		fmt.Println(err)
	}
	// Output:
	//  10 ms  New      Buy 0.1 at 59995
	//  10 ms  New      Sell 0.1 at 60005
	//  30 ms  Canceled Buy 0.1 at 59995
	//  30 ms  Canceled Sell 0.1 at 60005
	//  30 ms  New      Buy 0.1 at 60000
	//  30 ms  New      Sell 0.1 at 60010
}
