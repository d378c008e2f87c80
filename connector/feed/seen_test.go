package feed

import (
	"testing"

	"hftrunner/connector"
)

// TestSeenTrades: a message comes once whatever order two connections bring it in, and parts of one id all come.
func TestSeenTrades(t *testing.T) {
	type step struct {
		id    int64
		key   uint64
		isNew bool
	}
	for name, steps := range map[string][]step{
		"ids of their own":           {{1, 0, true}, {1, 0, false}, {2, 0, true}, {1, 0, false}, {3, 0, true}},
		"no ids":                     {{0, 0, true}, {0, 0, true}, {5, 0, true}, {0, 0, true}, {5, 0, false}},
		"parts, connections in turn": {{7, 1, true}, {7, 1, false}, {7, 2, true}, {7, 2, false}, {8, 3, true}, {7, 1, false}, {8, 3, false}},
		"parts, one after the other": {{7, 1, true}, {7, 2, true}, {7, 3, true}, {7, 1, false}, {7, 2, false}, {7, 3, false}, {8, 1, true}, {8, 1, false}},
	} {
		var seen seenTrades
		for i, s := range steps {
			if got := seen.isNew(&connector.Message{LastID: s.id, TradeKey: s.key}); got != s.isNew {
				t.Errorf("%s: message %d %+v: new %t", name, i, s, got)
			}
		}
		seen.forget()
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
