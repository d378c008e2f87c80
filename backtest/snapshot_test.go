package backtest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
)

// lastBook reads the last book of rows of BTCUSDT.
func lastBook(initial backtest.Data, data ...backtest.Data) (backtest.LastBook, error) {
	return backtest.ReadLastBook(context.Background(), backtest.LastBookOptions{Data: data, Initial: initial,
		TickSize: depthtest.BTCTickSize, LotSize: depthtest.BTCLotSize})
}

// booksOf returns the bot's book at the start and at the end of a backtest.
func booksOf(t *testing.T, kind string, initial backtest.Data, data ...backtest.Data) (begin, end []hft.Event) {
	t.Helper()
	asset := backtest.NewAsset("BTCUSDT").Data(data...).Book(kind, depthtest.BTCTickSize, depthtest.BTCLotSize)
	if initial != nil {
		asset.InitialSnapshot(initial)
	}
	bt, err := backtest.NewBuilder().AddAsset(asset).Build()
	if err != nil {
		t.Fatal(err)
	}
	defer bt.Close()
	book := bt.Depth(0).(depth.L2MarketDepth)
	begin = book.Snapshot(nil)
	for {
		if _, err := bt.Elapse(time.Hour); hft.Ended(err) {
			return begin, book.Snapshot(nil)
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLastBookChainsDays: a backtest of the second day that begins with the last book of the first has the books of one
// backtest of both, on both sides and in their order.
func TestLastBookChainsDays(t *testing.T) {
	sampletest.EachBTC(t, func(t *testing.T, btc depthtest.Recording) {
		half := len(btc.Events) / 2
		day1, day2 := backtest.Rows(btc.Events[:half]), backtest.Rows(btc.Events[half:])
		last, err := lastBook(nil, day1)
		if err != nil {
			t.Fatal(err)
		}
		if last.NumBids < 5 || last.NumAsks < 5 || last.NumBids+last.NumAsks != len(last.Rows) || last.Changes {
			t.Fatalf("%d bids, %d asks, changes only %v", last.NumBids, last.NumAsks, last.Changes)
		}
		for _, name := range []string{"last.npz", "last.npy"} {
			path := filepath.Join(t.TempDir(), name)
			if err := last.Write(path); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"window", "hashmap"} {
				_, endOfDay1 := booksOf(t, kind, nil, day1)
				_, endOfBoth := booksOf(t, kind, nil, day1, day2)
				begin, end := booksOf(t, kind, backtest.File(path), day2)
				if !slices.Equal(begin, endOfDay1) || !slices.Equal(begin, last.Rows) {
					t.Errorf("%s, %s: the second day does not begin with the book that the first ends with", name, kind)
				}
				if !slices.Equal(end, endOfBoth) {
					t.Errorf("%s, %s: the second day ends with another book than both together", name, kind)
				}
			}
			of2, err := lastBook(backtest.File(path), day2)
			ofBoth, err2 := lastBook(nil, day1, day2)
			if err != nil || err2 != nil || !slices.Equal(of2.Rows, ofBoth.Rows) ||
				of2.LastLocalTimestampNs != ofBoth.LastLocalTimestampNs {
				t.Errorf("%s: the last book of the second day after that of the first is not that of both: %v, %v",
					name, err, err2)
			}
		}
	})
}

// TestLastBookIsTheReferences: the rows are those of the reference's book at the end of the recorded day.
func TestLastBookIsTheReferences(t *testing.T) {
	rows := depthtest.RecordedBTC(t).Events
	lines := strings.Split(strings.TrimSpace(string(datatest.Golden(t, "depth.btc.local.hash.csv"))), "\n")
	want := strings.Split(lines[len(lines)-1], ",")[3:7]
	last, err := lastBook(nil, backtest.Rows(rows))
	if err != nil {
		t.Fatal(err)
	}
	book := depth.NewHashMapMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, depth.Compat)
	for i := range rows {
		if rows[i].Ev&hft.LocalEvent != 0 {
			depth.Apply(book, &rows[i])
		}
	}
	if !slices.Equal(last.Rows, book.Snapshot(nil)) {
		t.Error("the rows are not those of the reference's book")
	}
	bid, ask := last.Rows[0], last.Rows[last.NumBids]
	got := []string{number(float64(hft.PriceTick(bid.Px, depthtest.BTCTickSize))),
		number(float64(hft.PriceTick(ask.Px, depthtest.BTCTickSize))), number(bid.Qty), number(ask.Qty)}
	if !slices.Equal(got, want) {
		t.Errorf("best levels %v, the reference has %v", got, want)
	}
	t.Logf("%d bids, %d asks, %d hidden", last.NumBids, last.NumAsks, last.NumHidden)
}

// level is a row of a book at second n.
func level(n int64, kind uint64, side hft.Side, px, qty float64) hft.Event {
	flag := hft.BuyEvent
	if side == hft.Sell {
		flag = hft.SellEvent
	}
	ns := 1_700_000_000_000_000_000 + n*int64(time.Second)
	return hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | flag | kind, ExchTimestampNs: ns, LocalTimestampNs: ns + 1e6,
		Px: px, Qty: qty}
}

