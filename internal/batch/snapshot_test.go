package batch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/backtest"
	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch"
	"github.com/hftrunner/hftrunner/internal/batch/convert"
)

// writeRows writes an event file.
func writeRows(t *testing.T, path string, rows []hft.Event) string {
	t.Helper()
	w, err := npy.Create[hft.Event](path, npy.EventDtype(), int64(len(rows)))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rows), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// endOf returns the book at the end of a recording, as 'runner snapshot' makes it.
func (r *rig) endOf(path string) []hft.Event {
	r.t.Helper()
	events := filepath.Join(r.dir, "end.npy")
	f := r.cfg.Formats["binancefutures"]
	summary, err := convert.Events(context.Background(), []string{path}, events, convert.Options{NewDecoder: f.NewDecoder,
		Rule: connector.RuleFutures, TickSize: 0.1, LotSize: 0.001, Quotes: true})
	if err != nil {
		r.t.Fatal(err)
	}
	last, err := backtest.ReadLastBook(context.Background(), backtest.LastBookOptions{TickSize: 0.1, LotSize: 0.001,
		Data: []backtest.Data{backtest.File(events)}})
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range last.Rows {
		last.Rows[i].Ival = summary.LastUpdateID
	}
	return last.Rows
}

// TestSnapshotBeginsRecordings: recordings that go on without a snapshot begin with the one that the job names, and end in
// the book that they have behind those before. One that does not fit, is of another instrument or none is refused.
func TestSnapshotBeginsRecordings(t *testing.T) {
	r, whole := newChainRig(t)
	files := whole.Spec.Assets[0].Files
	end := r.endOf(files[0])
	at := func(name string, change func(row *hft.Event)) string {
		rows := slices.Clone(end)
		for i := range rows {
			change(&rows[i])
		}
		return writeRows(t, filepath.Join(r.dir, name), rows)
	}
	r.cfg.Jobs = []batch.Job{whole}
	r.run()
	want := levelsOf(t, hft.LocalEvent, r.filesOf("s gain=1 all")...)
	if err := os.RemoveAll(r.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, snapshot, want string }{
		{"its own", at("own.npz", func(*hft.Event) {}), ""},
		{"without an id", at("noid.npz", func(row *hft.Event) { row.Ival = 0 }), ""},
		{"of an earlier update", at("early.npz", func(row *hft.Event) { row.Ival -= 20 }),
			"there is no book of BTCUSDT in "},
		{"of another symbol", at("other.npz", func(row *hft.Event) { row.Px, row.Ival = row.Px/20, 0 }),
			"other.npz is of another instrument: its best bid is "},
		{"events", filepath.Join(r.dir, "b_20231115.npz"), "b_20231115.npz: row 1 is of kind 2, not a book level"},
		{"none", writeRows(t, filepath.Join(r.dir, "none.npz"), nil), "there is no level in it"},
		{"changes", writeRows(t, filepath.Join(r.dir, "changes.npz"), append(slices.Clone(end), end[0])),
			"is the second one of"},
		{"absent", filepath.Join(r.dir, "absent.npz"), "absent.npz"},
	} {
		job := whole
		job.Part, job.Spec.Assets = c.name, slices.Clone(whole.Spec.Assets)
		job.Spec.Assets[0].Files, job.Spec.Assets[0].Snapshot = files[1:], c.snapshot
		job.Before = [][]string{files[:1]} // is ignored
		r.cfg.Jobs = []batch.Job{job}
		got := r.run()[0]
		if c.want != "" {
			if got.Status != batch.StatusFailed || !strings.Contains(got.Error, c.want) {
				t.Errorf("%s: %s, %s", c.name, got.Status, got.Error)
			}
			continue
		}
		if got.Status != batch.StatusFinished || len(r.fake.specs) != 1 || r.fake.specs[0].Assets[0].Snapshot != "" {
			t.Fatalf("%s: %+v", c.name, got)
		}
		for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
			if book := levelsOf(t, flag, r.filesOf(job.Name())...); book != want || want == "" {
				t.Errorf("%s: %d levels at the end, want %d", c.name, strings.Count(book, "\n"),
					strings.Count(want, "\n"))
			}
		}
		// A snapshot that has changed is another beginning.
		r.cfg.Jobs[0].Spec.Assets[0].Files = files[1:2]
		if r.run(); len(r.told(batch.EventConverted)) != 1 {
			t.Errorf("%s: of fewer files %v was converted", c.name, r.told(batch.EventConverted))
		}
	}
	// Event files begin with it as they are.
	job := whole
	job.Spec.Assets = slices.Clone(whole.Spec.Assets)
	a := &job.Spec.Assets[0]
	a.Files, a.Snapshot = []string{filepath.Join(r.dir, "b_20231115.npz")}, filepath.Join(r.dir, "own.npz")
	r.cfg.Jobs = []batch.Job{job}
	if got := r.run()[0]; !strings.Contains(got.Error, "own.npz is of another instrument") { // the trades are at 100
		t.Errorf("%+v", got)
	}
	for i := range end {
		if end[i].Px = 80 + float64(i)*0.01; end[i].Side() == hft.Sell {
			end[i].Px += 20
		}
	}
	a.Snapshot = writeRows(t, filepath.Join(r.dir, "near.npz"), end)
	if got := r.run()[0]; got.Status != batch.StatusFinished || r.fake.specs[0].Assets[0].Snapshot == "" {
		t.Errorf("%+v", got)
	}
}

