package venuecheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAdvice(t *testing.T) {
	seen := map[string]bool{}
	for _, cause := range []protocol.Cause{protocol.Key, protocol.ClockOff, protocol.Banned, protocol.Unknown,
		protocol.Refused} {
		seen[advice(&protocol.Failure{Cause: cause})] = true
	}
	if len(seen) != 5 || seen[""] {
		t.Errorf("%v", seen)
	}
}

// asker answers as it is told.
type asker struct {
	errs  []error
	asked int
	bad   string
}

func (a *asker) Filters(_ context.Context, symbols []string) ([]protocol.Filters, error) {
	a.asked++
	if len(a.errs) > 0 {
		err := a.errs[0]
		a.errs = a.errs[1:]
		return nil, err
	}
	var list []protocol.Filters
	for _, s := range symbols {
		if s == a.bad {
			return nil, &protocol.Failure{Cause: protocol.Refused, Msg: "no symbol " + s}
		}
		list = append(list, protocol.Filters{Symbol: s, Trading: true, TickSize: 0.1, LotSize: 0.001})
	}
	return list, nil
}

func TestAskRules(t *testing.T) {
	page := &protocol.Failure{Cause: protocol.Refused, Status: 404, Msg: "HTTP 404 Not Found"}
	lost := &protocol.Failure{Cause: protocol.Unknown, Err: errors.New("lost")}
	for _, test := range []struct {
		name  string
		a     asker
		asked int
		found int
		fails bool
	}{
		{"at once", asker{}, 1, 3, false},
		{"after a loss", asker{errs: []error{lost}}, 2, 3, false},
		{"never", asker{errs: []error{lost, lost, lost}}, 3, 0, true},
		{"a page in front of it", asker{errs: []error{page, page, page}}, 3, 0, true},
		{"banned", asker{errs: []error{&protocol.Failure{Cause: protocol.Banned}}}, 1, 0, true},
		{"one is wrong", asker{bad: "B"}, 4, 2, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := AskRules(t.Context(), &test.a, []string{"A", "B", "C"})
			if len(r.Filters) != test.found || (err != nil) != test.fails || test.a.asked != test.asked {
				t.Errorf("%+v, %v, asked %d times", r, err, test.a.asked)
			}
			if err := r.Steps("B").Err; test.a.bad != "" && (err == nil ||
				!strings.Contains(err.Error(), "no symbol B")) {
				t.Errorf("got %v", err)
			}
		})
	}
	if r, err := AskRules(t.Context(), nil, nil); err != nil || len(r.Filters) != 0 {
		t.Errorf("no symbol: %v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := AskRules(ctx, &asker{errs: []error{lost, lost, lost}}, []string{"A"}); !errors.Is(err,
		context.Canceled) || err.Error() != "stopped before the venue had returned its symbols" {
		t.Errorf("got %v", err)
	}
}

func TestLeastOrder(t *testing.T) {
	for _, test := range []struct {
		f          protocol.Filters
		price      float64
		qty, pText string
	}{
		{protocol.Filters{TickSize: 0.1, LotSize: 0.001, MinQty: 0.001, MinNotional: 100}, 60000.04, "0.002",
			"60000.0"},
		{protocol.Filters{TickSize: 0.0001, LotSize: 1, MinNotional: 5}, 1.9537, "3", "1.9537"},
		{protocol.Filters{TickSize: 0.01, LotSize: 0.00001, MinQty: 0.00001}, 60000, "0.00001", "60000.00"},
		{protocol.Filters{TickSize: 10, LotSize: 0.1, MinQty: 0.3}, 64, "0.3", "60"},
	} {
		if qty := inSteps(leastQty(&test.f, test.price), test.f.LotSize); qty != test.qty {
			t.Errorf("%+v: quantity %s, want %s", test.f, qty, test.qty)
		}
		if price := inSteps(test.price, test.f.TickSize); price != test.pText {
			t.Errorf("%+v: price %s, want %s", test.f, price, test.pText)
		}
	}
}

func ExampleAskRules() {
	rules, err := AskRules(context.Background(), &asker{bad: "NOPE"}, []string{"BTCUSDT", "NOPE"})
	if err != nil {
		fmt.Println(err)
		return
	}
	steps := rules.Steps("BTCUSDT")
	fmt.Println(steps.Of(0, 0))
	fmt.Println(steps.Of(0.5, 0))
	fmt.Println(rules.Refused["NOPE"])
	// Output:
	// 0.1 0.001 <nil>
	// 0.5 0.001 tick_size of BTCUSDT is 0.5 and the venue's is 0.1: write the venue's or remove it
	// refused: no symbol NOPE
}
