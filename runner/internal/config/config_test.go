package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"github.com/hftrunner/hftrunner/internal/control"
	"github.com/hftrunner/hftrunner/internal/settings"
	"github.com/hftrunner/hftrunner/internal/venues"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ptr(x float64) *float64 { return &x }

// testPlugins stands for a plugin folder.
func testPlugins(string, []string) Plugins {
	return Plugins{
		Available: []string{"gridtrading", "obimm", "broken"},
		Described: map[string]control.Description{
			"gridtrading": {Name: "gridtrading", Params: []settings.Setting{
				{Name: "relative_half_spread", Type: settings.Float, Default: 0.0005},
				{Name: "grid_num", Type: settings.Int, Default: int64(10), Min: ptr(1)},
				{Name: "order_qty", Type: settings.Float, Doc: "quantity of each order"},
				{Name: "pause", Type: settings.Duration, Default: "100ms", Max: ptr(1)},
				{Name: "levels", Type: settings.Floats, Default: []any{}},
				{Name: "post_only", Type: settings.Bool, Default: true},
			}},
			"obimm": {Name: "obimm"},
		},
		SHA256: map[string]string{"obimm": strings.Repeat("ab", 32)},
		Failed: map[string]error{"broken": errors.New("it is no plugin: it printed nothing")},
	}
}

func testOptions() Options {
	files := fstest.MapFS{"day1.gz": {}, "eth1.gz": {}, "eth2.gz": {}, "btc1.npz": {}, "btc2.npy": {}, "eth1.npz": {}, "eth2.npz": {}, "lat.npz": {}}
	return Options{
		Kinds:   venues.Kinds(),
		Environ: []string{"SECRET_THING=top-secret-from-env", "PLAIN=many", "BINANCE_API_KEY=top-secret-key"},
		Plugins: testPlugins,
		Glob:    files.Glob,
		Stat:    func(path string) (fs.FileInfo, error) { return files.Stat(filepath.Base(path)) },
	}
}

// rendering is the golden form: the configuration with its parameters and warnings, or what is wrong.
func rendering(f *File, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err.Error() + "\n"
	}
	out := string(text) + "\n"
	for i := range f.Strategies {
		out += "params of " + f.Strategies[i].Name + ": " + string(f.Strategies[i].Params) + "\n"
	}
	if len(f.Warnings) > 0 {
		out += f.Warnings.Error() + "\n"
	}
	return out
}

func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.hcl")
	if err != nil || len(inputs) < 10 {
		t.Fatalf("found %d inputs in testdata: %v", len(inputs), err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".hcl"), func(t *testing.T) {
			got := rendering(Load(input, testOptions()))
			if strings.Contains(got, "top-secret") || strings.Contains(got, "do-not-show-me") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			golden := strings.TrimSuffix(input, ".hcl") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v; run the test with -update", err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; run the test with -update if that is right. Got:\n%s", golden, got)
			}
		})
	}
}

// One block and two blocks of a type have the same shape in koanf, and none is an empty one.
func TestShape(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"", `{"connector":{},"runner":{},"strategy":{}}`},
		{`strategy "a" { plugin = "x" }`, `{"connector":{},"runner":{},"strategy":{"a":{"params":{},"plugin":"x","risk":{}}}}`},
		{"strategy \"a.b\" { plugin = \"x\" }\nstrategy \"c\" { plugin = \"y\" }",
			`{"connector":{},"runner":{},"strategy":{"a.b":{"params":{},"plugin":"x","risk":{}},"c":{"params":{},"plugin":"y","risk":{}}}}`},
	} {
		root := parseTree(t, c.source)
		m, err := hclProvider{nil, root}.Read()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.source, text, c.want)
		}
	}
}

func write(t testing.TB, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runner.hcl")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLayers(t *testing.T) {
	path := write(t, `runner {
  state_dir = "from-file"
  log_level = "warn"
  stop_timeout = "1s"
}`)
	o := Options{Environ: []string{"RUNNER_LOG_LEVEL=debug", "RUNNER_STATE_DIR=from-env", "RUNNER_OS=Linux", "RUNNER_CRASH_LOOP_RESTARTS=9"},
		Flags: map[string]string{"state_dir": "from-flag"}}
	f, err := Load(path, o)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{f.Runner.PluginDir, f.Runner.StopTimeout.String(), f.Runner.LogLevel, f.Runner.CrashLoopRestarts, f.Runner.StateDir}
	if want := []any{"bin/plugins", "1s", "debug", 9, "from-flag"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v (default, file, environment, environment, flag)", got, want)
	}
}

