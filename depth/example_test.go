package depth_test

import (
	"fmt"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
)

func Example() {
	book, err := depth.New("window", 0.1, 0.001, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	book.UpdateBidDepth(61800.1, 2.5, 0)
	book.UpdateBidDepth(61800.2, 0.7, 0)
	book.UpdateAskDepth(61800.3, 1.2, 0)
	u := book.UpdateBidDepth(61800.2, 0, 0)
	fmt.Printf("best bid %d to %d, quantity %v to %v\n", u.PrevBestTick, u.BestTick, u.PrevQty, u.NewQty)
	fmt.Printf("%.1f x %v / %.1f x %v\n", book.BestBid(), book.BestBidQty(), book.BestAsk(), book.BestAskQty())
	// Output:
	// best bid 618002 to 618001, quantity 0.7 to 0
	// 61800.1 x 2.5 / 61800.3 x 1.2
}

func ExampleFusedMarketDepth() {
	fused := depth.NewFusedMarketDepth(1, 1)
	plain := depth.NewWindowMarketDepth(1, 1)
	var emit []hft.Event
	for _, ev := range []hft.Event{
		{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthEvent, ExchTimestampNs: 1, Px: 99, Qty: 5},
		{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthEvent, ExchTimestampNs: 1, Px: 100, Qty: 7},
		// the quote is ahead
		{Ev: hft.LocalEvent | hft.BuyEvent | hft.DepthBBOEvent, ExchTimestampNs: 3, Px: 100, Qty: 2},
		// and this outdated
		{Ev: hft.LocalEvent | hft.SellEvent | hft.DepthEvent, ExchTimestampNs: 2, Px: 100, Qty: 1},
	} {
		emit = fused.Update(&ev, ev.ExchTimestampNs, emit[:0])
		for i := range emit {
			depth.Apply(plain, &emit[i])
			fmt.Println(emit[i].Side(), emit[i].Px, emit[i].Qty)
		}
	}
	fmt.Println(plain.BestBidTick(), plain.BestAskTick() == hft.InvalidMax)
	// Output:
	// Buy 99 5
	// Sell 100 7
	// Buy 100 2
	// Sell 100 0
	// 100 true
}

func ExampleL3MarketDepth() {
	var book depth.L3MarketDepth = depth.NewHashMapMarketDepth(0.5, 1)
	for id, price := range []float64{10, 10.5, 10.5} {
		if _, _, err := book.AddBuyOrder(uint64(id), price, 2, 0); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(book.BestBid(), book.BestBidQty())
	_, _, err := book.AddBuyOrder(1, 10, 1, 0)
	fmt.Println(err)
	// Output:
	// 10.5 4
	// order id already exists
}
