package depth_test

import (
	"bufio"
	"bytes"
	"fmt"
	"hash"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
)

// lineHash is the running hash of the reference results: FNV-1a over lines of fields.
type lineHash struct {
	sum hash.Hash64
	buf []byte
}

func newLineHash() *lineHash { return &lineHash{sum: fnv.New64a()} }

func (h *lineHash) int(v int64)     { h.buf = append(strconv.AppendInt(h.buf, v, 10), ',') }
func (h *lineHash) float(v float64) { h.buf = append(strconv.AppendFloat(h.buf, v, 'f', -1, 64), ',') }
func (h *lineHash) end() {
	h.buf[len(h.buf)-1] = '\n'
	h.sum.Write(h.buf)
	h.buf = h.buf[:0]
}

func (h *lineHash) update(u depth.L2Update) {
	h.int(u.PriceTick)
	h.int(u.PrevBestTick)
	h.int(u.BestTick)
	h.float(u.PrevQty)
	h.float(u.NewQty)
	h.int(u.TimestampNs)
	h.end()
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func bestFields(d hft.MarketDepth) string {
	return fmt.Sprintf("%d,%d,%s,%s", d.BestBidTick(), d.BestAskTick(), formatFloat(d.BestBidQty()),
		formatFloat(d.BestAskQty()))
}

// replay applies one recorded row as the processor of that flag does and hashes what updates return.
func replay(book depth.L2MarketDepth, ev *hft.Event, timestampNs int64, h *lineHash) {
	switch ev.Kind() {
	case hft.DepthEvent, hft.DepthSnapshotEvent:
		if ev.Side() == hft.Buy {
			h.update(book.UpdateBidDepth(ev.Px, ev.Qty, timestampNs))
		} else {
			h.update(book.UpdateAskDepth(ev.Px, ev.Qty, timestampNs))
		}
	case hft.DepthClearEvent:
		book.ClearDepth(ev.Side(), ev.Px)
	}
}

// depthLog replays the rows of one flag and returns the lines of depth.*.csv.
func depthLog(book depth.L2MarketDepth, rows []hft.Event, flag uint64) []byte {
	var out bytes.Buffer
	out.WriteString("n,row,ts,best_bid_tick,best_ask_tick,best_bid_qty,best_ask_qty,ret_hash\n")
	h := newLineHash()
	n, last := 0, -1
	var timestampNs int64
	line := func(row int) {
		fmt.Fprintf(&out, "%d,%d,%d,%s,%016x\n", n, row, timestampNs, bestFields(book), h.sum.Sum64())
	}
	for i := range rows {
		ev := &rows[i]
		if !ev.Is(flag) {
			continue
		}
		timestampNs = ev.LocalTimestampNs
		if flag == hft.ExchEvent {
			timestampNs = ev.ExchTimestampNs
		}
		replay(book, ev, timestampNs, h)
		n++
		last = i
		if n%1000 == 0 {
			line(i)
		}
	}
	if n%1000 != 0 {
		line(last)
	}
	return out.Bytes()
}

// sameLines reports the first line that differs.
func sameLines(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d differs:\n got  %s\n want %s", i+1, g[i], w[i])
		}
	}
	t.Fatalf("%d lines, want %d", len(g), len(w))
}

func mustROI(tb testing.TB, tickSize, lotSize, low, high float64, mode depth.Mode) depth.Book {
	tb.Helper()
	book, err := depth.NewROIVectorMarketDepth(tickSize, lotSize, low, high, mode)
	if err != nil {
		tb.Fatal(err)
	}
	return book
}

func TestRecordedDayMatchesReference(t *testing.T) {
	rows := depthtest.RecordedBTC(t).Events
	const tick, lot = depthtest.BTCTickSize, depthtest.BTCLotSize
	books := []struct {
		name, golden string
		book         func() depth.L2MarketDepth
	}{
		{"hashmap compat", "hash",
			func() depth.L2MarketDepth { return depth.NewHashMapMarketDepth(tick, lot, depth.Compat) }},
		{"hashmap fixed", "hash",
			func() depth.L2MarketDepth { return depth.NewHashMapMarketDepth(tick, lot, depth.Fixed) }},
		{"window compat", "hash",
			func() depth.L2MarketDepth { return depth.NewWindowMarketDepth(tick, lot, depth.Compat) }},
		{"window fixed", "hash",
			func() depth.L2MarketDepth { return depth.NewWindowMarketDepth(tick, lot, depth.Fixed) }},
		{"btree compat", "btree",
			func() depth.L2MarketDepth { return depth.NewBTreeMarketDepth(tick, lot, depth.Compat) }},
		{"roi compat", "roi", func() depth.L2MarketDepth { return mustROI(t, tick, lot, 60000, 64000, depth.Compat) }},
	}
	for _, b := range books {
		for _, side := range []struct {
			name string
			flag uint64
		}{{"local", hft.LocalEvent}, {"exch", hft.ExchEvent}} {
			t.Run(b.name+" "+side.name, func(t *testing.T) {
				sameLines(t, depthLog(b.book(), rows, side.flag),
					datatest.Golden(t, "depth.btc."+side.name+"."+b.golden+".csv"))
			})
		}
	}
}