func TestOverrideErrorsNameTheirOrigin(t *testing.T) {
	path := write(t, "")
	_, err := Load(path, Options{Environ: []string{"RUNNER_STOP_TIMEOUT=soon", "RUNNER_STATEDIR=x"}, Flags: map[string]string{"log_level": "loud"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`RUNNER_STOP_TIMEOUT: error: stop_timeout is "soon", not a duration`,
		`RUNNER_STATEDIR: warning: unknown setting in environment variable`, `did you mean RUNNER_STATE_DIR?`,
		`--log-level: error: log_level is "loud"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// A plugin may not have more types than pluginapi lets it declare.
func TestTypesOfPlugins(t *testing.T) {
	for _, typ := range []settings.Type{settings.Uint, settings.Speed, settings.Paths, settings.Files, settings.Time, "tensor"} {
		o := testOptions()
		o.Plugins = func(string, []string) Plugins {
			return Plugins{Described: map[string]control.Description{"odd": {Params: []settings.Setting{{Name: "a", Type: typ}}}}}
		}
		_, err := Load(write(t, "connector \"paper\" \"sim\" {\n}\nstrategy \"a\" {\n  plugin = \"odd\"\n  params {\n    a = 1\n  }\n"+
			"  instrument \"sim\" \"B\" {\n    tick_size = 1\n    lot_size = 1\n  }\n}\n"), o)
		if want := fmt.Sprintf(":6:9: error: a has the type %q, which this runner does not know", typ); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// What is wrong with an element of a list is told with the place of the list.
func TestPlaceOfAnElement(t *testing.T) {
	typ, err := settings.Of(reflect.TypeFor[struct {
		Sizes []float64 `hcl:"sizes" above:"0"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	source := []byte("\nsizes = [1, 0]\n")
	parsed, diags := hclsyntax.ParseConfig(source, "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	r := &report{source: source}
	b := &block{typ: typ}
	(&reader{report: r, ctx: evalContext(".", lookup(nil))}).read(b, parsed.Body.(*hclsyntax.Body))
	k := koanf.New(delimiter)
	if err := k.Load(confmap.Provider(map[string]any{"sizes": b.args["sizes"].Go}, ""), nil); err != nil {
		t.Fatal(err)
	}
	(&decoder{report: r, layers: &layers{k: k}}).into(b, &struct{ Sizes []float64 }{})
	if got := r.sorted().Error(); !strings.Contains(got, "test.hcl:2:9: error: sizes[1] is 0, out of range") || !b.args["sizes"].wrong {
		t.Errorf("got %s, wrong %v", got, b.args["sizes"].wrong)
	}
}

func TestLoadRunnerIgnoresTheRest(t *testing.T) {
	path := write(t, "runner {\n  state_dir = \"s\"\n}\nconnector \"nonsense\" \"x\" {\n  key = env(\"NOT_SET\")\n}\nbogus = 1\n")
	r, err := LoadRunner(path, Options{})
	if err != nil || r.StateDir != "s" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := Load(path, Options{}); err == nil {
		t.Error("Load took it")
	}
}

func TestNoFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "absent.hcl"), Options{})
	var problems Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyPluginsFailed(t *testing.T) {
	source := "connector \"paper\" \"sim\" {\n}\nstrategy \"a\" {\n  plugin = \"broken\"\n  instrument \"sim\" \"B\" {\n" +
		"    tick_size = 1\n    lot_size = 1\n  }\n}\n"
	var problems Problems
	if _, err := Load(write(t, source), testOptions()); !errors.As(err, &problems) || !problems.OnlyPluginsFailed() {
		t.Errorf("got %v", err)
	}
	if _, err := Load(write(t, source+"x = 1\n"), testOptions()); !errors.As(err, &problems) || problems.OnlyPluginsFailed() {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLoad(b *testing.B) {
	o := testOptions()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(filepath.Join("testdata", "two.hcl"), o); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHideSecrets(t *testing.T) {
	source := "api_key = \"abc\"\n  secret = env(\"S\")\r\nx = { secret: \"def\" }\nrest = 1"
	want := "api_key = (hidden)\n  secret = env(\"S\")\r\nx = { secret: (hidden)\nrest = 1"
	if got := string(HideSecrets([]byte(source))); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A key does not go to another machine as it is, unless that is allowed.
func TestUnencryptedAddresses(t *testing.T) {
	for address, ok := range map[string]bool{"http://127.0.0.1:8080": true, "http://localhost:1": true, "http://[::1]:1": true, "https://example.com": true,
		"http://10.0.0.7:8080": false, "http://example.com": false, "http://127.0.0.1.example.com": false} {
		for key, harmless := range map[string]bool{"api_key = \"k\"\nsecret = \"s\"\n": false, "": true,
			"api_key = \"k\"\nsecret = \"s\"\nallow_unencrypted = true\n": true} {
			source := "connector \"bybit\" \"b\" {\nnetwork = \"main\"\n" + key + "api_url = \"" + address + "\"\n}\n"
			_, err := Load(write(t, source), testOptions())
			told := err != nil && strings.Contains(err.Error(), "api_url is http:// to another machine")
			if told == (ok || harmless) {
				t.Errorf("%s with %q: %v", address, key, err)
			}
		}
	}
	// An address that is none is told of once.
	source := "connector \"bybit\" \"b\" {\nnetwork = \"main\"\napi_key = \"k\"\nsecret = \"s\"\napi_url = \"http://127.0.0.1@evil.com\"\n}\n"
	if _, err := Load(write(t, source), testOptions()); err == nil || strings.Count(err.Error(), ": error: ") != 1 || !strings.Contains(err.Error(), "is not a URL") {
		t.Errorf("with a name before the machine: %v", err)
	}
}
