package config

import (
	"fmt"
	"strings"
	"testing"
)

const sweepSource = `connector "paper" "sim" {
}
strategy "grid" {
  plugin = "gridtrading"
  instrument "sim" "B" {
    tick_size = 1
    lot_size  = 1
  }
  backtest {
    data "B" {
      files = "btc1.npz"
    }
  }
}
strategy "grid.live" {
  plugin = "gridtrading"
  instrument "sim" "B" {
    tick_size = 1
    lot_size  = 1
  }
  params {
    order_qty = 1
  }
}
strategy "mm" {
  plugin = "obimm"
  instrument "sim" "B" {
    tick_size = 1
    lot_size  = 1
  }
  backtest {
    data "B" {
      files = "btc1.npz"
    }
  }
}
`

func TestSweeps(t *testing.T) {
	o := testOptions()
	o.Backtest = true
	o.Sets = []string{"grid_num=5, 10", "grid.order_qty=0.5", "levels=[1,2.5],[]", "pause=10ms,1s"}
	f, err := Load(write(t, sweepSource), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range f.Strategies[0].Sweep {
		got = append(got, fmt.Sprintf("%s %s", s.Name, s.Values))
	}
	if want := "grid_num [5 10]; order_qty [0.5]; levels [[1,2.5] []]; pause [\"10ms\" \"1s\"]"; strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	if len(f.Strategies[1].Sweep)+len(f.Strategies[2].Sweep) != 0 {
		t.Errorf("strategies without the parameters or without a backtest got some: %+v", f.Strategies)
	}
}

func TestWrongSweeps(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"grid_num", "--set grid_num: error: not a parameter with values"},
		{"=1", "not a parameter with values"},
		{"grid_num=1,,2", `a value of "grid_num" is empty`},
		{"grid_num=", `a value of "grid_num" is empty`},
		{"grid_num=0", "grid_num is 0, out of range"},
		{"grid_num=1.5", "grid_num is 1.5, not a whole number"},
		{"grid_num=ten", `grid_num is "ten", not a whole number`},
		{"levels=1", `levels is "1", which is not a list of float`},
		{"levels=[x]", `levels[0] is "x", not a number`},
		{"gridnum=1", "no strategy of this backtest has a parameter \"gridnum\"\n      did you mean \"grid_num\"?"},
		{"grid.gridnum=1", "strategy grid has no parameter \"gridnum\"\n      did you mean \"grid_num\"?"},
		{"gridd.grid_num=1", "there is no strategy \"gridd\"\n      did you mean \"grid\"?"},
	} {
		o := testOptions()
		o.Backtest, o.Sets = true, []string{"order_qty=1", c.set}
		_, err := Load(write(t, sweepSource), o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: no %q in\n%v", c.set, c.want, err)
		}
	}
	o := testOptions()
	o.Backtest, o.Sets = true, []string{"order_qty=1", "order_qty=2"}
	if _, err := Load(write(t, sweepSource), o); err == nil || !strings.Contains(err.Error(), `parameter "order_qty" is set twice`) {
		t.Errorf("twice: %v", err)
	}
}

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		source   string
		selected []string
		want     string
	}{
		{sweepSource, []string{"gird"}, `there is no strategy "gird"`},
		{sweepSource, []string{"grid.live"}, `strategy "grid.live" has no backtest block`},
		{strings.ReplaceAll(sweepSource, "backtest {", "backtestt {"), nil, `no strategy has a backtest block`},
	} {
		o := testOptions()
		o.Backtest, o.Selected = true, c.selected
		if _, err := Load(write(t, c.source), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: no %q in\n%v", c.selected, c.want, err)
		}
	}
}