// fusedLog replays the raw rows and returns the lines of fused.*.csv.
func fusedLog(book *depth.FusedMarketDepth, rows []hft.Event, withQuotes bool) []byte {
	var out bytes.Buffer
	out.WriteString("n,exch_ts,best_bid_tick,best_ask_tick,best_bid_qty,best_ask_qty,best_bid_ts,best_ask_ts," +
		"low_bid_tick,high_ask_tick,emitted,emit_hash\n")
	h := newLineHash()
	var emit []hft.Event
	n, emitted := 0, 0
	var last *hft.Event
	line := func() {
		fmt.Fprintf(&out, "%d,%d,%s,%d,%d,%d,%d,%d,%016x\n", n, last.ExchTimestampNs, bestFields(book),
			book.BestBidOrder(), book.BestAskOrder(), book.LowBidTick(), book.HighAskTick(), emitted, h.sum.Sum64())
	}
	for i := range rows {
		ev := &rows[i]
		if ev.Kind() == hft.TradeEvent || ev.Kind() == hft.DepthBBOEvent && !withQuotes {
			continue
		}
		emit = book.Update(ev, ev.ExchTimestampNs, emit[:0])
		for j := range emit {
			e := &emit[j]
			h.int(int64(e.Ev))
			h.int(e.ExchTimestampNs)
			h.int(e.LocalTimestampNs)
			h.float(e.Px)
			h.float(e.Qty)
			h.end()
		}
		n++
		emitted += len(emit)
		if last = ev; n%1000 == 0 {
			line()
		}
	}
	if n%1000 != 0 {
		line()
	}
	return out.Bytes()
}

func TestFusedRecordedDayMatchesReference(t *testing.T) {
	rows := depthtest.RecordedBTC(t).Raw
	for _, mode := range []depth.Mode{depth.Compat, depth.Fixed} {
		for name, withQuotes := range map[string]bool{"bbo": true, "nobbo": false} {
			t.Run(fmt.Sprintf("%s mode %d", name, mode), func(t *testing.T) {
				book := depth.NewFusedMarketDepth(depthtest.BTCTickSize, depthtest.BTCLotSize, mode)
				sameLines(t, fusedLog(book, rows, withQuotes), datatest.Golden(t, "fused.btc."+name+".csv"))
			})
		}
	}
}

// TestBookVectorsMatchReference runs the 4000 operations of vectors/book.csv, with dust quantities, clears by price
// and without, and crossings, and compares what every one returns and leaves.
func TestBookVectorsMatchReference(t *testing.T) {
	const tick, lot = 0.1, 0.001
	books := map[string][]depth.L2MarketDepth{
		"hash": {depth.NewHashMapMarketDepth(tick, lot, depth.Compat),
			depth.NewWindowMarketDepth(tick, lot, depth.Compat), depth.NewHashMapMarketDepth(tick, lot, depth.Fixed),
			depth.NewWindowMarketDepth(tick, lot, depth.Fixed)},
		"btree": {depth.NewBTreeMarketDepth(tick, lot, depth.Compat)},
		"roi":   {mustROI(t, tick, lot, 92, 108, depth.Compat)},
	}
	lines := bufio.NewScanner(bytes.NewReader(datatest.Golden(t, "vectors/book.csv")))
	lines.Scan()
	count := 0
	for lines.Scan() {
		want := lines.Text()
		f := strings.Split(want, ",")
		for _, book := range books[f[0]] {
			if got := runVector(t, book, f); got != want {
				t.Fatalf("%T:\n got  %s\n want %s", book, got, want)
			}
		}
		count++
	}
	if count != 12000 {
		t.Errorf("%d operations, want 12000", count)
	}
}

func runVector(t *testing.T, book depth.L2MarketDepth, f []string) string {
	t.Helper()
	number := func(s string) float64 {
		if s == "" {
			return 0
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	px, qty, result := number(f[3]), number(f[4]), ",,,,"
	update := func(u depth.L2Update) {
		result = fmt.Sprintf("%d,%d,%d,%s,%s", u.PriceTick, u.PrevBestTick, u.BestTick, formatFloat(u.PrevQty),
			formatFloat(u.NewQty))
	}
	switch f[2] {
	case "bid":
		update(book.UpdateBidDepth(px, qty, 0))
	case "ask":
		update(book.UpdateAskDepth(px, qty, 0))
	case "clear_bid":
		book.ClearDepth(hft.Buy, px)
	case "clear_ask":
		book.ClearDepth(hft.Sell, px)
	case "clear_all":
		book.ClearDepth(hft.SideNone, px)
	case "nop":
	default:
		t.Fatalf("unknown operation %q", f[2])
	}
	return strings.Join([]string{strings.Join(f[:5], ","), result, bestFields(book), formatFloat(book.BestBid()),
		formatFloat(book.BestAsk())}, ",")
}
