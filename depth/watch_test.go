package depth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/sole"
)

// TestWatchedBook: a book that is read while its bot is within a call says so; the bot itself updates it then, and its
// callbacks read it.
func TestWatchedBook(t *testing.T) {
	for _, kind := range []string{"window", "hashmap", "btree", "roi"} {
		book, err := depth.New(kind, 1, 1, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		var m sole.Mark
		sole.Watch(book, &m)
		reading := map[string]func(){
			"BestBid": func() { book.BestBid() }, "BestAsk": func() { book.BestAsk() },
			"BestBidTick": func() { book.BestBidTick() }, "BestAskTick": func() { book.BestAskTick() },
			"BestBidQty": func() { book.BestBidQty() }, "BestAskQty": func() { book.BestAskQty() },
			"BidQtyAtTick": func() { book.BidQtyAtTick(5) }, "AskQtyAtTick": func() { book.AskQtyAtTick(5) },
		}
		all := func() (refused int) {
			for name, f := range reading {
				func() {
					defer func() {
						if v := recover(); v != nil {
							refused++
							if text := fmt.Sprint(v); !strings.Contains(text,
								"."+name+" is called while another goroutine") {
								t.Errorf("%s of a %s book panics with %s", name, kind, text)
							}
						}
					}()
					f()
				}()
			}
			return refused
		}
		if n := all(); n != 0 {
			t.Errorf("a %s book that nobody uses refuses %d calls", kind, n)
		}
		m.Enter("a bot")
		book.UpdateBidDepth(5, 1, 1)
		book.UpdateAskDepth(6, 1, 1)
		book.ClearDepth(hft.SideNone, 0)
		if n := all(); n != len(reading) {
			t.Errorf("of %d readings of a %s book beside a call of its bot %d are refused", len(reading), kind, n)
		}
		_ = m.Call(func() error {
			if n := all(); n != 0 {
				t.Errorf("a %s book refuses %d calls of a callback", kind, n)
			}
			return nil
		})
		m.Leave()
		if n := all(); n != 0 {
			t.Errorf("a %s book refuses %d calls afterwards", kind, n)
		}
	}
}
