package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testkit/depthtest"
	"github.com/hftrunner/hftrunner/internal/testkit/sampletest"
	"github.com/hftrunner/hftrunner/sim"
)

// recordedLatency makes the reference runs' order latencies from a feed: one row per second of local time, from the
// last row of the second that both sides have. Every 20th is a refusal if wanted.
func recordedLatency(events []hft.Event, refusals bool) []sim.LatencyRow {
	var rows []sim.LatencyRow
	second := int64(-1)
	for i := range events {
		e := &events[i]
		if e.Ev&hft.ExchEvent == 0 || e.Ev&hft.LocalEvent == 0 {
			continue
		}
		if at := e.LocalTimestampNs / int64(time.Second); at != second {
			rows = append(rows, sim.LatencyRow{})
			second = at
		}
		latencyNs := e.LocalTimestampNs - e.ExchTimestampNs
		r := &rows[len(rows)-1]
		r.ReqTimestampNs = e.LocalTimestampNs
		r.ExchTimestampNs = r.ReqTimestampNs + 4*latencyNs + 1_000_000
		r.RespTimestampNs = r.ExchTimestampNs + 3*latencyNs + 500_000
	}
	for i := range rows {
		if refusals && i%20 == 10 {
			rows[i].ExchTimestampNs = 0
		}
	}
	return rows
}

func newInterpolated(t testing.TB, rows []sim.LatencyRow, offset time.Duration, compat sim.Compat) sim.LatencyModel {
	t.Helper()
	l, err := sim.NewInterpolatedLatency(rows, offset, compat)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestInterpolatedLatencyEqualsReference(t *testing.T) {
	events := depthtest.RecordedBTC(t).Events
	models := map[string]sim.LatencyModel{}
	for _, file := range []string{"btc.lat", "btc.latrej"} {
		for _, offsetNs := range []string{"0", "3000000"} {
			offset, err := time.ParseDuration(offsetNs + "ns")
			if err != nil {
				t.Fatal(err)
			}
			models[file+offsetNs] = newInterpolated(t, recordedLatency(events, file == "btc.latrej"), offset,
				sim.Hftbacktest)
		}
	}
	rows := vectors(t, "latency.csv")
	if len(rows) != 8321 {
		t.Fatalf("%d rows, want 8321", len(rows))
	}
	for line, row := range rows[1:] {
		model := models[row[0]+row[1]]
		at, err1 := strconv.ParseInt(row[3], 10, 64)
		want, err2 := strconv.ParseInt(row[4], 10, 64)
		if model == nil || err1 != nil || err2 != nil {
			t.Fatalf("line %d: %v", line+2, row)
		}
		got := int64(0)
		if row[2] == "entry" {
			got = model.EntryNs(at, nil)
		} else {
			got = model.ResponseNs(at, nil)
		}
		if got != want {
			t.Errorf("line %d: %v: got %d", line+2, row, got)
		}
	}
}

// Three requests, the second of which was refused, in both modes.
func TestInterpolatedLatencyQuirks(t *testing.T) {
	rows := []sim.LatencyRow{
		{ReqTimestampNs: 1000, ExchTimestampNs: 1100, RespTimestampNs: 1150},
		{ReqTimestampNs: 2000, ExchTimestampNs: 0, RespTimestampNs: 2300},
		{ReqTimestampNs: 3000, ExchTimestampNs: 3300, RespTimestampNs: 3450},
		{ReqTimestampNs: 4000, ExchTimestampNs: 4400, RespTimestampNs: 4600},
	}
	type answers struct{ entry1500, entry2500, entry3500, response1200, response3800, after int64 }
	ask := func(l sim.LatencyModel) answers {
		return answers{l.EntryNs(1500, nil), l.EntryNs(2500, nil), l.EntryNs(3500, nil),
			l.ResponseNs(1200, nil), l.ResponseNs(3850, nil), l.EntryNs(9000, nil)}
	}
	for _, c := range []struct {
		name   string
		compat sim.Compat
		offset time.Duration
		want   answers
	}{
		// Between the responses at 1100 and 3300, whose latencies are 50 and 150.
		{"fixed: a refusal says nothing about responses", sim.Fixed, 0, answers{-225, -375, 350, 54, 175, 400}},
		// From (0, 2300) to (3300, 150).
		{"Q34: the refused row answers from 1970", sim.Hftbacktest, 0, answers{-225, -375, 350, 1519, 175, 400}},
		{"fixed: an offset leaves refusals alone", sim.Fixed, 10, answers{-245, -395, 360, 64, 184, 410}},
		// A refused row was at the exchange at time 10.
		{"Q35: an offset takes a refused row for an accepted one", sim.Hftbacktest, 10,
			answers{-940, -840, 360, 1535, 184, 410}},
	} {
		if got := ask(newInterpolated(t, rows, c.offset, c.compat)); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// Before the first row and after the last row their own latencies hold, also where those rows are refusals.
func TestInterpolatedLatencyEnds(t *testing.T) {
	rows := []sim.LatencyRow{
		{ReqTimestampNs: 1000, RespTimestampNs: 1300},
		{ReqTimestampNs: 2000, ExchTimestampNs: 2100, RespTimestampNs: 2150},
		{ReqTimestampNs: 3000, RespTimestampNs: 3000},
	}
	for compat, want := range map[sim.Compat][4]int64{
		sim.Fixed:       {-300, -1, 50, 50},
		sim.Hftbacktest: {-1000, -3000, 1300, 3000},
	} {
		l := newInterpolated(t, rows, 0, compat)
		// The reference interpolates from 1300 at 0 to 50 at 2100, then knows only the last row.
		if got := [4]int64{l.EntryNs(500, nil), l.EntryNs(5000, nil), l.ResponseNs(0, nil),
			l.ResponseNs(5000, nil)}; got != want {
			t.Errorf("compat %d: %v, want %v", compat, got, want)
		}
	}
}

func TestInterpolatedLatencyErrors(t *testing.T) {
	good := sim.LatencyRow{ReqTimestampNs: 10, ExchTimestampNs: 20, RespTimestampNs: 30}
	for want, rows := range map[string][]sim.LatencyRow{
		"no order latencies":           {},
		"row 1 was sent at 9":          {good, {ReqTimestampNs: 9, ExchTimestampNs: 20, RespTimestampNs: 30}},
		"row 1: sent at 10":            {good, {ReqTimestampNs: 10, ExchTimestampNs: 9, RespTimestampNs: 30}},
		"row 0: sent at 10":            {{ReqTimestampNs: 10, ExchTimestampNs: 20, RespTimestampNs: 19}},
		"row 2: sent at 11":            {good, good, {ReqTimestampNs: 11, RespTimestampNs: 10}},
		"is not a time in nanoseconds": {{ReqTimestampNs: -1 << 63}},
		"every one of 1 order ":        {{ReqTimestampNs: 10, RespTimestampNs: 30}},
	} {
		if _, err := sim.NewInterpolatedLatency(rows, 0, sim.Fixed); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v", want, err)
		}
	}
	if _, err := sim.NewInterpolatedLatency([]sim.LatencyRow{good}, 48*time.Hour, sim.Fixed); err == nil {
		t.Error("an offset of two days is taken")
	}
	if _, err := sim.NewInterpolatedLatency([]sim.LatencyRow{good, {ReqTimestampNs: 9}}, 0,
		sim.Hftbacktest); err == nil {
		t.Error("the reference's mode takes unsorted rows")
	}
}

// Whatever the rows and times, ours never answers before it was asked and stays within the recorded latencies; chained
// files are their rows.
func TestInterpolatedLatencyProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		rows := make([]sim.LatencyRow, 1+random.IntN(30))
		at, slowest := int64(1000), int64(1)
		for i := range rows {
			at += random.Int64N(100)
			exchNs, respNs := at+random.Int64N(300), int64(0)
			respNs = exchNs + random.Int64N(300)
			slowest = max(slowest, respNs-at)
			rows[i] = sim.LatencyRow{ReqTimestampNs: at, ExchTimestampNs: exchNs, RespTimestampNs: respNs}
			if i > 0 && random.IntN(4) == 0 {
				rows[i].ExchTimestampNs = 0
			}
		}
		cut := random.IntN(len(rows) + 1)
		chained := append(append([]sim.LatencyRow{}, rows[:cut]...), rows[cut:]...)
		one, other := newInterpolated(t, rows, 0, sim.Fixed), newInterpolated(t, chained, 0, sim.Fixed)
		for range 100 {
			ask := 900 + random.Int64N(4000) // also backwards
			entryNs, responseNs := one.EntryNs(ask, nil), one.ResponseNs(ask, nil)
			if entryNs < -slowest || entryNs > slowest || responseNs < 0 || responseNs > slowest {
				t.Fatalf("at %d: entry %d, response %d, slowest of %+v is %d", ask, entryNs, responseNs, rows, slowest)
			}
			if again := [2]int64{other.EntryNs(ask, nil), other.ResponseNs(ask, nil)}; again != [2]int64{entryNs,
				responseNs} {
				t.Fatalf("at %d: %v and %v of the same rows", ask, again, [2]int64{entryNs, responseNs})
			}
		}
	}
}

