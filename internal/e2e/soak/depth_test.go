package soak

import (
	"testing"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
)

// TestGapInTheBook: the book is cleared, joined to a new snapshot and then the exchange's.
func TestGapInTheBook(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{symbols: []string{"BTCUSDT", "ETHUSDT"}}, nil)
		stales := sc.Stales()
		sc.arm("depth-gap=count:2,value:3")
		sc.wait("the gaps are noticed", func() bool { return sc.Counter(connector.Gaps) >= 2 })
		sc.wait("both books are lost", func() bool { return sc.Stales() >= stales+2 })
		sc.wait("the books are ready again", sc.ready)
		sc.agrees()
	})
}

// TestSnapshotsThatDoNotFit: one that is older or newer than what was held back, and one that comes late.
func TestSnapshotsThatDoNotFit(t *testing.T) {
	each(t, func(s subject) bool { return s.rule != connector.RuleStreamed }, func(t *testing.T, s subject) {
		for _, text := range []string{"stale-snapshot=count:2", "ahead-snapshot=count:1,for:200ms",
			"snapshot-delay=count:1,for:300ms"} {
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{}, nil)
				sc.arm(text, "depth-gap=count:1")
				sc.happened(f.Name)
				sc.wait("the book is ready again", sc.ready)
				sc.agrees()
			})
		}
	})
}

// TestSnapshotsOfTheStream: one in the middle replaces the book, one with the id 1 as well.
func TestSnapshotsOfTheStream(t *testing.T) {
	each(t, func(s subject) bool { return s.rule == connector.RuleStreamed }, func(t *testing.T, s subject) {
		for _, text := range []string{"mid-snapshot=count:3,after:5", "restart-snapshot=count:2,after:5"} {
			f, err := fault.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				sc := open(t, s, settings{}, nil)
				sc.arm(text)
				sc.happened(f.Name)
				sc.wait("the book is ready", sc.ready)
				sc.agrees()
				if n := sc.Counter(connector.Reconnects); n != 0 {
					t.Errorf("%d connections were given up for it", n)
				}
			})
		}
	})
}

// TestNoBookWhileOutOfSync: from the gap until a snapshot fits there is no book, whatever differences come.
func TestNoBookWhileOutOfSync(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc := open(t, s, settings{}, nil)
		if s.rule == connector.RuleStreamed {
			sc.arm("subscribe-error")
		} else {
			sc.arm("http-503-failed=only:" + s.snapshot)
		}
		sc.arm("depth-gap=count:1")
		sc.wait("the book is lost", func() bool { return !sc.IsReady(0) })
		messages := sc.Counter(connector.Messages)
		sc.wait("more differences come", func() bool { return sc.Counter(connector.Messages) > messages+8 })
		if bids, asks := sc.Book(0); sc.IsReady(0) || len(bids)+len(asks) != 0 {
			t.Errorf("out of sync there are %d bids and %d asks", len(bids), len(asks))
		}
		if err := sc.exchange.Disarm(s.name, ""); err != nil {
			t.Fatal(err)
		}
		sc.wait("the book is ready again", sc.ready)
		sc.agrees()
	})
}
