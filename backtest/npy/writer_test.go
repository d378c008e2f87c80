package npy_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zip"

	"github.com/hftrunner/hftrunner/backtest/npy"
)

// recordRow is the recorder's sample.
type recordRow struct {
	TimestampNs                   int64
	Price, Position, Balance, Fee float64
	NumTrades                     int64
	TradingVolume, TradingValue   float64
}

// names lists the files of a folder.
func names(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestFileAppearsWhenComplete looks at the folder while a file is written, closed and given up.
func TestFileAppearsWhenComplete(t *testing.T) {
	for _, name := range []string{"a.npy", "a.npz"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		begin := func(rows int) *npy.Writer[latencyRow] {
			w, err := npy.Create[latencyRow](path, npy.LatencyDtype(), 3)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(make([]latencyRow, rows)); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is there too early: %v", name, err)
			}
			return w
		}
		if err := begin(2).Close(); !errors.Is(err, npy.ErrTruncated) || !strings.Contains(err.Error(), "2 of 3 rows") {
			t.Error(err)
		}
		w := begin(3)
		if err := w.Write(make([]latencyRow, 1)); !errors.Is(err, npy.ErrFormat) ||
			!errors.Is(w.Close(), npy.ErrFormat) {
			t.Error(err)
		}
		if err := begin(1).Discard(); err != nil {
			t.Error(err)
		}
		if left := names(t, dir); left != nil {
			t.Errorf("%s: %v is left", name, left)
		}
		w = begin(3)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); !errors.Is(err, os.ErrClosed) || w.Discard() != nil ||
			!errors.Is(w.Write(nil), os.ErrClosed) {
			t.Error(err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{name}) {
			t.Errorf("files %v", got)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

// TestOlderFileStays gives a new file of the same name up.
func TestOlderFileStays(t *testing.T) {
	path := write(t, "a.npy", []byte("older"))
	w, err := npy.Create[latencyRow](path, npy.LatencyDtype(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("rows are missing")
	}
	if got, err := os.ReadFile(path); string(got) != "older" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRefusedWriters(t *testing.T) {
	dir := t.TempDir()
	for path, says := range map[string]string{"a.csv": "extension", "a.gz": "convert",
		filepath.Join("none", "a.npy"): "no such file"} {
		if _, err := npy.Create[latencyRow](filepath.Join(dir, path), npy.LatencyDtype(), 1); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := npy.Create[latencyRow](filepath.Join(dir, "a.npz"), npy.LatencyDtype(), -1); !errors.Is(err,
		npy.ErrFormat) {
		t.Error(err)
	}
	if _, err := npy.CreateArchive[latencyRow](filepath.Join(dir, "a.npy"), npy.LatencyDtype()); !errors.Is(err,
		npy.ErrFormat) {
		t.Error(err)
	}
	if left := names(t, dir); left != nil {
		t.Errorf("%v is left", left)
	}
}

// TestArchive writes the recorder's file of two assets and reads it back, member by member and as a zip.
func TestArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.npz")
	w, err := npy.CreateArchive[recordRow](path, npy.RecordDtype())
	if err != nil {
		t.Fatal(err)
	}
	assets := map[string][]recordRow{
		"0.npy": {{TimestampNs: 1, Price: 2.5, NumTrades: 3}, {TimestampNs: 2, Fee: -1, TradingValue: 7}},
		"1.npy": {{TimestampNs: 9, Position: 4, Balance: 5, TradingVolume: 6}},
	}
	for _, name := range []string{"0.npy", "1.npy"} {
		if err := w.Member(name, int64(len(assets[name]))); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(assets[name]); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"1.npy", "2", "../2.npy"} {
		if err := w.Member(bad, 0); !errors.Is(err, npy.ErrFormat) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) != 2 || z.File[0].Name != "0.npy" || z.File[0].Method != zip.Deflate || z.File[1].Name != "1.npy" {
		t.Errorf("%+v", z.File)
	}
	for name, want := range assets {
		r, err := npy.OpenMember[recordRow](path, name, npy.RecordDtype())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(r, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		r.Close()
	}
}

// TestArchiveChecksRows starts a member before the last is complete, and writes without a member.
func TestArchiveChecksRows(t *testing.T) {
	dir := t.TempDir()
	open := func() *npy.ArchiveWriter[latencyRow] {
		w, err := npy.CreateArchive[latencyRow](filepath.Join(dir, "a.npz"), npy.LatencyDtype())
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := open()
	if err := w.Write(make([]latencyRow, 1)); !errors.Is(err, npy.ErrFormat) {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, npy.ErrFormat) {
		t.Error(err)
	}
	w = open()
	if err := w.Member("0.npy", 2); err != nil {
		t.Fatal(err)
	}
	if err := w.Member("1.npy", 2); !errors.Is(err, npy.ErrTruncated) ||
		!strings.Contains(err.Error(), "member 0.npy") {
		t.Error(err)
	}
	if err := w.Discard(); err != nil || w.Discard() != nil {
		t.Error(err)
	}
	if left := names(t, dir); left != nil {
		t.Errorf("%v is left", left)
	}
}