func ExampleNewInterpolatedLatency() {
	latency, err := sim.NewInterpolatedLatency([]sim.LatencyRow{
		{ReqTimestampNs: 1000, ExchTimestampNs: 1100, RespTimestampNs: 1150},
		{ReqTimestampNs: 2000, ExchTimestampNs: 2300, RespTimestampNs: 2500},
		{ReqTimestampNs: 3000, ExchTimestampNs: 0, RespTimestampNs: 3900}, // refused
	}, 0, sim.Fixed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sent at 1500:", latency.EntryNs(1500, nil))
	fmt.Println("sent at 2500:", latency.EntryNs(2500, nil))
	fmt.Println("answered at 1700:", latency.ResponseNs(1700, nil))
	// Output:
	// sent at 1500: 200
	// sent at 2500: -700
	// answered at 1700: 125
}

func TestInterpolatedLatencyDoesNotAllocate(t *testing.T) {
	recorded := newInterpolated(t, recordedLatency(sampletest.BTC(t).Events, true), 0, sim.Fixed)
	at := int64(0)
	if n := testing.AllocsPerRun(1000,
		func() { at = at + recorded.EntryNs(at, nil) + recorded.ResponseNs(at, nil) + 1e9 }); n != 0 {
		t.Errorf("%v allocations per recorded latency", n)
	}
}

// BenchmarkInterpolatedLatency asks for both ways in turn over a recorded day.
func BenchmarkInterpolatedLatency(b *testing.B) {
	l := newInterpolated(b, recordedLatency(depthtest.RecordedBTC(b).Events, true), 0, sim.Fixed)
	at := depthtest.RecordedBTC(b).Events[0].LocalTimestampNs
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		now := at + i%300_000*1_000_000
		l.EntryNs(now, nil)
		l.ResponseNs(now, nil)
	}
}