// TestOneJudgement: what check-data calls an error ends a run with data_check = "fail", and data in which nothing is ever
// traded against a book end every run that looks at them.
func TestOneJudgement(t *testing.T) {
	run := func(check batch.DataCheck, lot float64, text []byte, rows ...hft.Event) batch.JobResult {
		r := newRig(t)
		job := &r.cfg.Jobs[0]
		job.DataCheck, job.Spec.Assets[0].LotSize = check, lot
		job.Recordings = []batch.Recording{{Format: "binancefutures", BookTicker: true}}
		job.Spec.Assets[0].Files = []string{filepath.Join(r.dir, "b.txt")}
		if text == nil {
			job.Spec.Assets[0].Files = []string{writeRows(t, filepath.Join(r.dir, "b.npz"), rows)}
		} else if err := os.WriteFile(job.Spec.Assets[0].Files[0], text, 0o600); err != nil {
			t.Fatal(err)
		}
		r.cfg.Jobs = r.cfg.Jobs[:1]
		return r.run()[0]
	}
	good := recordedStart(t, 600)
	lines := strings.SplitAfter(string(recordedStart(t, 1500)), "\n")
	gap := []byte(strings.Join(slices.Delete(lines, 700, 760), ""))
	trade := hft.Event{Ev: hft.ExchEvent | hft.LocalEvent | hft.BuyEvent | hft.TradeEvent, ExchTimestampNs: startNs,
		LocalTimestampNs: startNs, Px: 100, Qty: 1}
	for name, c := range map[string]struct {
		text       []byte
		lot        float64
		warn, fail string
	}{
		"good":        {good, 0.001, "", ""},
		"a gap":       {gap, 0.001, "", "recording that ends without a complete book"},
		"lot size":    {good, 0.01, "", "rows off the grid"},
		"trades only": {nil, 0.001, "there is no book of BTCUSDT in ", "there is no book of BTCUSDT in "},
	} {
		for check, want := range map[batch.DataCheck]string{batch.CheckWarn: c.warn, batch.CheckFail: c.fail} {
			got := run(check, c.lot, c.text, trade, trade)
			if (got.Status == batch.StatusFinished) != (want == "") || !strings.Contains(got.Error, want) {
				t.Errorf("%s, %s: %s %s, want %q; %+v", name, check, got.Status, got.Error, want, got.Data)
			}
		}
	}
}
