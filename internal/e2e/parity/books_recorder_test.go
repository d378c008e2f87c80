package parity_test

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/hftrunner/hftrunner/internal/record"
	"github.com/hftrunner/hftrunner/internal/testexchange"
	"github.com/hftrunner/hftrunner/internal/testexchange/fault"
	"github.com/hftrunner/hftrunner/internal/venues"
)

// record returns a recording of the exchange on this machine as runner record makes it, with two gaps in the book: one
// of a message that the venue has left out, one of what came while no connection was there.
func (r *recorded) record(t *testing.T) (files []string) {
	kind := testexchange.Venue(r.venue)
	e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{kind},
		OnlySymbols: []string{r.symbol}, EventsPerSecond: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close() //nolint:errcheck // what has become of it shows in the recording
	v, err := venues.Open(venues.Config{Kind: r.venue, Settings: r.settings(t, e.HTTPURL(kind))})
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := v.Steps(t.Context(), r.symbol)
	if err != nil {
		t.Fatal(err)
	}
	if f := &symbols[0]; f.TickSize != r.tick || f.LotSize != r.lot {
		t.Fatalf("the exchange has tick %v and lot %v, the test %v and %v", f.TickSize, f.LotSize, r.tick, r.lot)
	}
	recorder, err := record.New(record.Config{Connector: v.Connector, Clock: v.Clock, Symbols: symbols,
		Dir: t.TempDir(), Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- recorder.Run(ctx) }()
	// more waits until something has happened, the book is there, and so much more was written.
	more := func(what string, happened func(p *record.Progress) bool) {
		t.Helper()
		from := int64(-1)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			p := recorder.Progress()
			switch s := &p.Symbols[0]; {
			case !s.Ready || !happened(&p):
				from = -1
			case from < 0:
				from = s.Lines
			case s.Lines > from+quickLines/8:
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within a minute: %+v", what, p)
			}
		}
	}
	more("a book", func(*record.Progress) bool { return true })
	for _, f := range []fault.Name{fault.DepthGap, fault.CutConnections} {
		before := recorder.Progress()
		if err := e.Arm(kind, fault.Fault{Name: f, Count: 1}); err != nil {
			t.Fatal(err)
		}
		more("a book after "+string(f), func(p *record.Progress) bool {
			return p.Symbols[0].Gaps > before.Symbols[0].Gaps &&
				(f == fault.DepthGap || p.Reconnects > before.Reconnects)
		})
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return recorder.Progress().Symbols[0].Files
}
