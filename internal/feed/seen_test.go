package feed

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
)

// TestSeenTrades: a message comes once whatever order two connections bring it in, and parts of one id all come.
func TestSeenTrades(t *testing.T) {
	type step struct {
		id    int64
		key   uint64
		isNew bool
	}
	for name, steps := range map[string][]step{
		"ids of their own":  {{1, 0, true}, {1, 0, false}, {2, 0, true}, {1, 0, false}, {3, 0, true}},
		"no ids":            {{0, 0, true}, {0, 0, true}, {5, 0, true}, {0, 0, true}, {5, 0, false}},
		"names without ids": {{0, 1, true}, {0, 2, true}, {0, 1, false}, {0, 3, true}, {0, 2, false}, {0, 3, false}},
		"one comes late":    {{12, 0, true}, {14, 0, true}, {13, 0, true}, {13, 0, false}, {12, 0, false}, {14, 0, false}},
		"several come late": {{10, 0, true}, {15, 0, true}, {12, 0, true}, {20, 0, true}, {18, 0, true}, {11, 0, true}, {13, 0, true}, {12, 0, false},
			{14, 0, true}, {16, 0, true}, {19, 0, true}, {17, 0, true}, {17, 0, false}, {11, 0, false}, {20, 0, false}, {9, 0, false}},
		"parts, connections in turn": {{7, 1, true}, {7, 1, false}, {7, 2, true}, {7, 2, false}, {8, 3, true}, {7, 1, false}, {8, 3, false}},
		"parts, one after the other": {{7, 1, true}, {7, 2, true}, {7, 3, true}, {7, 1, false}, {7, 2, false}, {7, 3, false}, {8, 1, true}, {8, 1, false}},
	} {
		var seen seenTrades
		for i, s := range steps {
			if got := seen.isNew(&connector.Message{FirstID: s.id, LastID: s.id, TradeKey: s.key}); got != s.isNew {
				t.Errorf("%s: message %d %+v: new %t", name, i, s, got)
			}
		}
		seen.lost()
		if !seen.isNew(&connector.Message{LastID: 1, TradeKey: 1}) {
			t.Errorf("%s: not forgotten", name)
		}
	}
	var seen seenTrades
	for key := range uint64(3 * maxSeenKeys) { // more than anybody sends: nothing is lost, and memory is bounded
		if !seen.isNew(&connector.Message{LastID: 1, TradeKey: key}) {
			t.Fatalf("part %d is lost", key)
		}
	}
	if len(seen.keys) > maxSeenKeys {
		t.Errorf("%d keys are kept", len(seen.keys))
	}
}

// TestTradesThatAreFarTooLate: a file that fills what another has missed comes behind it, and would bring trades of
// long ago.
func TestTradesThatAreFarTooLate(t *testing.T) {
	var seen seenTrades
	for i, c := range []struct {
		id, ns int64
		isNew  bool
	}{{10, 1e9, true}, {13, 60e9, true}, {11, 2e9, false}, {12, 59e9, true}, {12, 59e9, false}} {
		if got := seen.isNew(&connector.Message{FirstID: c.id, LastID: c.id, ExchTimestampNs: c.ns}); got != c.isNew {
			t.Errorf("%d, trade %d: new %t", i, c.id, got)
		}
	}
}

func TestSeenTradesAllocateNothing(t *testing.T) {
	var seen seenTrades
	id := int64(0)
	step := func() {
		for range 100 {
			id += 2
			seen.isNew(&connector.Message{FirstID: id, LastID: id})
			seen.isNew(&connector.Message{FirstID: id - 1, LastID: id - 1})
			seen.isNew(&connector.Message{TradeKey: uint64(id)})
		}
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
