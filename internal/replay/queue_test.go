package replay

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/paper"
)

// pushed is a message of n rows that happened at exchNs and was received at localNs.
func (a *ahead) pushed(exchNs, localNs int64, n int) {
	rows := make([]hft.Event, n)
	for i := range rows {
		rows[i].ExchTimestampNs = exchNs
	}
	a.push(&paper.Batch{TimestampNs: localNs, Events: rows}, rows, 0)
}

// TestAheadForgets: rows that everybody has got are gone, however many messages come and however long they are.
func TestAheadForgets(t *testing.T) {
	const latencyNs, messages, mostRows = 100, 50_000, 40
	random := rand.New(rand.NewPCG(1, 2))
	var a ahead
	var b paper.Batch
	handedOut, rows := 0, 0
	for ns := int64(latencyNs); ns < messages; ns++ {
		n := 1 + random.IntN(mostRows)
		rows += n
		a.pushed(ns-random.Int64N(latencyNs), ns, n)
		for q := a.next(); q != nil && q.waiting()[0].batch.TimestampNs <= ns-latencyNs; q = a.next() {
			if late := a.pop(q, &b); late != 0 {
				t.Fatalf("rows are %d late at %d", late, ns)
			}
			handedOut += len(b.Events)
		}
	}
	for q := a.next(); q != nil; q = a.next() {
		a.pop(q, &b)
		handedOut += len(b.Events)
	}
	if handedOut != 2*rows || a.held != 0 {
		t.Errorf("%d of 2*%d rows were handed out, and %d are left", handedOut, rows, a.held)
	}
	const most = 4 * latencyNs * mostRows
	if cap(a.rows) > most || cap(a.received.list) > most || cap(a.happened.list) > most {
		t.Errorf("there is room for %d rows, %d and %d messages", cap(a.rows), cap(a.received.list), cap(a.happened.list))
	}
}

// TestAheadWhenFull: what has been handed out makes room, so that reading goes on and the rest keeps its order.
func TestAheadWhenFull(t *testing.T) {
	const each, most = 10, 20_000
	a := ahead{most: most}
	var b paper.Batch
	ns := int64(time.Hour)
	for ; !a.full(); ns++ {
		a.pushed(ns-1, ns, each)
	}
	for range 2 * most {
		for a.full() {
			if late := a.pop(a.next(), &b); late != 0 {
				t.Fatalf("rows are %d late", late)
			}
		}
		if a.held < most-2*each {
			t.Fatalf("%d rows are left when there is room again", a.held)
		}
		for ; !a.full(); ns++ {
			a.pushed(ns-1, ns, each)
		}
	}
	if cap(a.rows) > 2*most {
		t.Errorf("there is room for %d rows", cap(a.rows))
	}
	// What is later than all that waits goes first, several in their order.
	a.pushed(2, ns, 1)
	a.pushed(1, ns, 1)
	a.pushed(2, ns, 2)
	lastNs := a.lastNs
	for i, want := range []struct {
		rows   int
		exchNs int64
	}{{1, 1}, {1, 2}, {2, 2}} {
		late := a.pop(a.next(), &b)
		if len(b.Events) != want.rows || b.Events[0].ExchTimestampNs != want.exchNs || late != lastNs-want.exchNs || b.TimestampNs != lastNs {
			t.Errorf("late message %d has %d rows, %d late", i, len(b.Events), late)
		}
	}
}
