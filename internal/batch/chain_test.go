package batch_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/backtest/npy"
	"github.com/hftrunner/hftrunner/depth"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/batch"
)

// levelsOf returns the levels of the book at the end of event files, one side's rows of which are flagged.
func levelsOf(t *testing.T, flag uint64, paths ...string) string {
	t.Helper()
	book := depth.NewHashMapMarketDepth(0.1, 0.001)
	for _, path := range paths {
		r, err := npy.Open[hft.Event](path, npy.EventDtype())
		if err != nil {
			t.Fatal(err)
		}
		rows := make([]hft.Event, r.NumRows())
		_, err = r.Read(rows)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if rows[i].Is(flag) {
				depth.Apply(book, &rows[i])
			}
		}
	}
	var text strings.Builder
	for _, row := range book.Snapshot(nil) {
		fmt.Fprintln(&text, row.Side(), row.Px, row.Qty)
	}
	return text.String()
}

// newChainRig has the jobs of three recordings, of which only the first has a snapshot, and one of all.
func newChainRig(t *testing.T) (r *rig, whole batch.Job) {
	r = newRig(t)
	lines := bytes.SplitAfter(recordedStart(t, 1500), []byte("\n"))
	var files []string
	for n := range 3 {
		path := filepath.Join(r.dir, fmt.Sprintf("b_2023111%d.gz", 5+n))
		if err := os.WriteFile(path, bytes.Join(lines[n*500:(n+1)*500], nil), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	whole = r.cfg.Jobs[0]
	whole.Part, whole.Recordings = "all", []batch.Recording{{Format: "binancefutures", BookTicker: true}}
	r.cfg.Jobs = nil
	for n := range files {
		job := whole
		job.Part, job.Spec.Assets = fmt.Sprint(n), slices.Clone(whole.Spec.Assets)
		job.Spec.Assets[0].Files = files[n : n+1]
		if n > 0 {
			job.Before = [][]string{files[:n]}
		}
		r.cfg.Jobs = append(r.cfg.Jobs, job)
	}
	whole.Spec.Assets = slices.Clone(whole.Spec.Assets)
	whole.Spec.Assets[0].Files = files
	return r, whole
}

// filesOf returns the files that a job was run on.
func (r *rig) filesOf(name string) []string {
	at := slices.Index(r.fake.runs, name)
	if at < 0 {
		r.t.Fatalf("%s was not run, only %v", name, r.fake.runs)
	}
	return r.fake.specs[at].Assets[0].Files
}

// TestOneFeed: recordings are one feed. A run over all has one event file of them, and one over each begins with the
// book that the files before have left.
func TestOneFeed(t *testing.T) {
	r, whole := newChainRig(t)
	parts := r.cfg.Jobs
	r.cfg.Jobs = append(slices.Clone(parts), whole)
	for n, step := range []struct {
		gone      string
		converted int
	}{{"", 4}, {"", 0}, {"s gain=1 2", 1}} {
		if step.gone != "" {
			if err := os.Remove(r.filesOf(step.gone)[0]); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(r.cfg.Dir); err != nil {
			t.Fatal(err)
		}
		results := r.run()
		converted := len(r.told(batch.EventConverted))
		if got := statuses(results); got != "finished, finished, finished, finished" || converted != step.converted {
			t.Fatalf("%d: %s, converted %d: %+v", n, got, converted, results)
		}
		for _, flag := range []uint64{hft.ExchEvent, hft.LocalEvent} {
			all := r.filesOf("s gain=1 all")
			want := levelsOf(t, flag, all...)
			if len(all) != 1 || strings.Count(want, "\n") < 300 {
				t.Errorf("%d: the book of all has %d levels, from %v", n, strings.Count(want, "\n"), all)
			}
			if last := r.filesOf("s gain=1 2"); levelsOf(t, flag, last...) != want {
				t.Errorf("%d: the last file by itself has another book at its end than all have", n)
			}
			if at := results[3].Data; len(at) != 1 || !strings.HasSuffix(at[0].Path, "b_20231115.gz and 2 more") {
				t.Errorf("%+v", at)
			}
		}
	}
}

// TestFileBeforeChanges: a job depends on the recordings before its own, in the cache and in what is finished.
func TestFileBeforeChanges(t *testing.T) {
	r, _ := newChainRig(t)
	r.run()
	first := r.cfg.Jobs[0].Spec.Assets[0].Files[0]
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	text = text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1] // a line is missing
	if err := os.WriteFile(first, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.run()
	n, changed := len(r.told(batch.EventConverted)), strings.Join(r.told(batch.EventChanged), ", ")
	if len(r.fake.runs) != 1 || n != 3 || // the others lack a book now
		!strings.Contains(changed, "the recordings before its own") {
		t.Errorf("run again are %v, %d were converted, changed %q", r.fake.runs, n, changed)
	}
	// What cannot be read ends the jobs of the files that follow on it, and says so.
	if err := os.WriteFile(first, []byte("no recording\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results := r.run()
	if got := statuses(results); got != "failed, failed, failed" ||
		!strings.Contains(results[2].Error, "b_20231117.gz follows on ") ||
		!strings.Contains(results[2].Error, "b_20231115.gz, which cannot be used: convert ") {
		t.Errorf("%s: %+v", got, results[2])
	}
}

// TestEventFilesBetweenRecordings: an event file is not a part of a feed.
func TestEventFilesBetweenRecordings(t *testing.T) {
	r, whole := newChainRig(t)
	events, files := filepath.Join(r.dir, "b_20231115.npz"), whole.Spec.Assets[0].Files
	whole.Spec.Assets[0].Files = []string{files[0], events, files[1], files[2]}
	last := r.cfg.Jobs[2]
	last.Before = [][]string{{files[0], events, files[1]}}
	r.cfg.Jobs = []batch.Job{whole, last}
	results := r.run()
	n := len(r.told(batch.EventConverted))
	// The last one's book is that of the file before it, which has none.
	if got := statuses(results); got != "finished, failed" || len(results[0].Data) != 3 || n != 4 ||
		!strings.Contains(results[1].Error, "there is no book of BTCUSDT") {
		t.Fatalf("%s, %d converted: %+v", got, n, results)
	}
	if got := r.filesOf("s gain=1 all"); len(got) != 3 || got[1] != events {
		t.Errorf("run on %v", got)
	}
}

// TestRecordingOfAnotherSymbol: a recording is not converted with the steps of an instrument that it is not about.
func TestRecordingOfAnotherSymbol(t *testing.T) {
	r, _ := newChainRig(t)
	r.cfg.Jobs = r.cfg.Jobs[:1]
	asset, rec := &r.cfg.Jobs[0].Spec.Assets[0], &r.cfg.Jobs[0].Recordings[0]
	for _, c := range []struct{ asset, recorded, want string }{
		{"BTCUSDT", "", ""},
		{"ETHUSDT", "", "no message of the recording is about ETHUSDT: it has messages of BTCUSDT"},
		{"any name", "btcusdt", ""},
		{"BTCUSDT", "XRPUSDT", "no message of the recording is about XRPUSDT: it has messages of BTCUSDT"},
	} {
		asset.Symbol, rec.Symbol = c.asset, c.recorded
		got := r.run()[0]
		if (got.Status == batch.StatusFinished) != (c.want == "") || !strings.Contains(got.Error, c.want) {
			t.Errorf("%+v: %s, %s", c, got.Status, got.Error)
		}
	}
}
