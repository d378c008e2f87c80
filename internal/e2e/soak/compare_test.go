package soak

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// settle cancels everything and waits for it.
func settle(t *testing.T, s subject, e *testexchange.Exchange, r *run) {
	t.Helper()
	eventually(t, "all orders come to their end", func() bool {
		none := true
		for _, b := range r.bots {
			none = b.cancelAll() && none
		}
		time.Sleep(20 * time.Millisecond)
		return none
	})
	eventually(t, "the books are ready again", r.ready)
	eventually(t, "no order is open at the exchange", func() bool {
		state, err := e.State(s.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range state.Orders {
			if o.Status == "NEW" || o.Status == "PARTIALLY_FILLED" || o.Status == "New" ||
				o.Status == "PartiallyFilled" {
				return false
			}
		}
		return true
	})
}

// compare holds the connector's account of the run to the exchange's. halt lets the market stand still, or go on.
func compare(t *testing.T, s subject, e *testexchange.Exchange, r *run, halt func(halted bool)) {
	t.Helper()
	// Executions that were missed are asked for some time after.
	agree(t, "orders", func() error {
		state, err := e.State(s.name)
		if err != nil {
			t.Fatal(err)
		}
		return ordersAgree(t, state, r)
	})
	agree(t, "every execution is reported once", func() error { return executionsAgree(t, s, e, r) })
	if s.positions {
		agree(t, "positions", func() error { return positionsAgree(t, s, e, r) })
	}
	booksAgree(t, s, e, r, halt)
	if err := r.Faults(); err != nil {
		t.Errorf("the connector broke its contract: %v", err)
	}
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range state.Submits {
		if n > 1 {
			t.Errorf("order %s was submitted %d times", id, n)
		}
	}
	refusals := map[string]int{}
	for _, e := range r.Errors() {
		if e.Kind == hft.OrderError {
			_, text, _ := strings.Cut(e.LiveError.Error(), ": ")
			refusals[text]++
		}
	}
	t.Logf("errors about orders: %v", refusals)
	t.Logf("%d orders, %d executions, %d updates, %d reconnects, %d gaps", len(state.Orders), len(state.Executions),
		r.NumUpdates(), r.Counter(connector.Reconnects), r.Counter(connector.Gaps))
}

func executionsAgree(t *testing.T, s subject, e *testexchange.Exchange, r *run) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]float64{}, map[string]float64{}
	for _, x := range state.Executions {
		if strings.HasPrefix(x.ClientID, ownPrefix) {
			want[x.Symbol+" "+x.Side] += number(t, x.Qty)
		}
	}
	for _, u := range r.AllUpdates() {
		if u.Fill {
			got[r.instruments[u.InstrumentNo].Symbol+" "+u.Side.String()] += u.ExecQty
		}
	}
	for key := range want {
		if math.Abs(want[key]-got[key]) > 1e-9 {
			return fmt.Errorf("executed %s: %v reported, %v at the exchange", key, got[key], want[key])
		}
	}
	if len(got) > len(want) {
		return fmt.Errorf("executions reported %v, at the exchange %v", got, want)
	}
	return nil
}

func positionsAgree(t *testing.T, s subject, e *testexchange.Exchange, r *run) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range state.Positions {
		for _, inst := range r.instruments {
			if got := r.LastPosition(inst.No); inst.Symbol == p.Symbol && math.Abs(got-number(t, p.Qty)) > 1e-9 {
				return fmt.Errorf("position of %s is %v, at the exchange %s", p.Symbol, got, p.Qty)
			}
		}
	}
	return nil
}

// booksAgree compares the books while the market stands still: one that moves is the same here and there for moments
// only. A book may be lost in the last moment before, and one that needs updates to come back has none then, so the
// market goes on now and again.
func booksAgree(t *testing.T, s subject, e *testexchange.Exchange, r *run, halt func(halted bool)) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		halt(true)
		err := errors.New("not compared")
		for stood := time.Now(); err != nil && time.Since(stood) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
			err = nil
			for _, inst := range r.instruments {
				err = cmp.Or(err, bookAgrees(t, s, e, r, inst))
			}
		}
		halt(false)
		if err == nil {
			return
		}
		t.Logf("books: %v", err)
		if time.Since(began) > patience/3 {
			t.Error("the books do not agree while the market stands still")
			return
		}
	}
}

func bookAgrees(t *testing.T, s subject, e *testexchange.Exchange, r *run, inst connector.Instrument) error {
	t.Helper()
	state, err := e.State(s.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range state.Books {
		if inst.Symbol != b.Symbol {
			continue
		}
		bids, asks := r.Book(inst.No)
		if err := sidesAgree(t, b.Bids, bids); err != nil {
			return fmt.Errorf("%s bids: %w", b.Symbol, err)
		}
		if err := sidesAgree(t, b.Asks, asks); err != nil {
			return fmt.Errorf("%s asks: %w", b.Symbol, err)
		}
		return nil
	}
	return fmt.Errorf("the exchange has no book of %s", inst.Symbol)
}

func sidesAgree(t *testing.T, want [][2]string, got map[float64]float64) error {
	t.Helper()
	if len(want) != len(got) {
		return fmt.Errorf("%d levels, at the exchange %d", len(got), len(want))
	}
	for _, level := range want {
		if px := number(t, level[0]); math.Abs(got[px]-number(t, level[1])) > 1e-9 {
			return fmt.Errorf("%v at %v, at the exchange %s", got[px], px, level[1])
		}
	}
	return nil
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