// TestLastBookForm: rows are those of hftbacktest's create_last_snapshot.
func TestLastBookForm(t *testing.T) {
	const snapshot, change = hft.DepthSnapshotEvent, hft.DepthEvent
	rows := []hft.Event{level(1, snapshot, hft.Sell, 100.2, 1), level(1, snapshot, hft.Sell, 100.1, 2),
		level(1, snapshot, hft.Buy, 99.8, 3), level(1, snapshot, hft.Buy, 99.9, 4), level(2, change, hft.Buy, 99.7, 5),
		level(3, change, hft.Sell, 100.2, 0), level(4, change, hft.Sell, 100.3, 0.0004)}
	last, err := lastBook(nil, backtest.Rows(rows))
	tick := func(n float64) float64 { return n * depthtest.BTCTickSize }
	const flags = hft.ExchEvent | hft.LocalEvent | hft.DepthSnapshotEvent
	want := []hft.Event{{Ev: flags | hft.BuyEvent, Px: tick(999), Qty: 4},
		{Ev: flags | hft.BuyEvent, Px: tick(998), Qty: 3}, {Ev: flags | hft.BuyEvent, Px: tick(997), Qty: 5},
		{Ev: flags | hft.SellEvent, Px: tick(1001), Qty: 2}}
	if err != nil || !slices.Equal(last.Rows, want) || last.NumBids != 3 || last.NumAsks != 1 ||
		last.LastLocalTimestampNs != rows[6].LocalTimestampNs {
		t.Errorf("%+v, %v", last, err)
	}
	initial := backtest.Rows(last.Rows)
	if last, err = lastBook(initial, backtest.Rows(rows[6:])); err != nil || !slices.Equal(last.Rows, want) ||
		last.Changes {
		t.Errorf("begun with it: %+v, %v", last, err)
	}
	if last, err = lastBook(nil, backtest.Rows(rows[4:5])); err != nil || !last.Changes {
		t.Errorf("of changes: %+v, %v", last, err)
	}
}

// TestLastBookRefuses: nothing is made of a book that no day could begin with.
func TestLastBookRefuses(t *testing.T) {
	const snapshot, change = hft.DepthSnapshotEvent, hft.DepthEvent
	good := []hft.Event{level(1, snapshot, hft.Sell, 100.1, 2), level(1, snapshot, hft.Sell, 100.2, 1.5),
		level(1, snapshot, hft.Buy, 99.9, 4)}
	order := level(2, hft.AddOrderEvent, hft.Buy, 99.9, 1)
	trade := level(2, hft.TradeEvent, hft.Buy, 99.9, 1)
	for _, c := range []struct {
		name          string
		initial, rows []hft.Event
		want          string
	}{
		{"crossed", nil, append(slices.Clone(good), level(2, change, hft.Buy, 100.2, 7)),
			"bids of 100.2 (7) and asks of 100.1 (2), 100.2 (1.5);"},
		{"locked", nil, append(slices.Clone(good), level(2, change, hft.Sell, 99.9, 7)),
			"bids of 99.9 (4) and asks of 99.9 (7);"},
		{"empty", nil, []hft.Event{trade}, "the book is empty"},
		{"cleared", nil, append(slices.Clone(good), level(2, hft.DepthClearEvent, hft.Buy, 0, 0),
			level(2, hft.DepthClearEvent, hft.Sell, 1000, 0)), "the book is empty"},
		{"by order", nil, []hft.Event{order}, "data by order"},
		{"no snapshot", []hft.Event{trade}, good, "not a book level"},
		{"two days in the wrong order", nil, append([]hft.Event{level(9, change, hft.Buy, 99, 1)}, good...),
			"is before that of an earlier row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var initial backtest.Data
			if c.initial != nil {
				initial = backtest.Rows(c.initial)
			}
			_, err := lastBook(initial, backtest.Rows(c.rows))
			if !errors.Is(err, hft.ErrData) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	deep := slices.Clone(good)
	for i := range 9 {
		deep = append(deep, level(2, change, hft.Buy, 101+float64(i), 1))
	}
	if _, err := lastBook(nil, backtest.Rows(deep)); err == nil ||
		!strings.Contains(err.Error(), "105 (1) and 4 more and asks") {
		t.Errorf("many levels: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := backtest.ReadLastBook(ctx, backtest.LastBookOptions{Data: []backtest.Data{backtest.Rows(good)},
		TickSize: 0.1, LotSize: 0.001}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	for _, o := range []backtest.LastBookOptions{{TickSize: 1, LotSize: 1},
		{Data: []backtest.Data{backtest.Rows(good)}}} {
		if _, err := backtest.ReadLastBook(context.Background(), o); err == nil {
			t.Errorf("%v: no error", fmt.Sprint(o))
		}
	}
}

// TestLastBookLeavesOutWhatIsHidden: a level that was crossed and came into sight again is not shown by the reference's
// book.
func TestLastBookLeavesOutWhatIsHidden(t *testing.T) {
	const snapshot, change = hft.DepthSnapshotEvent, hft.DepthEvent
	rows := []hft.Event{level(1, snapshot, hft.Sell, 100.1, 2), level(1, snapshot, hft.Sell, 100.3, 1),
		level(1, snapshot, hft.Buy, 99.9, 4), level(2, change, hft.Buy, 100.2, 1), level(3, change, hft.Buy, 100.2, 0)}
	last, err := lastBook(nil, backtest.Rows(rows))
	_, shown := booksOf(t, "window", nil, backtest.Rows(rows))
	if err != nil || last.NumHidden != 1 || !slices.Equal(last.Rows, shown) {
		t.Errorf("%+v, %v; shown %+v", last, err, shown)
	}
}
