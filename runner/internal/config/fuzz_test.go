package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func parseTree(t *testing.T, source string) *block {
	t.Helper()
	parsed, diags := hclsyntax.ParseConfig([]byte(source), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	root := &block{typ: schemaOf(t)}
	r := &reader{report: &report{source: []byte(source)}, ctx: evalContext(".", lookup(nil))}
	r.read(root, parsed.Body.(*hclsyntax.Body))
	return root
}

// FuzzLoad: whatever is in the file, Load returns, and every problem has a position and a text.
func FuzzLoad(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.hcl")
	if err != nil || len(inputs) == 0 {
		f.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		source, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte("strategy \"\x1f\" {}\nconnector \"paper\" \"\u00e9\" { speed = 1e400 }\n"))
	path := filepath.Join(f.TempDir(), "fuzz.hcl")
	f.Fuzz(func(t *testing.T, source []byte) {
		if err := os.WriteFile(path, source, 0o600); err != nil {
			t.Fatal(err)
		}
		o := testOptions()
		o.Environ = append(o.Environ, "BINANCE_SECRET=top-secret-from-env")
		file, err := Load(path, o)
		if err == nil {
			if file.Connectors == nil || file.Strategies == nil {
				t.Fatal("nil lists")
			}
			return
		}
		problems, ok := err.(Problems)
		if !ok {
			t.Fatalf("error of another kind: %v", err)
		}
		for i := range problems {
			if problems[i].File == "" || strings.TrimSpace(problems[i].Message) == "" {
				t.Fatalf("problem without place or text: %+v", problems[i])
			}
		}
		if strings.Contains(err.Error(), "top-secret-from-env") && !strings.Contains(string(source), "top-secret-from-env") {
			t.Fatalf("a secret is shown: %v", err)
		}
	})
}

// FuzzSets: whatever is given with --set, Load returns the values or says what is wrong with them.
func FuzzSets(f *testing.F) {
	for _, text := range []string{"grid_num=5,10", "grid.order_qty=0.5", "levels=[1,2],[]", "pause=1s", "a.b.c=]],[", "=", "", "x"} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "fuzz.hcl")
	if err := os.WriteFile(path, []byte(sweepSource), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := testOptions()
		o.Backtest, o.Sets = true, []string{"grid.order_qty=1", text}
		file, err := Load(path, o)
		if problems, ok := err.(Problems); err != nil && (!ok || problems.Count(SeverityError) == 0) {
			t.Fatalf("error of another kind: %v", err)
		}
		if err != nil {
			return
		}
		for _, s := range file.Strategies[0].Sweep {
			if len(s.Values) == 0 || len(s.Values) != len(s.Texts) {
				t.Fatalf("%d values of %d texts", len(s.Values), len(s.Texts))
			}
		}
	})
}
