package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hftrunner/hftrunner/hft"
)

// TestVersion1: a journal of the first format is continued with all that it has.
func TestVersion1(t *testing.T) {
	dir := t.TempDir()
	b, err := os.ReadFile("testdata/v1/00000001.journal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "00000001.journal"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	w, found, err := Open(Config{Dir: dir, NowNs: func() int64 { return 1_800_000_000_000_000_000 },
		Notify: func(Notice) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	if len(found.Damage) > 0 || len(found.Torn) > 0 {
		t.Errorf("%+v", found)
	}
	st := found.State.Strategies[7]
	a := st.Holdings[1]
	want := Holding{State: hft.StateValues{Position: 0.5, Balance: -30000, Fee: 12, NumTrades: 1, TradingVolume: 0.5,
		TradingValue: 30000},
		OwnPosition: 0.5, EntryPrice: 60000, UnitValue: 1, Realised: 4, NumOrders: 1, NumFills: 1, NumRejects: 3}
	if st.Name != "grid" || st.Incarnation != 2 || a.Holding != want {
		t.Errorf("%+v, %+v", st, a)
	}
	if o := a.Orders[3]; len(a.Orders) != 1 || o.Executed != 0.5 || o.LeavesQty != 1.5 || o.ClientID != "o1" ||
		o.VenueID != "v9" {
		t.Errorf("orders %+v", a.Orders)
	}
	// A mark has the same sums.
	r, err := OpenReader(dir, ReadFrom{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // it is only read
	marks := 0
	for rec, err := r.Next(t.Context()); err == nil; rec, err = r.Next(t.Context()) {
		if m, ok := As[Mark](rec); ok {
			if marks++; m.Holding != want || m.Mid != 60010 || m.Equity != -7 {
				t.Errorf("%+v", m)
			}
		}
	}
	if marks != 1 {
		t.Errorf("%d marks", marks)
	}
}
