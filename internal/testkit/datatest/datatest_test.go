package datatest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hftrunner/hftrunner/internal/testkit/datatest"
)

// ended describes how a test that needs data has ended.
type ended struct {
	testing.TB
	skipped, failed string
}

func (e *ended) Helper() {}

func (e *ended) Skip(args ...any) {
	e.skipped = args[0].(string)
	panic(e)
}

func (e *ended) Fatal(args ...any) {
	e.failed = args[0].(string)
	panic(e)
}

func outcome(need func(tb testing.TB)) (e *ended) {
	e = &ended{}
	defer func() { _ = recover() }()
	need(e)
	return e
}

// Without the data a test is skipped with one line that says what to set; where they are a must it fails with it. A
// recording by the same name is not taken for hftbacktest's.
func TestAbsentData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "binancefutures"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "binancefutures", "btcusdt_20240808.gz"), []byte("made up"),
		0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HFTRUNNER_DATA", dir)
	for name, need := range map[string]func(tb testing.TB){
		"another recording": func(tb testing.TB) { datatest.Recording(tb, "binancefutures", "btcusdt_20240808.gz") },
		"no recording":      func(tb testing.TB) { datatest.Recording(tb, "binancespot", "btcusdt_20240808.gz") },
		"no results":        func(tb testing.TB) { datatest.Golden(tb, "vectors/prob.csv") },
		"no messages":       func(tb testing.TB) { datatest.Messages(tb, "binance-spot/rest_account.json") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HFTRUNNER_NEED_DATA", "")
			e := outcome(need)
			if e.failed != "" || !strings.Contains(e.skipped,
				"set HFTRUNNER_DATA to the directory of the recordings") || strings.Contains(e.skipped, "\n") {
				t.Errorf("skipped %q, failed %q", e.skipped, e.failed)
			}
			t.Setenv("HFTRUNNER_NEED_DATA", "1")
			if must := outcome(need); must.skipped != "" || must.failed != e.skipped {
				t.Errorf("skipped %q, failed %q", must.skipped, must.failed)
			}
		})
	}
}

// Files next to the recordings are found by their directory alone.
func TestBeside(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"golden/a.csv", "exchanges/samples/b/c.json"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HFTRUNNER_DATA", filepath.Join(root, "data"))
	if got := string(datatest.Golden(t, "a.csv")) + " " + string(datatest.Messages(t,
		"b/c.json")); got != "golden/a.csv exchanges/samples/b/c.json" {
		t.Error(got)
	}
}
